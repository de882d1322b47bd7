# SPDX-License-Identifier: BSD-2-Clause
"""
Seat m: Gnomon in M-mode as the machine's firmware, the guest kernel in real S-mode,
on a hart that has neither H nor Sstc unless a test says otherwise. The guests and
judges are those of seat hs; that what a guest does for itself costs no exit is
counted here, by the guest's own PMU.
"""
import functools
import json
import pathlib
import re
import sys

import pytest
from test_debug_build import FORKS, check_the_checks
from test_guests import check_conformance
from test_hostile import hostile
from test_shadow_memory import WORK
from test_uboot import UBOOT, answer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from benchlib import linux  # noqa: E402
from gnomonlib import paths  # noqa: E402

MODES = ["lsp", "shadow", "shadow-unsync"]
CPU = "rv64,h=false,sstc=false"
CPUS = {  # what satp takes there
    CPU: ["sv39", "sv48", "sv57"],
    f"{CPU},sv57=off": ["sv39", "sv48"],
    f"{CPU},sv48=off,sv57=off": ["sv39"],
    f"{CPU},svade=true,svadu=false": ["sv39", "sv48", "sv57"],
}
ATTACKS = ["privileges", "tables", "outside", "edges", "storm", "devices", "calls",
           "user-streams"]


@pytest.fixture
def run_m(run):
    return functools.partial(run, SEAT="m")


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


# --- the bundled guests -----------------------------------------------------

@pytest.mark.parametrize("cpu", CPUS)
def test_hello_finds_the_machine(run_m, guest, cpu):
    result = run_m("--kernel", guest("hello.bin"), "--memory", "64M", "--cpu", cpu)
    assert (result.status, result.err) == (0, ""), result
    assert "hello from hart 0: 64 MiB of memory at 0x80000000" in result.out
    modes = re.findall(r"^satp takes (\w+) with (\d+) ASID bits$", result.out, re.M)
    assert modes == [(name, "16") for name in CPUS[cpu]]


def test_conformance(run_m, guest, mode):
    check_conformance(run_m("--kernel", guest("conformance.bin"), how=mode))


@pytest.mark.parametrize("cpu", list(CPUS)[1:])
def test_conformance_on_other_harts(run_m, guest, cpu):
    check_conformance(run_m("--kernel", guest("conformance.bin"), "--cpu", cpu))


@pytest.mark.parametrize("how", ["lsp", "shadow"])
def test_the_debug_build_finds_nothing_wrong(run_m, guest, how):
    result = run_m("--debug-build", "--kernel", guest("conformance.bin"), how=how,
                   GNOMON_APPEND="check-every=97")
    check_conformance(result)
    check_the_checks(result, 97)


def test_nested_paging_is_refused_with_one_line(run_m, guest):
    result = run_m("--kernel", guest("hello.bin"), how="nested")
    assert result.refusal == ("vm hello: paging mode nested is not possible on this "
                              "machine: no G-stage translation (hgatp) on this chip")


# --- Debian -----------------------------------------------------------------

@pytest.mark.parametrize("how", ["lsp", "shadow"])
def test_debian_runs_a_command_and_its_exits_are_counted(run_m, how):
    result = run_m("--exec", "uname -sm; sleep 0.1; echo err >&2; exit 42", how=how)
    assert (result.status, result.err) == (42, ""), result
    assert result.lines == ["Linux riscv64", "err"]
    stats = result.stats
    assert (stats["seat"], stats["paging"], stats["reason"]) == ("m", how, "power-off")
    assert {"satp-write", "sfence-all", "sbi-timer", "host-timer"} <= set(stats["exits"])
    assert not {"gstage-miss", "console-poll"} & set(stats["exits"])
    assert not [line for line in result.checklist if line.startswith("warning:")]
    assert result.said[-1] == f"vm linux: power-off, after {stats['exits_total']} exits"


def test_debian_works_with_the_least_memory_too(run_m):
    plenty = run_m("--exec", WORK, how="lsp")
    little = run_m("--exec", WORK, "--shadow-memory", "256K", how="lsp")
    assert plenty.status == little.status == 0, little
    assert little.lines == plenty.lines and plenty.lines[0] == "40"
    assert little.stats["shadow"]["reclaims"] > 100


def test_debian_with_its_exits_checked(run_m):
    result = run_m("--debug-build", "--memory", "96M", "--exec", FORKS, how="lsp",
                   GNOMON_APPEND="check-every=7")
    assert (result.status, result.lines) == (5, ["1", "2", "3"]), result
    check_the_checks(result, 7)


def test_a_kernel_panic_ends_the_run_with_status_1(run_m):
    result = run_m("--exec", "echo before; echo 1 > /proc/sys/kernel/sysrq; "
                   "echo c > /proc/sysrq-trigger")
    assert result.status == 1
    assert result.lines[0] == "before" and "Kernel panic" in result.out


# --- what costs exits, and what does not ------------------------------------

@pytest.fixture(scope="module")
def counted(run_in, tmp_path_factory):
    """{workload: {reason: exits}}, without those of the timer's ticks."""
    directory = tmp_path_factory.mktemp("seat-m")
    script = "; ".join(f"/bench/workloads {words}"
                       for words in ("syscall 1000", "touch 1 4", "pipe 500"))
    result = run_in(directory, "--kernel", paths.KERNEL, "--initrd",
                    linux.initramfs(directory, ()), "--exec", script, how="lsp", SEAT="m")
    assert result.status == 0, result
    results = [found for found in map(linux.parse, result.lines) if found]
    assert [found["status"] for found in results] == ["ok"] * 3
    return {found["name"]: {key.removeprefix("exits:"): int(value)
                            for key, value in found.items() if key.startswith("exits:") and
                            not key.endswith("-timer")}
            for found in results}


def test_system_calls_cost_no_exit(counted):
    """Each is an ecall, reads and writes of sstatus, and an sret."""
    assert counted["syscall"] == {}


def test_a_first_touch_is_a_fault_of_the_guests_own_and_one_fence(counted):
    exits = counted["touch"]
    assert 1024 <= exits["sfence-address"] <= 1.1 * 1024
    assert sum(exits.values()) <= 1.1 * 1024, exits


def test_a_process_switch_costs_one_exit(counted):
    """Two of them in each of 500 round trips."""
    exits = counted["pipe"]
    assert 1000 <= exits["satp-write"] <= 1.1 * 1000
    assert sum(exits.values()) <= 1.1 * 1000, exits


# --- U-Boot, whose satp is Bare ---------------------------------------------

def test_uboot_comes_to_its_prompt_and_powers_off(terminal, ended, tmp_path):
    stats = tmp_path / "stats.json"
    child = terminal("--kernel", UBOOT, "--memory", "256M", "--stats", stats, how="lsp",
                     SEAT="m")
    child.expect_exact("Hit any key to stop autoboot")
    child.send(" ")
    child.expect_exact("\n=> ")
    assert re.search(r"size\s*= 0x0*10000000\n", answer(child, "bdinfo"))
    child.sendline("poweroff")
    child.expect_exact("gnomon: vm u-boot: power-off, after ")
    assert ended(child) == 0
    report = json.loads(stats.read_text())
    assert (report["seat"], report["reason"]) == ("m", "power-off")


# --- hostile guests ---------------------------------------------------------

@pytest.mark.parametrize("how, name", [*(("lsp", name) for name in ATTACKS),
                                       *(("shadow", name) for name in ATTACKS[:4])])
def test_an_attack_is_survived(run_m, how, name):
    result = run_m(*hostile.options(name, 1), how=how, GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints(name, result), result


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_root_in_no_memory_is_survived(run_m, seed):
    result = run_m(*hostile.options("roots", seed), how="lsp", GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints("roots", result), result


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hanging_guest_is_ended_by_the_time_limit(run_m, seed):
    result = run_m(*hostile.options("hang", seed), how="lsp", GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints("hang", result), result
    assert (result.status, result.stats["detail"]) == (3, "time limit")
