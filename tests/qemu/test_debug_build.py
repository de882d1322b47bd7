# SPDX-License-Identifier: BSD-2-Clause
"""
The debug build, which has the translation tables of a vCPU checked after every
exit, those that no hart can come to in turn, and stops the machine at anything
wrong: real guests must run on it as they do on the release.
"""
import re

import pytest

FORKS = "for i in 1 2 3; do (echo $i | cat); done; ls /proc/self > /dev/null; exit 5"


def check_the_checks(result, every=1):
    line = (f"debug build: tables in use are checked after 1 exit in {every}, "
            "all after 16 such")
    assert line in result.checklist + result.said, result
    # Those that the trap vector finishes with no C are seen at the next exit.
    exits = result.stats["exits_total"] // every
    assert 0 < 0.8 * exits <= result.stats["checks"] <= exits


def test_debian_boots_and_forks_with_every_exit_checked(run):
    result = run("--debug-build", "--memory", "96M", "--exec", FORKS, how="lsp")
    assert (result.status, result.lines) == (5, ["1", "2", "3"]), result
    check_the_checks(result)
    assert result.stats["checks"] > 50000
    assert result.stats["shadow"]["trees"] > 5


@pytest.mark.parametrize("how, every", [("lsp", 1), ("nested", 7)])
def test_conformance_with_its_exits_checked(run, guest, how, every):
    result = run("--debug-build", "--kernel", guest("conformance.bin"), how=how,
                 GNOMON_APPEND=f"check-every={every}")
    assert "not ok" not in result.out, result
    assert re.search(r"^conformance: \d+ passed, 0 failed", result.out, re.M), result
    assert (result.status, result.err) == (0, "")
    check_the_checks(result, every)


@pytest.mark.parametrize("cpu", ["rv64,sv57=off", "rv64,sv48=off,sv57=off"])
def test_fewer_levels_with_every_exit_checked(run, guest, paging, cpu):
    result = run("--debug-build", "--kernel", guest("hello.bin"), "--cpu", cpu, how=paging)
    assert result.status == 0, result
    check_the_checks(result)


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_harts_that_stop_and_start_with_exits_checked(run, guest, how):
    result = run("--debug-build", "--kernel", guest("race.bin"), "--append", "check=life",
                 "--vcpus", 2, "--smp", 2, how=how)
    assert result.status == 0 and "not ok" not in result.out, result


def test_the_release_checks_nothing(run, guest, paging):
    result = run("--kernel", guest("hello.bin"), how=paging)
    assert result.status == 0, result
    assert result.stats["checks"] == 0
    assert "debug build" not in result.out


def test_the_release_build_says_that_it_checks_nothing(run, guest):
    said = "check-every: this build checks nothing, the debug build does"
    assert said in run("--kernel", guest("hello.bin"), how="lsp",
                       GNOMON_APPEND="check-every=7").said
    assert said not in run("--kernel", guest("hello.bin"), how="lsp").said
