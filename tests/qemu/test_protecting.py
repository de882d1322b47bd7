# SPDX-License-Identifier: BSD-2-Clause
"""
The write-protecting modes, `shadow` and `shadow-unsync`: Debian and its work, the
conformance and the hostile guest, the least memory, and the debug build, which holds
every shadow entry against the guest's own table.
"""
import hashlib
import re

import pytest
from test_guests import check_conformance
from test_hostile import hostile
from test_shadow_memory import CPUS, LINES, WORK

MODES = ["shadow", "shadow-unsync"]
LEAST_TABLES = 1 + 4 * 4  # a root, and four paths under it on Sv57; two pages each
ATTACKS = ["wild-streams", "privileges", "tables", "loops", "outside", "exhaustion",
           "storm", "edges", "roots"]
FORKS = "for i in 1 2 3; do (echo $i | cat); done; ls /proc/self > /dev/null; exit 5"

pytestmark = pytest.mark.parametrize("mode", MODES)


def check_work(result):
    """WORK, of tests/qemu/test_shadow_memory.py, has come to what it must."""
    numbers = "".join(f"{n}\n" for n in range(1, LINES + 1)).encode()
    with_zero = sum("0" in str(n) for n in range(1, 1001))
    assert result.status == 0, result
    assert [line.split() for line in result.lines] == [
        ["40"], [hashlib.md5(numbers).hexdigest(), "-"], ["8", str(with_zero)]]


def test_debian_works_and_what_it_writes_is_counted(run, mode):
    result = run("--exec", WORK, how=mode)
    check_work(result)
    exits, shadow = result.stats["exits"], result.stats["shadow"]
    assert result.stats["paging"] == mode
    assert {"satp-write", "sfence-address", "shadow-miss", "pte-write"} <= set(exits)
    assert not {"gstage-miss", "retry"} & set(exits)
    assert shadow["floods"] > 0 and shadow["orphans"] > 0 and shadow["reclaims"] == 0
    assert 0 < shadow["tables"] * 2 == shadow["pages"] <= shadow["pages_peak"]
    # A page's life: the guest's fault, its PTE write, its fence and, strictly, a miss.
    if mode == "shadow":
        assert shadow["unsyncs"] == shadow["fence_installs"] == shadow["neighbours"] == 0
        assert exits["pte-write"] > exits["guest-page-fault"]
    else:
        assert shadow["unsyncs"] > shadow["resyncs"] > 0
        assert exits["pte-write"] < exits["guest-page-fault"]


@pytest.mark.parametrize("cpu", CPUS)
def test_conformance(run, guest, mode, cpu):
    check_conformance(run("--kernel", guest("conformance.bin"), "--cpu", cpu, how=mode))


def test_conformance_with_the_least(run, guest, mode):
    refusal = run("--kernel", guest("hello.bin"), "--shadow-memory", 1, how=mode).refusal
    least = int(re.search(rf"paging mode {mode} needs (\d+) at least", refusal)[1])
    result = run("--kernel", guest("conformance.bin"), "--shadow-memory", least, how=mode)
    check_conformance(result)
    shadow = result.stats["shadow"]
    assert shadow["page_limit"] == shadow["pages_peak"] == 2 * LEAST_TABLES
    assert (shadow["page_limit"] + shadow["state_pages"]) * 4096 <= least
    assert shadow["reclaims"] > 100


def test_linux_with_little_does_the_same(run, mode):
    result = run("--exec", WORK, "--shadow-memory", "850K", "--memory", "96M", how=mode)
    check_work(result)
    assert result.stats["shadow"]["reclaims"] > 100


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_survived(run, mode, name):
    result = run(*hostile.options(name, 1), how=mode, GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints(name, result), result


def test_the_debug_build_finds_nothing_wrong(run, guest, mode):
    linux = run("--debug-build", "--memory", "96M", "--exec", FORKS, how=mode,
                GNOMON_APPEND="check-every=7")
    assert (linux.status, linux.lines) == (5, ["1", "2", "3"]), linux
    assert linux.stats["checks"] > 10000
    bare = run("--debug-build", "--kernel", guest("hello.bin"), how=mode)
    assert bare.status == 0 and bare.stats["checks"] > 10, bare
