# SPDX-License-Identifier: BSD-2-Clause
"""
The harts that Gnomon has beside the one its VM runs on: that they come, whatever the
machine calls them, ask each other and are heard, wait without running, and stop.
"""
import functools
import json
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest
from test_guests import check_conformance
from test_uboot import UBOOT

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from gnomonlib import paths  # noqa: E402

CPU = {"hs": "rv64,svinval=true", "m": "rv64,h=false,sstc=false,svinval=true"}
SYMBOLS = {"hs": "gnomon.elf", "m": "gnomon-m.elf"}
BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


@pytest.fixture(params=["hs", "m"])
def seat(request):
    return request.param


@pytest.fixture
def run_on(run, seat):
    return functools.partial(run, SEAT=seat, how="lsp")


@pytest.fixture
def machine_tree(tmp_path, seat):
    """machine_tree(SMP, machine=""): what QEMU tells of such a machine, in a file."""
    def dump(harts, machine=""):
        tree = tmp_path / "machine.dtb"
        command = [paths.qemu(), "-M", f"virt{machine},dumpdtb={tree}", "-cpu", CPU[seat],
                   "-smp", str(harts), "-m", "256M"]
        subprocess.run([*command, *(["-bios", "none"] if seat == "m" else [])], check=True,
                       capture_output=True)
        return tree
    return dump


def with_tree(tree, harts, seat):
    """Options for a machine with so many harts, of which its tree says something else."""
    return ("--smp", harts, "--cpu", CPU[seat], "--memory", "64M", "--qemu-arg=-dtb",
            f"--qemu-arg={tree}")


def boot_hart(result):
    return int(re.search(r"^gnomon: Gnomon starts on hart (\d+)", result.out, re.M)[1])


# --- coming -----------------------------------------------------------------

@pytest.mark.parametrize("count, some", [(3, ()), (8, ("--append", "group=f"))])
def test_all_come_and_the_guest_does_not_notice(run_on, guest, seat, count, some):
    result = run_on("--kernel", guest("conformance.bin"), "--smp", count, *some)
    check_conformance(result, least=10 if some else 101)
    assert f"harts: {count} of {count} run" in result.checklist
    assert "host-software" not in result.stats["exits"]
    assert len(result.stats["vcpus"]) == 1


def test_any_of_them_may_be_the_boot_hart(run_on, guest):
    """Which one is first, QEMU leaves to chance."""
    for _ in range(4):
        result = run_on("--kernel", guest("hello.bin"), "--smp", 4, "--memory", "64M")
        assert result.status == 0, result
        assert 0 <= boot_hart(result) <= 3
        assert "harts: 4 of 4 run" in result.checklist


def test_more_harts_than_gnomon_is_built_for(run_on, guest):
    result = run_on("--kernel", guest("hello.bin"), "--smp", 10, "--memory", "64M")
    assert result.status == 0, result
    assert "harts: 8 of 10 run" in result.checklist
    assert "harts: this Gnomon is built for 8, and leaves out 2" in result.checklist


def test_one_that_does_not_exist_is_not_waited_for(run_on, guest, seat, machine_tree):
    result = run_on("--kernel", guest("hello.bin"), *with_tree(machine_tree(3), 2, seat))
    assert result.status == 0, result
    assert "harts: 2 of 3 run" in result.checklist
    if seat == "m":  # else the firmware may know better
        assert "harts: hart 2 does not arrive; it is left out" in result.checklist


def test_one_without_an_mmu_is_named(run, guest):
    """Under OpenSBI there is none to see: it takes such harts out of the tree."""
    result = run("--kernel", guest("hello.bin"), "--machine", "sifive_u", "--smp", 4,
                 how="lsp", SEAT="m", GNOMON_APPEND="selftest=harts")
    assert result.status == 0, result
    assert "harts: 3 of 4 run (hart 0 has no MMU)" in result.checklist
    lines = [line for line in result.said if re.match(r"selftest: hart \d is done", line)]
    assert sorted(line[15] for line in lines[:3]) == ["1", "2", "3"]


def test_one_that_has_less_is_left_out(run_on, guest, seat, machine_tree):
    tree = machine_tree(2)
    for name in ("riscv,isa", "riscv,isa-extensions"):
        found = subprocess.run(["fdtget", tree, "/cpus/cpu@1", name], capture_output=True,
                               check=False, text=True)
        if found.returncode == 0:
            subprocess.run(["fdtput", "-d", tree, "/cpus/cpu@1", name], check=True)
    isa = "rv64imafdch_zicsr_zifencei" if seat == "hs" else "rv64imafdc_zicsr_zifencei"
    subprocess.run(["fdtput", "-t", "s", tree, "/cpus/cpu@1", "riscv,isa", isa], check=True)
    result = run_on("--kernel", guest("hello.bin"), *with_tree(tree, 2, seat))
    assert result.status == 0, result
    if boot_hart(result) == 0:
        assert "harts: 1 of 2 run" in result.checklist
        assert ("harts: hart 1 is not as the boot hart: no Svinval; it is left out"
                in result.checklist)
    else:  # which has more
        assert "harts: 2 of 2 run" in result.checklist


# --- what tells the time and kicks on seat m --------------------------------

SOCKETS = [  # two of each device, for two harts each
    "-smp", "4,sockets=2", "-object", "memory-backend-ram,id=m0,size=128M",
    "-object", "memory-backend-ram,id=m1,size=64M", "-numa",
    "node,nodeid=0,cpus=0-1,memdev=m0", "-numa", "node,nodeid=1,cpus=2-3,memdev=m1",
    "-m", "192M"]


@pytest.mark.parametrize("machine", ["virt,aclint=on", "virt"])
@pytest.mark.parametrize("sockets", [[], SOCKETS], ids=["one", "two"])
def test_clint_and_aclint(run, guest, machine, sockets):
    arguments = [f"--qemu-arg={word}" for word in ["-M", machine, *sockets]]
    result = run("--kernel", guest("hello.bin"), "--memory", "32M", "--smp", 4, *arguments,
                 how="lsp", SEAT="m", GNOMON_APPEND="selftest=harts")
    assert result.status == 0, result
    assert "harts: 4 of 4 run" in result.checklist
    check_selftest(result, 4)


def test_aclint_runs_a_guest(run, guest):
    check_conformance(run("--kernel", guest("conformance.bin"), "--smp", 2,
                          "--qemu-arg=-M", "--qemu-arg=virt,aclint=on", how="lsp", SEAT="m"))


def test_one_that_no_clint_knows_is_left_out(run, guest, tmp_path):
    tree = tmp_path / "machine.dtb"
    subprocess.run([paths.qemu(), "-M", f"virt,dumpdtb={tree}", "-cpu", CPU["m"], "-smp",
                    "2", "-m", "256M", "-bios", "none"], check=True, capture_output=True)
    nodes = subprocess.run(["fdtget", "-l", tree, "/soc"], check=True, capture_output=True,
                           text=True).stdout.split()
    clint = next(f"/soc/{name}" for name in nodes if name.startswith("clint@"))
    cells = subprocess.run(["fdtget", "-t", "x", tree, clint, "interrupts-extended"],
                           check=True, capture_output=True, text=True).stdout.split()
    by_hart = [cells[i:i + 4] for i in range(0, len(cells), 4)]
    # The other one's position, which says which registers it has, stays as it is.
    for left in (0, 1):
        kept = [word if cell // 4 != left or cell % 2 else "ffff"
                for cell, word in enumerate(sum(by_hart, []))]
        subprocess.run(["fdtput", "-t", "x", tree, clint, "interrupts-extended", *kept],
                       check=True)
        result = run("--kernel", guest("hello.bin"), *with_tree(tree, 2, "m"), how="lsp",
                     SEAT="m")
        if boot_hart(result) == left:
            assert "cannot start: the machine's device tree has no timer" in result.out
            continue
        assert result.status == 0, result
        assert "harts: 1 of 2 run" in result.checklist
        assert (f"harts: hart {left} has no timer and interrupt in the device tree; it is "
                "left out") in result.checklist


# --- asking -----------------------------------------------------------------

def check_selftest(result, count):
    """Each of the harts asked its part, each was heard, and no line was torn."""
    lines = [line for line in result.said if line.startswith("selftest: ")]
    done = re.compile(r"selftest: hart (\d+) is done, with (\d+) rounds left")
    summary = re.compile(rf"selftest: harts: {count}, asked (by each other|beside the VM): "
                         r"(\d+) fences, (\d+) fence\.i, 0 lost")
    assert all(done.fullmatch(line) or summary.fullmatch(line) for line in lines), result
    alone = lines[:count]
    assert sorted(done.fullmatch(line).groups() for line in alone) == [
        (str(hart), "0") for hart in range(count)]
    found = [summary.fullmatch(line) for line in lines if summary.fullmatch(line)]
    assert [match[1] for match in found] == ["by each other", "beside the VM"]
    fences, fetches = int(found[0][2]), int(found[0][3])
    assert fences + fetches > 2000 * count and abs(fences - fetches) < 1000
    return int(found[1][2]) + int(found[1][3])


@pytest.mark.parametrize("count", [2, 3])
def test_all_ask_each_other_at_once_and_one_that_runs_a_guest(run_on, guest, count):
    result = run_on("--kernel", guest("conformance.bin"), "--smp", count,
                    GNOMON_APPEND="selftest=harts")
    assert result.status == 0 and result.stats["reason"] == "power-off", result
    assert "not ok" not in result.out and len(re.findall("^ok ", result.out, re.M)) > 400
    assert check_selftest(result, count) > 1000
    assert result.stats["exits"]["host-software"] > 100


def test_protecting_beside_harts_that_ask(run_on, guest):
    result = run_on("--kernel", guest("conformance.bin"), "--smp", 2, "--paging", "shadow",
                    GNOMON_APPEND="selftest=harts")
    assert result.status == 0, result
    assert check_selftest(result, 2) > 1000


# --- waiting, and the end ---------------------------------------------------

class Monitor:
    """QEMU's own view of its harts."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rw")
        self.answer()
        self.command("qmp_capabilities")

    def answer(self):
        while True:
            message = json.loads(self.stream.readline())
            if "event" not in message:
                return message

    def command(self, name, **arguments):
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        return self.answer()["return"]

    def pc(self, hart):
        registers = self.command("human-monitor-command", **{
            "command-line": "info registers", "cpu-index": hart})
        return int(re.search(r"\bpc\s+([0-9a-f]+)", registers)[1], 16)


def functions(seat):
    """Addresses of symbols in the image."""
    symbols = subprocess.run(["riscv64-linux-gnu-nm", BUILD / SYMBOLS[seat]], check=True,
                             capture_output=True, text=True).stdout.split("\n")
    return {words[2]: int(words[0], 16) for words in map(str.split, symbols)
            if len(words) == 3}


def samples(monitor, harts):
    """What they execute, at twenty moments."""
    seen = {hart: set() for hart in harts}
    for _ in range(20):
        for hart in harts:
            seen[hart].add(monitor.pc(hart))
        time.sleep(0.02)
    return seen


@pytest.fixture
def watched(terminal, tmp_path, seat):
    """watched(OPTION..., ...): a terminal with U-Boot at its prompt, and the monitor."""
    def start(*options, **settings):
        path = tmp_path / "monitor"
        child = terminal("--kernel", UBOOT, "--memory", "128M", *options,
                         "--qemu-arg=-qmp", f"--qemu-arg=unix:{path},server=on,wait=off",
                         how="lsp", SEAT=seat, **settings)
        child.expect(r"image at 0x([0-9a-f]+),")
        base = int(child.match[1], 16)
        return child, base, Monitor(path)
    return start


def test_those_that_have_nothing_to_do_wait_in_wfi(watched, seat):
    child, base, monitor = watched("--smp", 4)
    child.expect_exact("Hit any key to stop autoboot")
    child.send(" ")
    child.expect_exact("\n=> ")
    start = base + functions(seat)["arch_hart_wait"]
    seen = samples(monitor, range(4))
    idle = [pcs for pcs in seen.values() if len(pcs) == 1 and
            start < next(iter(pcs)) < start + 32]
    assert len(idle) == 3, {hart: sorted(map(hex, pcs)) for hart, pcs in seen.items()}


def test_a_panic_of_another_hart_ends_the_machine(run_on, guest):
    result = run_on("--kernel", guest("conformance.bin"), "--smp", 3,
                    GNOMON_APPEND="selftest=panic")
    assert result.status == 3 and result.stats is None, result
    assert re.fullmatch(r"internal error: core/selftest\.c:\d+: the_machine_is_right does "
                        "not hold", result.said[-1])


def test_a_panic_needs_another_hart(run_on, guest):
    result = run_on("--kernel", guest("hello.bin"), "--smp", 1,
                    GNOMON_APPEND="selftest=panic")
    assert result.refusal == "selftest=panic: there is no other hart"


@pytest.mark.parametrize("seat", ["m"], indirect=True)
def test_a_panic_stops_the_guest_where_there_is_no_power_switch(tmp_path, seat,
                                                                machine_tree):
    """The hart of the VM too, which is kicked out of its guest."""
    tree, monitor = machine_tree(3), tmp_path / "monitor"
    nodes = subprocess.run(["fdtget", "-l", tree, "/soc"], check=True, capture_output=True,
                           text=True).stdout.split()
    switches = [f"/soc/{name}" for name in nodes if name.startswith("test@")]
    subprocess.run(["fdtput", "-r", tree, *switches], check=True)
    gnomon = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "gnomon"
    subprocess.run([gnomon, "bundle", "--kernel", UBOOT, "--memory", "128M", "-o",
                    tmp_path / "bundle.itb"], check=True)
    command = [paths.qemu(), "-M", "virt", "-cpu", CPU[seat], "-smp", "3", "-m", "256M",
               "-nographic", "-bios", "none", "-kernel", BUILD / "gnomon-m.bin", "-initrd",
               tmp_path / "bundle.itb", "-append", "selftest=panic", "-dtb", tree,
               "-qmp", f"unix:{monitor},server=on,wait=off"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, errors="replace") as emulator:
        try:
            out = "".join(iter(emulator.stdout.readline,
                               "gnomon: this machine has no known way to power off: it may "
                               "be switched off now\n"))
            assert "the_machine_is_right does not hold" in out
            base = int(re.search(r"image at 0x([0-9a-f]+),", out)[1], 16)
            assert are_parked(Monitor(monitor), base + functions(seat)["arch_hart_park"])
        finally:
            emulator.kill()


def are_parked(monitor, start):
    """All three harts, before long and for good."""
    for _ in range(50):
        seen = samples(monitor, range(3))
        if all(start < pc < start + 32 for pcs in seen.values() for pc in pcs):
            return True
    return False
