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
import statistics

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


def number(text):
    value = float(text)
    return int(value) if value.is_integer() else value


def write_csv(path, facts, rows):
    """All rows, below `facts` (pairs of name and text) as comments."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        for name, text in facts:
            file.write(f"# {name}: {text}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(dataclasses.astuple(row) for row in rows)


def read_csv(path):
    """(facts, rows) of a file that write_csv() wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    facts = [tuple(line[2:].split(": ", 1)) for line in lines if line.startswith("# ")]
    table = csv.DictReader(line for line in lines if not line.startswith("# "))
    rows = [Row(**{**line, "value": number(line["value"]), "round": int(line["round"])})
            for line in table]
    return facts, rows


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
        operations = self.rounds(suite, case, mode, "operations")
        known = self.rounds(suite, case, mode, "exits" if metric.startswith("exits:") else metric)
        values = self.rounds(suite, case, mode, metric)
        ratios = [values.get(number, 0) / operations[number] for number in known
                  if operations.get(number)]
        return statistics.median(ratios) if ratios else None

    def to_native(self, suite, case, mode, metric="seconds"):
        """Ratios to native in the same round, as a sorted list."""
        native = self.rounds(suite, case, "native", metric)
        values = self.rounds(suite, case, mode, metric)
        return sorted(values[number] / native[number] for number in values
                      if native.get(number))

    def problems(self, metric):
        return [row for row in self.all if row.metric == metric]
