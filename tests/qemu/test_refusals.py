# SPDX-License-Identifier: BSD-2-Clause
"""
What Gnomon refuses to run: each time with status 3 and one line, after its boot
checklist, that says what is wrong and where. Bad usage of the command itself,
status 2, is in test_command.py.
"""
import gzip
import os
import random

import pytest

VM = "/configurations/hello"


@pytest.fixture
def hello(bundle, guest):
    return bundle("--kernel", guest("hello.bin"), "--memory", "32M")


# --- bundles ----------------------------------------------------------------

@pytest.mark.parametrize("node, name, kind, value, says", [
    (VM, "gnomon,paging", "s", "magic", "vm hello: unknown paging mode 'magic'"),
    (VM, "gnomon,paging", "s", "", "configuration 'hello': gnomon,paging is no string"),
    (VM, "gnomon,paging", "x", "1 2", "configuration 'hello': gnomon,paging"),
    (VM, "gnomon,vcpus", "u", "9", "vm hello: 9 vCPUs"),
    (VM, "gnomon,vcpus", "u", "0", "configuration 'hello': gnomon,vcpus cannot be 0"),
    (VM, "gnomon,vcpus", "u", "4294967295", "vm hello: 4294967295 vCPUs"),
    (VM, "gnomon,memory", "u", "0", "configuration 'hello': gnomon,memory cannot be 0"),
    (VM, "gnomon,memory", "u", "1 2 3", "configuration 'hello': gnomon,memory"),
    (VM, "gnomon,memory", "x", "ffffffff ffe00000", "vm hello: 17592186044414 MiB"),
    (VM, "gnomon,shadow-memory", "u", "0",
     "configuration 'hello': gnomon,shadow-memory cannot be 0"),
    (VM, "gnomon,shadow-memory", "s", "1M", "configuration 'hello': gnomon,shadow-memory"),
    (VM, "kernel", "s", "ghost", "configuration 'hello': the bundle has no image 'ghost'"),
    (VM, "ramdisk", "s", "ghost", "configuration 'hello': the bundle has no image 'ghost'"),
    (VM, "fdt", "s", "kernel", "vm hello: "),
    ("/images/kernel", "compression", "s", "gzip", "image 'kernel' has compression 'gzip'"),
    ("/configurations", "default", "s", "ghost", "no configuration 'ghost'"),
])
def test_a_bundle_with_a_bad_value(run, hello, change, node, name, kind, value, says):
    change(hello, node, name, *value.split(), kind=kind)
    assert says in run("--bundle", hello).refusal


@pytest.mark.parametrize("keep", [0.999, 0.5, 100, 39, 4, 1])
def test_a_truncated_bundle(run, hello, keep):
    size = hello.stat().st_size
    os.truncate(hello, keep if keep >= 1 else int(size * keep))
    assert "bundle" in run("--bundle", hello).refusal


@pytest.mark.parametrize("start", [b"", b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe\xed\0\0\x10\0"])
def test_garbage_for_a_bundle(run, tmp_path, start):
    made = tmp_path / "x.itb"
    made.write_bytes(start + random.Random(1).randbytes(8192))
    assert "bundle" in run("--bundle", made).refusal


@pytest.mark.parametrize("seed", range(8))
def test_a_bundle_damaged_at_random_runs_or_is_refused(run, hello, guest, seed):
    whole, kernel = hello.read_bytes(), guest("hello.bin").read_bytes()
    chance, damaged = random.Random(seed), bytearray(whole)
    before = whole.index(kernel)
    after = before + len(kernel)
    for _ in range(3):
        at = chance.choice([chance.randrange(before), chance.randrange(after, len(whole))])
        damaged[at] ^= 1 << chance.randrange(8)
    hello.write_bytes(damaged)
    result = run("--bundle", hello)
    assert result.status == 0 or result.refusal


def test_no_bundle_at_all(run, hypervisor):
    """Started with no initrd, as a user of a plain boot loader may."""
    result = run("--kernel", hypervisor, how="native")
    assert len(result.said) == 1 and "bundle" in result.said[0], result


# --- kernels ----------------------------------------------------------------

def cut_off(at):
    return lambda data: data[:at]


def with_byte(at, value):
    return lambda data: data[:at] + bytes([value]) + data[at + 1:]


DAMAGED = {
    "an empty file": ("hello.elf", cut_off(0), "kernel"),
    "an ELF header cut off": ("hello.elf", cut_off(20), "ELF"),
    "no program headers": ("hello.elf", cut_off(64), "ELF"),
    "half of a segment": ("hello.elf", cut_off(0x2000), "ELF"),
    "a 32-bit ELF file": ("hello.elf", with_byte(4, 1), "64-bit"),
    "a big-endian ELF file": ("hello.elf", with_byte(5, 2), "little-endian"),
    "an ELF file for x86": ("hello.elf", with_byte(18, 62), "RISC-V"),
    "an entry far outside": ("hello.elf", with_byte(31, 0x80), "0x80"),
    "a compressed file": ("hello.bin", gzip.compress, "compressed (gzip)"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_kernel(run, guest, tmp_path, name):
    source, damage, says = DAMAGED[name]
    kernel = tmp_path / "hello"
    kernel.write_bytes(damage(guest(source).read_bytes()))
    refusal = run("--kernel", kernel).refusal
    assert says in refusal and "hello" in refusal


@pytest.mark.parametrize("options, says", [
    (["--memory", "30M"], "the kernel needs 31 MiB at 0x80200000, the VM has 30 MiB"),
    (["--memory", "34M"], "34 MiB"),
    (["--memory", "2M"], "2 MiB"),
    (["--memory", "0"], "gnomon,memory cannot be 0"),
    (["--memory", "33M"], "multiple of 2 MiB"),
    (["--memory", "1"], "multiple of 2 MiB"),
    (["--memory", "100G"], "102400 MiB of memory asked for"),
    (["--memory", "16777215T"], "MiB of memory asked for"),
])
def test_memory_that_is_too_little_or_too_much(run, anywhere, options, says):
    refusal = run(*options, how=anywhere).refusal
    assert says in refusal and "linux" in refusal


def test_a_ramdisk_that_does_not_fit(run, guest, tmp_path):
    ramdisk = tmp_path / "ramdisk"
    ramdisk.write_bytes(bytes(20 << 20))
    refusal = run("--kernel", guest("hello.bin"), "--initrd", ramdisk, "--memory",
                  "16M").refusal
    assert refusal.startswith("vm hello: the ramdisk needs 20 MiB")


# --- boot arguments and chips -----------------------------------------------

@pytest.mark.parametrize("arguments, says", [
    ("frobnicate=1", "unknown option 'frobnicate'"),
    ("console=sbi quiet", "unknown option 'quiet'"),
    ("console=fast", "console=fast"),
    ("x" * 200, "boot arguments"),
])
def test_a_bad_boot_argument(run, guest, arguments, says):
    result = run("--kernel", guest("hello.bin"), GNOMON_APPEND=arguments)
    assert "boot arguments" in result.refusal and says in result.refusal


def test_a_chip_without_the_hypervisor_extension(run, guest):
    result = run("--kernel", guest("hello.bin"), "--cpu", "rv64,h=false")
    assert result.status == 3
    assert len(result.said) == 1 and "no hypervisor extension (H)" in result.said[0], result
