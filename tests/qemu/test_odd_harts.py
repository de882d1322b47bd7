# SPDX-License-Identifier: BSD-2-Clause
"""
Harts that do, or tell, other than QEMU's, on seat m: the debugger changes what Gnomon
finds when a trap comes in, from the first of its boot's probes on, and Gnomon has to see
it there, say it in its checklist, and do with it or refuse.
"""
import os
import pathlib

import debugger
import pytest
from test_guests import check_conformance

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
ILLEGAL, LOAD_ACCESS, STORE_ACCESS, CALL, LOAD_PAGE, STORE_PAGE = 2, 5, 7, 9, 13, 15
ACCESS_FAULTS = (1, LOAD_ACCESS, STORE_ACCESS)
FENCE = 0x12000073
VECTORS = ("guest_exit_vector", "guest_fast_vector")  # the probes' and the guests'


@pytest.fixture
def odd(debugged, guest):
    """odd(change, OPTION...): change(stub, cause) sees every trap out of a guest."""
    def start(change, *options, kernel="hello.bin", **settings):
        names = debugger.symbols(BUILD / "gnomon-m.elf", debugger.IMAGE)

        def drive(stub):
            for name in VECTORS:
                stub.set_break(names[name])
            while True:
                at = stub.go()
                change(stub, stub.read("mcause"))
                stub.step_over(at)
        return debugged(drive, "--kernel", guest(kernel), *options, **settings)
    return start


@pytest.mark.parametrize("which", ["all of them", "fences"])
def test_a_hart_where_tvm_does_nothing_is_refused(odd, which):
    def change(stub, cause):
        if cause == ILLEGAL and (which != "fences" or stub.read("mtval") == FENCE):
            stub.write("mcause", CALL)  # of the instruction behind it
    assert odd(change).refusal == (
        "mstatus.TVM does not work on this hart: satp and fences of a guest do not trap, and "
        "it could not be kept from tables of its own")


# With the second, what is found at boot is all that is different.
@pytest.mark.parametrize("which, kernel", [("all of them", "conformance.bin"),
                                           ("leaves", "hello.bin")])
def test_access_faults_without_an_address_are_not_used(odd, which, kernel):
    seen = []

    def change(stub, cause):
        if cause in ACCESS_FAULTS:
            seen.append(cause)
            # The first is of no table at all, four are of a pointer.
            if which == "all of them" or len(seen) > 5:
                stub.write("mtval", 0)
    warning = ("warning: access faults of closed pages do not tell what they are of; page "
               "faults are taken by the hypervisor instead")
    result = odd(change, "--append", "group=permissions", kernel=kernel)
    if kernel == "conformance.bin":
        check_conformance(result, least=10)
    assert result.status == 0 and warning in result.checklist, result
    assert len(seen) in (2, 6)  # of the probes, and none of the guest's
    seen.clear()
    assert odd(change, GNOMON_APPEND="faults=poison").refusal == (
        "boot arguments: faults=poison: this machine cannot have these")


@pytest.mark.parametrize("group", ["permissions", "outside"])
def test_stores_that_are_reported_as_loads_are_told_apart(odd, group):
    seen = []

    def change(stub, cause):
        if cause == STORE_ACCESS:
            seen.append(stub.read("mepc"))
            stub.write("mcause", LOAD_ACCESS)
    result = odd(change, "--append", f"group={group}", kernel="conformance.bin")
    check_conformance(result, least=3)
    assert ("\ngnomon: access faults: a store's are reported as a load's; its code is read "
            "to tell\n") in result.out
    assert len(seen) > 8 + 5  # beyond the probes' own


@pytest.mark.parametrize("needs_write", [False, True])
def test_what_lr_is_taken_for_is_said(odd, needs_write):
    calls = []

    def change(stub, cause):
        calls.append(cause == CALL)
        if cause == LOAD_PAGE or (needs_write and cause == CALL and sum(calls) == 1):
            stub.write("mcause", STORE_PAGE)
    result = odd(change)
    assert result.status == 0
    line = ("warning: lr faults on pages that are only readable, in guests as without them"
            if needs_write else
            "lr: its page faults are reported as a store's; its code is read to tell")
    assert f"\ngnomon: {line}\n" in result.out


def test_a_hart_that_is_odd_alone_is_left_out(odd):
    boot = []

    def change(stub, cause):
        hart = stub.read("mhartid")
        boot.append(hart)
        if hart != boot[0] and cause == STORE_ACCESS:
            stub.write("mcause", LOAD_ACCESS)
    result = odd(change, "--smp", 2)
    assert result.status == 0
    assert "harts: 1 of 2 run" in result.checklist
    assert (f"harts: hart {1 - boot[0]} is not as the boot hart: faults of stores; it is left "
            "out") in result.checklist
