# SPDX-License-Identifier: BSD-2-Clause
"""
The budget for shadow tables: with the least that Gnomon accepts, guests do the
same as with plenty, only slower, and never take more than they were given.
"""
import re

import pytest

LINES = 2000  # with the least memory each of them takes a reclaim or several
WORK = f"""
n=0; for i in $(seq 40); do /bin/true && n=$((n + 1)); done; echo $n
seq {LINES} | sort -r | sort -n | md5sum
for i in $(seq 8); do (seq 1000 | tr 0-9 a-j | grep -c a) & done | sort | uniq -c
"""
# Pages of shadow tables at the least: two roots, and a path for each of 4 pages; a table
# of pointers takes two.
CPUS = {
    "rv64": 2 * 2 + 4 * (3 * 2 + 1),
    "rv64,sv57=off": 2 * 2 + 4 * (2 * 2 + 1),
    "rv64,sv48=off,sv57=off": 2 * 2 + 4 * (2 + 1),
}


@pytest.fixture
def least(run, guest):
    """least(CPU): the bytes that Gnomon says it needs, where it is given 1."""
    def ask(cpu):
        refusal = run("--kernel", guest("hello.bin"), "--shadow-memory", "1", "--cpu",
                      cpu).refusal
        said = re.fullmatch(r"vm hello: shadow memory of 1 bytes: paging mode lsp needs "
                            r"(\d+) at least, .*", refusal)
        return int(said[1])
    return ask


def check_bounds(shadow, budget):
    assert shadow["pages"] <= shadow["pages_peak"] <= shadow["page_limit"]
    assert (shadow["page_limit"] + shadow["state_pages"]) * 4096 <= budget
    assert shadow["reclaims"] == sum(vcpu["reclaims"] for vcpu in shadow["vcpus"])


def test_a_byte_less_than_the_least_is_refused(run, guest, least):
    bytes_needed = least("rv64")
    says = f"shadow memory of {bytes_needed - 1} bytes"
    options = ("--kernel", guest("hello.bin"), "--shadow-memory")
    assert says in run(*options, bytes_needed - 1).refusal
    assert run(*options, bytes_needed).status == 0


@pytest.mark.parametrize("cpu", CPUS)
def test_conformance_with_the_least(run, guest, least, cpu):
    budget = least(cpu)
    result = run("--kernel", guest("conformance.bin"), "--cpu", cpu, "--shadow-memory",
                 budget)
    assert result.status == 0 and "not ok" not in result.out, result
    shadow = result.stats["shadow"]
    check_bounds(shadow, budget)
    assert shadow["page_limit"] == shadow["pages_peak"] == CPUS[cpu]
    assert shadow["reclaims"] > 0


def test_linux_does_the_same_with_the_least_as_with_plenty(run, least):
    budget = least("rv64")
    plenty = run("--exec", WORK)
    little = run("--exec", WORK, "--shadow-memory", budget)
    assert plenty.status == little.status == 0, little
    assert little.lines == plenty.lines and plenty.lines[0] == "40"
    assert plenty.stats["shadow"]["reclaims"] == 0
    shadow = little.stats["shadow"]
    check_bounds(shadow, budget)
    assert shadow["pages_peak"] == shadow["page_limit"]
    assert shadow["reclaims"] > 1000
    assert (f"vm linux: shadow tables took up to {shadow['pages_peak']} pages of "
            f"{shadow['page_limit']}, reclaimed {shadow['reclaims']} times"
            in little.said)


@pytest.mark.parametrize("options, says", [
    (["--shadow-memory", "100G"], "of shadow memory asked for"),
    (["--shadow-memory", "1M", "--paging", "nested"],
     "shadow memory of 1048576 bytes: paging mode nested has no shadow tables"),
])
def test_a_budget_that_cannot_be(run, guest, options, says):
    assert says in run("--kernel", guest("hello.bin"), *options).refusal


def test_a_bundle_says_how_much(run, bundle, guest, change):
    made = bundle("--kernel", guest("hello.bin"), "--memory", "32M", "--shadow-memory",
                  "1M")
    shadow = run("--bundle", made).stats["shadow"]
    assert 0 < shadow["state_pages"] <= 16
    assert shadow["page_limit"] == 256 - shadow["state_pages"]
    change(made, "/configurations/hello", "gnomon,shadow-memory", "200000", kind="x")
    shadow = run("--bundle", made).stats["shadow"]
    assert shadow["page_limit"] == 512 - shadow["state_pages"]


# Of a machine of 96 MiB, beside the RAM of 4 VMs; on seat m there is a pool for tables.
FOR_TABLES = {"hs": 32 << 20, "m": 8 << 20}


@pytest.mark.parametrize("seat", FOR_TABLES)
def test_no_vm_can_take_what_another_needs(run, vm, guest, seat):
    """Budgets of more than the machine has: when it is spent, nobody ends for it."""
    same = ("--kernel", guest("hostile.bin"), "--memory", "16M", "--append",
            "attack=exhaustion seed=1", "--paging", "lsp")
    budget = FOR_TABLES[seat] * 3 // 4
    greedy = [vm(f"greedy{i}", *same, "--shadow-memory", budget) for i in range(3)]
    result = run(*sum(greedy, ()), *vm("poor", *same), "--qemu-arg=-m", "--qemu-arg=96M",
                 SEAT=seat)
    assert result.status == 0, result
    assert result.out.count("hostile: exhaustion seed 1: done, 0 breaches") == 4
    assert all(one["shadow"]["reclaims"] > 0 for one in result.stats["vms"])
