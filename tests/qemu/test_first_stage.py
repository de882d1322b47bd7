# SPDX-License-Identifier: BSD-2-Clause
"""
Seat m after a first stage: what a2 says (struct fw_dynamic_info), which hart begins, and
where the bundle is found. Nothing of it is QEMU's own way to start a kernel.
"""
import pathlib
import re
import subprocess

import first_stage
import pytest
from first_stage import BUILD, CPU, MIB, RAM, TOP, information

ENTRY = RAM + 0x200000
TREE = RAM + 0x1000000
BUNDLE = RAM + 0x4000000
SMP = 3


@pytest.fixture(scope="module")
def image():
    path = BUILD / "gcc" / "gnomon-m.bin"
    subprocess.run(["make", "-s", "-C", str(TOP), "build/gcc/gnomon-m.bin"], check=True)
    return path


@pytest.fixture(scope="module")
def hello(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "hello.itb"
    subprocess.run([TOP / "scripts" / "gnomon", "bundle", "--kernel",
                    BUILD / "guests" / "hello.bin", "--memory", "64M", "-o", path],
                   check=True)
    return path


@pytest.fixture
def tree(tmp_path):
    path = first_stage.machine_tree(tmp_path, "-cpu", CPU, "-m", "256M", "-smp", str(SMP))
    first_stage.put(path, "/chosen", "bootargs", f"report={first_stage.TOKEN}")
    return path


@pytest.fixture
def boot(tmp_path, image, tree):
    """boot(INFO, {ADDRESS: FILE}, argument=A2): the machine, with these in memory."""
    def start(info, files, argument=first_stage.INFO, firmware=None, locked=0):
        first = tmp_path / "first.bin"
        first.write_bytes(first_stage.loader(ENTRY, TREE, info, argument, locked))
        command = [first_stage.qemu(), "-M", "virt", "-cpu", CPU, "-m", "256M", "-smp",
                   str(SMP), "-nographic", "-no-reboot", "-bios", "none"]
        files = {RAM: first, ENTRY: firmware or image, TREE: tree, **files}
        return first_stage.run(command + first_stage.in_memory(files))
    return start


def started_on(result):
    return int(re.search(r"^gnomon: Gnomon starts on hart (\d+)", result.out, re.M)[1])


def check_hello(result):
    assert result.status == 0 and result.report["reason"] == "power-off", result
    assert "hello from hart 0: 64 MiB of memory at 0x80000000" in result.out


def choose(tree, address, size):
    first_stage.put(tree, "/chosen", "linux,initrd-start", hex(address), kind="x")
    first_stage.put(tree, "/chosen", "linux,initrd-end", hex(address + size), kind="x")


# --- harts ------------------------------------------------------------------

@pytest.mark.parametrize("hart", range(SMP))
def test_the_preferred_hart_begins(boot, hello, hart):
    result = boot(information(BUNDLE, hart), {BUNDLE: hello})
    check_hello(result)
    assert started_on(result) == hart
    assert f"image at {ENTRY:#x}" in result.out


@pytest.mark.parametrize("info", [
    information(BUNDLE), information(BUNDLE, 77), information(BUNDLE, 2, version=1)],
    ids=["any", "one-that-does-not-come", "a-version-that-knows-no-hart"])
def test_without_one_some_hart_begins(boot, hello, info):
    result = boot(info, {BUNDLE: hello})
    check_hello(result)
    assert started_on(result) in range(SMP)


# --- what the first stage leaves of PMP -------------------------------------

EIGHT = 0x8080808080808080  # pmpcfg2: each entry is off, and locked


def test_eight_entries_are_enough(boot, hello):
    """As on the JH7110. QEMU's others are locked, off and 0: what is written to them is
    lost, as if there were none."""
    result = boot(information(BUNDLE), {BUNDLE: hello}, locked=EIGHT)
    check_hello(result)
    assert "gnomon: PMP: 4 of 8 entries; closed to guests" in result.out


def test_guests_are_kept_out_by_eight_entries(boot, tmp_path):
    path = tmp_path / "hostile.itb"
    subprocess.run([TOP / "scripts" / "gnomon", "bundle", "--kernel",
                    BUILD / "guests" / "hostile.bin", "--memory", "32M", "--append",
                    "attack=outside seed=1", "-o", path], check=True)
    result = boot(information(BUNDLE), {BUNDLE: path}, locked=EIGHT)
    assert "hostile: outside seed 1: done, 0 breaches" in result.out, result


# --- powering off -----------------------------------------------------------

def test_a_register_that_the_tree_names_powers_off(boot, hello, tree):
    """virt names its finisher as a syscon too; nothing else is left of it here."""
    first_stage.put(tree, "/soc/test@100000", "compatible", "syscon")
    assert first_stage.get(tree, "/poweroff", "compatible") == ["syscon-poweroff"]
    check_hello(boot(information(BUNDLE), {BUNDLE: hello}))


# --- what a2 may be ---------------------------------------------------------

@pytest.mark.parametrize("argument, info", [
    (0, b""), (first_stage.INFO + 4, information(BUNDLE, 2)), (0x10, b""), (1 << 60, b""),
    (first_stage.INFO, information(BUNDLE, 2, magic=0x4942534E)),
    (first_stage.INFO, information(BUNDLE, 2, version=0)),
    (first_stage.INFO, information(BUNDLE, 2, version=3))],
    ids=["0", "misaligned", "no-memory", "no-address", "magic", "version-0", "version-3"])
def test_what_is_no_information_is_ignored(boot, hello, tree, argument, info):
    """The bundle of /chosen is found, and that of the information is not."""
    choose(tree, BUNDLE, hello.stat().st_size)
    result = boot(info, {BUNDLE: hello}, argument=argument)
    check_hello(result)
    assert "the first stage's" not in result.out


# --- where the bundle is ----------------------------------------------------

def wrong_bundles(tmp_path, hello):
    cut = bytearray(hello.read_bytes())
    cut[4:8] = (1 << 30).to_bytes(4, "big")
    for name, data in (("zeros", bytes(4096)), ("longer-than-ram", bytes(cut))):
        (tmp_path / name).write_bytes(data)
        yield tmp_path / name


def test_the_next_address_comes_before_chosen(boot, hello, tree, tmp_path):
    choose(tree, BUNDLE + 16 * MIB, 4096)
    for wrong in wrong_bundles(tmp_path, hello):
        check_hello(boot(information(BUNDLE), {BUNDLE: hello, BUNDLE + 16 * MIB: wrong}))


def test_what_is_no_bundle_there_is_passed_over(boot, hello, tree, tmp_path):
    choose(tree, BUNDLE, hello.stat().st_size)
    for wrong in wrong_bundles(tmp_path, hello):
        check_hello(boot(information(BUNDLE + 16 * MIB),
                         {BUNDLE: hello, BUNDLE + 16 * MIB: wrong}))


@pytest.mark.parametrize("address", [ENTRY, ENTRY + 4096, TREE, BUNDLE + 4, 0x10,
                                     (1 << 64) - 8])
def test_nor_is_an_address_that_cannot_be(boot, hello, tree, address):
    choose(tree, BUNDLE, hello.stat().st_size)
    check_hello(boot(information(address), {BUNDLE: hello}))


def test_where_it_was_looked_for_is_said_in_a_line(boot, tree):
    result = boot(information(BUNDLE), {})
    assert result.report["reason"] == "stopped" and result.status == 1, result
    assert (f"gnomon: the bundle is missing: there is none at {BUNDLE:#x} (the first stage's "
            "next address)\n") in result.out
    # Its next address is the image: QEMU, with a kernel and no ramdisk.
    result = boot(information(ENTRY), {})
    assert "gnomon: the bundle is missing: nothing says where it is\n" in result.out, result
    choose(tree, 0x11000000, 4096)  # nothing is there
    result = boot(b"", {})
    assert ("gnomon: the bundle is missing: there is none at 0x11000000 (/chosen)\n"
            ) in result.out, result
    first_stage.put(tree, "/chosen", "linux,initrd-end", 0x11000000, kind="x")
    result = boot(b"", {}, argument=0)
    assert "the bundle is missing: " in result.out, result


@pytest.mark.parametrize("damage, says", [
    (["-r", "/memory@80000000"], "the machine's device tree has no memory"),
    (["-r", "/soc/plic@c000000"],
     "the machine's device tree: interrupts of node 'serial@10000000' cannot be used"),
    (["-d", "/cpus", "timebase-frequency"],
     "the machine's device tree has no timebase-frequency"),
    (["-d", "/cpus/cpu@1", "mmu-type"],
     "the machine's device tree has no hart 1 with an MMU"),
])
def test_what_the_tree_lacks_is_said_in_a_line(boot, hello, tree, damage, says):
    """No firmware below has a console for that; and the machine is powered off then."""
    option, *where = damage
    subprocess.run(["fdtput", option, tree, *where], check=True)
    result = boot(information(BUNDLE, boot_hart=1), {BUNDLE: hello})
    assert f"gnomon: cannot start: {says}\n" in result.out and result.status == 1, result


def test_a_bundle_with_its_data_behind_the_tree(boot, hello, tmp_path):
    """As mkimage -E makes them: nobody says how long all of it is."""
    split = tmp_path / "split.itb"
    split.write_bytes(hello.read_bytes())
    subprocess.run(["mkimage", "-E", "-F", split], check=True, capture_output=True)
    assert b"data-offset" in split.read_bytes()
    check_hello(boot(information(BUNDLE), {BUNDLE: split}))


def image_end(image):
    symbols = subprocess.run(["riscv64-linux-gnu-nm", image.with_suffix(".elf")], check=True,
                             capture_output=True, text=True).stdout
    return int(re.search(r"^(\w+) \w image_end$", symbols, re.M)[1], 16)


def test_a_bundle_right_behind_the_image(boot, hello, image):
    check_hello(boot(information(ENTRY + image_end(image)),
                     {ENTRY + image_end(image): hello}))


def test_a_bundle_outside_of_the_memory_that_is_told(boot, hello, tree):
    """It has to be moved in: guests' memory and the pool are divided up without it."""
    memory, = re.findall(r"^memory@\w+", subprocess.run(
        ["fdtget", "-l", tree, "/"], check=True, capture_output=True, text=True).stdout, re.M)
    first_stage.put(tree, f"/{memory}", "reg", 0, hex(RAM), 0, hex(192 * MIB), kind="x")
    result = boot(information(RAM + 200 * MIB), {RAM + 200 * MIB: hello})
    check_hello(result)
    assert "memory: 192 MiB" in result.out


def test_the_builds_own_address(boot, hello, tmp_path):
    """Of a build of its own, of which all but one object is taken over."""
    subprocess.run(["cp", "-a", BUILD / "gcc", tmp_path / "gcc"], check=True)
    subprocess.run(["make", "-s", "-C", TOP, f"OUT={tmp_path}/gcc",
                    f"BUNDLE_ADDRESS={BUNDLE:#x}", f"{tmp_path}/gcc/gnomon-m.bin"],
                   check=True, capture_output=True)
    firmware = pathlib.Path(tmp_path, "gcc", "gnomon-m.bin")
    check_hello(boot(b"", {BUNDLE: hello}, firmware=firmware))
    result = boot(information(BUNDLE + MIB), {}, firmware=firmware)
    assert (f"there is none at {BUNDLE + MIB:#x} (the first stage's next address), "
            f"{BUNDLE:#x} (this build's)\n") in result.out
