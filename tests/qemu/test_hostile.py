# SPDX-License-Identifier: BSD-2-Clause
"""
Hostile guests (guests/hostile): every attack in both paging modes, on a CPU with
all that QEMU has, on one without Sstc, and guests that never end. What counts as
survived is decided by guests/hostile/hostile.py, which also makes the long runs
(`make hostile SEEDS=A-B`).
"""
import importlib.util
import pathlib

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "guests/hostile/hostile.py"
SPEC = importlib.util.spec_from_file_location("hostile", SOURCE)
hostile = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hostile)

HANGS = 8  # ways not to end, by seed
WEDGING = ("roots", "hang")


@pytest.fixture
def attack(run):
    """attack(NAME, SEED, MODE, OPTION...): one run, which has to be survived."""
    def start(name, seed, mode, *more, append=""):
        result = run(*hostile.options(name, seed), *more, how=mode,
                     GNOMON_APPEND=f"{hostile.APPEND} {append}".strip())
        assert not hostile.complaints(name, result), result
        return result
    return start


@pytest.mark.parametrize("name", [a for a in hostile.ATTACKS if a not in WEDGING])
def test_an_attack_is_survived(attack, paging, name):
    attack(name, 1, paging)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_root_in_no_memory_is_survived(attack, paging, seed):
    attack("roots", seed, paging)


@pytest.mark.parametrize("seed", range(HANGS))
def test_a_hanging_guest_is_ended_by_the_time_limit(attack, seed):
    result = attack("hang", seed, hostile.MODES[seed % 2])
    assert (result.status, result.stats["detail"]) == (3, "time limit")
    assert result.said[-1].startswith("vm hostile: stopped: time limit, after ")


@pytest.mark.parametrize("name", ["privileges", "streams"])
def test_attacks_with_all_that_the_emulator_has(attack, paging, name):
    attack(name, 2, paging, "--cpu", "max")


def test_a_time_limit_without_sstc_and_with_a_polled_console(attack, paging):
    result = attack("hang", 1, paging, "--cpu", "rv64,sstc=false", append="console=sbi")
    assert result.stats["detail"] == "time limit"


def test_a_guest_that_ends_in_time_is_not_ended(run, guest, anywhere):
    result = run("--kernel", guest("hello.bin"), "--time-limit", 60, how=anywhere)
    assert (result.status, result.stats["reason"]) == (0, "power-off")
    assert "canary" not in result.stats


def test_what_is_no_time_limit(run, guest):
    for limit in ("0", "x", "1.5"):
        result = run("--kernel", guest("hello.bin"), "--time-limit", limit)
        assert result.status == 2 and "no whole number of seconds" in result.err


def test_too_large_a_canary_is_refused(run, guest):
    result = run("--kernel", guest("hello.bin"), "--memory", "16M",
                 GNOMON_APPEND="canary=100M")
    assert result.refusal == "canary of 102400 KiB: more than a quarter of what is free"
