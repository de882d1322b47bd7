# SPDX-License-Identifier: BSD-2-Clause
"""
Guests' disks on virtio disks of the machine's: Debian's kernel writes to a part of a
file, the host finds it there, and what is around it is as it was; and what is refused
before a VM runs.
"""
import hashlib
import pathlib
import random
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, guest as guests, paths  # pylint: disable=wrong-import-position

MODULES = ("virtio_mmio", "virtio_blk")
LOAD = f"for m in {' '.join(MODULES)}; do insmod /modules/$m.ko || exit 9; done\n"
MIB = 1 << 20
NO_PLIC = ("--qemu-arg=-M", "--qemu-arg=virt,aia=aplic")

# Larger than a request may be, more of them at once than there are buffers, and then
# the same device from the start again with some of them still under way.
WORK = LOAD + """
sum() { md5sum "$1" | cut -d' ' -f1; }
cat /sys/block/vda/size /sys/block/vda/ro /sys/block/vdb/ro; sum /dev/vda; sum /dev/vdb
dd if=/dev/urandom of=/tmp.bin bs=1M count=3 2>/dev/null
dd if=/tmp.bin of=/dev/vda bs=1M seek=1 conv=fsync 2>/dev/null || echo write failed
dd if=/dev/zero of=/dev/vdb count=1 conv=fsync 2>/dev/null || echo read-only
for i in 0 1 2 3 4 5 6 7 8 9; do dd if=/dev/vda of=/dev/null bs=64k skip=$i & done 2>/dev/null
echo virtio0 > /sys/bus/virtio/drivers/virtio_blk/unbind
echo virtio0 > /sys/bus/virtio/drivers/virtio_blk/bind; wait
echo 3 > /proc/sys/vm/drop_caches
sum /dev/vda; sum /tmp.bin
"""


@pytest.fixture(scope="module", name="initrd")
def _initrd(tmp_path_factory):
    """The default initramfs and the modules of the kernel's own package."""
    archive = guests.modules(MODULES)
    path = tmp_path_factory.mktemp("host-disk") / "initrd"
    path.write_bytes(cpio.append(paths.INITRD.read_bytes(), archive.finish()))
    return path


@pytest.fixture(name="disk")
def _disk(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(random.Random(1).randbytes(12 * MIB))
    return path


def md5(data):
    return hashlib.md5(data).hexdigest()


@pytest.mark.parametrize("how, more", [
    ("lsp", ("--vcpus", "2", "--smp", "2")), ("shadow", ()), ("m lsp", ("--smp", "2"))])
def test_what_a_guest_writes_is_in_the_file(run, initrd, disk, how, more):
    before = disk.read_bytes()
    result = run("--initrd", initrd, "--disk", f"host:{disk}@{2 * MIB}+6M",
                 "--disk", f"host:{disk}@8M+1M,ro", "--exec", WORK, *more, how=how)
    assert result.status == 0, result
    after = disk.read_bytes()
    lines = [line for line in result.lines if "records" not in line and line.strip()]
    assert lines == [str(6 * MIB // 512), "0", "1", md5(before[2 * MIB:8 * MIB]),
                     md5(before[8 * MIB:9 * MIB]), "read-only", md5(after[2 * MIB:8 * MIB]),
                     md5(after[3 * MIB:6 * MIB])], result
    assert after[:3 * MIB] == before[:3 * MIB] and after[6 * MIB:] == before[6 * MIB:]
    assert after[3 * MIB:6 * MIB] != before[3 * MIB:6 * MIB]


def test_a_disk_is_polled_where_nothing_interrupts(run, initrd, disk):
    result = run("--initrd", initrd, "--disk", f"host:{disk},ro", *NO_PLIC, "--exec",
                 LOAD + "dd if=/dev/vda bs=64k count=4 2>/dev/null | md5sum | cut -d' ' -f1")
    assert result.lines == [md5(disk.read_bytes()[:4 * 65536])], result
    assert "polled" in [line for line in result.checklist + result.said
                        if line.startswith("host disk")][0]


# --- a disk that does not answer ---------------------------------------------

STUCK = LOAD + """
dd if=/dev/vda of=/dev/null bs=4k count=1 skip=9 iflag=direct 2>/dev/null || echo failed
dd if=/dev/vda of=/dev/null bs=4k count=1 skip=10 iflag=direct 2>/dev/null || echo failed
echo on
"""

# The machine's disk host0 hands out a byte in a second.
SLOW = ("--qemu-arg=-set", "--qemu-arg=drive.host-disk0.throttling.bps-total=1")


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_a_disk_that_does_not_answer_is_given_up(run, initrd, disk, how):
    """Its guest's requests fail; the guest goes on, and Gnomon says so once."""
    result = run("--initrd", initrd, "--disk", f"host:{disk},ro", "--exec", STUCK, *SLOW,
                 how=how, GNOMON_APPEND="disk-patience=2")
    lines = [line for line in result.lines if line in ("failed", "on")]
    assert lines == ["failed", "failed", "on"], result
    assert [line for line in result.checklist + result.said if "out of use" in line] == [
        "host disk: 'host0': it has left a request without an answer; it is out of use"], result


# --- what is refused --------------------------------------------------------

@pytest.mark.parametrize("parts, says", [
    (("@1M+2M", "@2M+1M"), "'disk1', 1048576 bytes at 2097152 of the host's disk 'host0': it "
     "overlaps what another disk has, and one of them can be written"),
    (("@1M+2M", "@2M+1M,ro"), "'disk1', 1048576 bytes at 2097152 of the host's disk 'host0': it "
     "overlaps what another disk has, and one of them can be written"),
    (("@11M+2M",), "'disk0', 2097152 bytes at 11534336 of the host's disk 'host0': it reaches "
     "behind the end of the host's disk"),
    (("@100+512",), "'disk0', 512 bytes at 100 of the host's disk 'host0': it is no whole number "
     "of sectors"),
])
def test_parts_that_cannot_be_are_refused(run, guest, disk, parts, says):
    options = [word for part in parts for word in ("--disk", f"host:{disk}{part}")]
    result = run("--kernel", guest("hello.bin"), *options)
    assert (result.status, result.said[-1:]) == (3, [f"vm hello: disk {says}"]), result


def test_the_same_part_may_be_read_twice(run, guest, disk):
    result = run("--kernel", guest("hello.bin"), "--disk", f"host:{disk},ro",
                 "--disk", f"host:{disk}@1M+1M,ro")
    assert result.status == 0, result


def test_a_bundles_disk_must_be_the_machines(run, guest, bundle, disk):
    made = bundle("--kernel", guest("hello.bin"), "--disk", f"host:{disk}")
    assert run("--bundle", made).refusal == "vm hello: disk 'disk0': this machine has no disk 'host0'"
    result = run("--bundle", made, "--host-disk", f"host0={disk},ro")
    assert result.said[-1].endswith("'host0': the host's disk cannot be written"), result
    assert run("--bundle", made, "--host-disk", f"host0={disk}").status == 0
    subprocess.run(["fdtput", "-t", "s", made, "/configurations/hello", "gnomon,disk-copy",
                    "disk0"], check=True)
    assert run("--bundle", made).refusal == \
        "configuration 'hello': gnomon,disk-copy: 'disk0' is on a disk of the host's"


def test_a_legacy_device_is_named_and_left_alone(run, guest, disk):
    result = run("--kernel", guest("hello.bin"), "--qemu-arg=-drive",
                 f"--qemu-arg=file={disk},if=none,id=a,format=raw", "--qemu-arg=-device",
                 "--qemu-arg=virtio-blk-device,drive=a")
    assert result.status == 0
    assert any(line.startswith("virtio device 2 at 0x") and "legacy interface alone" in line
               for line in result.said), result


@pytest.mark.parametrize("option, says", [
    (("--disk", "host:/none"), "disk /none: No such file or directory"),
    (("--host-disk", "nonsense"), "argument --host-disk: 'nonsense' is no NAME=FILE or "
     "NAME=FILE,ro (see gnomon run --help)"),
])
def test_wrong_options_are_refused(run, guest, option, says):
    result = run("--kernel", guest("hello.bin"), *option)
    assert (result.status, result.err) == (2, f"gnomon: {says}\n")
