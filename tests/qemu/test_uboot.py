# SPDX-License-Identifier: BSD-2-Clause
"""
U-Boot's S-mode binary on both sides of Gnomon: as a guest, which runs with satp
Bare, and as the boot loader that starts Gnomon and hands it a bundle.
"""
import json
import pathlib
import re
import subprocess
import zlib

import pytest

UBOOT = pathlib.Path("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin")
PROMPT = "\n=> "


@pytest.fixture
def uboot(terminal):
    """uboot(OPTION..., how=...): a terminal at U-Boot's first prompt."""
    def start(*options, **rest):
        child = terminal("--kernel", UBOOT, *options, **rest)
        child.expect_exact("Hit any key to stop autoboot")
        child.send(" ")
        child.expect_exact(PROMPT)
        return child
    return start


def answer(child, command):
    """What U-Boot prints on a command."""
    child.sendline(command)
    child.expect_exact(PROMPT)
    return child.before.replace("\r", "")


def test_commands_at_the_prompt(uboot, ended, how):
    child = uboot("--memory", "256M", how=how)
    assert re.search(r"^U-Boot 20\d\d\.\d\d", answer(child, "version"), re.M)
    memory = answer(child, "bdinfo")
    assert re.search(r"start\s*= 0x0*80000000\n", memory)
    assert re.search(r"size\s*= 0x0*10000000\n", memory)
    pattern = bytes.fromhex("1c1d1e1f") * 0x400
    assert f"==> {zlib.crc32(pattern):08x}" in \
        answer(child, "mw.l 88000000 1f1e1d1c 400; crc32 88000000 1000")
    child.sendline("poweroff")
    assert ended(child) == 0


@pytest.mark.parametrize("command, reason", [("poweroff", "power-off"), ("reset", "reboot")])
def test_how_it_ends_is_reported(uboot, ended, anywhere, tmp_path, command, reason):
    stats = tmp_path / "stats.json"
    child = uboot("--stats", stats, how=anywhere)
    child.sendline(command)
    child.expect_exact(f"gnomon: vm u-boot: {reason}, after ")
    assert ended(child) == 0
    assert json.loads(stats.read_text())["reason"] == reason


def test_an_access_to_nothing_is_an_exception_for_the_guest(uboot, ended, anywhere):
    """U-Boot prints the registers and resets; Gnomon lives on to say so."""
    child = uboot(how=anywhere)
    child.sendline("md.l 4000000000 1")
    child.expect("Unhandled exception: Load access fault")
    child.expect_exact("gnomon: vm u-boot: reboot, after ")
    assert ended(child) == 0


def loaded(path, address):
    """Options by which QEMU lays a file into memory before the machine starts."""
    return ["--qemu-arg=-device",
            f"--qemu-arg=loader,file={path},addr={address:#x},force-raw=on"]


def test_booti_starts_gnomon_with_a_bundle(uboot, ended, hypervisor, bundle, guest, tmp_path,
                                           paging):
    """U-Boot would look into a bare FIT image for a ramdisk, so the bundle is
    wrapped as one."""
    wrapped = tmp_path / "bundle.uimg"
    subprocess.run(["mkimage", "-A", "riscv", "-T", "ramdisk", "-C", "none", "-d",
                    bundle("--kernel", guest("hello.bin"), "--memory", "64M",
                           "--paging", paging), wrapped],
                   check=True, capture_output=True)
    child = uboot(*loaded(hypervisor, 0x84000000), *loaded(wrapped, 0x88000000),
                  how="native")
    answer(child, "setenv bootargs report=here")
    child.sendline("booti 84000000 88000000 ${fdtcontroladdr}")
    child.expect_exact("gnomon: Gnomon starts on hart 0")
    child.expect_exact(f"gnomon: vm hello: 64 MiB of memory, paging mode {paging}")
    child.expect_exact("hello from hart 0: 64 MiB of memory at 0x80000000")
    child.expect(r"gnomon: report here (\{[^\r\n]*\})\r")
    assert json.loads(child.match[1])["reason"] == "power-off"
    assert ended(child) == 0
