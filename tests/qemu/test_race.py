# SPDX-License-Identifier: BSD-2-Clause
"""
The race guest (guests/race): its harts fence, interrupt, start and stop each other, and
change page tables and code that the others use. It judges itself, and names the check
that failed.
"""
import re

import pytest


def check_race(result, harts):
    assert "not ok" not in result.out, result
    summary = re.search(r"^race: (\d+) harts, (\d+) passed, 0 failed$", result.out, re.M)
    assert summary and int(summary[1]) == harts, result
    assert len(re.findall(r"^ok \w+ \w+, \d+ rounds$", result.out, re.M)) == int(summary[2])
    assert int(summary[2]) == 16
    assert (result.status, result.err) == (0, "")


@pytest.mark.parametrize("mode, vcpus, harts", [
    ("lsp", 2, 2), ("nested", 2, 2), ("shadow", 2, 2), ("shadow-unsync", 2, 2),
    ("m lsp", 2, 2), ("m shadow", 2, 2), ("m shadow-unsync", 2, 2),
    ("lsp", 4, 2), ("shadow", 4, 2), ("m lsp", 4, 2), ("m shadow-unsync", 4, 2),
])
def test_harts_that_race(run, guest, mode, vcpus, harts):
    result = run("--kernel", guest("race.bin"), "--vcpus", vcpus, "--smp", harts, how=mode)
    check_race(result, vcpus)
    # Of its remote fences, each of which names all others, some find them in the guest.
    calls = result.stats["exits"]["sbi-rfence"]
    kicks = sum(vcpu["fence_kicks"] for vcpu in result.stats["vcpus"])
    assert 0 < kicks <= (vcpus - 1) * calls, result.stats


def test_the_machine_itself_passes(run, guest):
    check_race(run("--kernel", guest("race.bin"), "--smp", 3, how="native"), 3)


def test_one_hart_makes_no_race(run, guest):
    result = run("--kernel", guest("race.bin"))
    assert result.status == 1 and "not ok: a race is of two harts or more" in result.out
