# SPDX-License-Identifier: BSD-2-Clause
"""
What is measured, as one kind of row, and the look-ups that tables and plots need.

  suite      micro, linux, tlb or instructions
  workload   what was done
  parameter  its size, or "" where it has but one
  mode       native, nested, shadow, shadow-unsync or lsp
  metric     exits, exits:REASON, operations, seconds, guest-instructions, ...
  value, unit
  round      1, 2, ... for what was measured several times, the modes in turns

Two metrics are no measurements: "failed" (something went wrong, `unit` says what)
and "unsupported" (the mode cannot do it, `unit` says why).
"""
import csv
import dataclasses
import math
import pathlib
import statistics

from gnomonlib import paths

FAILED, UNSUPPORTED = "failed", "unsupported"


@dataclasses.dataclass(frozen=True)
class Row:
    suite: str
    workload: str
    parameter: str
    mode: str
    metric: str
    value: float
    unit: str
    round: int = 1


FIELDS = [field.name for field in dataclasses.fields(Row)]


def failed(suite, workload, parameter, mode, why, number=1):
    return Row(suite, workload, parameter, mode, FAILED, 1, " ".join(str(why).split()), number)


def unsupported(suite, workload, parameter, mode, why):
    return Row(suite, workload, parameter, mode, UNSUPPORTED, 1, " ".join(str(why).split()))


ROWS = "rows"  # how many there are, among the facts of the file alone


def write_csv(path, facts, rows):
    """All rows, below `facts` (pairs of name and text) as comments."""
    rows = list(rows)
    with open(path, "w", newline="", encoding="utf-8") as file:
        for name, text in [*facts, (ROWS, len(rows))]:
            file.write(f"# {name}: {text}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(dataclasses.astuple(row) for row in rows)


def _fact(line):
    name, separator, text = line[2:].partition(": ")
    if not separator:
        raise ValueError("neither a fact nor a row")
    return name, text


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is no value that anything has")
    return int(value) if value.is_integer() else value


def _row(line):
    cells = next(csv.reader([line], strict=True), [])
    if len(cells) != len(FIELDS):
        raise ValueError(f"{len(cells)} fields instead of {len(FIELDS)}")
    found = dict(zip(FIELDS, cells))
    found.update(value=_number(found["value"]), round=int(found["round"]))
    if found["round"] < 1:
        raise ValueError(f"round {found['round']}")
    return Row(**found)


def _read_lines(lines, facts, rows):
    """Add what is on `lines`, (number, bytes); yield each number before its line."""
    header = ",".join(FIELDS)
    has_header = False
    for number, data in lines:
        yield number
        line = data.decode("utf-8")
        if line.startswith("# ") and not has_header:
            facts.append(_fact(line))
        elif has_header:
            rows.append(_row(line))
        elif line == header:
            has_header = True
        else:
            raise ValueError(f"instead of the header, {header}")
    if not has_header:
        raise ValueError("it ends before the header")


def read_csv(path):
    """(facts, rows) of a file that write_csv() wrote; paths.BadUsage with the line where
    it is not such a file, or not all of it."""
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise paths.BadUsage(f"{path}: {error.strerror}") from None
    facts, rows, at = [], [], 1
    *lines, rest = data.split(b"\n")
    try:
        for at in _read_lines(enumerate(lines, 1), facts, rows):
            pass
        at = len(lines) + 1
        if rest:
            raise ValueError("the line is cut")
        known = dict(facts).get(ROWS, str(len(rows)))
        if known != str(len(rows)):
            raise ValueError(f"it ends after {len(rows)} of {known} rows")
    except (ValueError, csv.Error) as problem:  # UnicodeError is one
        raise paths.BadUsage(f"{path}:{at}: {problem}") from None
    return [fact for fact in facts if fact[0] != ROWS], rows


class Rows:
    """All rows of a run, found by their fields."""

    def __init__(self, rows):
        self.all = list(rows)
        self._values = {}
        for row in self.all:
            key = (row.suite, row.workload, row.parameter, row.mode, row.metric)
            self._values.setdefault(key, {})[row.round] = row.value

    def modes(self):
        """Those with measurements, as they came."""
        return list(dict.fromkeys(row.mode for row in self.all
                                  if row.metric not in (FAILED, UNSUPPORTED)))

    def cases(self, suite, metric=None):
        """(workload, parameter) pairs of a suite, as they came."""
        return list(dict.fromkeys((row.workload, row.parameter) for row in self.all
                                  if row.suite == suite and metric in (None, row.metric)
                                  and row.metric not in (FAILED, UNSUPPORTED)))

    def metrics(self, suite, prefix):
        """Metrics of a suite that begin so, the largest in sum first."""
        sums = {}
        for row in self.all:
            if row.suite == suite and row.metric.startswith(prefix):
                sums[row.metric] = sums.get(row.metric, 0) + row.value
        return sorted(sums, key=lambda metric: (-sums[metric], metric))

    def rounds(self, suite, case, mode, metric):
        """{round: value}"""
        return self._values.get((suite, *case, mode, metric), {})

    def value(self, suite, case, mode, metric):
        """The median over the rounds, or None."""
        values = self.rounds(suite, case, mode, metric).values()
        return statistics.median(values) if values else None

    def per_operation(self, suite, case, mode, metric):
        """The median over the rounds of metric / operations, or None. A reason that
        is not listed beside known exits never happened."""
        ratios = self.each_per_operation(suite, case, mode, metric)
        return statistics.median(ratios) if ratios else None

    def each_per_operation(self, suite, case, mode, metric):
        """As per_operation(), of each round, as a sorted list."""
        operations = self.rounds(suite, case, mode, "operations")
        known = self.rounds(suite, case, mode, "exits" if metric.startswith("exits:") else metric)
        values = self.rounds(suite, case, mode, metric)
        return sorted(values.get(number, 0) / operations[number] for number in known
                      if operations.get(number))

    def to_native(self, suite, case, mode, metric="seconds"):
        """Ratios to native in the same round, as a sorted list."""
        native = self.rounds(suite, case, "native", metric)
        values = self.rounds(suite, case, mode, metric)
        return sorted(values[number] / native[number] for number in values
                      if native.get(number))

    def problems(self, metric):
        return [row for row in self.all if row.metric == metric]
