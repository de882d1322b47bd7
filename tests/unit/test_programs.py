# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the host test programs that `make unit-tests` builds, one case for each
source, so that a program that was not built fails too.
"""
import os
import pathlib
import subprocess

import pytest

SOURCES = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or SOURCES.parents[1] / "build")


@pytest.mark.parametrize("name", sorted(path.stem for path in SOURCES.glob("test_*.c")))
def test_program(name):
    result = subprocess.run([BUILD / "unit" / name], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=300, check=False)
    said = result.stdout.decode(errors="replace")
    assert result.returncode == 0, f"{name} ended with {result.returncode}\n{said}"
