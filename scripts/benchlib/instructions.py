# SPDX-License-Identifier: BSD-2-Clause
"""
Instructions of the hypervisor, and of the firmware, by the VM exit: for each class of
exits of a run of the benchmark guest, counted one by one by a plugin of the emulator.

A class is the reason that Gnomon counted for the exit, and the path that it took.
Case: benchmark and parameter, or "all"; the class stands behind the parameter.
"""
import collections
import pathlib
import tempfile

from benchlib import micro, plugin, row

SUITE = "instructions"
MIDDLE, MOST = 5, 10  # among the deciles


def class_name(line):
    """The reasons counted, with "fast" where its vector finished it."""
    if line["special"]:
        return line["special"]
    words = [f"{reason} (fast)" for reason in line["fast"]]
    return " and ".join(words + line["full"])


def rows_of(case, mode, line):
    workload, parameter = case
    parameter = ": ".join(filter(None, (parameter, class_name(line))))

    def make(metric, value, unit="instructions"):
        return row.Row(SUITE, workload, parameter, mode, metric, value, unit)
    yield make("exits", line["count"], "exits")
    for side in ("hypervisor", "firmware"):
        deciles = line[side]["deciles"]
        yield make(f"{side}-instructions", line[side]["total"])
        yield make(f"{side}-instructions-least", deciles[0])
        yield make(f"{side}-instructions-median", deciles[MIDDLE])
        yield make(f"{side}-instructions-most", deciles[MOST])


def merged(regions):
    """One line for each class over all regions. Its middle is that of the medians,
    each region's counted as often as it has exits: exact enough for a summary."""
    by_class = collections.defaultdict(list)
    for line in (line for lines in regions for line in lines if "count" in line):
        by_class[class_name(line)].append(line)
    for lines in by_class.values():
        whole = dict(lines[0], count=sum(line["count"] for line in lines))
        for side in ("hypervisor", "firmware"):
            whole[side] = {
                "total": sum(line[side]["total"] for line in lines),
                "deciles": [weighted(lines, side, at) for at in range(MOST + 1)]}
        yield whole


def weighted(lines, side, at):
    """The decile `at` of all: of each region's eleven, each stands for a tenth."""
    values = sorted((value, line["count"]) for line in lines
                    for value in line[side]["deciles"])
    wanted = at / MOST * sum(count for _, count in values)
    for value, count in values:
        wanted -= count
        if wanted <= 0:
            return value
    return values[-1][0]


def rows(options):
    with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as name:
        out = pathlib.Path(name) / "instructions"
        for mode in options.modes:
            if mode == "native":
                continue
            options.say(f"instructions: {mode}")
            ended = micro.boot(options.target, mode, "quick" if options.quick else "full",
                               timeout=options.timeout, qemu_args=plugin.instructions(out, options.target))
            regions = plugin.read(out)
            if ended.why or len(regions) != len(ended.lines):
                yield row.failed(SUITE, "all", "", mode, ended.why or
                                 f"{len(regions)} regions for {len(ended.lines)} results")
                continue
            for line in merged(regions):
                yield from rows_of(("all", ""), mode, line)
            for case, lines in zip(ended.lines, regions):
                for line in (line for line in lines if line.get("count")):
                    yield from rows_of(case, mode, line)
