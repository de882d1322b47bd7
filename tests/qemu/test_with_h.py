# SPDX-License-Identifier: BSD-2-Clause
"""
Seat m on harts that have more than a guest is shown (docs/seat-m.md): the hypervisor
extension, for good or behind a writable misa, a vector unit, Sstc, and all that the
emulator has. Nothing of it leads out of the guest, and nothing is left to the next one.
"""
import functools
import pathlib
import re
import subprocess

import pytest
from test_debug_build import check_the_checks
from test_guests import check_conformance
from test_hostile import hostile
from test_isolation import boot, image  # noqa: F401

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCE = pathlib.Path(__file__).with_name("first_stage.S")
CANARY = 0xca4a5eed0b1dca6e ^ 0x80000008  # core/canary.h
WAYS = 13  # into V = 1, of guests/hostile/hypervisor.c; once more with paging on

MODES = ["lsp", "shadow", "shadow-unsync"]
H_STAYS, H_GOES = "rv64", "rv64,x-misa-w=true"
ALL = "max"
LOOSE = "rv64,v=true,smaia=on,ssaia=on"  # with no Smstateen to switch them off
SHOWN_H = "CSRs of the hypervisor extension, which is not listed"
LEADS_NOWHERE = "hypervisor extension: it is there and leads nowhere (empty hgatp)"


@pytest.fixture
def run_m(run):
    return functools.partial(run, SEAT="m")


def line_of(result, start):
    line, = (line for line in result.checklist if line.startswith(start))
    return line


# --- guests work -------------------------------------------------------------

@pytest.mark.parametrize("how", MODES)
@pytest.mark.parametrize("cpu", [H_STAYS, H_GOES])
def test_conformance(run_m, guest, how, cpu):
    result = run_m("--kernel", guest("conformance.bin"), "--cpu", cpu, how=how)
    check_conformance(result)
    assert (SHOWN_H in result.out) == (cpu == H_STAYS)


@pytest.mark.parametrize("cpu", [ALL, LOOSE, "rv64,smrnmi=true", "rv64,smdbltrp=true",
                                 "rv64,h=false,sstc=false,v=true"])
def test_conformance_on_harts_with_more(run_m, guest, cpu):
    check_conformance(run_m("--kernel", guest("conformance.bin"), "--cpu", cpu, how="lsp"))


def test_what_is_done_about_h_is_said(run_m, guest):
    said = {cpu: line_of(run_m("--kernel", guest("hello.bin"), "--cpu", cpu, how="lsp"),
                         "hypervisor extension: ")
            for cpu in (H_STAYS, H_GOES, "rv64,h=false")}
    assert said[H_STAYS].startswith(LEADS_NOWHERE)
    assert said[H_GOES] == "hypervisor extension: switched off (misa)"
    assert said["rv64,h=false"] == "hypervisor extension: none"


@pytest.mark.parametrize("cpu", [H_STAYS, H_GOES, ALL])
def test_the_other_harts_are_closed_too(run_m, guest, cpu):
    result = run_m("--kernel", guest("hello.bin"), "--cpu", cpu, "--smp", 3, how="lsp")
    assert result.status == 0 and "harts: 3 of 3 run" in result.checklist


def test_seat_hs_shows_nothing_of_h(run, guest):
    result = run("--kernel", guest("conformance.bin"), how="lsp")
    check_conformance(result)
    assert SHOWN_H not in result.out


@pytest.mark.parametrize("cpu", [H_STAYS, H_GOES])
def test_debian_runs_a_command_and_its_ticks_cost_no_exit(run_m, cpu):
    result = run_m("--cpu", cpu, "--exec", "uname -m; grep -q sstc /proc/cpuinfo && echo sstc; sleep 0.1; "
                   "exit 42", how="lsp")
    assert (result.status, result.err) == (42, ""), result
    assert result.lines == ["riscv64", "sstc"]
    assert line_of(result, "timer: ").endswith("guests have their own (Sstc)")
    assert not {"sbi-timer", "host-timer"} & set(result.stats["exits"])


def test_the_debug_build_finds_nothing_wrong(run_m, guest):
    result = run_m("--debug-build", "--cpu", H_STAYS, "--kernel", guest("conformance.bin"),
                   how="lsp", GNOMON_APPEND="check-every=97")
    check_conformance(result)
    check_the_checks(result, 97)


def test_an_emulator_that_loses_timers_keeps_this_one(run_m, emulator):
    """QEMU 7.2's defect is vstimecmp's: see docs/testing.md."""
    result = run_m("--exec", "sleep 1; exit 42", "--cpu", "rv64,h=false", how="lsp",
                   QEMU=emulator("bookworm"))
    assert result.status == 42, result
    assert line_of(result, "timer: ").endswith("guests have their own (Sstc)")


def test_an_emulator_that_does_not_keep_hgatp_from_guests_is_refused(run_m, guest, emulator):
    """QEMU 7.2 again, whose mstatus.TVM does not stop accesses to hgatp."""
    result = run_m("--kernel", guest("hello.bin"), "--cpu", H_STAYS, how="lsp",
                   QEMU=emulator("bookworm"))
    assert result.refusal == ("this chip has the hypervisor extension (H), and a guest cannot "
                              "be kept from it: use seat hs")


# --- the vector unit ---------------------------------------------------------

@pytest.mark.parametrize("cpu", ["rv64,h=false,sstc=false,v=true",
                                 "rv64,v=true,vlen=1024,elen=64"])
def test_linux_has_vectors(run_m, cpu):
    result = run_m("--cpu", cpu, "--exec", "grep -o -m 1 rv64imafdcv /proc/cpuinfo", how="lsp")
    assert (result.status, result.lines) == (0, ["rv64imafdcv"]), result


def test_vectors_are_kept_over_exits(run_m, guest):
    result = run_m("--kernel", guest("conformance.bin"), "--cpu", "rv64,v=true", how="lsp")
    check_conformance(result)
    assert re.search(r"^ok \d+ - vectors: registers survive traps and fences$", result.out,
                     re.M)


# --- hostile guests ----------------------------------------------------------

def attack(run_with, name, seed, cpu, how="lsp", shows=None):
    result = run_with(*hostile.options(name, seed, shows), "--cpu", cpu, how=how,
                      GNOMON_APPEND=hostile.APPEND)
    assert not hostile.complaints(name, result), result
    return result


@pytest.mark.parametrize("seed", range(2 * WAYS))
def test_every_way_into_v_1_ends_the_vm_or_falls_back(run_m, seed):
    result = attack(run_m, "hypervisor", seed, H_STAYS, MODES[seed % 3])
    assert int(re.search(r"^hypervisor: (\d+) CSRs answer$", result.out, re.M)[1]) > 20
    assert f"to V = 1 by way {seed % WAYS}" in result.out
    if "never got there" not in result.out:
        assert (result.status, result.stats["detail"]) == (3, hostile.ASTRAY)


def test_most_ways_end_the_vm(run_m):
    ends = [attack(run_m, "hypervisor", seed, ALL).stats["reason"] for seed in (0, 1, 5)]
    assert ends == ["stopped"] * 3


@pytest.mark.parametrize("seat, cpu", [("m", H_GOES), ("m", "rv64,h=false"),
                                       ("hs", "rv64"), ("hs", "max")])
def test_elsewhere_there_is_no_hypervisor_extension(run, seat, cpu):
    result = attack(functools.partial(run, SEAT=seat), "hypervisor", 1, cpu)
    assert "hypervisor: 0 CSRs answer" in result.out


@pytest.mark.parametrize("cpu, shows", [(H_STAYS, "h"), (H_GOES, None), (LOOSE, "ha"),
                                        (ALL, "hc"), ("max,h=false", "c")])
def test_nothing_else_answers(run_m, cpu, shows):
    attack(run_m, "privileges", 1, cpu, shows=shows)


@pytest.mark.parametrize("cpu, seed", [(H_STAYS, 1), (ALL, 2)])
@pytest.mark.parametrize("name", ["streams", "user-streams", "wild-streams", "storm"])
def test_an_attack_is_survived(run_m, name, seed, cpu):
    attack(run_m, name, seed, cpu)


# --- what others have left ----------------------------------------------------

@pytest.fixture
def first_stage(tmp_path):
    """Of 2 MiB at most: the kernel comes behind it."""
    program, flat = tmp_path / "first.elf", tmp_path / "first.bin"
    prefix = "riscv64-linux-gnu-"
    subprocess.run([f"{prefix}gcc", "-march=rv64gc", "-mabi=lp64", "-nostdlib", "-static",
                    "-Wl,--build-id=none,-Ttext=0x80000000", f"-DCANARY={CANARY:#x}",
                    "-DNEXT=0x80200000", SOURCE, "-o", program], check=True)
    subprocess.run([f"{prefix}objcopy", "-O", "binary", program, flat], check=True)
    return flat.read_bytes()


@pytest.mark.parametrize("cpu", [H_STAYS, ALL, LOOSE, "rv64,h=false,v=true"])
def test_a_guest_finds_nothing_of_what_ran_before(boot, first_stage, cpu):  # noqa: F811
    out = boot("--kernel", hostile.BUILD / "guests" / "hostile.bin", "--memory", "32M",
               "--append", "attack=leftovers", firmware=first_stage, cpu=cpu)
    vectors = 0 if cpu == H_STAYS else 32
    assert re.search(fr"^leftovers: none in \d+ CSRs, 32 floating-point and {vectors} "
                     r"vector registers$", out, re.M), out
    assert "BREACH" not in out and "done, 0 breaches" in out
