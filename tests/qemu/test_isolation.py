# SPDX-License-Identifier: BSD-2-Clause
"""
What guests cannot reach on seat m, where physical memory protection is all that is
between them and Gnomon: its image and its pool lie here right behind the RAM of the
guest, which looks for them by its own tables and without any.
"""
import os
import pathlib
import re
import struct
import subprocess

import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
IMAGE = BUILD / "gcc" / "gnomon-m.bin"
MIB = 1 << 20

# li t0, 0x41; slli t0, t0, 25; jr t0: to the kernel, which QEMU puts at the next
# multiple of 2 MiB behind a firmware of this length.
JUMP = struct.pack("<3I", 0x04100293, 0x01929293, 0x00028067).ljust(31 * MIB, b"\0")


@pytest.fixture(scope="module", autouse=True)
def image():
    subprocess.run(["make", "-s", "-C", str(TOP), "build/gcc/gnomon-m.bin"], check=True)


@pytest.fixture
def boot(tmp_path):
    """boot(BUNDLE OPTION..., memory=SIZE, firmware=BYTES, cpu=CPU): all that is printed."""
    def start(*options, memory="256M", firmware=None, cpu="rv64,h=false,sstc=false"):
        bundle, first = tmp_path / "bundle.itb", tmp_path / "first.bin"
        subprocess.run([TOP / "scripts" / "gnomon", "bundle", *map(str, options),
                        "-o", bundle], check=True)
        first.write_bytes(firmware or b"")
        command = [(BUILD / "qemu-path").read_text().strip(), "-M", "virt", "-cpu",
                   cpu, "-m", memory, "-nographic", "-no-reboot",
                   "-bios", first if firmware else "none", "-kernel", IMAGE, "-initrd",
                   bundle, "-append", "canary=4096K time-limit=100"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=TIMEOUT, check=False)
        return result.stdout.decode(errors="replace").replace("\r", "")
    return start


def hostile(attack, seed, paging):
    return ("--kernel", BUILD / "guests" / "hostile.bin", "--memory", "32M", "--paging",
            paging, "--append", f"attack={attack} seed={seed}")


@pytest.mark.parametrize("paging", ["lsp", "shadow", "shadow-unsync"])
@pytest.mark.parametrize("attack", ["outside", "privileges"])
def test_nothing_of_gnomons_is_in_reach(boot, attack, paging):
    out = boot(*hostile(attack, 1, paging), firmware=JUMP)
    assert "image at 0x82000000" in out
    assert re.search(r"^gnomon: PMP: 4 of \d+ entries; closed to guests: all devices, and "
                     r"16 MiB at 0x82000000 for Gnomon, with a pool of shadow tables, "
                     r"8 MiB at 0x82800000,.* no W\^X and no stack guards", out, re.M)
    assert f"hostile: {attack} seed 1: done, 0 breaches" in out
    assert "gnomon: canary: 1024 pages untouched" in out
    assert "gnomon: vm hostile: power-off, after" in out


def test_too_little_ram_to_keep_apart_is_refused(boot):
    out = boot(*hostile("outside", 1, "lsp"), memory="31M")
    assert "31 MiB of RAM, and none to close to guests" in out
    assert "vm hostile" not in out


@pytest.mark.parametrize("paging", ["lsp", "shadow"])
def test_shadow_memory_has_to_fit_the_pool(boot, paging):
    out = boot(*hostile("outside", 1, paging), "--shadow-memory", "17M")
    assert re.search(r"17825792 bytes of shadow memory asked for, \d+ are free in the pool "
                     r"that it comes from", out)
