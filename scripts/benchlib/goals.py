# SPDX-License-Identifier: BSD-2-Clause
"""
The numbers that lsp is to reach, and what was measured against each: exits by the
operation, ratios of exits, wall time as a ratio to native, PTE loads by the miss; and
instructions of the hypervisor by the exit, each where a benchmark makes just that exit.
"""
import dataclasses
import fnmatch
import math
import re
import statistics
from collections.abc import Callable

LSP = "lsp"
# Workloads of Linux that are no part of the set: boots are counted by themselves.
NOT_IN_SET = ("boot", "boot-console", "boot-programs")


@dataclasses.dataclass(frozen=True)
class Goal:
    work: str
    published: str  # traditional -> lsp, by the accounting of the publications
    limit: float
    measure: Callable  # (rows, mode) -> float, or None where it was not measured
    of_time: bool = False

    def verdict(self, rows, quick):
        """quick: of the smallest sizes and one round, whose times decide nothing."""
        value = self.measure(rows, LSP)
        if value is None:
            return "not measured"
        if self.of_time and quick:
            return "not judged"
        return "met" if value <= self.limit else "**missed**"


def case(rows, suite, workload):
    """The largest case of a workload, or None."""
    cases = [found for found in rows.cases(suite) if found[0] == workload]
    return max(cases, key=lambda found: percent(found[1]) or 0, default=None)


def exits_per(suite, workload, scale=1):
    def measure(rows, mode):
        found = case(rows, suite, workload)
        value = found and rows.per_operation(suite, found, mode, "exits")
        return None if value is None else value * scale
    return measure


def wall(workload):
    def measure(rows, mode):
        found = case(rows, "linux", workload)
        ratios = found and rows.to_native("linux", found, mode)
        return statistics.median(ratios) if ratios else None
    return measure


def percent(parameter):
    """The number that a parameter begins with ("100%", "256MiB"), or None."""
    match = re.match(r"\d+", parameter)
    return int(match[0]) if match else None


def sweep(rows, mode):
    """{share of PTE modifications: exits} of the published sweep."""
    points = {}
    for found in rows.cases("micro", "exits"):
        value = rows.value("micro", found, mode, "exits")
        if found[0] == "sweep" and value is not None and percent(found[1]) is not None:
            points[percent(found[1])] = value
    return dict(sorted(points.items()))


def sweep_at(share):
    return lambda rows, mode: sweep(rows, mode).get(share)


def sweep_to_shadow(rows, mode):
    """The largest ratio of exits to those of `shadow` over all points."""
    own, shadow = sweep(rows, mode), sweep(rows, "shadow")
    ratios = [own[share] / max(1, shadow[share]) for share in own if share in shadow]
    return max(ratios, default=None)


def exits_of_set(rows, mode, other):
    """(workload, exits, exits of the other mode) where both are known."""
    for found in rows.cases("linux", "exits"):
        own = rows.value("linux", found, mode, "exits")
        others = rows.value("linux", found, other, "exits")
        if found[0] not in NOT_IN_SET and own is not None and others is not None:
            yield found[0], own, others


def set_ratio(other):
    """All exits of the set, against those of another mode."""
    def measure(rows, mode):
        pairs = list(exits_of_set(rows, mode, other))
        total = sum(others for _, _, others in pairs)
        return sum(own for _, own, _ in pairs) / total if total else None
    return measure


def set_mean(rows, mode, other):
    """The geometric mean of the ratios of those with exits in both, or None."""
    logarithms = [math.log(own / others) for _, own, others in exits_of_set(rows, mode, other)
                  if own and others]
    return math.exp(statistics.mean(logarithms)) if logarithms else None


def pte_loads(rows, mode):
    """PTE loads by the TLB miss on Sv39, over all cases: the worst one."""
    found = [rows.value("tlb", one, mode, "pte-loads-per-miss")
             for one in rows.cases("tlb", "pte-loads-per-miss")
             if "sv39" in " ".join(one).lower()]
    return max((value for value in found if value is not None), default=None)


# What comes of the time that passes, or is read, whatever the work is.
OF_TIME = ("exits:sbi-timer", "exits:host-timer", "exits:time-read")


def exits_without_time(workload, scale=1):
    """By the operation of a Linux workload, less those of the timer."""
    def measure(rows, mode):
        found = case(rows, "linux", workload)
        value = found and rows.per_operation("linux", found, mode, "exits")
        if value is None:
            return None
        return scale * (value - sum(rows.per_operation("linux", found, mode, reason)
                                    for reason in OF_TIME))
    return measure


def faults_given_back(rows, mode):
    """The guest's own page faults that came to Gnomon first, by the page of `touch`."""
    found = case(rows, "linux", "touch")
    return found and rows.per_operation("linux", found, mode, "exits:guest-page-fault")


COMMON = (
    Goal("the published sweep, 100 % modifications, exits", "200,000 -> 100,000", 100_100,
         sweep_at(100)),
    Goal("the sweep, most exits at any point, to `shadow`", "-", 1, sweep_to_shadow),
    Goal("the sweep, 0 % modifications, exits", "-", 20, sweep_at(0)),
    Goal("one demand-paged page, exits (Linux, `touch`)", "4 -> 3", 1.1,
         exits_per("linux", "touch")),
    Goal("PTE loads by the TLB miss, Sv39", "3 (nested 15)", 3, pte_loads),
)

# Of a chip with H, and of those without.
GOALS = {"hs": COMMON + (
    Goal("munmap of 64 touched pages, exits", "64+ -> 64", 3, exits_per("linux", "munmap")),
    Goal("fork+exit+wait, exits", "-", 25, exits_per("linux", "fork")),
    Goal("pipe round trip on one CPU, exits", "-", 2.2, exits_per("linux", "pipe")),
    Goal("GUPS, warm, exits in 1,000 updates", "0 -> 0", 0.05,
         exits_per("linux", "gups", 1000)),
    Goal("all Linux workloads, exits, to `shadow`", "1 -> 0.75 to 0.5", 0.2,
         set_ratio("shadow")),
    Goal("wall time to native: GUPS", "KVM 2.3", 1.05, wall("gups"), of_time=True),
    Goal("wall time to native: fork+exit+wait", "KVM 2.05", 1.8, wall("fork"), of_time=True),
    Goal("wall time to native: mmap, touch, munmap", "KVM 1.96", 1.6, wall("mmap"), of_time=True),
    Goal("wall time to native: pipe round trip", "KVM 2.2", 1.5, wall("pipe"), of_time=True),
    Goal("wall time to native: boot to init", "KVM 3.1", 1.8, wall("boot"), of_time=True),
), "m": COMMON + (
    Goal("system call (ecall, sstatus, sret), exits but the timer's", "-", 0,
         exits_without_time("syscall")),
    Goal("the guest's own page faults that are exits, by the page (Linux, `touch`)", "1", 0.01,
         faults_given_back),
    Goal("process switch, exits but the timer's (half of Linux, `pipe`)", "-", 1.01,
         exits_without_time("pipe", 1 / 2)),
    Goal("wall time to native: GUPS", "KVM 2.3", 1.05, wall("gups"), of_time=True),
    Goal("wall time to native: fork+exit+wait", "KVM 2.05", 1.3, wall("fork"), of_time=True),
    Goal("wall time to native: mmap, touch, munmap", "KVM 1.96", 1.3, wall("mmap"), of_time=True),
    Goal("wall time to native: pipe round trip", "KVM 2.2", 1.2, wall("pipe"), of_time=True),
    Goal("wall time to native: boot to init", "KVM 3.1", 1.3, wall("boot"), of_time=True),
)}


@dataclasses.dataclass(frozen=True)
class InstructionGoal:
    """The median exit of one class, in the benchmarks that the goal speaks of."""
    event: str
    reason: str
    cases: tuple  # patterns of "BENCHMARK PARAMETER"
    limit: int  # instructions of the hypervisor
    fast_only: bool = False  # other exits there are something else

    def classes(self):
        fast = f"{self.reason} (fast)"
        return (fast,) if self.fast_only else (fast, self.reason)

    def speaks_of(self, case):
        """case: the benchmark, and "PARAMETER: CLASS"."""
        parameter, _, of = case[1].rpartition(": ")
        name = f"{case[0]} {parameter}"
        return of in self.classes() and any(fnmatch.fnmatchcase(name, pattern)
                                            for pattern in self.cases)


LOOP, EACH_FENCE = 120, 60
TABLE, EACH_ENTRY, ENTRIES = 300, 8, 512


def loop(event, reason, cases, fences):
    return InstructionGoal(f"loop of {fences} fences, {event}", reason, cases,
                           LOOP + EACH_FENCE * fences)


INSTRUCTION_GOALS = (
    InstructionGoal("satp switch to a known root", "satp-write",
                    ("null satp-switch", "switch *[0-9]-asids"), 60, fast_only=True),
    InstructionGoal("fence of a page, its path known", "sfence-address-asid",
                    ("null fence-same", "range *-1"), 120, fast_only=True),
    InstructionGoal("miss filling one entry", "shadow-miss", ("null miss-one",), 250),
    loop("one address space", "sfence-address-asid", ("range *-8",), 8),
    loop("one address space", "sfence-address-asid", ("range *-64",), 64),
    loop("all address spaces", "sfence-address", ("demand around-16",), 16),
    InstructionGoal(f"miss revalidating a table of {ENTRIES}", "shadow-miss",
                    ("flush *", "range protect-512", "range protect-4096"),
                    TABLE + EACH_ENTRY * ENTRIES),
    InstructionGoal("SBI call", "sbi-other", ("null sbi-call",), 400),
    InstructionGoal("satp read", "satp-read", ("null satp-read",), 400),
    InstructionGoal("fence of an address space", "sfence-asid", ("null fence-asid",), 400),
    InstructionGoal("fence of everything", "sfence-all", ("null fence-all",), 400),
    InstructionGoal("the guest's own page fault", "guest-page-fault", ("demand *", "fork *"),
                    400),
)
