# SPDX-License-Identifier: BSD-2-Clause
"""
Seat hs on the emulated hart that is nearest to those of FPGA boards with H (CVA6): no
Sstc, A and D left to software (Svade), Sv39 alone. And as docs/fpga.md has it: one file
with Gnomon and a bundle in it, and a device tree that does not speak of H.
"""
import pathlib
import re
import subprocess

import first_stage
import pytest
from first_stage import BUILD, TOP, get, put
from test_guests import check_conformance

CPU = "rv64,sstc=false,svadu=false,svade=true,sv48=off,sv57=off"
PAYLOAD, BUNDLE = 0x80200000, 0x80A00000
READ_BY_ROM = 16 << 20  # from 0x80000000 on


@pytest.mark.parametrize("how", ["lsp", "nested", "shadow", "shadow-unsync"])
def test_conformance(run, guest, how):
    result = run("--kernel", guest("conformance.bin"), "--cpu", CPU, how=how)
    check_conformance(result)
    assert "timer: 10000000 Hz, no Sstc for guests: each tick is an exit, each set-timer too" in \
        result.checklist
    assert any(re.match(r"translation: Sv39, \d+ ASID bits; G-stage: Sv39x4, ", line)
               for line in result.checklist)


@pytest.mark.parametrize("how", ["lsp", "nested"])
def test_debian_runs_a_command(run, how):
    result = run("--exec", "uname -m; sleep 0.1; exit 9", "--cpu", CPU, how=how)
    assert (result.status, result.lines) == (9, ["riscv64"]), result
    assert {"sbi-timer", "host-timer"} <= set(result.stats["exits"])


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    """As docs/fpga.md makes it."""
    directory = tmp_path_factory.mktemp("fpga")
    subprocess.run(["cp", "-a", BUILD / "gcc", directory / "gcc"], check=True)
    subprocess.run(["make", "-s", "-C", TOP, f"OUT={directory}/gcc",
                    f"BUNDLE_ADDRESS={BUNDLE:#x}", f"{directory}/gcc/gnomon.bin"],
                   check=True, capture_output=True)
    subprocess.run([TOP / "scripts/gnomon", "bundle", "--kernel",
                    BUILD / "guests/conformance.bin", "--memory", "128M", "-o",
                    directory / "bundle.itb"], check=True)
    image = pathlib.Path(directory, "gcc/gnomon.bin").read_bytes()
    assert len(image) < BUNDLE - PAYLOAD
    path = directory / "payload.bin"
    path.write_bytes(image.ljust(BUNDLE - PAYLOAD, b"\0") +
                     (directory / "bundle.itb").read_bytes())
    assert PAYLOAD - 0x80000000 + path.stat().st_size <= READ_BY_ROM
    return path


def test_one_file_and_a_device_tree_that_does_not_speak_of_h(tmp_path, payload):
    tree = first_stage.machine_tree(tmp_path, "-cpu", CPU, "-m", "1G")
    isa, = get(tree, "/cpus/cpu@0", "riscv,isa")
    assert isa.startswith("rv64imafdch")
    put(tree, "/cpus/cpu@0", "riscv,isa", "rv64imafdc")
    subprocess.run(["fdtput", "-d", tree, "/cpus/cpu@0", "riscv,isa-extensions"], check=True)
    put(tree, "/chosen", "bootargs", f"report={first_stage.TOKEN}")
    result = first_stage.run([first_stage.qemu(), "-M", "virt", "-cpu", CPU, "-m", "1G",
                              "-nographic", "-no-reboot", "-dtb", tree, "-kernel", payload])
    assert result.status == 0 and result.report["reason"] == "power-off", result
    assert (result.report["seat"], result.report["paging"]) == ("hs", "lsp")
    assert re.search(r"^conformance: \d+ passed, 0 failed", result.out, re.M)
    assert "gnomon: hart: 0, 1 in the machine, rv64imafdc\n" in result.out
