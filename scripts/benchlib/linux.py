# SPDX-License-Identifier: BSD-2-Clause
"""
The Linux workloads: our own small programs and Debian's, in Debian's kernel.

One boot for each mode and round runs them all, one after another, the modes in
turns, so that wall time compares what ran within minutes of each other. Exits are
what the guest itself read from its PMU around the work. Where it has none (a
Gnomon without the SBI PMU), each workload gets a boot of its own, less one that
runs nothing: exits then include the start of its program and its warm-up.

Boot is measured in boots of its own, with the small initramfs of `make run`: from
the start of the emulator to the first line of init, with no kernel messages
(boot) and with all of them (boot-console). What the boot with the workloads took
is there as well (boot-programs); unpacking them is much of it.
"""
import dataclasses
import pathlib
import re
import tempfile

from benchlib import boot, row
from gnomonlib import cpio, paths

SUITE = "linux"
PROGRAMS = paths.BUILD / "guest" / "bench.cpio"
COMPILER = paths.BUILD / "guest" / "bench-compiler.cpio"
WORKLOADS = paths.BUILD / "guests" / "workloads"


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    operation: str  # what is counted as one
    count: int
    quick: int  # the count of bench-quick; 0: not there
    size: int | None = None
    quick_size: int | None = None
    job: bool = False  # of guests/linux/bench, not of guests/linux/workloads

    def amount(self, quick):
        return self.quick if quick else self.count

    def command(self, quick):
        count = self.amount(quick)
        if self.job:
            return f"/bench/workloads run {self.name} {count} -- /bench/jobs {self.name} {count}"
        size = self.quick_size if quick else self.size
        return f"/bench/workloads {self.name} {count}" + (f" {size}" if size else "")


OWN = (
    Workload("syscall", "getppid()", 1_000_000, 20_000),
    Workload("fork", "fork+exit+wait", 1000, 50),
    Workload("exec", "fork+exec+wait", 300, 10),
    Workload("pipe", "round trip, 1 CPU", 10_000, 500),
    Workload("mmap", "map, touch, unmap", 8, 1, 64, 8),
    Workload("munmap", "munmap of 64 touched pages", 512, 32),
    Workload("mprotect", "protect, unprotect, retouch", 200, 4, 16, 4),
    Workload("file", "64 KiB to tmpfs and back", 5000, 200),
    Workload("touch", "first touch of a page", 1, 1, 256, 16),
    Workload("gups", "random update, warm", 4_000_000, 200_000, 256, 64),
)
# The quick set is without the compiler, which would take as long as all others, and
# has half of the stressors.
JOBS = tuple(Workload(*fields, job=True) for fields in (
    ("hackbench", "loop of 100 messages", 200, 5),
    ("stress-vm", "bogo operation", 100_000, 2000),
    ("stress-mmap", "bogo operation", 50, 2),
    ("stress-mremap", "bogo operation", 100, 0),
    ("stress-brk", "bogo operation", 10_000, 0),
    ("stress-fault", "bogo operation", 1000, 0),
    ("stress-fork", "bogo operation", 300, 10),
    ("sqlite", "row inserted, joined, updated", 20_000, 300),
    ("redis", "request", 20_000, 200),
    ("python", "round of 1000 objects", 20, 1),
    ("compile", "file compiled", 3, 0),
))
ALL = OWN + JOBS
BOOTS = ("boot", "boot-console")  # not in the quick set
NAMES = (*BOOTS, *(workload.name for workload in ALL))
# Asked for by name, boots are measured in the quick size, too.
NAMES_QUICK = (*BOOTS, *(workload.name for workload in ALL if workload.quick))


def parse(line):
    """The pairs of a line of results as a dictionary, or None for any other line."""
    if not line.startswith("workload name="):
        return None
    return dict(pair.split("=", 1) for pair in line.split()[1:] if "=" in pair)


def archives(workloads):
    """Those of Debian's programs that are needed: each takes time to load and to unpack."""
    if any(one.job for one in workloads):
        yield PROGRAMS
    if any(one.name == "compile" for one in workloads):
        yield COMPILER


def initramfs(directory, workloads):
    """Debian's busybox and init, our workloads, and archives() of Debian's programs."""
    archive = cpio.Archive()
    archive.directory("bench")
    archive.file("bench/workloads", paths.made(WORKLOADS, "make workloads").read_bytes(),
                 mode=0o755)
    data = cpio.append(paths.made(paths.INITRD, "make run").read_bytes(), archive.finish())
    for path in archives(workloads):
        data = cpio.append(data, paths.made(path, "scripts/setup bench").read_bytes())
    path = pathlib.Path(directory) / "initrd"
    path.write_bytes(data)
    return path


def rows_of(result, mode, number):
    """Rows of one line of results."""
    name, size = result["name"], result.get("size", "")

    def make(metric, value, unit):
        return row.Row(SUITE, name, size, mode, metric, value, unit, number)
    yield make("operations", int(result["operations"]), "")
    yield make("seconds", int(result["nanoseconds"]) / 1e9, "s")
    for key, value in result.items():
        if re.match(r"exits\b", key) and value != "-":
            yield make(key, int(value), "exits")


def together(options, mode, number, workloads, initrd):
    """All workloads in one boot: (rows, whether exits were counted)."""
    def boot_row(metric, value, unit):
        return row.Row(SUITE, "boot-programs", "", mode, metric, value, unit, number)

    script = "\n".join(workload.command(options.quick) for workload in workloads)
    ended = boot.boot(options.target, mode, script, initrd, timeout=options.timeout)
    results = {}
    said = []
    for line in ended.lines:
        result = parse(line)
        if result is None:
            said.append(line)
            continue
        results[result["name"]] = result
        if result["status"] != "ok":
            result["why"] = " / ".join(said[-3:])
        said = []
    made = []
    if ended.to_init is not None:
        made = [boot_row("operations", 1, ""), boot_row("seconds", ended.to_init, "s")]
    for workload in workloads:
        result = results.get(workload.name)
        if result is None:
            made.append(row.failed(SUITE, workload.name, "", mode,
                                   f"no result ({ended.why})", number))
        elif result["status"] != "ok":
            made.append(row.failed(SUITE, workload.name, result.get("size", ""), mode,
                                   f"wrong result: {result['why'][:200]}", number))
        else:
            made += rows_of(result, mode, number)
    return made, any(result["exits"] != "-" for result in results.values())


def by_difference(options, mode, workloads, initrd):
    """Exits of each workload: those of a boot with it, less those of one without."""
    def exits(script):
        ended = boot.boot(options.target, mode, script, initrd, timeout=options.timeout)
        if ended.status != 0 or not ended.report:
            raise RuntimeError(ended.why)
        return {"exits": ended.report["exits_total"],
                **{f"exits:{name}": count for name, count in ended.report["exits"].items()}}

    nothing = exits("true")
    for workload in workloads:
        options.say(f"  exits of {workload.name} by difference, {mode}")
        try:
            found = exits(workload.command(options.quick))
        except RuntimeError as problem:
            yield row.failed(SUITE, workload.name, "", mode, problem)
            continue
        for metric, count in found.items():
            more = max(0, count - nothing.get(metric, 0))
            if more:
                yield row.Row(SUITE, workload.name, "", mode, metric, more,
                              "exits, by difference")


def boots(options, mode, number, names):
    for name in names:
        ended = boot.boot(options.target, mode, "", paths.made(paths.INITRD, "make run"),
                          timeout=options.timeout, short=True,
                          verbose=name == "boot-console")
        if ended.to_init is None:
            yield row.failed(SUITE, name, "", mode, ended.why, number)
            continue
        yield row.Row(SUITE, name, "", mode, "operations", 1, "", number)
        yield row.Row(SUITE, name, "", mode, "seconds", ended.to_init, "s", number)
        if ended.report:
            yield row.Row(SUITE, name, "", mode, "exits", ended.report["exits_total"], "exits",
                          number)
            for reason, count in ended.report["exits"].items():
                yield row.Row(SUITE, name, "", mode, f"exits:{reason}", count, "exits", number)


def chosen(options):
    names = options.workloads or NAMES
    workloads = [one for one in ALL if one.name in names and one.amount(options.quick)]
    return workloads, [name for name in BOOTS if name in names and
                       (options.workloads or not options.quick)]


def with_size(rows, sized):
    """Rows found by difference know no size: that of the same workload."""
    for one in rows:
        yield dataclasses.replace(one, parameter=sized.get(one.workload, one.parameter))


def rows(options):
    workloads, boot_names = chosen(options)
    uncounted, sized = [], {}
    with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as directory:
        initrd = initramfs(directory, workloads)
        for number in range(1, options.rounds + 1):
            for mode in options.modes:
                options.say(f"linux: {mode}, round {number} of {options.rounds}")
                yield from boots(options, mode, number, boot_names)
                if not workloads:
                    continue
                made, counted = together(options, mode, number, workloads, initrd)
                sized.update((one.workload, one.parameter) for one in made)
                yield from made
                if not counted and mode != "native" and mode not in uncounted:
                    uncounted.append(mode)
        for mode in uncounted:
            if options.quick:
                yield row.unsupported(SUITE, "exits of each workload", "", mode,
                                      "there is no SBI PMU, and boots to find them by "
                                      "difference take too long for --quick")
                continue
            yield from with_size(by_difference(options, mode, workloads, initrd), sized)
