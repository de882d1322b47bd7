# SPDX-License-Identifier: BSD-2-Clause
"""
The plots, as SVG files. One colour stands for a mode in all of them; what has no rows
makes no plot, and an old file of its name is removed.
"""
import statistics

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker  # noqa: E402

from benchlib import goals  # noqa: E402
from benchlib.report import is_timed, short, title  # noqa: E402

COLOURS = {"native": "#777777", "nested": "#0072b2", "shadow": "#d55e00",
           "shadow-unsync": "#e69f00", "lsp": "#009e73"}
REASON_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#b2b200",
                  "#aaaaaa")
MARKERS = {"native": "x", "nested": "s", "shadow": "^", "shadow-unsync": "v", "lsp": "o"}
SHOWN = ("gnomon", "emulator", "guest kernel", "command", "size", "date")


def colour(mode):
    return COLOURS.get(mode, "black")


def finish(path, facts, figure, axes, heading, columns=5):
    """Title, legend (above, where it hides nothing) and facts; then the file."""
    entries = axes.get_legend_handles_labels()[1]
    axes.legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(-0.01, 1),
                ncol=columns, borderaxespad=0.2, columnspacing=1.2)
    axes.set_title(heading, loc="left", fontsize=11,
                   pad=8 + 13 * -(-len(entries) // columns))
    axes.spines[["top", "right"]].set_visible(False)
    found = dict(facts)
    lines = [", ".join(f"{name} {found[name]}" for name in names if name in found)
             for names in (SHOWN[:1], SHOWN[1:3], SHOWN[3:])]
    figure.text(0.01, 0.1 / figure.get_figheight(), "\n".join(lines), fontsize=6,
                color="#555555", va="bottom")
    figure.tight_layout(rect=(0, 0.55 / figure.get_figheight(), 1, 1))
    new = path.with_name(path.name + ".new")
    figure.savefig(new, format="svg", metadata={"Date": found.get("date"), "Title": heading,
                                               "Description": "; ".join(lines)})
    new.replace(path)


def bars(path, facts, groups, heading, label, log=False):
    """Groups of horizontal bars: {group: {mode: value}}."""
    modes = list(dict.fromkeys(mode for group in groups.values() for mode in group))
    if not modes:
        return False
    step = len(modes) + 1
    figure, axes = pyplot.subplots(figsize=(8, 1.6 + 0.12 * step * len(groups)))
    for place, mode in enumerate(modes):
        values = [group.get(mode) for group in groups.values()]
        at = [number * step + place for number in range(len(groups))]
        drawn = axes.barh(at, [value or 0 for value in values], height=0.85, color=colour(mode),
                          label=mode)
        axes.bar_label(drawn, ["" if value is None else short(value) for value in values],
                       fontsize=6, padding=2)
    axes.set_yticks([number * step + (len(modes) - 1) / 2 for number in range(len(groups))],
                    groups, fontsize=8)
    axes.set_ylim(step * len(groups) - 1, -1)
    if log:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel(label)
    finish(path, facts, figure, axes, heading)
    return True


def grouped(rows, cases, value):
    """{title: {mode: value}} of these cases."""
    groups = {}
    for case in cases:
        found = {mode: value(case, mode) for mode in rows.modes()}
        found = {mode: number for mode, number in found.items() if number is not None}
        if found:
            groups[title(case)] = found
    return groups


def unit_of_exits(rows, case, modes):
    """What the bars of a workload are measured by: its exits in `shadow`, or else in
    the mode with the most."""
    values = {mode: rows.value("linux", case, mode, "exits") or 0 for mode in modes}
    return values.get("shadow") or max(values.values(), default=0)


def exits_by_reason(path, facts, rows):
    cases = [case for case in rows.cases("linux", "exits")]
    modes = [mode for mode in rows.modes() if mode != "native"]
    lines = [(case, mode) for case in cases for mode in modes
             if rows.value("linux", case, mode, "exits") and unit_of_exits(rows, case, modes)]
    if not lines:
        return False
    metrics = rows.metrics("linux", "exits:")
    shown, others = metrics[:len(REASON_COLOURS) - 1], metrics[len(REASON_COLOURS) - 1:]
    stacks = [(metric.removeprefix("exits:"), [metric]) for metric in shown]
    stacks.append(("others", others))
    figure, axes = pyplot.subplots(figsize=(9, 2 + 0.17 * len(lines) + 0.1 * len(cases)))
    at = [number + 0.6 * cases.index(case) for number, (case, _) in enumerate(lines)]
    left = [0.0] * len(lines)
    for (name, group), shade in zip(stacks, REASON_COLOURS):
        widths = [sum(rows.value("linux", case, mode, metric) or 0 for metric in group) /
                  unit_of_exits(rows, case, modes) for case, mode in lines]
        if any(widths):
            axes.barh(at, widths, left=left, color=shade, label=name, height=0.9)
            left = [a + b for a, b in zip(left, widths)]
    labels = [short(rows.per_operation("linux", case, mode, "exits")) for case, mode in lines]
    for place, end, text in zip(at, left, labels):
        axes.text(end, place, f" {text}", fontsize=6, va="center")
    axes.set_yticks(at, [f"{title(case)}, {mode}" for case, mode in lines], fontsize=6)
    axes.set_ylim(at[-1] + 0.8, -0.8)
    axes.set_xlabel("exits, to those of shadow (or of the mode with the most); "
                    "numbers: exits by the operation")
    finish(path, facts, figure, axes, "Linux workloads: exits by reason", columns=4)
    return True


def sweep(path, facts, rows):
    lines = {mode: goals.sweep(rows, mode) for mode in rows.modes() if mode != "native"}
    lines = {mode: points for mode, points in lines.items() if points}
    if not lines:
        return False
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for mode, points in lines.items():
        axes.plot(list(points), list(points.values()), color=colour(mode), label=mode,
                  marker=MARKERS.get(mode, "."), markersize=5, alpha=0.8, clip_on=False)
    axes.set_xlabel("share of PTE modifications, %")
    axes.set_ylabel("exits")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)
    finish(path, facts, figure, axes, "The published sweep: 100,000 operations on 1,024 pages")
    return True


def pte_loads(path, facts, rows):
    """Of the models without page-walk caches: whole walks."""
    cases = rows.cases("tlb", "pte-loads-per-miss")
    plain = [case for case in cases if "+caches" not in case[1]]
    groups = grouped(rows, plain or cases, lambda case, mode: rows.value(
        "tlb", case, mode, "pte-loads-per-miss"))
    return bars(path, facts, groups, "PTE loads by the TLB miss", "PTE loads")


def instructions(path, facts, rows):
    def overhead(case, mode):
        parts = [rows.per_operation("micro", case, mode, metric)
                 for metric in ("hypervisor-instructions", "firmware-instructions")]
        parts = [part for part in parts if part is not None]
        return sum(parts) if parts else None
    groups = grouped(rows, rows.cases("micro", "hypervisor-instructions"), overhead)
    groups = {name: group for name, group in groups.items()
              if any(value >= 1 for value in group.values())}
    return bars(path, facts, groups, "Instructions of hypervisor and firmware by the operation",
                "instructions (below 1 linear, above logarithmic)", log=True)


def wall_time(path, facts, rows):
    cases = rows.cases("linux", "seconds")
    modes = [mode for mode in rows.modes() if mode != "native"]
    found = {(number, mode): rows.to_native("linux", case, mode)
             for number, case in enumerate(cases) for mode in modes}
    if not any(found.values()):
        return False
    figure, axes = pyplot.subplots(figsize=(8, 2 + 0.3 * len(cases)))
    for place, mode in enumerate(modes):
        for number in range(len(cases)):
            ratios = found[number, mode]
            if ratios:
                at = number + (place - (len(modes) - 1) / 2) * 0.18
                axes.plot([ratios[0], ratios[-1]], [at, at], color=colour(mode), linewidth=1)
                axes.plot([statistics.median(ratios)], [at], MARKERS.get(mode, "."),
                          color=colour(mode), markersize=4)
        axes.plot([], [], MARKERS.get(mode, "."), color=colour(mode), label=mode)
    axes.axvline(1, color=colour("native"), linewidth=1)
    axes.set_yticks(range(len(cases)), [title(case) for case in cases], fontsize=8)
    axes.set_ylim(len(cases) - 0.4, -0.6)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axes.set_xlabel("wall time under QEMU to native in the same round: median, least to most")
    axes.grid(axis="x", alpha=0.3)
    finish(path, facts, figure, axes, "Linux workloads: what a user of QEMU waits for")
    return True


PLOTS = {"exits.svg": exits_by_reason, "sweep.svg": sweep, "pte-loads.svg": pte_loads,
         "instructions.svg": instructions, "wall-time.svg": wall_time}


def write(directory, facts, rows):
    """All plots there is something to show in; their names."""
    matplotlib.rcParams.update({"svg.hashsalt": "gnomon", "svg.fonttype": "none"})
    made = []
    for name, draw in PLOTS.items():
        shown = draw is not wall_time or is_timed(facts)
        if shown and draw(directory / name, facts, rows):
            made.append(name)
        else:
            (directory / name).unlink(missing_ok=True)
        pyplot.close("all")
    return made
