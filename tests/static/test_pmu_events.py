# SPDX-License-Identifier: BSD-2-Clause
"""The events that docs/pmu.md lists are those that guests find."""
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
FIRST = 257  # PMU_EXITS_FOR(0)


def test_the_documented_codes_are_the_reasons_in_their_order():
    reasons = re.findall(r'X\(REASON_\w+, "([^"]+)"\)', (TOP / "core/counters.h").read_text())
    assert len(reasons) == len(set(reasons)) > 20
    table = re.findall(r"^\| (\d+) \| `r([0-9a-f]{16})` \| `([a-z-]+)` \|$",
                       (TOP / "docs/pmu.md").read_text(), re.M)
    assert [name for _, _, name in table] == reasons
    assert [int(code) for code, _, _ in table] == list(range(FIRST, FIRST + len(reasons)))
    assert all(int(raw, 16) == 1 << 63 | int(code) for code, raw, _ in table)
