# SPDX-License-Identifier: BSD-2-Clause
"""
The TLB model: what the accesses of a workload would miss, and what walks of the live
tables would load for it, in TLBs of stated sizes (docs/tlb-model.md).

Bare-metal random loads and Linux workloads, on Sv39 (what is published is) and, but
for bench-quick, in what Linux itself chooses. A case's parameter is its size, the
mode of its tables, and the model.
"""
import collections
import pathlib
import tempfile

from benchlib import boot, linux, micro, plugin, row

SUITE = "tlb"
WALK_CACHES = "pointers=16:gpointers=16:gleaves=16"
MODELS = {  # bench-quick takes the first two
    "64x4": "entries=64:ways=4",
    "64x4+caches": f"entries=64:ways=4:{WALK_CACHES}",
    "1024x8+caches": f"entries=1024:ways=8:{WALK_CACHES}",
}
PAGES = "/4k"  # of a model's name: every G-stage leaf as if it were 4 KiB

BENCHMARKS_QUICK = ("depth",)
BENCHMARKS_FULL = ("reach", "depth")
LINUX_QUICK = ("gups", "fork")
LINUX_FULL = ("gups", "fork", "exec", "pipe", "mmap", "mprotect", "file")
LINUX_TABLES = {"sv39": "no4lvl no5lvl", "sv57": None}


def models(options, mode):
    chosen = list(MODELS.items())[:2 if options.quick else None]
    named = [f"{name}:{fields}" for name, fields in chosen]
    if mode == "nested":
        named += [f"{name}{PAGES}:{fields}:gpages=1" for name, fields in chosen]
    return named


def summed(lines, is_virtual):
    """{(model, whether the guest's, which runs with that V): sums of all harts' numbers}"""
    sums = collections.defaultdict(collections.Counter)
    for line in lines:
        whose = line["virtual"] == is_virtual
        numbers = sums[line["model"], whose]
        for name in ("instructions", "loads", "incomplete", "wrong_hits", "wrong_misses"):
            numbers[name] += line[name]
        numbers["misses"] += sum(line["misses"])
    return sums


def ratio(part, whole, scale=1):
    return part * scale / whole if whole else 0


def rows_of(case, size, mode, is_virtual, lines):
    """Rows of one region. A wrong translation means that the model cannot be right,
    or that a hart's TLB would have used what is no more."""
    sums = summed(lines, is_virtual)
    for name in (name for name in MODELS if (name, True) in sums):
        guest, own = sums[name, True], sums[name, False]
        pages = sums.get((name + PAGES, True))
        parameter = ", ".join(filter(None, (size, name)))

        def make(metric, value, unit, parameter=parameter):
            return row.Row(SUITE, case, parameter, mode, metric, value, unit)
        wrong = guest["wrong_hits"] + guest["wrong_misses"]
        if wrong or not guest["misses"]:
            yield row.failed(SUITE, case, parameter, mode, f"{wrong} wrong translations, "
                             f"{guest['misses']} misses")
            continue
        yield make("pte-loads-per-miss", ratio(guest["loads"], guest["misses"]), "PTE loads")
        if pages:
            yield make("pte-loads-per-miss, 4 KiB G-stage leaves",
                       ratio(pages["loads"], pages["misses"]), "PTE loads, modelled")
        yield make("misses-per-1000-instructions",
                   ratio(guest["misses"], guest["instructions"], 1000), "misses")
        yield make("pte-loads-per-1000-instructions",
                   ratio(guest["loads"] + own["loads"], guest["instructions"], 1000),
                   "PTE loads, with the hypervisor's, by the guest's instructions")


def matched(names, regions, mode, is_virtual, why):
    """Rows of all regions, in the order of `names`, pairs of case and size."""
    if len(names) != len(regions) or why:
        yield row.failed(SUITE, "all", "", mode,
                         why or f"{len(regions)} regions for {len(names)} results")
        return
    for (case, size), lines in zip(names, regions):
        yield from rows_of(case, size, mode, is_virtual, lines)


def is_virtual(options, mode):
    """Whether guests run with V = 1: on seat m they have S-mode itself."""
    return mode != "native" and options.target.seat == "hs"


def bare_metal(options, mode, out):
    """The benchmark guest's; its tables are of Sv39 but for `depth`, which says so."""
    ended = micro.boot(options.target, mode, "quick" if options.quick else "full",
                       BENCHMARKS_QUICK if options.quick else BENCHMARKS_FULL,
                       timeout=options.timeout,
                       qemu_args=plugin.tlb(out, models(options, mode)))
    names = [(case, parameter if "sv" in parameter else f"{parameter}, sv39")
             for case, parameter in ended.lines]
    yield from matched(names, plugin.read(out), mode, is_virtual(options, mode), ended.why)


def linux_rows(options, mode, tables, initrd, out):
    chosen = LINUX_QUICK if options.quick else LINUX_FULL
    # Of the sizes of bench-quick: the model sees each access.
    workloads = [workload for workload in linux.OWN if workload.name in chosen]
    ended = boot.boot(options.target, mode, "\n".join(
        workload.command(True) for workload in workloads), initrd, timeout=options.timeout,
        append=LINUX_TABLES[tables], qemu_args=plugin.tlb(out, models(options, mode)))
    results = [result for result in map(linux.parse, ended.lines) if result]
    names = [(f"linux-{result['name']}", ", ".join(filter(None, (result.get("size"), tables))))
             for result in results]
    why = None if ended.status == 0 else ended.why
    # A program may measure nothing first, as often as each other does: the last counts.
    regions = plugin.read(out)
    each = max(1, len(regions) // max(1, len(names)))
    yield from matched(names, regions[each - 1::each], mode, is_virtual(options, mode), why)


def rows(options):
    with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as name:
        directory = pathlib.Path(name)
        initrd = linux.initramfs(directory, ())
        for mode in options.modes:
            options.say(f"tlb: {mode}")
            yield from bare_metal(options, mode, directory / "bare")
            for tables in ("sv39",) if options.quick else LINUX_TABLES:
                yield from linux_rows(options, mode, tables, initrd,
                                      directory / f"linux-{tables}")
