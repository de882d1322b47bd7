# SPDX-License-Identifier: BSD-2-Clause
"""What was built, and what the Makefile says of itself."""
import os
import pathlib
import re
import subprocess
import sys

import pytest
from test_guests import check_conformance

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import paths  # noqa: E402

BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
MAKEFILES = [TOP / "Makefile", *sorted(TOP.glob("guests/**/*.mk")),
             *sorted(TOP.glob("tests/*/*.mk")), *sorted(TOP.glob("scripts/*/*.mk"))]
# What the other fragments let be set is for the Makefile alone.
SETTABLE = [TOP / "Makefile", TOP / "tests/fuzz/fuzz.mk", TOP / "tests/oracle/oracle.mk",
            TOP / "guests/linux/linux.mk"]
CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")


def make(*words):
    return subprocess.run(["make", "-s", "-C", TOP, *words], capture_output=True, text=True,
                          check=False)


@pytest.mark.parametrize("name", ["gnomon.bin", "gnomon-m.bin"])
def test_the_image_is_of_the_compiler_asked_for(name, tmp_path):
    """In a directory of its own: other tests boot the one in build/ meanwhile."""
    image = tmp_path / name
    for compiler in ("clang", "gcc", "clang"):
        assert make(f"COMPILER={compiler}", f"BUILD={tmp_path}", f"OUT=build/{compiler}",
                    image).returncode == 0
        assert image.read_bytes() == (TOP / "build" / compiler / name).read_bytes()
    other = make("COMPILER=tcc", f"BUILD={tmp_path}", image)
    assert other.returncode != 0 and "COMPILER is gcc or clang" in other.stderr


@pytest.mark.parametrize("address", ["", "here", "-8", "0x80a00004", "0x1ffffffffffffffff8"])
def test_an_address_that_no_bundle_can_have(address):
    done = make(f"BUNDLE_ADDRESS={address}", "build/gnomon-m.bin")
    assert done.returncode != 0 and done.stderr.count("\n") == 1, done
    assert "BUNDLE_ADDRESS is a hexadecimal number and a multiple of 8" in done.stderr


@pytest.mark.parametrize("seat", ["hs", "m"])
def test_what_clang_builds_keeps_a_guests_registers(run, guest, seat):
    result = run("--kernel", guest("conformance.bin"), how="lsp", SEAT=seat,
                 GNOMON_BUILD=BUILD / "clang", QEMU=paths.qemu())
    check_conformance(result)


def check_no_float(*objects):
    return subprocess.run([TOP / "scripts" / "check-no-float", CROSS + "objdump", *objects],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_gnomon_has_no_floating_point_instruction(compiler):
    objects = sorted((BUILD / compiler).rglob("*.c.o"))
    libfdt = BUILD / "debian/trixie-riscv64/usr/lib/riscv64-linux-gnu/libfdt.a"
    assert len(objects) > 30
    result = check_no_float(*objects, libfdt)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("instruction", [
    "fld fa0, 0(a0)", "fsw fa0, 4(a0)", "c.fsdsp fs0, 8(sp)", "fadd.d fa0, fa1, fa2",
    "fmadd.s fa0, fa1, fa2, fa3", "fcvt.d.l fa0, a0", "fmv.x.d a0, fa0", "frcsr a0",
    "csrw fcsr, a0", "fsrm a0", "feq.d a0, fa0, fa1", "fmv.d fs11, ft0",
])
def test_a_floating_point_instruction_would_be_found(tmp_path, instruction):
    source, compiled = tmp_path / "x.s", tmp_path / "x.o"
    source.write_text(f"nop\n{instruction}\nfence\nfence.i\nret\n")
    subprocess.run([CROSS + "gcc", "-march=rv64gc", "-c", source, "-o", compiled], check=True)
    result = check_no_float(compiled)
    assert result.returncode == 1
    assert "floating-point" in result.stderr


def test_other_instructions_pass(tmp_path):
    source, compiled = tmp_path / "x.s", tmp_path / "x.o"
    source.write_text("fence\nfence.i\nsfence.vma a0, a1\nsd s0, 8(sp)\nfsub: ret\n")
    subprocess.run([CROSS + "gcc", "-march=rv64gc", "-c", source, "-o", compiled], check=True)
    assert check_no_float(compiled).returncode == 0


def test_the_image_has_the_header_that_boot_loaders_know():
    header = (BUILD / "gnomon.bin").read_bytes()[:64]
    assert header[0x30:0x36] == b"RISCV\0" and header[0x38:0x3c] == b"RSC\x05"
    assert int.from_bytes(header[8:16], "little") == 2 << 20
    assert int.from_bytes(header[16:24], "little") >= (BUILD / "gnomon.bin").stat().st_size


def test_make_help_lists_every_target_and_variable():
    text = subprocess.run(["make", "-s", "-C", TOP, "help"], check=True, capture_output=True,
                          text=True).stdout
    targets, variables = text.split("Variables:")
    listed = set(re.findall(r"^  ([\w-]+) ", targets, re.M))
    made = set(re.findall(r"^\.PHONY: ([\w-]+)$",
                          "".join(path.read_text() for path in MAKEFILES), re.M))
    assert listed == made
    settable = set(re.findall(r"^(\w+) *\?=", "".join(path.read_text() for path in SETTABLE),
                              re.M))
    assert settable | {"QEMU", "DEBIAN_MIRROR"} == \
        set(re.findall(r"^  (\w+)=", variables, re.M))
