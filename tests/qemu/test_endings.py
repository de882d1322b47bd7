# SPDX-License-Identifier: BSD-2-Clause
"""
How a guest of a few instructions may end, and what is made of it: the exit
status, the reason in the report, and that Gnomon lives to say so.
"""
import os
import subprocess

import pytest

CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")
SRST, HSM = 0x53525354, 0x48534D


def sbi(extension, function=0, a0=0, a1=0):
    return (f"li a0, {a0}\nli a1, {a1}\nli a6, {function}\nli a7, {extension}\necall\n")


def expect_fault(cause, access):
    """Power off if `access` faults with this cause at its own address, else fail."""
    return (f"la t0, 1f\ncsrw stvec, t0\n{access}\nj 2f\n.balign 4\n"
            f"1: csrr t1, scause\nli t2, {cause}\nbne t1, t2, 2f\n"
            + sbi(SRST) + "2:\n" + sbi(SRST, a1=1))


ENDINGS = {  # code: exit status, reason, what the line says
    "shutdown": (sbi(SRST), 0, "power-off", "power-off"),
    "shutdown, for a failure": (sbi(SRST, a1=1), 1, "failure", "failure"),
    "shutdown by the legacy call": (sbi(8), 0, "power-off", "power-off"),
    "cold reboot": (sbi(SRST, a0=1), 0, "reboot", "reboot"),
    "warm reboot": (sbi(SRST, a0=2), 0, "reboot", "reboot"),
    "its only hart stops": (sbi(HSM, 1), 3, "stopped", "stopped: all of its harts"),
    "after unknown calls": (sbi(0x12345678, 9) + sbi(SRST, 77) + sbi(SRST, a0=9) + sbi(SRST),
                            0, "power-off", "power-off"),
    "load from nothing": (expect_fault(5, "ld t0, (zero)"), 0, "power-off", "power-off"),
    "store to nothing": (expect_fault(7, "li t0, 0x4000000000\nsd t0, (t0)"),
                         0, "power-off", "power-off"),
    "jump to nothing": (expect_fault(1, "li t0, 0x1000\njr t0"),
                        0, "power-off", "power-off"),
    "past the end of RAM": (expect_fault(7, "li t0, 0x81000000\nsb zero, (t0)"),
                            0, "power-off", "power-off"),
    "an instruction that is none": (expect_fault(2, ".4byte 0xffffffff"),
                                    0, "power-off", "power-off"),
    "an hfence, without H": (expect_fault(2, ".4byte 0x62000073"),
                             0, "power-off", "power-off"),
}


@pytest.fixture
def assembled(tmp_path):
    """assembled(CODE): the file of a flat kernel."""
    def assemble(code):
        source, kernel = tmp_path / "tiny.s", tmp_path / "tiny.bin"
        source.write_text(f".globl _start\n_start:\n{code}\n9: j 9b\n")
        linked = tmp_path / "tiny.elf"
        subprocess.run([CROSS + "gcc", "-nostdlib", "-static", "-march=rv64imac_zicsr",
                        "-mabi=lp64", "-Wl,--build-id=none,-Ttext=0x80200000", source,
                        "-o", linked], check=True)
        subprocess.run([CROSS + "objcopy", "-O", "binary", linked, kernel], check=True)
        return kernel
    return assemble


@pytest.mark.parametrize("name", ENDINGS)
def test_a_guest_ends(run, assembled, anywhere, name):
    code, status, reason, says = ENDINGS[name]
    result = run("--kernel", assembled(code), "--memory", "16M", how=anywhere)
    assert (result.status, result.stats["reason"]) == (status, reason), result
    assert result.said[-1].startswith(f"vm tiny: {says}"), result


def satp_at(physical):
    """Switch paging on with a root table there."""
    return f"li t0, {(8 << 60) | physical >> 12}\ncsrw satp, t0\nsfence.vma\nnop\n"


HANGS = {  # each faults for ever, on bare hardware as well
    "no trap handler": "li t0, 0x1000\ncsrw stvec, t0\njr t0",
    "a root table in nothing": "csrw stvec, zero\n" + satp_at(0x4000000000),
    "a root table in the UART": "csrw stvec, zero\n" + satp_at(0x10000000),
}


@pytest.mark.parametrize("name", HANGS)
def test_a_guest_that_hangs_says_nothing_and_can_be_ended(run, assembled, anywhere, name):
    result = run("--kernel", assembled(HANGS[name]), "--memory", "16M", "--timeout", "2",
                 how=anywhere)
    assert result.status == 124, result
    assert result.err == "gnomon: timed out after 2 s\n"
    assert result.said in ([], [f"vm tiny: 16 MiB of memory, paging mode {anywhere.split()[-1]}"])
