# SPDX-License-Identifier: BSD-2-Clause
"""
Seat m on QEMU's model of the HiFive Unleashed (FU540): harts with Sv39 alone and no
`time` CSR, one with no MMU at all, any of the others first, SiFive's UART, a timebase
of 1 MHz, and nothing that powers the machine off. The guest sees the machine that it
sees everywhere.
"""
import functools
import json
import pathlib
import re
import sys

import pytest
from test_build import BUILD
from test_console import check_session
from test_debug_build import FORKS, check_the_checks
from test_guests import check_conformance
from test_hostile import hostile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from gnomonlib import paths  # noqa: E402

MODES = ["lsp", "shadow", "shadow-unsync"]
MACHINE = ("--machine", "sifive_u")
# A hart of virt's that has none of cycle, time and instret.
NO_COUNTERS = ("--cpu", "rv64,h=false,sstc=false,zicntr=false")


@pytest.fixture
def run_u(run):
    return functools.partial(run, *MACHINE, SEAT="m")


def reads_of_time(result):
    """(finished in the vector, and not)"""
    vcpu = result.stats["vcpus"][0]
    return vcpu["fast"].get("time-read", 0), vcpu["full"].get("time-read", 0)


# --- the machine ------------------------------------------------------------

@pytest.mark.parametrize("harts", [2, 3, 4, 5])
def test_any_hart_but_the_first_may_boot(run_u, guest, harts):
    result = run_u("--kernel", guest("hello.bin"), "--memory", "64M", "--smp", harts,
                   how="lsp")
    assert (result.status, result.err) == (0, ""), result
    assert "hello from hart 0: 64 MiB of memory at 0x80000000" in result.out
    assert re.findall(r"^satp takes (\w+) with (\d+) ASID bits$", result.out, re.M) == \
        [("sv39", "16")]
    boot, count, isa = re.search(r"^gnomon: hart: (\d+), (\d+) in the machine, (\w+)$",
                                 result.out, re.M).groups()
    assert 1 <= int(boot) < harts and int(count) == harts - 1 and isa == "rv64imafdc"
    assert "console: sifive,uart0 at 0x10010000, interrupt 4" in result.checklist


def test_guests_may_be_larger_than_a_gigabyte(run_u, guest):
    result = run_u("--kernel", guest("hello.bin"), "--memory", "1536M", how="lsp")
    assert "hello from hart 0: 1536 MiB of memory at 0x80000000" in result.out, result


# --- the bundled guests -----------------------------------------------------

@pytest.mark.parametrize("how", MODES)
def test_conformance(run_u, guest, how):
    result = run_u("--kernel", guest("conformance.bin"), "--smp", 5, how=how)
    check_conformance(result)
    fast, full = reads_of_time(result)
    assert fast > 2000 and 0 < full < 20


# QEMU 7.2's has Sv48 and Sv57 as well, and another device tree.
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_conformance_on_other_emulators(run_u, guest, emulator, suite):
    check_conformance(run_u("--kernel", guest("conformance.bin"), "--smp", 3, how="lsp",
                            QEMU=emulator(suite)))


def test_conformance_with_no_fast_vector(run_u, guest):
    result = run_u("--kernel", guest("conformance.bin"), how="lsp",
                   GNOMON_BUILD=BUILD / "clang", QEMU=paths.qemu())
    check_conformance(result)
    fast, full = reads_of_time(result)
    assert fast == 0 and full > 2000


def test_conformance_where_no_counter_has_a_csr(run, guest):
    result = run("--kernel", guest("conformance.bin"), *NO_COUNTERS, how="lsp", SEAT="m")
    check_conformance(result)
    assert reads_of_time(result)[0] > 2000
    assert result.stats["exits"]["virtual-instruction"] > 500


def test_the_debug_build_finds_nothing_wrong(run_u):
    result = run_u("--debug-build", "--memory", "96M", "--exec", FORKS, how="lsp",
                   GNOMON_APPEND="check-every=97")
    assert (result.status, result.lines) == (5, ["1", "2", "3"]), result
    # Reads of time are no occasion to check.
    result.stats["exits_total"] -= sum(reads_of_time(result))
    check_the_checks(result, 97)


def test_a_read_of_time_takes_few_instructions(run, run_u, guest):
    def instructions(runner):
        result = runner("--kernel", guest("bench.bin"), "--append", "size=quick bench=null",
                        "--qemu-arg=-icount", "--qemu-arg=shift=0", how="lsp", SEAT="m")
        row, = (json.loads(found) for found in re.findall(r"^bench: (\{.*)$", result.out, re.M)
                if json.loads(found).get("parameter") == "time-read")
        return row["instructions"] / row["operations"], row["exits"]
    (here, exits), (there, none) = instructions(run_u), instructions(run)
    assert exits == {"time-read": 1000} and none == {}
    assert here - there <= 60


# --- Debian -----------------------------------------------------------------

@pytest.mark.parametrize("how", ["lsp", "shadow"])
def test_debian_runs_a_command_to_its_status(run_u, how):
    result = run_u("--smp", 5, "--exec", "uname -sm; read a b < /proc/uptime; sleep 2; "
                   "read c d < /proc/uptime; echo $a $c; exit 42", how=how)
    assert (result.status, result.err) == (42, ""), result
    assert result.lines[0] == "Linux riscv64"
    before, after = map(float, result.lines[1].split())
    assert 1.9 < after - before < 60
    stats = result.stats
    assert (stats["seat"], stats["paging"], stats["reason"]) == ("m", how, "power-off")
    assert reads_of_time(result)[0] > 1000
    assert not [line for line in result.checklist if line.startswith("warning:")]
    assert result.said[-1] == f"vm linux: power-off, after {stats['exits_total']} exits"


def test_a_kernel_panic_ends_the_run_with_status_1(run_u):
    result = run_u("--exec", "echo before; echo 1 > /proc/sys/kernel/sysrq; "
                   "echo c > /proc/sysrq-trigger")
    assert result.status == 1
    assert result.lines[0] == "before" and "Kernel panic" in result.out


# By interrupt through the M-mode context of the PLIC, which hart 0 has too, or polled.
@pytest.mark.parametrize("arguments, counted, never", [
    ("", "host-external", "console-poll"),
    ("console=sbi", "console-poll", "host-external"),
])
def test_a_session(terminal, ended, tmp_path, arguments, counted, never):
    stats = tmp_path / "stats.json"
    child = terminal(*MACHINE, "--smp", "5", "--stats", stats, how="lsp", SEAT="m",
                     GNOMON_APPEND=arguments)
    child.expect_exact("~ # ")
    check_session(child)
    child.send("exit\r")
    child.expect_exact("this machine has no known way to power off")
    assert ended(child) == 0
    exits = json.loads(stats.read_text())["exits"]
    assert exits[counted] > 0 and never not in exits


# --- hostile guests, and what is refused ------------------------------------

@pytest.mark.parametrize("name", ["privileges", "tables", "outside", "devices"])
def test_an_attack_is_survived(run_u, name):
    result = run_u(*hostile.options(name, 1), how="lsp", GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints(name, result), result


def test_a_hanging_guest_is_ended_by_the_time_limit(run_u):
    result = run_u(*hostile.options("hang", 1), how="lsp", GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints("hang", result), result
    assert (result.status, result.stats["detail"]) == (3, "time limit")


@pytest.mark.parametrize("how, arguments, says", [
    ("nested", "", "vm hello: paging mode nested is not possible on this machine: no "
     "G-stage translation (hgatp) on this chip"),
    ("lsp", "frobnicate", "boot arguments: unknown option 'frobnicate'"),
    ("lsp", "faults=hole", "boot arguments: faults=hole: this machine cannot have these"),
])
def test_what_is_refused_is_one_line_and_the_end(run_u, guest, how, arguments, says):
    result = run_u("--kernel", guest("hello.bin"), how=how, GNOMON_APPEND=arguments)
    assert result.refusal.startswith(says)
