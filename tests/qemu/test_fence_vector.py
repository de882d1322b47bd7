# SPDX-License-Identifier: BSD-2-Clause
"""
A fence that is met again and again, with no exit in between: on seat m, where page
faults are the guest's own, each page that a guest maps at its fault has one. It may be
a loop, so some of them come to C and are looked at; all others stay in the vector.
"""
import sys

import pytest

from conftest import BUILD, TOP, start

sys.path.insert(0, str(TOP / "scripts"))
from benchlib import plugin  # noqa: E402
from gnomonlib import paths, target  # noqa: E402

PAGES = 2 * 1024  # of the benchmark's `sequential` and `random`
LOOPS = 64  # of 16 fences each, which C does at one exit: `around-16`
PATIENCE = 63  # SITE_PATIENCE
VECTOR = 120  # instructions of a fence that needs no C, at most


@pytest.fixture(scope="module")
def fences(tmp_path_factory):
    """What one exit took, by its way: {"fast": line, "full": line}"""
    directory = tmp_path_factory.mktemp("fences")
    out = directory / "instructions"
    options = plugin.instructions(out, target.of_seat(paths.qemu(), "m"), marks=False)
    result = start(directory, "--kernel", BUILD / "guests" / "bench.bin", "--memory", "256M",
                   "--append", "size=quick bench=demand", "--qemu-arg=-icount",
                   "--qemu-arg=shift=0", *(f"--qemu-arg={word}" for word in options),
                   how="lsp", SEAT="m")
    assert result.status == 0, result
    lines = [line for region in plugin.read(out) for line in region]
    return {way: line for way in ("fast", "full") for line in lines
            if line.get(way) == ["sfence-address"]}


def test_fences_that_repeat_are_the_vectors(fences):
    assert fences["fast"]["count"] >= PAGES - PAGES // 20
    assert 0 < fences["fast"]["hypervisor"]["deciles"][9] <= VECTOR


def test_but_one_in_so_many_is_looked_at(fences):
    assert PAGES // PATIENCE <= fences["full"]["count"] - LOOPS <= 2 * PAGES // PATIENCE
