# SPDX-License-Identifier: BSD-2-Clause
"""
All mutants, and one of them by hand: what the oracle says of a broken engine is
a seed and a short sequence that fails again, and fails no longer once the engine
is whole.
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import mutants  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
BROKEN = "a fence misses superpages"


def run(*command):
    return subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=3600, check=False)


def test_every_mutant_is_caught():
    """What is said of a failure is what went wrong, not the hundreds that went well."""
    result = run("make", "-s", "--no-print-directory", "mutation")
    count = len(mutants.MUTANTS)
    assert count >= 20
    wrong = [line for line in result.stdout.splitlines()
             if not re.search(r": (oracle, .*|test_\w+\.c)$", line)]
    assert wrong == [f"mutation: {count} of {count} caught"]
    assert result.returncode == 0


def test_names_are_unique():
    names = [mutant.name for mutant in mutants.MUTANTS]
    assert len(set(names)) == len(names)


def test_a_failure_is_shrunk_and_can_be_replayed(tmp_path):
    number = [mutant.name for mutant in mutants.MUTANTS].index(BROKEN)
    program = BUILD / f"mutation/{number:02}/oracle"
    saved = tmp_path / "failure.txt"
    result = run(program, "--seeds", "1-50", "--operations", "8000", "--save", saved)
    assert result.returncode == 1
    assert re.search(r"^oracle: seed \d+ fails; shrinking$", result.stdout, re.M)
    assert re.search(r"^violation: .*none that a TLB may hold$", result.stdout, re.M)
    left = int(re.search(r"(\d+) operations are enough", result.stdout)[1])
    assert left <= 20
    assert len(saved.read_text().splitlines()) == left + 1
    assert run(program, "--replay", saved).returncode == 1
    assert run(BUILD / "oracle/fast/oracle", "--replay", saved).returncode == 0
