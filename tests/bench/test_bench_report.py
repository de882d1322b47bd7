# SPDX-License-Identifier: BSD-2-Clause
"""What `make bench` writes, from made-up rows: the CSV, the tables and the plots."""
import csv
import importlib.util
import pathlib
import re
import sys
from xml.etree import ElementTree

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from benchlib import goals, linux, report, row  # noqa: E402
from gnomonlib import paths  # noqa: E402

MODES = ("native", "nested", "shadow", "shadow-unsync", "lsp")
FACTS = [("command", "scripts/bench --made-up"), ("date", "2030-01-02 03:04 UTC"),
         ("size", "none"), ("rounds", "3"), ("modes", " ".join(MODES)), ("gnomon", "v0, sha256 0"),
         ("emulator", "QEMU 0"), ("guest kernel", "0.0")]
PLOTS = {"exits.svg", "sweep.svg", "pte-loads.svg", "instructions.svg", "wall-time.svg"}
# Exits of one operation: lsp takes a tenth of what shadow does.
EXITS = {"nested": 0, "shadow": 100, "shadow-unsync": 50, "lsp": 10}
SECONDS = {"native": (1.0, 2.0, 4.0), "nested": (2.0, 5.0, 8.0), "shadow": (9, 9, 9),
           "shadow-unsync": (5, 5, 5), "lsp": (1.5, 2.4, 8.0)}


def linux_rows(workload, operations=10):
    for mode in MODES:
        for number, seconds in enumerate(SECONDS[mode], 1):
            def make(metric, value, unit="", mode=mode, number=number):
                return row.Row("linux", workload, "4MiB", mode, metric, value, unit, number)
            yield make("operations", operations)
            yield make("seconds", seconds, "s")
            if mode != "native":
                yield make("exits", EXITS[mode] * operations)
            if EXITS.get(mode):
                yield make("exits:satp-write", operations)
                yield make("exits:shadow-miss", (EXITS[mode] - 1) * operations)


def made_up():
    yield from linux_rows("fork")
    yield from linux_rows("pipe", 5)
    for mode in MODES[1:]:
        for share in (0, 50, 100):
            exits = {"nested": 0, "lsp": 10 + 1000 * share}.get(mode, 20 + 2000 * share)
            yield row.Row("micro", "sweep", f"{share}%", mode, "exits", exits, "exits")
        yield row.Row("micro", "null", "", mode, "operations", 1000, "")
        yield row.Row("micro", "null", "", mode, "hypervisor-instructions", 80_000, "")
    for mode, loads in zip(MODES, (3, 15, 3, 3, 3)):
        yield row.Row("tlb", "random", "sv39", mode, "pte-loads-per-miss", loads, "loads")
    for case in (("all", "satp-write (fast)"), ("sweep", "satp-write")):
        yield row.Row("instructions", *case, "lsp", "exits", 2000, "exits")
        for side, numbers in (("hypervisor", (50, 54, 700)), ("firmware", (0, 0, 0))):
            for what, number in zip(("least", "median", "most"), numbers):
                yield row.Row("instructions", *case, "lsp", f"{side}-instructions-{what}",
                              number, "")


@pytest.fixture
def rows():
    return row.Rows(made_up())


def tables(text):
    """{heading: {first cell: {column: cell}}} of a Markdown text."""
    found, lines, columns = {}, None, None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("#"):
            lines = found.setdefault(line.lstrip("# "), {})
            columns = None
        elif line.startswith("|") and columns is None:
            columns = cells
        elif line.startswith("|") and not line.startswith("| ---"):
            assert len(cells) == len(columns), line
            lines[cells[0]] = dict(zip(columns, cells))
    return found


def heading(found, beginning):
    return next(lines for name, lines in found.items() if name.startswith(beginning))


def test_csv_comes_back_as_it_was(tmp_path):
    rows = [*made_up(), row.failed("linux", "x", "", "lsp", 'it said "no",\nand ended', 2)]
    row.write_csv(tmp_path / "x.csv", FACTS, rows)
    facts, again = row.read_csv(tmp_path / "x.csv")
    assert facts == FACTS and again == rows
    plain = [line for line in (tmp_path / "x.csv").read_text().splitlines()
             if not line.startswith("#")]
    assert next(csv.reader(plain)) == ["suite", "workload", "parameter", "mode", "metric",
                                       "value", "unit", "round"]


def test_numbers_are_medians_of_rounds_and_ratios_within_a_round(rows):
    case = ("fork", "4MiB")
    assert rows.to_native("linux", case, "lsp") == [1.2, 1.5, 2.0]
    assert rows.per_operation("linux", case, "lsp", "exits") == 10
    assert rows.per_operation("linux", case, "lsp", "exits:shadow-miss") == 9
    assert rows.per_operation("linux", case, "nested", "exits:shadow-miss") == 0
    assert rows.per_operation("linux", case, "native", "exits") is None
    assert rows.value("linux", case, "native", "seconds") == 2


def test_a_round_that_one_mode_missed_is_left_out_of_its_ratios():
    kept = [one for one in made_up() if (one.mode, one.round) != ("lsp", 1)]
    assert row.Rows(kept).to_native("linux", ("fork", "4MiB"), "lsp") == [1.2, 2.0]


def test_tables_say_what_was_measured(rows):
    found = tables(report.markdown(FACTS, rows))
    exits = heading(found, "Linux workloads: exits")
    assert exits["fork 4MiB"] == {"workload": "fork 4MiB", "`nested`": "0", "`shadow`": "100",
                                  "`shadow-unsync`": "50", "`lsp`": "10",
                                  "lsp / shadow": "0.1", "lsp / shadow-unsync": "0.2"}
    assert exits["**all, sum of exits**"]["lsp / shadow"] == "0.1"
    assert exits["**all, geometric mean**"]["lsp / shadow-unsync"] == "0.2"
    wall = heading(found, "Linux workloads: wall")
    assert wall["fork 4MiB"]["`lsp`"] == "1.50 (1.20–2.00)"
    assert wall["fork 4MiB"]["native, by the operation"] == "200 ms"
    assert heading(found, "Linux workloads: the commonest")["pipe 4MiB"]["`lsp`"] == \
        "shadow-miss 9; satp-write 1"
    assert heading(found, "TLB model")["random sv39"]["`nested`"] == "15"
    assert heading(found, "Micro-benchmarks: exits")["sweep 100%"]["`lsp`"] == "100,010"
    assert heading(found, "Micro-benchmarks: instructions")["null"]["`lsp`"] == "80"
    assert heading(found, "Instructions by the exit") == {"satp-write (fast)": {
        "exit": "satp-write (fast)", "mode": "`lsp`", "exits": "2,000",
        "hypervisor": "54 (50–700)", "firmware": "0 (0–0)"}}


def test_goals_are_met_missed_or_not_measured(rows):
    found = heading(tables(report.markdown(FACTS, rows)), "Goals")
    verdicts = {line["what"]: line["verdict"] for line in found.values()}
    assert len(verdicts) == len(goals.GOALS["hs"])
    assert verdicts["the published sweep, 100 % modifications, exits"] == "met"
    assert verdicts["the sweep, most exits at any point, to `shadow`"] == "met"
    assert verdicts["the sweep, 0 % modifications, exits"] == "met"
    assert verdicts["fork+exit+wait, exits"] == "met"
    assert verdicts["pipe round trip on one CPU, exits"] == "**missed**"
    assert verdicts["all Linux workloads, exits, to `shadow`"] == "met"
    assert verdicts["wall time to native: fork+exit+wait"] == "met"
    assert verdicts["wall time to native: boot to init"] == "not measured"
    assert verdicts["PTE loads by the TLB miss, Sv39"] == "met"
    assert found["PTE loads by the TLB miss, Sv39"]["`nested`"] == "15"


def test_times_of_the_quick_size_are_not_judged(rows):
    facts = [(name, "quick" if name == "size" else text) for name, text in FACTS]
    found = heading(tables(report.markdown(facts, rows)), "Goals")
    judged = {line["what"]: line["verdict"] for line in found.values()}
    assert judged["wall time to native: fork+exit+wait"] == "not judged"
    assert judged["fork+exit+wait, exits"] == "met"


def test_one_point_of_the_sweep_above_shadow_misses_that_goal():
    worse = [*made_up(), row.Row("micro", "sweep", "70%", "lsp", "exits", 11, ""),
             row.Row("micro", "sweep", "70%", "shadow", "exits", 10, "")]
    assert goals.sweep_to_shadow(row.Rows(worse), "lsp") == 1.1


def test_what_just_misses_a_goal_is_told_from_it():
    assert [report.against(value, 1) for value in (1.00002, 1, 0.9999, 2.3456, None)] == [
        "1.00002", "1", "0.9999", "2.35", report.NOTHING]


def test_it_says_where_nested_wins(rows):
    text = report.markdown(FACTS, rows)
    section = text.partition("## Where nested wins")[2].partition("\n## ")[0]
    assert "exits by the operation, Linux: fork 4MiB (0 : 10), pipe 4MiB (0 : 10)" in section
    assert "wall time" not in section  # 2 : 1.5
    assert "Where shadow" not in text


def instructions(case, exits, median, mode="lsp"):
    yield row.Row("instructions", *case, mode, "exits", exits, "exits")
    yield row.Row("instructions", *case, mode, "hypervisor-instructions-median", median, "")


def test_it_says_where_shadows_win():
    rows = [*made_up(), row.Row("micro", "null", "", "shadow", "exits", 1000, ""),
            row.Row("micro", "null", "", "lsp", "exits", 1001, "")]
    rows = [one if (one.mode, one.metric) != ("shadow-unsync", "seconds")
            else row.Row(*[*vars(one).values()][:5], 0.5, "s", one.round) for one in rows]
    section = report.markdown(FACTS, row.Rows(rows)).partition("## Where shadow or")[2]
    section = section.partition("\n## ")[0]
    assert "- `shadow`, exits by the operation, micro-benchmarks: null (1 : 1.001)\n" in section
    assert "- `shadow-unsync`, wall time to native, Linux: fork 4MiB (0.25 : 1.5)" in section


def test_exits_that_differ_between_rounds_show_least_and_most(rows):
    more = [one if (one.workload, one.mode, one.metric, one.round) != ("fork", "lsp", "exits", 3)
            else row.Row(*[*vars(one).values()][:5], 120, "", 3) for one in rows.all]
    found = heading(tables(report.markdown(FACTS, row.Rows(more))), "Linux workloads: exits")
    assert found["fork 4MiB"]["`lsp`"] == "10 (10–12)"
    assert found["pipe 4MiB"]["`lsp`"] == "10"


def test_instructions_are_judged_where_a_benchmark_makes_just_that_exit():
    rows = row.Rows([line for case, exits, median in (
        (("null", "satp-switch: satp-write (fast)"), 999, 60),
        (("null", "satp-switch: satp-write"), 1, 900),
        (("switch", "64-asids: satp-write (fast)"), 10, 884),
        (("switch", "2-no-asids: satp-write (fast)"), 10, 884),
        (("null", "fence-asid: sfence-asid (fast)"), 9, 401),
        (("null", "fence-asid: sfence-asid"), 1, 1),
        (("range", "map-8: sfence-address-asid"), 64, 600),
        (("flush", "all-1: shadow-miss (fast)"), 64, 4397),
    ) for line in instructions(case, exits, median)])
    found = report.instruction_goals_part(rows, ["nested", "lsp"])
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in found.splitlines() if line.startswith("|")][2:]
    assert [[line[1], *line[3:]] for line in lines] == [
        ["null satp-switch", "999 of 1,000", "60", "≤ 60", "met"],
        ["switch 64-asids", "10", "884", "≤ 60", "**missed** (14.7 times)"],
        ["range map-8", "64", "600", "≤ 600", "met"],
        ["flush all-1", "64", "4,397", "≤ 4,396", "**missed** (1.0002 times)"],
        ["null fence-asid", "9 of 10", "401", "≤ 400", "**missed** (1.002 times)"]]


def test_times_of_parts_beside_each_other_are_not_shown(tmp_path, rows):
    rows = row.Rows([one if (one.mode, one.metric) != ("nested", "seconds")
                     else row.Row(*[*vars(one).values()][:5], 0.1, "s", one.round)
                     for one in rows.all])
    assert "wall time to native, Linux: fork" in report.markdown(FACTS, rows)
    facts = [*FACTS, (report.NO_WALL_TIME, "not shown")]
    report.write(tmp_path, facts, rows)
    text = (tmp_path / "results.md").read_text()
    assert "wall time under" not in text and "wall time to native" not in text
    assert not (tmp_path / "wall-time.svg").exists()
    quick = [(name, "quick" if name == "size" else text) for name, text in FACTS]
    assert "wall time to native, Linux: fork" not in report.markdown(quick, rows)


GOOD = "# size: x\n" + ",".join(row.FIELDS) + "\nlinux,fork,,lsp,exits,1,exits,1\n"


@pytest.mark.parametrize("data, said", [
    (b"", ":1: it ends before the header"),
    (b"# size: x\n", ":1: it ends before the header"),
    (b"size,x\n", ":1: instead of the header"),
    (b"# x\n", ":1: neither a fact nor a row"),
    (GOOD[:-1].encode(), ":3: the line is cut"),
    (GOOD[:-4].encode() + b"\n", ":3: 7 fields"),
    (GOOD.encode() + b"linux,fork,,lsp,exits,1,exits,1,2\n", ":4: 9 fields"),
    (GOOD.encode() + b"\n", ":4: 0 fields"),
    (GOOD.replace(",exits,1,", ",exits,1O,").encode(), ":3: could not convert"),
    (GOOD.replace(",exits,1,", ",exits,nan,").encode(), ":3: 'nan'"),
    (GOOD.replace(",exits,1,", ",exits,-inf,").encode(), ":3: '-inf'"),
    (GOOD.replace("exits,1\n", "exits,0\n").encode(), ":3: round 0"),
    (GOOD.replace("exits,1\n", "exits,x\n").encode(), ":3: invalid literal"),
    (GOOD.replace("fork", '"fork').encode(), ":3: unexpected end of data"),
    (GOOD.encode().replace(b"fork", b"\xff"), ":3: 'utf-8' codec"),
    (GOOD.replace("size: x", "rows: 2").encode(), ":4: it ends after 1 of 2 rows"),
])
def test_broken_csv_is_refused_with_its_line(data, said, tmp_path):
    path = tmp_path / "results.csv"
    path.write_bytes(data)
    with pytest.raises(paths.BadUsage) as refused:
        row.read_csv(path)
    assert str(refused.value).startswith(f"{path}{said}"), refused.value


def test_csv_of_before_rows_were_counted_is_read(tmp_path):
    (tmp_path / "x.csv").write_text(GOOD)
    assert len(row.read_csv(tmp_path / "x.csv")[1]) == 1


def test_failures_and_what_a_mode_cannot_do_are_named(tmp_path):
    rows = row.Rows([*made_up(), row.failed("linux", "exec", "", "lsp", "wrong result", 2),
                     row.unsupported("all", "everything", "", "shadow", "refused")])
    problems = report.write(tmp_path, FACTS, rows)
    text = (tmp_path / "results.md").read_text()
    assert "linux exec: lsp, round 2: wrong result" in problems
    assert "## What failed\n\n- linux exec: lsp, round 2: wrong result\n" in text
    assert "- all everything in `shadow`: refused\n" in text


def test_every_output_names_command_versions_date_and_size(tmp_path, rows):
    report.write(tmp_path, FACTS, rows)
    for path in tmp_path.iterdir():
        text = re.sub(r"\s+", " ", path.read_text())
        for name in ("command", "date", "size", "gnomon", "emulator", "guest kernel"):
            assert dict(FACTS)[name] in text, f"{path.name}: no {name}"


def test_plots_are_well_formed_or_their_lack_is_a_problem(tmp_path, rows):
    problems = report.write(tmp_path, FACTS, rows)
    made = {path.name for path in tmp_path.glob("*.svg")}
    if importlib.util.find_spec("matplotlib") is None:
        assert made == set() and "setup bench" in problems[0]
        return
    assert problems == [] and made == PLOTS
    for name in PLOTS:
        root = ElementTree.parse(tmp_path / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 5


def test_without_rows_there_are_tables_of_nothing_and_no_plot(tmp_path):
    problems = report.write(tmp_path, FACTS, row.Rows([]))
    assert not list(tmp_path.glob("*.svg"))
    assert all("plots:" in problem for problem in problems)
    verdicts = heading(tables((tmp_path / "results.md").read_text()), "Goals").values()
    assert {line["verdict"] for line in verdicts} == {"not measured"}


LINE = ("workload name=fork size=4MiB operations=10 nanoseconds=2000 pages=4k exits=30 "
        "exits:satp-write=20 status=ok")


def test_a_line_of_the_guest_becomes_rows():
    rows = {one.metric: one.value for one in linux.rows_of(linux.parse(LINE), "lsp", 1)}
    assert rows == {"operations": 10, "seconds": 2e-6, "exits": 30, "exits:satp-write": 20}
    uncounted = linux.parse(LINE.replace("exits=30 exits:satp-write=20", "exits=-"))
    assert {one.metric for one in linux.rows_of(uncounted, "native", 1)} == {
        "operations", "seconds"}
    assert linux.parse("workloads: this is no result") is None


def test_every_workload_has_a_name_of_its_own_and_fixed_work():
    assert len(set(linux.NAMES)) == len(linux.NAMES)
    for workload in linux.ALL:
        assert workload.count > workload.quick >= 0 or workload.name == "touch"
        assert str(workload.count) in workload.command(quick=False)
