# SPDX-License-Identifier: BSD-2-Clause
"""
The bundled bare-metal guests on several CPUs, natively and in both paging modes,
and the forms in which a kernel may come. The conformance guest judges itself;
here it only has to say that nothing failed.
"""
import json
import re
import shutil

import pytest

SV39 = ["sv39"]
CPUS = {  # what satp takes there
    "rv64": SV39 + ["sv48", "sv57"],
    "rv64,sv57=off": SV39 + ["sv48"],
    "rv64,sv48=off,sv57=off": SV39,
    "rv64,sstc=false": SV39 + ["sv48", "sv57"],
    "rv64,svade=true,svadu=false": SV39 + ["sv48", "sv57"],
}


@pytest.mark.parametrize("cpu", CPUS)
def test_hello_finds_the_same_machine_everywhere(run, guest, how, cpu):
    result = run("--kernel", guest("hello.bin"), "--memory", "64M", "--cpu", cpu, how=how)
    assert (result.status, result.err) == (0, ""), result
    assert "hello from hart 0: 64 MiB of memory at 0x80000000" in result.out
    modes = re.findall(r"^satp takes (\w+) with (\d+) ASID bits$", result.out, re.M)
    assert modes == [(mode, "16") for mode in CPUS[cpu]]


def check_conformance(result, least=101):
    """Firmware may write into the middle of a line, so lines decide nothing."""
    assert "not ok" not in result.out, result
    summary = re.search(r"^conformance: (\d+) passed, 0 failed", result.out, re.M)
    assert summary, result
    assert len(re.findall(r"ok \d+ - ", result.out)) == int(summary[1]) >= least
    assert (result.status, result.err) == (0, "")


@pytest.mark.parametrize("cpu, harts", [*((cpu, 1) for cpu in CPUS), ("rv64", 2)])
def test_conformance(run, guest, how, cpu, harts):
    check_conformance(run("--kernel", guest("conformance.bin"), "--cpu", cpu,
                          "--smp", harts, how=how))


def test_conformance_where_access_faults_are_lost(run, guest, emulator, paging):
    check_conformance(run("--kernel", guest("conformance.bin"), how=paging,
                          QEMU=emulator("trixie")))


# --- the forms of a kernel --------------------------------------------------

@pytest.mark.parametrize("name", ["hello.bin", "hello.elf"])
def test_flat_and_elf_kernels_run(run, guest, how, name):
    result = run("--kernel", guest(name), "--memory", "16M", how=how)
    assert result.status == 0, result
    assert "hello from hart 0: 16 MiB of memory" in result.out


def test_an_image_runs_and_its_failure_is_status_1(run, hypervisor, paging):
    """Gnomon itself is an Image, and a guest that needs what no VM has."""
    result = run("--kernel", hypervisor, how=paging)
    assert (result.status, result.stats["reason"]) == (1, "failure"), result
    assert "this chip has no hypervisor extension (H)" in result.out


def test_a_vm_is_named_after_its_kernel(run, guest, tmp_path):
    kernel = tmp_path / "my kernel.v1.bin"
    shutil.copy(guest("hello.bin"), kernel)
    result = run("--kernel", kernel)
    assert result.stats["vm"] == "my-kernel.v1"


def test_other_harts_of_the_machine_are_left_alone(run, guest, anywhere):
    result = run("--kernel", guest("hello.bin"), "--smp", "4", how=anywhere)
    assert result.status == 0, result
    assert len(result.stats["vcpus"]) == 1
    assert [line for line in result.checklist if line.startswith("hart:") and "4" in line]


def test_a_ready_bundle_runs_as_it_says(run, bundle, guest):
    made = bundle("--kernel", guest("hello.bin"), "--memory", "32M", "--paging", "nested")
    result = run("--bundle", made)
    assert result.status == 0, result
    assert (result.stats["paging"], result.stats["memory"]) == ("nested", 32 << 20)


def test_of_several_vms_the_default_is_in_the_foreground(run, bundle, guest, change, tmp_path):
    made = bundle("--kernel", guest("hello.bin"), "--memory", "32M")
    change(made, "/configurations/other", "kernel", "kernel")
    change(made, "/configurations/other", "gnomon,paging", "nested")
    for first, second in ("hello", "other"), ("other", "hello"):
        change(made, "/configurations", "default", first)
        result = run("--bundle", made)
        assert result.status == 0, result
        reports = json.loads((tmp_path / "stats.json").read_text())["vms"]
        assert {report["vm"] for report in reports} == {"hello", "other"}
        begun = [line.split(":")[0] for line in result.said if "of memory, paging mode" in line]
        assert begun == [f"vm {first}", f"vm {second}"]


# --- where Gnomon itself lies -----------------------------------------------

def elf_at(address, image):
    """The bytes of an ELF file that puts a flat image there and starts it."""
    header = b"\x7fELF\2\1\1".ljust(16, b"\0")
    half, word = (lambda n: n.to_bytes(2, "little")), (lambda n: n.to_bytes(4, "little"))
    long = (lambda n: n.to_bytes(8, "little"))
    header += half(2) + half(243) + word(1)  # an executable, for RISC-V
    header += long(address) + long(64) + long(0) + word(0)
    header += half(64) + half(56) + half(1) + half(64) + half(0) + half(0)
    segment = word(1) + word(7) + long(0x1000) + long(address) + long(address)
    segment += long(len(image)) + long(len(image) + (1 << 20)) + long(0x1000)
    return (header + segment).ljust(0x1000, b"\0") + image


@pytest.mark.parametrize("address", [0x80400000, 0x84000000, 0x87e00000])
def test_gnomon_runs_wherever_it_was_loaded(run, hypervisor, guest, tmp_path, paging,
                                            address):
    moved = tmp_path / "build"
    moved.mkdir()
    (moved / "gnomon.bin").write_bytes(elf_at(address, hypervisor.read_bytes()))
    (moved / "qemu-path").symlink_to(hypervisor.parent / "qemu-path")
    result = run("--kernel", guest("hello.bin"), how=paging, GNOMON_BUILD=moved)
    assert result.status == 0, result
    assert [line for line in result.checklist if f"image at {address:#x}" in line]
    assert "hello from hart 0: 512 MiB of memory" in result.out
