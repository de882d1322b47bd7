# SPDX-License-Identifier: BSD-2-Clause
"""
Chips with known defects, which no emulator has: Gnomon is told to act as on one, and
everything works as before. That it does act is seen in its code, before and after.
"""
import json
import pathlib
import re
import socket
import struct
import subprocess
import time

import pytest
from first_stage import BUILD, TOP, qemu
from test_guests import check_conformance
from timeouts import TIMEOUT

IMAGES = {"hs": "gnomon", "m": "gnomon-m"}
CPU = {"hs": "rv64", "m": "rv64,h=false,sstc=false"}
NAMES = "cip-453,cip-1200"
FULL = {0x12000073, 0x22000073}  # sfence.vma, hfence.vvma
OPERANDS = 31 << 15 | 31 << 20


@pytest.mark.parametrize("seat", IMAGES)
@pytest.mark.parametrize("how", ["lsp", "shadow"])
def test_conformance_with_every_one(run, guest, seat, how):
    result = run("--kernel", guest("conformance.bin"), how=how, SEAT=seat,
                 GNOMON_APPEND=f"errata={NAMES}")
    check_conformance(result)
    assert [line for line in result.checklist if line.startswith("errata: ")] == [
        "errata: cip-453: addresses of fetches that fault are mended",
        "errata: cip-1200: every fence is a full one"]


@pytest.mark.parametrize("seat", IMAGES)
def test_debian_with_every_one(run, seat):
    result = run("--exec", "uname -m; exit 7", how="lsp", SEAT=seat,
                 GNOMON_APPEND=f"errata={NAMES}")
    assert (result.status, result.lines) == (7, ["riscv64"]), result


@pytest.mark.parametrize("seat", IMAGES)
def test_none_is_known_of_an_emulator(run, guest, seat):
    result = run("--kernel", guest("hello.bin"), SEAT=seat)
    assert result.status == 0
    assert re.search(r"^gnomon: errata: none known of vendor 0x0, architecture 0x[0-9a-f]+, "
                     r"implementation 0x[0-9a-f]+$", result.out, re.M)


@pytest.mark.parametrize("seat", IMAGES)
def test_an_unknown_name_is_refused(run, guest, seat):
    result = run("--kernel", guest("hello.bin"), SEAT=seat, GNOMON_APPEND="errata=cip-7")
    assert result.refusal == "boot arguments: errata=cip-7: there are cip-453 and cip-1200"


# --- in the code ------------------------------------------------------------

def symbols(elf):
    listed = subprocess.run(["riscv64-linux-gnu-nm", elf], check=True, capture_output=True,
                            text=True).stdout
    return {name: int(value, 16) for value, name in
            re.findall(r"^([0-9a-f]+) \w (\S+)$", listed, re.M)}


@pytest.fixture(params=[(seat, compiler) for seat in IMAGES for compiler in ("gcc", "clang")],
                ids="-".join)
def built(request):
    """(seat, image, symbols, offsets of the fences that are noted in it)"""
    seat, compiler = request.param
    path = pathlib.Path(BUILD, compiler, IMAGES[seat] + ".bin")
    subprocess.run(["make", "-s", "-C", TOP, f"COMPILER={compiler}",
                    f"build/{compiler}/{path.name}"], check=True)
    found = symbols(path.with_suffix(".elf"))
    image = path.read_bytes()
    start, end = found["fences_start"], found["fences_end"]
    notes = struct.unpack_from(f"<{(end - start) // 4}i", image, start)
    return seat, path, found, [start + 4 * index + note for index, note in enumerate(notes)]


def word(data, offset):
    return struct.unpack_from("<I", data, offset)[0]


def test_every_fence_with_an_operand_is_noted(built):
    _, path, found, noted = built
    image = path.read_bytes()[:found["text_end"]]
    fences = [offset for offset in range(0, len(image) - 2, 2)
              if word(image, offset) & ~OPERANDS in FULL and word(image, offset) & OPERANDS]
    assert len(fences) >= 7
    assert sorted(noted) == fences


def command(connection, name, **arguments):
    connection.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
    for line in connection.makefile():
        answer = json.loads(line)
        assert "error" not in answer, answer
        if "return" in answer:
            return answer["return"]
    raise EOFError


def memory_after(tmp_path, seat, path, found, append):
    """What is in memory where the image is, once its VM has ended."""
    bundle, control, dump = (tmp_path / name for name in ("b.itb", "qmp", "dump"))
    subprocess.run([TOP / "scripts/gnomon", "bundle", "--kernel", BUILD / "guests/hello.bin",
                    "--memory", "64M", "-o", bundle], check=True)
    firmware = [] if seat == "hs" else ["-bios", "none"]
    with subprocess.Popen(
            [qemu(), "-M", "virt", "-cpu", CPU[seat], "-m", "256M", "-nographic", "-no-shutdown",
             *firmware, "-kernel", path, "-initrd", bundle, "-append", append,
             "-qmp", f"unix:{control},server=on,wait=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        try:
            out = b""
            while b"power-off, after" not in out:
                part = machine.stdout.readline()
                assert part, out
                out += part
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT)
                connection.connect(str(control))
                command(connection, "qmp_capabilities")
                while command(connection, "query-status")["status"] != "shutdown":
                    time.sleep(0.05)
                command(connection, "pmemsave", val=0x80200000 if seat == "hs" else 0x80000000,
                        size=found["image_end"], filename=str(dump))
                command(connection, "quit")
        finally:
            machine.kill()
    return dump.read_bytes()


@pytest.mark.parametrize("append", ["errata=cip-1200", "errata=cip-453"])
def test_they_are_full_ones_where_that_is_needed_alone(tmp_path, built, append):
    seat, path, found, noted = built
    memory = memory_after(tmp_path, seat, path, found, append)
    image = path.read_bytes()
    for offset in noted:
        if append == "errata=cip-1200":
            assert word(memory, offset) in FULL
        else:
            assert word(memory, offset) == word(image, offset)
