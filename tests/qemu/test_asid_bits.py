# SPDX-License-Identifier: BSD-2-Clause
"""
Chips with few ASID bits, or none: Gnomon is told by asid-bits=N to use no more of
those that the emulated hart has. Guests have 16 of their own all the same.
"""
import pytest
from test_guests import check_conformance

SEATS = ["hs", "m"]
SOME = [("lsp", 0), ("lsp", 1), ("shadow", 0), ("shadow", 2)]


def expect_told(result, bits):
    line = f"translation: shadow tables use {bits} of 16 ASID bits, as asid-bits says"
    assert line in result.checklist, result


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("how, bits", SOME)
def test_conformance(run, guest, seat, how, bits):
    result = run("--kernel", guest("conformance.bin"), how=how, SEAT=seat,
                 GNOMON_APPEND=f"asid-bits={bits}")
    check_conformance(result)
    expect_told(result, bits)


@pytest.mark.parametrize("seat, how, bits", [("hs", "lsp", 0), ("m", "lsp", 1),
                                             ("hs", "shadow", 2), ("m", "shadow", 0)])
def test_debian(run, seat, how, bits):
    result = run("--exec", "for i in 1 2 3 4; do (echo $i | cat | cat); done; exit 9",
                 how=how, SEAT=seat, GNOMON_APPEND=f"asid-bits={bits}")
    assert (result.status, result.lines) == (9, ["1", "2", "3", "4"]), result
    expect_told(result, bits)


def test_all_of_them_are_used_otherwise(run, guest):
    result = run("--kernel", guest("hello.bin"), how="lsp")
    assert "asid-bits" not in result.out
    result = run("--kernel", guest("hello.bin"), how="lsp", GNOMON_APPEND="asid-bits=16")
    expect_told(result, 16)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("value", ["17", "-1", "x", "", "1.5"])
def test_a_number_that_is_none_is_refused(run, guest, seat, value):
    result = run("--kernel", guest("hello.bin"), how="lsp", SEAT=seat,
                 GNOMON_APPEND=f"asid-bits={value}")
    assert result.refusal == f"boot arguments: asid-bits={value}: it is asid-bits=N, 0 to 16"
