# SPDX-License-Identifier: BSD-2-Clause
"""
The oracle at the length of continuous integration: fixed seeds, fast and under
the sanitizers, every profile and both strengths of the model; and that what it
says when something is wrong can be used. `make oracle-programs` builds it.
"""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
FAST = BUILD / "oracle/fast/oracle"
SANITIZED = BUILD / "oracle/sanitized/oracle"
JOBS = ["--jobs", str(os.cpu_count())]


def oracle(program, *arguments):
    return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600, check=False)


def counts_of(said):
    return {name: int(count) for count, name in re.findall(r"^ *(\d+) ([\w ]+)$", said, re.M)}


def holds(program, seeds, operations, *arguments):
    first, last = seeds
    result = oracle(program, "--seeds", f"{first}-{last}", "--operations", str(operations),
                    *JOBS, *arguments)
    assert result.returncode == 0, result.stdout
    assert result.stdout.splitlines()[-1] == (
        f"oracle: seeds {first} to {last}, {(last - first + 1) * operations} operations, "
        "no violation")
    return counts_of(result.stdout)


def test_holds_for_many_seeds():
    counts = holds(FAST, (1, 240), 10000)
    # Whatever may happen did, and often enough to mean something.
    assert len(counts) == 29
    assert counts.pop("fast fills") > 20
    assert min(counts.values()) > 200, counts
    assert counts["RAM found"] > counts["accesses"] / 2


def test_holds_under_the_sanitizers():
    holds(SANITIZED, (1001, 1060), 5000)


def test_holds_where_page_faults_are_the_guests_own():
    counts = holds(FAST, (1, 80), 8000, "--mode", "lsp-poison")
    assert min(counts[name] for name in ("page faults", "stale results", "log replays",
                                         "unshared slots", "vector switches")) > 100, counts


@pytest.mark.parametrize("mode", ["shadow", "shadow-unsync"])
def test_holds_for_the_write_protecting_modes(mode):
    counts = holds(FAST, (1, 50), 6000, "--mode", mode)
    assert len(counts) == 30
    never = {"vector switches", "vector fences", "fast fills", "A or D set",
             "races with the setting of A or D"}
    never |= {"unsyncs", "resyncs"} if mode == "shadow" else set()
    for name, count in counts.items():
        assert count == 0 if name in never else count > 20, (name, counts)
    assert counts["RAM found"] > counts["accesses"] / 2


@pytest.mark.parametrize("mode", ["shadow", "shadow-unsync"])
def test_the_write_protecting_modes_hold_under_the_sanitizers(mode):
    assert holds(SANITIZED, (1, 12), 4000, "--mode", mode) == \
        holds(FAST, (1, 12), 4000, "--mode", mode)


@pytest.mark.parametrize("mode", ["shadow", "shadow-unsync"])
@pytest.mark.parametrize("model", ["promise", "isa"])
def test_the_write_protecting_modes_hold_by_both_models(mode, model):
    holds(FAST, (3001, 3010), 6000, "--mode", mode, "--model", model)


@pytest.mark.parametrize("profile", ["plain", "qemu", "cva6"])
def test_holds_under_every_profile(profile):
    holds(FAST, (2001, 2030), 10000, "--profile", profile)


@pytest.mark.parametrize("model", ["promise", "isa"])
def test_holds_by_both_models(model):
    holds(FAST, (3001, 3020), 10000, "--model", model)


def test_same_seed_same_counts():
    assert holds(FAST, (7, 9), 5000) == holds(SANITIZED, (7, 9), 5000)


@pytest.mark.parametrize("arguments, complaint", [
    (["--profile", "vax"], "vax is unknown"),
    (["--model", "none"], "none is unknown"),
    (["--mode", "nested"], "nested is unknown"),
    (["--seeds", "9-1"], "usage:"),
    (["--seeds", "x"], "usage:"),
    (["--operations", "0"], "usage:"),
    (["--jobs", "0"], "usage:"),
    (["more"], "usage:"),
    (["--replay", "/nowhere"], "No such file"),
    (["--replay", "/dev/null"], "no setting"),
])
def test_refuses_wrong_options(arguments, complaint):
    result = oracle(FAST, *arguments)
    assert result.returncode == 2
    assert complaint in result.stdout
