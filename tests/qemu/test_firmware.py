# SPDX-License-Identifier: BSD-2-Clause
"""
What seat m owes a guest as its firmware, on harts that leave it more to do than QEMU's:
misaligned accesses are made to trap by the debugger, and illegal instructions to tell
nothing in mtval. The guests judge what comes of it.
"""
import os
import pathlib
import re
import struct

import debugger
import pytest
from test_guests import check_conformance

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
MODES = ["lsp", "shadow", "shadow-unsync"]
ILLEGAL, LOAD_MISALIGNED, STORE_MISALIGNED = 2, 4, 6
BASE = 0x80200000  # of a bundled guest
USER_CODE = 0x40000000  # where it maps its probes for user mode


class Probes:
    """The accesses that guests/lib/probe.S makes: {address: (name, kind, width)}."""

    def __init__(self, guest):
        listed = re.findall(r"^ACCESS(?:_C)?\((\w+), (\w+), (\d)",
                            (TOP / "guests/lib/accesses.inc").read_text(), re.M)
        names = debugger.symbols(guest("conformance.elf"))
        table = names["probe_table"] - BASE
        image = guest("conformance.bin").read_bytes()
        move = USER_CODE - names["probe_code"]
        self.at = {}
        for i, (name, kind, width) in enumerate(listed):
            access = struct.unpack_from("<3Q", image, table + 24 * i)[1]
            for address in (access, access + move):
                self.at[address] = (name, kind, int(width))


def trap_misaligned(probes, seen):
    """A function for `debugged`: no misaligned access is the hart's own."""
    def drive(stub):
        for address in probes.at:
            stub.set_break(address)
        while True:
            at = stub.go()
            name, kind, width = probes.at[at]
            address = stub.read("a0")
            if address % width == 0:
                stub.step_over(at)
                continue
            seen.append((name, address % 4096 + width > 4096))
            stub.trap(LOAD_MISALIGNED if kind in ("LOAD", "LR") else STORE_MISALIGNED, address)
    return drive


def check_misaligned(result):
    """The guest was told to insist on their being done."""
    summary = re.search(r"^conformance: (\d+) passed, 0 failed(.*)$", result.out, re.M)
    assert (result.status, result.err) == (0, "") and summary, result
    assert int(summary[1]) >= 33
    return summary[2]


@pytest.mark.parametrize("how, faults", [*((mode, "poison") for mode in MODES),
                                         ("lsp", "reflect")])  # which sets A and D
def test_misaligned_accesses_are_carried_out(debugged, guest, how, faults):
    probes, seen = Probes(guest), []
    result = debugged(trap_misaligned(probes, seen), "--kernel", guest("conformance.bin"),
                      "--append", "group=misaligned zicclsm=yes", how=how,
                      GNOMON_APPEND=f"faults={faults}")
    assert check_misaligned(result) == ""
    plain = {name for name, kind, width in probes.at.values()
             if kind in ("LOAD", "STORE") and width > 1}
    assert {name for name, _ in seen} >= plain
    assert {name for name, crosses in seen if crosses} >= plain
    assert result.stats["exits"]["misaligned"] == len(seen) > 1000


# --- illegal instructions ---------------------------------------------------

def retell(told, seen):
    """A function for `debugged`: mtval of an illegal instruction is told(mtval)."""
    names = debugger.symbols(BUILD / "gnomon-m.elf", debugger.IMAGE)

    def drive(stub):
        vector = names["guest_fast_vector"]
        stub.set_break(vector)
        while True:
            assert stub.go() == vector
            if stub.read("mcause") == ILLEGAL:
                value = stub.read("mtval")
                stub.write("mtval", told(value))
                seen.add(value)
            stub.step_over(vector)
    return drive


def nothing(_):
    return 0


def too_much(value):
    """All of what was fetched, as some harts do for 16 bits."""
    return value if value & 3 == 3 else value | 0xbeef0000


@pytest.mark.parametrize("how, told, group", [
    *((mode, nothing, group) for mode in MODES for group in ("traps", "privileged")),
    *((mode, too_much, "traps") for mode in MODES), ("lsp", nothing, "satp")])
def test_instructions_are_found_where_mtval_does_not_tell(debugged, guest, how, told, group):
    seen = set()
    result = debugged(retell(told, seen), "--kernel", guest("conformance.bin"),
                      "--append", f"group={group} sstvala=yes", how=how)
    check_conformance(result, least=5)
    opcodes = {value & 0x7f for value in seen}
    assert 0x73 in opcodes and (group != "traps" or {0, 1, 0x7f} <= opcodes), seen


# --- misaligned stores to page tables, whatever the hart does ----------------

@pytest.mark.parametrize("how", ["shadow", "shadow-unsync"])
@pytest.mark.parametrize("seat", ["hs", "m"])
def test_a_misaligned_store_to_a_root_in_use_is_carried_out(run, guest, how, seat):
    result = run("--kernel", guest("conformance.bin"), "--append",
                 "group=misaligned zicclsm=yes", how=how, SEAT=seat)
    check_misaligned(result)
    assert result.stats["exits"]["pte-write"] > 50
