# SPDX-License-Identifier: BSD-2-Clause
"""
What `make visionfive2` makes, as far as it can be tried without the board: that its SPL
finds everything where it looks, and that the very same parts boot on QEMU's virt, whose
RAM begins 1 GiB higher, from a first stage that hands over what the SPL would.
"""
import re
import subprocess

import first_stage
import pexpect
import pytest
from first_stage import BUILD, CPU, RAM, TOP, get, information, put
from timeouts import TIMEOUT

UBOOT = BUILD / "debian/trixie-riscv64/usr/lib/u-boot/starfive_visionfive2"
SPL = UBOOT / "u-boot-spl.bin.normal.out"
SECTOR = 512
GIB = 1 << 30
# QEMU starts at the very beginning of RAM, where Gnomon is on the board.
SHIFT, ENTRY = 0x80000000 - 0x40000000, RAM + 0x200000
SPL_HEAP = range(0x80000000, 0x80400000)


@pytest.fixture(scope="module", autouse=True)
def image():
    subprocess.run(["make", "-s", "-C", TOP, "build/gnomon-m.bin"], check=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Its files, with Debian in the bundle."""
    directory = tmp_path_factory.mktemp("visionfive2")
    done = subprocess.run([TOP / "scripts/visionfive2", directory], check=True,
                          capture_output=True, text=True)
    assert f"visionfive2: {directory}/gnomon.itb" in done.stdout
    return directory


def images(fit):
    """{name: (index, load address)} of a FIT image."""
    names = subprocess.run(["fdtget", "-l", fit, "/images"], check=True, capture_output=True,
                           text=True).stdout.split()
    return {name: (index, int("".join(f"{int(cell, 16):08x}" for cell in
                                      get(fit, f"/images/{name}", "load", "x")), 16))
            for index, name in enumerate(names)}


def part(fit, name, path):
    subprocess.run(["dumpimage", "-T", "flat_dt", "-p", str(images(fit)[name][0]), "-o", path,
                    fit], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def parts(built):
    """{name: file}, as dumpimage takes them out of gnomon.itb."""
    fit = built / "gnomon.itb"
    return {name: part(fit, name, built / f"{name}.part") for name in images(fit)}


# --- what the SPL looks for -------------------------------------------------

def test_the_spl_finds_gnomon_in_opensbis_place(built):
    """It starts the firmware called opensbi and tells it of the loadable called u-boot,
    at the entry point that it has, or else where it was loaded to."""
    fit, theirs = built / "gnomon.itb", UBOOT / "u-boot.itb"
    assert get(fit, "/configurations", "default") == ["conf-1"]
    conf = "/configurations/conf-1"
    assert [get(fit, conf, name) for name in ("firmware", "loadables", "fdt")] == \
        [["gnomon"], ["bundle"], ["fdt-1"]]
    for ours, other in (("gnomon", "opensbi"), ("bundle", "uboot")):
        assert get(theirs, "/configurations/conf-1",
                   "firmware" if ours == "gnomon" else "loadables") == [other]
        for name in ("type", "os", "arch", "compression"):
            assert get(fit, f"/images/{ours}", name)[0].lower() == \
                get(theirs, f"/images/{other}", name)[0].lower()
    for name in ("load", "entry"):
        assert get(fit, "/images/gnomon", name, "x") == get(theirs, "/images/opensbi", name,
                                                            "x")


def test_everything_is_loaded_beside_everything_else(built, parts):
    taken = []
    for name, (_, address) in images(built / "gnomon.itb").items():
        size = parts[name].stat().st_size + SECTOR  # it reads whole sectors
        if name == "gnomon":
            size += 8 << 20  # with its bss
        taken.append(range(address, address + size))
    taken.append(SPL_HEAP)
    taken.sort(key=lambda piece: piece.start)
    assert all(a.stop <= b.start for a, b in zip(taken, taken[1:])), taken
    assert taken[0].start == 0x40000000 and taken[-1].stop <= 3 * GIB  # of 2 GiB of RAM


def test_only_the_fits_own_tree_is_read_to_the_spls_heap(built):
    """All of the rest is outside of it, and read to its place at once."""
    header = (built / "gnomon.itb").read_bytes()[:8]
    assert int.from_bytes(header[:4], "big") == 0xD00DFEED
    assert int.from_bytes(header[4:], "big") < 64 << 10
    for name in images(built / "gnomon.itb"):
        assert get(built / "gnomon.itb", f"/images/{name}", "data-size", "x")


def test_the_parts_are_what_was_built(built, parts):
    assert parts["gnomon"].read_bytes() == (BUILD / "gnomon-m.bin").read_bytes()
    assert parts["bundle"].read_bytes() == (built / "bundle.itb").read_bytes()
    theirs = part(UBOOT / "u-boot.itb", "fdt-1", built / "theirs.dtb")
    assert parts["fdt-1"].read_bytes() == theirs.read_bytes()


def test_the_card_has_both_where_the_board_looks(built):
    table = subprocess.run(["sfdisk", "-d", built / "sdcard.img"], check=True,
                           capture_output=True, text=True).stdout
    assert "label: gpt" in table
    found = re.findall(r"start=\s*(\d+), size=\s*(\d+), type=([-0-9A-F]+)", table)
    assert [kind for _, _, kind in found] == ["2E54B353-1271-4842-806F-E436D6AF6985",
                                              "BC13C2FF-59E6-4262-A352-B275FD6F7172"]
    card = (built / "sdcard.img").read_bytes()
    for (start, size, _), file in zip(found, (SPL, built / "gnomon.itb")):
        data = file.read_bytes()
        assert len(data) <= int(size) * SECTOR
        assert card[int(start) * SECTOR:][:len(data)] == data


def make(directory, *words, **settings):
    return subprocess.run([TOP / "scripts/visionfive2", directory, *words],
                          capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
                               "GNOMON_BUILD": str(BUILD), **settings})


def test_another_bundle_and_boot_arguments(tmp_path):
    bundle = tmp_path / "my.itb"
    subprocess.run([TOP / "scripts/gnomon", "bundle", "--kernel",
                    BUILD / "guests/hello.bin", "-o", bundle], check=True)
    done = make(tmp_path / "out", bundle, GNOMON_APPEND="time-limit=7")
    assert done.returncode == 0, done
    assert part(tmp_path / "out/gnomon.itb", "bundle", tmp_path / "x").read_bytes() == \
        bundle.read_bytes()
    tree = part(tmp_path / "out/gnomon.itb", "fdt-1", tmp_path / "y")
    assert get(tree, "/chosen", "bootargs") == ["time-limit=7"]


def test_mistakes(tmp_path):
    done = make(tmp_path / "out", tmp_path / "none.itb")
    assert done.returncode == 1 and done.stderr == \
        f"visionfive2: {tmp_path}/none.itb: there is no such bundle\n"
    with open(tmp_path / "huge.itb", "wb") as file:
        file.write(b"\xd0\x0d\xfe\xed")
        file.truncate(961 << 20)
    done = make(tmp_path / "out", tmp_path / "huge.itb")
    assert done.returncode == 1 and "more than 960 MiB" in done.stderr
    for content in (b"", b"# a text", bytes(64)):
        (tmp_path / "other.itb").write_bytes(content)
        assert make(tmp_path / "out", tmp_path / "other.itb").stderr == \
            f"visionfive2: {tmp_path}/other.itb: not a FIT image\n"
    for words in ([tmp_path, "a", "b"], ["--help"], ["--out", "x"], [""]):
        assert "usage: visionfive2" in make(*words).stderr


# --- the same parts on QEMU -------------------------------------------------

def machine(directory, parts, tree, *, smp, hart, memory="512M", cpu=CPU):
    """The command for a machine in which the SPL would have loaded them."""
    first = directory / "first.bin"
    at = {name: address + SHIFT for name, (_, address) in
          images(directory / "gnomon.itb").items()}
    first.write_bytes(first_stage.loader(
        ENTRY, at["fdt-1"], information(at["bundle"], hart), locked=0x8080808080808080))
    return [first_stage.qemu(), "-M", "virt", "-cpu", cpu, "-m", memory, "-smp", str(smp),
            "-nographic", "-no-reboot", "-bios", "none",
            *first_stage.in_memory({RAM: first, ENTRY: parts["gnomon"],
                                    at["bundle"]: parts["bundle"], at["fdt-1"]: tree})]


def test_debian_boots_to_a_shell(built, parts):
    """The console's input comes by interrupt, and the end through the finisher."""
    tree = first_stage.machine_tree(built, "-cpu", CPU, "-m", "1G", "-smp", "4")
    put(tree, "/chosen", "bootargs", f"report={first_stage.TOKEN}")
    command = machine(built, parts, tree, smp=4, hart=2, memory="1G")
    child = pexpect.spawn(command[0], command[1:], timeout=TIMEOUT,
                          encoding="utf-8", codec_errors="replace")
    try:
        child.expect_exact("gnomon: Gnomon starts on hart 2, as the machine's firmware")
        child.expect_exact("gnomon: PMP: 4 of 8 entries")
        child.expect_exact("gnomon: vm linux: 512 MiB of memory, paging mode lsp")
        child.expect_exact("~ # ")
        child.send("echo $((6 * 7))-answer; poweroff -f\r")
        child.expect_exact("42-answer")
        child.expect_exact("gnomon: vm linux: power-off, after ")
        child.expect(r'gnomon: report board \{.*"reason":"power-off"')
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)


@pytest.mark.parametrize("hart", [1, 4])
def test_gnomon_starts_with_the_boards_own_device_tree(tmp_path, built, hart):
    """As Debian's U-Boot has it: of all that Gnomon uses, QEMU's machine differs in where
    RAM is and in how the UART's registers lie, and has no monitor core. With nothing in
    it that powers the board off, the machine has to be ended from outside."""
    hello = tmp_path / "hello.itb"
    subprocess.run([TOP / "scripts/gnomon", "bundle", "--kernel", BUILD / "guests/hello.bin",
                    "--memory", "64M", "-o", hello], check=True)
    assert make(tmp_path, hello).returncode == 0
    parts = {name: part(tmp_path / "gnomon.itb", name, tmp_path / f"{name}.part")
             for name in images(tmp_path / "gnomon.itb")}
    tree = parts["fdt-1"]
    assert "starfive,jh7110" in get(tree, "/", "compatible")
    put(tree, "/memory@40000000", "reg", 0, hex(RAM), 0, hex(512 << 20), kind="x")
    put(tree, "/soc/serial@10000000", "reg-shift", 0, kind="x")
    put(tree, "/soc/serial@10000000", "reg-io-width", 1, kind="x")
    command = machine(tmp_path, parts, tree, smp=5, hart=hart)
    child = pexpect.spawn(command[0], command[1:], timeout=TIMEOUT,
                          encoding="utf-8", codec_errors="replace")
    try:
        child.expect_exact(f"gnomon: Gnomon starts on hart {hart}, as the machine's")
        child.expect_exact(f"gnomon: hart: {hart}, 4 in the machine, rv64imafdc")
        child.expect_exact("gnomon: timer: 4000000 Hz")
        child.expect_exact("gnomon: console: snps,dw-apb-uart at 0x10000000, interrupt 32")
        child.expect_exact("hello from hart 0: 64 MiB of memory at 0x80000000")
        child.expect_exact("gnomon: vm hello: power-off, after ")
        child.expect_exact("gnomon: this machine has no known way to power off: it may be "
                           "switched off now")
    finally:
        child.close(force=True)
