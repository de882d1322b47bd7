# SPDX-License-Identifier: BSD-2-Clause
"""
vCPUs that share harts, are pinned to them and move between them: nothing of a guest's is
lost on the way, one that spins leaves the others theirs, and what is asked for in vain is
refused. How the shares come out is the unit tests' to say: no time is measured here.
"""
import pathlib
import re
import sys

import pytest
from test_race import check_race

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from benchlib import linux  # noqa: E402
from gnomonlib import paths  # noqa: E402

SPIN = "(while :; do :; done) & "
# Mappings that come, go, change hands and lose rights, on both vCPUs at once.
STORM = ("for i in 1 2; do (for j in {}; do sh -c 'echo $((j * j))' >/dev/null; "
         "head -c 100000 /dev/zero | md5sum; /bench/workloads mprotect 2 1; done) & done; "
         "wait; echo done")
MODES = ["lsp", "nested", "shadow", "shadow-unsync", "m lsp", "m shadow", "m shadow-unsync"]


# All of it where most can go stale: fences and fetches are enough in the other modes.
@pytest.mark.parametrize("how", MODES)
def test_a_guest_that_moves_all_the_time(run, guest, how):
    """Code that modifies itself, tables that change, each kind of fence, and timers."""
    some = () if how in ("lsp", "m lsp") else ("--append", "group=f")
    result = run("--kernel", guest("conformance.bin"), "--smp", 2, *some, how=how,
                 GNOMON_APPEND="selftest=migrate")
    assert result.status == 0, result
    assert re.search(r"^conformance: \d{2,} passed, 0 failed", result.out, re.M), result
    assert result.stats["vcpus"][0]["moves"] > 100, result.stats


@pytest.mark.parametrize("how, rounds", [
    ("lsp", 3), ("nested", 1), ("m lsp", 3), ("shadow", 1), ("m shadow-unsync", 1)])
def test_debian_moves_all_the_time(run, tmp_path, how, rounds):
    storm = STORM.format(" ".join(map(str, range(rounds))))
    result = run("--vcpus", 2, "--smp", 2, "--kernel", paths.KERNEL, "--initrd",
                 linux.initramfs(tmp_path, ()), "--exec", storm, how=how,
                 GNOMON_APPEND="selftest=migrate")
    assert result.status == 0 and result.lines[-1] == "done", result
    storms = [found for found in map(linux.parse, result.lines) if found]
    assert [found["status"] for found in storms] == 2 * rounds * ["ok"], result
    sums = [line for line in result.lines if line.endswith("  -")]
    assert len(sums) == 2 * rounds and len(set(sums)) == 1, result
    assert all(vcpu["moves"] > 100 for vcpu in result.stats["vcpus"]), result.stats


@pytest.mark.parametrize("how", MODES)
def test_harts_that_race_move_all_the_time(run, guest, how):
    """Three vCPUs on two harts change code and tables that the others use."""
    result = run("--kernel", guest("race.bin"), "--vcpus", 3, "--smp", 2, how=how,
                 GNOMON_APPEND="selftest=migrate")
    check_race(result, 3)
    assert all(vcpu["moves"] > 100 for vcpu in result.stats["vcpus"]), result.stats


def test_nowhere_to_move_to(run, guest):
    result = run("--kernel", guest("hello.bin"), "--smp", 1, how="lsp",
                 GNOMON_APPEND="selftest=migrate")
    assert result.refusal == "selftest=migrate: there is no other hart"


@pytest.mark.parametrize("how", ["nested", "m lsp"])
def test_those_that_spin_starve_nobody(run, how):
    """Two of three vCPUs never wait, on one hart, and the third has work too."""
    result = run("--vcpus", 3, "--smp", 1, "--exec", 2 * SPIN + "sleep 1; echo alive; nproc",
                 how=how)
    assert result.status == 0 and result.lines == ["alive", "3"], result
    for vcpu in result.stats["vcpus"]:
        assert vcpu["run_microseconds"] > 0 and vcpu["stolen_microseconds"] > 0, result.stats
        assert vcpu["moves"] == 0


@pytest.mark.parametrize("how", ["lsp"])
def test_pinned_vcpus_stay(run, how):
    result = run("--vcpus", 3, "--smp", 2, "--pin", "1,1,0", "--weight", 300, "--exec", "nproc",
                 how=how)
    assert result.status == 0 and result.lines == ["3"], result
    assert [vcpu["moves"] for vcpu in result.stats["vcpus"]] == [0, 0, 0]


@pytest.mark.parametrize("options, why", [
    (("--vcpus", 2, "--pin", "0,7"), "vCPU 1 is pinned to hart 7, which does not run"),
    (("--vcpus", 2, "--pin", "0"),
     "1 vCPUs are pinned, and it has 2: each is to have its hart, or none"),
    (("--weight", 9), "gnomon,weight cannot be 9"),
    (("--weight", 1001), "gnomon,weight cannot be 1001"),
])
def test_what_cannot_be_is_refused(run, guest, options, why):
    result = run("--kernel", guest("hello.bin"), *options)
    assert result.refusal.endswith(why), result


@pytest.mark.parametrize("pins", ["", "x", "0,", "-1", "0,1,2,3,4,5,6,7,8"])
def test_what_is_no_list_of_harts(run, guest, pins):
    result = run("--kernel", guest("hello.bin"), f"--pin={pins}")
    assert result.status == 2 and "--pin" in result.err, result
