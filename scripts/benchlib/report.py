# SPDX-License-Identifier: BSD-2-Clause
"""
All rows as files: results.csv for programs, results.md for people, and the plots.
"""
import os
import statistics

from benchlib import goals, row

NOTHING = "–"
SHADOWS = ("shadow", "shadow-unsync")
REASONS_SHOWN = 3
# The name of the fact that times were not taken of one guest alone.
NO_WALL_TIME = "wall time"


def short(value, digits=3):
    """A number as people read it: 1,234 or 12.3 or 0.00123."""
    if value is None:
        return NOTHING
    if value == 0 or float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.{digits}g}'):g}"


def table(header, lines):
    """A table of Markdown; the first column is text, the others numbers."""
    made = ["| " + " | ".join(header) + " |",
            "| --- |" + " ---: |" * (len(header) - 1)]
    made += ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(made) + "\n"


def title(case):
    return " ".join(part for part in case if part)


def matrix(rows, modes, cases, cell):
    """Cases by modes; those without any value are left out."""
    lines = []
    for case in cases:
        cells = [cell(case, mode) for mode in modes]
        if any(text != NOTHING for text in cells):
            lines.append([title(case), *cells])
    return lines


def header_part(facts):
    lines = "".join(f"| {name} | " + text.replace("|", "\\|") + " |\n" for name, text in facts)
    return f"# Measurements\n\n| | |\n| --- | --- |\n{lines}"


def problems_of(rows):
    return [": ".join(part for part in (title((one.suite, one.workload, one.parameter)),
                                        f"{one.mode}, round {one.round}" if one.mode else "",
                                        one.unit) if part)
            for one in rows.problems(row.FAILED)]


def problems_part(rows):
    failed = [f"- {text}\n" for text in problems_of(rows)]
    lines = [f"- {title((one.suite, one.workload, one.parameter))} in `{one.mode}`: "
             f"{one.unit}\n" for one in rows.problems(row.UNSUPPORTED)]
    text = "## What failed\n\n" + "".join(failed) if failed else ""
    if lines:
        text += ("\n" if text else "") + "## What a mode cannot do here\n\n" + "".join(lines)
    return text


def against(value, limit):
    """A number with as many digits as tell it from its limit."""
    digits = 3
    while value is not None and value != limit and digits < 9 and \
            float(f"{value:.{digits}g}") == limit:
        digits += 1
    return short(value, digits)


def goals_part(rows, modes, quick, timed, seat):
    """timed: whether wall time was taken of one guest alone."""
    lines = [[goal.work, goal.published, f"≤ {short(goal.limit, 4)}",
              *(against(goal.measure(rows, mode), goal.limit) for mode in modes),
              goal.verdict(rows, quick)] for goal in goals.GOALS[seat]
             if timed or not goal.of_time]
    of_time = ("Wall time is what a user of QEMU waits for, not the cost of translation" +
               ("; at the smallest sizes and in one round it decides nothing." if quick
                else ".") if timed else
               "Wall time is not shown: the parts ran beside each other.")
    return (f"## Goals of `lsp`\n\nExits are of one vCPU. {of_time}\n\n" +
            table(["what", "published", "goal", *(f"`{mode}`" for mode in modes), "verdict"],
                  lines))


def ratio(rows, case, other):
    own = rows.value("linux", case, goals.LSP, "exits")
    others = rows.value("linux", case, other, "exits")
    if own is None or others is None:
        return NOTHING
    return short(own / others) if others else ("1" if own == 0 else f"{short(own)} : 0")


def set_lines(rows, width):
    """The whole set, as lines below those of its workloads."""
    for name, measure in (("**all, sum of exits**",
                           lambda other: goals.set_ratio(other)(rows, goals.LSP)),
                          ("**all, geometric mean**",
                           lambda other: goals.set_mean(rows, goals.LSP, other))):
        yield [name, *[""] * width, *(short(measure(other)) for other in SHADOWS)]


def exits_spread(values):
    """The median over the rounds, and the least and the most where they differ."""
    if not values:
        return NOTHING
    shown = short(statistics.median(values))
    least, most = short(values[0]), short(values[-1])
    return shown if least == most else f"{shown} ({least}–{most})"


def linux_exits_part(rows, modes):
    modes = [mode for mode in modes if mode != "native"]
    lines = matrix(rows, modes, rows.cases("linux"), lambda case, mode: exits_spread(
        rows.each_per_operation("linux", case, mode, "exits")))
    if not lines:
        return ""
    cases = {title(case): case for case in rows.cases("linux")}
    for line in lines:
        line += [ratio(rows, cases[line[0]], other) for other in SHADOWS]
    lines += set_lines(rows, len(modes))
    return ("## Linux workloads: exits by the operation\n\nMedian (least–most) where rounds "
            "differ. The geometric mean leaves out what "
            "takes no exit in one of the two modes; boots are in neither line.\n\n" +
            table(["workload", *(f"`{mode}`" for mode in modes),
                   *(f"lsp / {other}" for other in SHADOWS)], lines))


def reasons(rows, case, mode):
    """The commonest reasons of exits, by the operation."""
    found = []
    for metric in rows.metrics("linux", "exits:"):
        value = rows.per_operation("linux", case, mode, metric)
        if value:
            found.append((value, metric.removeprefix("exits:")))
    return "; ".join(f"{name} {short(value)}" for value, name in
                     sorted(found, reverse=True)[:REASONS_SHOWN]) or NOTHING


def reasons_part(rows, modes):
    modes = [mode for mode in modes if mode != "native"]
    lines = matrix(rows, modes, rows.cases("linux", "exits"),
                   lambda case, mode: reasons(rows, case, mode))
    return "## Linux workloads: the commonest reasons, by the operation\n\n" + table(
        ["workload", *(f"`{mode}`" for mode in modes)], lines) if lines else ""


def spread(values):
    if not values:
        return NOTHING
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({values[0]:.2f}–{values[-1]:.2f})"


def duration(seconds):
    if seconds is None:
        return NOTHING
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def wall_part(rows, modes):
    modes = [mode for mode in modes if mode != "native"]
    lines = matrix(rows, modes, rows.cases("linux", "seconds"),
                   lambda case, mode: spread(rows.to_native("linux", case, mode)))
    cases = {title(case): case for case in rows.cases("linux")}
    for line in lines:
        line.insert(1, duration(rows.per_operation("linux", cases[line[0]], "native",
                                                   "seconds")))
    return ("## Linux workloads: wall time under QEMU, as a ratio to native\n\nEach round "
            "against native in the same round: median (least–most). It is what a user of QEMU "
            "waits for; exits are the figures that hold anywhere.\n\n" +
            table(["workload", "native, by the operation", *(f"`{mode}`" for mode in modes)],
                  lines)) if lines else ""


def micro_cell(rows, metric):
    def cell(case, mode):
        value = rows.per_operation("micro", case, mode, metric)
        return short(rows.value("micro", case, mode, metric) if value is None else value)
    return cell


def micro_part(rows, modes):
    text = ""
    for metric, heading in (("exits", "exits"),
                            ("hypervisor-instructions", "instructions of hypervisor and firmware"),
                            ("guest-instructions", "instructions of the guest")):
        lines = matrix(rows, modes, rows.cases("micro", metric), micro_cell(rows, metric))
        if lines:
            text += f"\n## Micro-benchmarks: {heading} by the operation\n\n" + table(
                ["benchmark", *(f"`{mode}`" for mode in modes)], lines)
    return text.lstrip("\n")


def tlb_part(rows, modes):
    """Every metric of the suite, cases by modes."""
    text = ""
    for metric in dict.fromkeys(one.metric for one in rows.all if one.suite == "tlb"):
        lines = matrix(rows, modes, rows.cases("tlb", metric), lambda case, mode, of=metric:
                       short(rows.value("tlb", case, mode, of)))
        if lines:
            text += f"\n## TLB model: {metric}\n\n" + table(
                ["case", *(f"`{mode}`" for mode in modes)], lines)
    return text.lstrip("\n")


def instructions_of(rows, case, mode, side):
    """Median (least–most) of one exit."""
    def part(what):
        return rows.value("instructions", case, mode, f"{side}-instructions-{what}")
    if part("median") is None:
        return NOTHING
    return f"{short(part('median'))} ({short(part('least'))}–{short(part('most'))})"


def median_instructions(rows, case, mode):
    return rows.value("instructions", case, mode, "hypervisor-instructions-median")


def to_goal(value, limit):
    if value is None:
        return NOTHING
    return "met" if value <= limit else f"**missed** ({against(value / limit, 1)} times)"


def share_of_reason(rows, case, mode):
    """The exits of a class, of all of its reason in that benchmark: "32 of 64"."""
    name, of = case[1].rpartition(": ")[::2]
    reason = of.removesuffix(" (fast)")
    own = rows.value("instructions", case, mode, "exits") or 0
    both = sum(rows.value("instructions", (case[0], f"{name}: {one}"), mode, "exits") or 0
               for one in (reason, f"{reason} (fast)"))
    return short(own) if own == both else f"{short(own)} of {short(both)}"


def cases_of_goal(rows, goal):
    """Of each benchmark that makes the exit that the goal speaks of, its usual class."""
    usual = {}
    for case in filter(goal.speaks_of, rows.cases("instructions", "exits")):
        exits = rows.value("instructions", case, goals.LSP, "exits") or 0
        benchmark = (case[0], case[1].rpartition(": ")[0])
        if exits > usual.get(benchmark, (0, None))[0]:
            usual[benchmark] = exits, case
    return [case for _, case in usual.values()]


def instruction_goals_part(rows, modes):
    """A line for each benchmark that makes just the exit that a goal speaks of."""
    modes = [mode for mode in modes if mode not in ("native", "nested")]
    lines = []
    for goal in goals.INSTRUCTION_GOALS:
        for case in cases_of_goal(rows, goal):
            name, _, of = case[1].rpartition(": ")
            own = median_instructions(rows, case, goals.LSP)
            lines.append([goal.event, f"{case[0]} {name}", of,
                          share_of_reason(rows, case, goals.LSP),
                          *(short(median_instructions(rows, case, mode)) for mode in modes),
                          f"≤ {short(goal.limit)}", to_goal(own, goal.limit)])
    return ("## Goals of `lsp`: instructions by the exit\n\nOf the hypervisor, in the median "
            "exit of its usual class in one benchmark. Exits are of `lsp`: those of the class, "
            "of all with that reason where others took another path.\n\n" +
            table(["event", "benchmark", "exit", "exits", *(f"`{mode}`" for mode in modes),
                   "goal", "verdict"], lines)) if lines else ""


def instructions_part(rows, modes):
    """By the class of exits, over all micro-benchmarks; the CSV has each by itself."""
    lines = []
    for case in rows.cases("instructions", "exits"):
        for mode in modes:
            exits = rows.value("instructions", case, mode, "exits")
            if case[0] == "all" and exits is not None:
                lines.append([case[1], f"`{mode}`", short(exits),
                              *(instructions_of(rows, case, mode, side)
                                for side in ("hypervisor", "firmware"))])
    return ("## Instructions by the exit\n\nOver all micro-benchmarks: median (least–most) of "
            "one exit.\n\n" + table(["exit", "mode", "exits", "hypervisor", "firmware"],
                                    lines)) if lines else ""


def apart(one, other):
    """Two numbers with as many digits as tell them from each other."""
    digits = next((digits for digits in range(3, 9)
                   if short(one, digits) != short(other, digits)), 9)
    return f"{short(one, digits)} : {short(other, digits)}"


def better(rows, other, suite, measure):
    """Cases where another mode has less of something than lsp, with both values."""
    for case in rows.cases(suite):
        others, own = measure(case, other), measure(case, goals.LSP)
        if others is not None and own is not None and others < own:
            yield f"{title(case)} ({apart(others, own)})"


def wins(rows, other, judged):
    """A line for all that another mode has less of than lsp. judged: wall time is, too."""
    def by_operation(suite, metric):
        return lambda case, mode: rows.per_operation(suite, case, mode, metric)

    def to_native(case, mode):
        ratios = rows.to_native("linux", case, mode)
        return statistics.median(ratios) if ratios else None
    for heading, suite, measure in (
            ("exits by the operation, Linux", "linux", by_operation("linux", "exits")),
            ("exits by the operation, micro-benchmarks", "micro",
             by_operation("micro", "exits")),
            ("instructions of hypervisor and firmware by the operation, micro-benchmarks",
             "micro", by_operation("micro", "hypervisor-instructions")),
            ("wall time to native, Linux", "linux", to_native)):
        found = list(better(rows, other, suite, measure))
        if found and (judged or measure is not to_native):
            yield f"{heading}: {', '.join(found)}"


def nested_part(rows, judged):
    """Where nested paging wins, which it does wherever page tables change a lot."""
    text = "".join(f"- {line}\n" for line in wins(rows, "nested", judged))
    return f"## Where nested wins\n\nBy what, and nested : lsp.\n\n{text}" if text else ""


def shadows_part(rows, judged):
    text = "".join(f"- `{mode}`, {line}\n" for mode in SHADOWS
                   for line in wins(rows, mode, judged))
    return ("## Where shadow or shadow-unsync wins\n\nBy what, and that mode : lsp.\n\n" +
            text) if text else ""


def is_quick(facts):
    return dict(facts).get("size", "").startswith("quick")


def seat_of(facts):
    return "m" if dict(facts).get("seat") == "m" else "hs"


def is_timed(facts):
    """Whether wall time was taken of one guest alone."""
    return NO_WALL_TIME not in dict(facts)


def markdown(facts, rows):
    modes = [mode for mode in dict(facts).get("modes", "").split() if mode in rows.modes()]
    quick, timed = is_quick(facts), is_timed(facts)
    parts = (header_part(facts), problems_part(rows), goals_part(rows, modes, quick, timed, seat_of(facts)),
             instruction_goals_part(rows, modes), linux_exits_part(rows, modes),
             nested_part(rows, timed and not quick), shadows_part(rows, timed and not quick),
             wall_part(rows, modes) if timed else "", reasons_part(rows, modes),
             micro_part(rows, modes), tlb_part(rows, modes), instructions_part(rows, modes))
    return "\n".join(part for part in parts if part)


def replace(path, text):
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def write_tables(directory, facts, rows, name="results"):
    directory.mkdir(parents=True, exist_ok=True)
    row.write_csv(directory / f"{name}.csv.new", facts, rows.all)
    os.replace(directory / f"{name}.csv.new", directory / f"{name}.csv")
    replace(directory / f"{name}.md", markdown(facts, rows))


def write(directory, facts, rows):
    """All files; returns what failed, in the measuring or here, as lines."""
    write_tables(directory, facts, rows)
    problems = problems_of(rows)
    try:
        from benchlib import plots  # pylint: disable=import-outside-toplevel
        plots.write(directory, facts, rows)
    except ImportError as problem:
        problems.append(f"plots: {problem} (scripts/setup bench installs it)")
    return problems
