# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the host test programs that `make unit-tests` builds, one case for each
source, so that a program that was not built fails too. Those on the fake machine
run once for each profile of it (tests/unit/fake_arch.h).
"""
import os
import pathlib
import re
import subprocess

import pytest

SOURCES = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or SOURCES.parents[1] / "build")
PROFILES = "plain", "qemu", "cva6"


def programs():
    for path in sorted(SOURCES.glob("test_*.c")):
        if re.search(r"^/\* sources: .*\bfake_arch\.c\b", path.read_text(), re.M):
            for profile in PROFILES:
                yield pytest.param(path.stem, profile, id=f"{path.stem}-{profile}")
        else:
            yield pytest.param(path.stem, None, id=path.stem)


@pytest.mark.parametrize("name, profile", programs())
def test_program(name, profile):
    environment = dict(os.environ)
    environment.pop("GNOMON_PROFILE", None)
    if profile:
        environment["GNOMON_PROFILE"] = profile
    result = subprocess.run([BUILD / "unit" / name], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=300, check=False, env=environment)
    said = result.stdout.decode(errors="replace")
    assert result.returncode == 0, f"{name} ended with {result.returncode}\n{said}"
