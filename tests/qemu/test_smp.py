# SPDX-License-Identifier: BSD-2-Clause
"""
Guests with several vCPUs: Debian's kernel brings them up, they work at once and fence
each other, on as many harts, and on fewer. A vCPU more than there can be is refused.
"""
import pytest

# Processes on all vCPUs at once: page tables, remote fences, IPIs, and waiting.
STORM = ("nproc; for i in 1 2 3 4; do (for j in 1 2 3; do /bin/true; done; "
         "dd if=/dev/zero of=/tmp/$i bs=64k count=16 2>/dev/null; md5sum < /tmp/$i) & done; "
         "wait; echo $((40 + 2))")
ZEROS = "b6d81b360a5672d80c27430f39153e2c"  # of 1 MiB


@pytest.mark.parametrize("mode, vcpus, harts", [
    ("lsp", 2, 2), ("nested", 2, 2), ("m lsp", 2, 2),
    ("lsp", 4, 2), ("m lsp", 4, 2), ("nested", 3, 1), ("m lsp", 2, 1),
    ("shadow", 2, 2), ("m shadow-unsync", 2, 2),
])
def test_debian_runs_on_all_of_them(run, mode, vcpus, harts):
    result = run("--vcpus", vcpus, "--smp", harts, "--exec", STORM, how=mode)
    assert result.status == 0, result
    lines = result.lines
    assert lines[0] == str(vcpus) and lines[-1] == "42", result
    assert [line.split()[0] for line in lines[1:-1]] == 4 * [ZEROS], result
    each = [vcpu["fast"] | vcpu["full"] for vcpu in result.stats["vcpus"]]
    assert len(each) == vcpus and all(each), result.stats
    # A hart for which others wait has its vCPU's waiting trap, and hardly any other has.
    waits, total = result.stats["exits"].get("wfi", 0), result.stats["exits_total"]
    assert waits > 0 if vcpus > harts else waits < total // 100, result.stats["exits"]


def test_more_than_there_can_be_are_refused(run, guest):
    result = run("--kernel", guest("hello.bin"), "--vcpus", 9)
    assert result.refusal.endswith("9 vCPUs asked for: a VM has 1 to 8"), result
