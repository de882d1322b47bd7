# SPDX-License-Identifier: BSD-2-Clause
"""
Mistakes that other hypervisors made and that show on a whole machine only. Those
of the SBI are in tests/unit/test_sbi_mistakes.c; docs/testing.md lists them all.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import paths  # noqa: E402


# --- the right fence --------------------------------------------------------

HFENCE_VVMA, HFENCE_GVMA, A0, A1 = 0x22000073, 0x62000073, 10, 11
FENCES = {  # rs1 is the address, rs2 the ASID or VMID; x0 stands for all of them
    "arch_shadow_fence_leaf": HFENCE_VVMA | A0 << 15 | A1 << 20,
    "arch_shadow_fence_asid": HFENCE_VVMA | A0 << 20,
    "arch_shadow_fence_all": HFENCE_VVMA,
    "arch_gstage_fence": HFENCE_GVMA | A0 << 20,
}


def disassembly(hypervisor, compiler, *options):
    elf = hypervisor.parent / compiler / "gnomon.elf"
    return subprocess.run([CROSS + "objdump", "-d", *options, elf], check=True,
                          capture_output=True, text=True).stdout


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_guests_translations_are_fenced_as_a_guests(hypervisor, compiler):
    """An sfence.vma in their place fences Gnomon's own; an emulator that flushes
    everything at each exit would never tell."""
    for function, expected in FENCES.items():
        text = disassembly(hypervisor, compiler, f"--disassemble={function}")
        words = [int(word, 16) for word in re.findall(r":\s+([0-9a-f]{8})\s", text)]
        system = [word for word in words if word & 0x7f == 0x73]
        assert system == [expected], f"{function}: {text}"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_only_gnomons_own_table_is_fenced_by_sfence(hypervisor, compiler):
    def fences(*options):
        return disassembly(hypervisor, compiler, *options).count("sfence.vma")
    # The last one is a guest's, which the boot runs to see that it traps.
    own = ("host_table_enable", "host_table_join", "probe_guest_fence")
    assert fences() == sum(fences(f"--disassemble={name}") for name in own)


# --- host harts and guest harts ---------------------------------------------

@pytest.fixture
def boot_hart_1(tmp_path):
    """Options for a machine of which OpenSBI and Gnomon may only use hart 1."""
    tree = tmp_path / "machine.dtb"
    subprocess.run([paths.qemu(), "-M", f"virt,dumpdtb={tree}", "-smp", "2", "-m", "256M"],
                   check=True, capture_output=True)
    subprocess.run(["fdtput", "-t", "s", tree, "/cpus/cpu@0", "status", "disabled"],
                   check=True)
    return ("--smp", "2", "--qemu-arg=-dtb", f"--qemu-arg={tree}", "--memory", "64M")


def test_a_guests_harts_begin_at_0_wherever_it_runs(run, guest, paging, boot_hart_1):
    result = run("--kernel", guest("hello.bin"), *boot_hart_1, how=paging)
    assert "Gnomon starts on hart 1" in result.out, result
    assert "hello from hart 0" in result.out


def test_the_boot_harts_own_interrupts_reach_the_guest(terminal, ended, tmp_path,
                                                       boot_hart_1):
    stats = tmp_path / "stats.json"
    child = terminal("--stats", stats, *boot_hart_1[:-1], "96M")
    child.expect_exact("~ # ")
    child.send("echo $((6 * 7))-answer; exit\r")
    child.expect_exact("42-answer")
    assert ended(child) == 0
    assert json.loads(stats.read_text())["exits"]["host-external"] > 0


# --- what is the guest's alone ----------------------------------------------

def test_conformance_beside_a_vector_unit(run, guest, paging):
    """Nothing saves its registers, so it is neither shown nor reachable; and of the
    exceptions that are a guest's own, ebreak for one, none costs an exit."""
    result = run("--kernel", guest("conformance.bin"), "--cpu", "rv64,v=true", how=paging)
    assert result.status == 0 and "not ok" not in result.out, result
    assert [line for line in result.checklist if re.match("hart: .*rv64imafdcv", line)]
    shown, = (line for line in result.checklist if line.startswith("guests may see:"))
    assert " v" not in shown
    assert "other-exception" not in result.stats["exits"]
