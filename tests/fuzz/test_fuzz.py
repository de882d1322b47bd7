# SPDX-License-Identifier: BSD-2-Clause
"""
A short run of each fuzz target that `make fuzz-programs` builds: its corpus,
every input of which must still be harmless, and then a fixed number of inputs
from a fixed seed. A target that was not built fails too. Long runs: `make fuzz`.
"""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import fuzzing  # pylint: disable=wrong-import-position

RUNS = 100_000

@pytest.mark.parametrize("name", fuzzing.targets())
def test_target(name, tmp_path):
    corpus = list((fuzzing.SOURCES / "corpus" / name).iterdir())
    assert corpus, "a target begins with a corpus"
    result = subprocess.run(fuzzing.command(name, RUNS, tmp_path), cwd=fuzzing.TOP,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=600, check=False)
    said = result.stdout.decode(errors="replace")
    end = said[-20000:]
    assert result.returncode == 0, f"{name} ended with {result.returncode}\n{end}"
    assert fuzzing.executions(said) >= RUNS
