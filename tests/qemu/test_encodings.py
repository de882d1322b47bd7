# SPDX-License-Identifier: BSD-2-Clause
"""
The ways in which lsp hears of what its tables lack (faults=, lsp/encoding.h): with
`poison` and `hole` a guest's own page faults cost no exit. Conformance, Debian's work,
attacks, the debug build, and how many exits a page touched first costs in each.
"""
import pathlib
import sys

import pytest
from test_guests import check_conformance
from test_hostile import hostile
from test_shadow_memory import CPUS, WORK

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from benchlib import linux  # noqa: E402
from gnomonlib import paths  # noqa: E402

FAULTS = ["reflect", "poison", "hole"]
DELEGATING = FAULTS[1:]
ATTACKS = ["privileges", "tables", "storm", "edges", "roots", "outside"]


def append(faults):
    return {"GNOMON_APPEND": f"faults={faults}"}


@pytest.mark.parametrize("cpu, faults", [*((cpu, "poison") for cpu in CPUS),
                                         ("rv64", "hole")])
def test_conformance(run, guest, faults, cpu):
    result = run("--kernel", guest("conformance.bin"), "--cpu", cpu, how="lsp",
                 **append(faults))
    check_conformance(result)
    assert f"faults: {faults}, for paging mode lsp" in result.checklist + result.said


def test_the_debug_build_finds_nothing_wrong(run, guest):
    result = run("--debug-build", "--kernel", guest("conformance.bin"), how="lsp",
                 GNOMON_APPEND="faults=poison check-every=97")
    check_conformance(result)
    assert result.stats["checks"] > 500


@pytest.mark.parametrize("faults", DELEGATING)
def test_debian_works_with_the_least_memory_too(run, faults):
    plenty = run("--exec", WORK, how="lsp", **append(faults))
    little = run("--exec", WORK, "--shadow-memory", "256K", how="lsp", **append(faults))
    assert plenty.status == little.status == 0, little
    assert little.lines == plenty.lines and plenty.lines[0] == "40"
    assert little.stats["shadow"]["reclaims"] > 100
    # What is left of the guest's own: the kernel's half, and where no table was yet.
    exits = plenty.stats["exits"]
    assert exits["guest-page-fault"] < exits["sfence-address"] / 5


@pytest.mark.parametrize("faults, name", [*(("poison", name) for name in ATTACKS),
                                          ("hole", "privileges"), ("hole", "outside")])
def test_an_attack_is_survived(run, faults, name):
    result = run(*hostile.options(name, 1), how="lsp",
                 GNOMON_APPEND=f"{hostile.APPEND} faults={faults}")
    assert not hostile.complaints(name, result), result


@pytest.mark.parametrize("faults", DELEGATING)
def test_the_benchmarks_find_what_they_wrote(run, guest, faults):
    result = run("--kernel", guest("bench.bin"), "--memory", "96M", "--append",
                 "size=quick bench=null,demand,fork,range", how="lsp", **append(faults))
    assert result.status == 0 and "bench: done" in result.lines, result


@pytest.mark.parametrize("faults", FAULTS)
def test_a_first_touch_costs_one_exit_or_two(run, tmp_path, faults):
    initrd = linux.initramfs(tmp_path, ())
    result = run("--kernel", paths.KERNEL, "--initrd", initrd, "--exec",
                 "/bench/workloads touch 1 4", how="lsp", **append(faults))
    found, = filter(None, map(linux.parse, result.lines))
    least = 2 if faults == "reflect" else 1
    assert found["operations"] == "1024"
    assert least <= int(found["exits"]) / 1024 < least + 0.1, found


def test_a_machine_whose_access_faults_get_lost_has_no_poison(run, emulator):
    result = run("--exec", "true", how="lsp", QEMU=emulator("trixie"), **append("poison"))
    assert "faults=poison: this machine cannot have these" in result.refusal
    result = run("--exec", "echo $((6 * 7))", how="lsp", QEMU=emulator("trixie"),
                 **append("hole"))
    assert (result.status, result.lines) == (0, ["42"]), result


@pytest.mark.parametrize("word", ["faults=", "faults=magic", "faults=reflect-and-more"])
def test_another_name_is_refused(run, word):
    result = run("--exec", "true", how="lsp", GNOMON_APPEND=word)
    assert "faults=reflect, faults=poison or faults=hole" in result.refusal
