# SPDX-License-Identifier: BSD-2-Clause
"""
The virtio devices with Debian's kernel and its own modules: disks to their last byte,
written and read back, entropy, and the console that needs no serial port; and what is
refused before a VM runs.
"""
import hashlib
import pathlib
import random
import re
import subprocess
import sys

import pexpect
import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, guest as guests, paths  # pylint: disable=wrong-import-position

STORAGE = ("virtio_mmio", "virtio_blk", "virtio-rng")
NETWORK = ("failover", "net_failover", "virtio_net")
LOAD = f"for m in {' '.join(STORAGE)}; do insmod /modules/$m.ko || exit 9; done\n"
LOAD_NETWORK = f"for m in {' '.join(NETWORK)}; do insmod /modules/$m.ko || exit 9; done\n"
SIZE = (3 << 20) + 512  # over the 2 MiB that memory comes in, and not a whole page

# The last write goes over the end of a run of the copy's memory.
WORK = LOAD + """
sum() { md5sum "$1" | cut -d' ' -f1; }
sum /dev/vda; sum /dev/vdb
cat /sys/block/vda/ro /sys/block/vdb/ro /sys/block/vda/size
cat /sys/block/vda/serial; echo
dd if=/dev/urandom of=/tmp.bin bs=1000k count=1 2>/dev/null
dd if=/tmp.bin of=/dev/vda bs=512 seek=3000 conv=fsync 2>/dev/null || echo write failed
echo 3 > /proc/sys/vm/drop_caches
dd if=/dev/vda bs=512 skip=3000 count=2000 2>/dev/null | cmp - /tmp.bin && echo same
dd if=/dev/vda bs=512 count=3000 2>/dev/null | md5sum | cut -d' ' -f1
dd if=/dev/zero of=/dev/vdb count=1 conv=fsync 2>/dev/null || echo read-only
dd if=/dev/hwrng bs=4096 count=4 2>/dev/null > /rng1; dd if=/dev/hwrng bs=4096 count=4 > /rng2
wc -c < /rng1; cmp -s /rng1 /rng2 || echo differ
gzip -c /rng1 | wc -c
"""

# What one card's address sends to the other's goes out, not by way of lo.
TWO_CARDS = LOAD + LOAD_NETWORK + """
ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up
ip addr add 10.0.1.1/24 dev eth1; ip link set eth1 up
for f in all eth0 eth1; do
	echo 1 > /proc/sys/net/ipv4/conf/$f/accept_local
	echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter
done
ip route add 10.0.1.1 dev eth0 src 10.0.0.1 table 101
ip route add 10.0.0.1 dev eth1 table 102
ip rule add pref 1 iif eth0 lookup local; ip rule add pref 2 iif eth1 lookup local
ip rule add pref 3 to 10.0.1.1 lookup 101
ip rule add pref 4 from 10.0.1.1 to 10.0.0.1 lookup 102
ip rule add pref 100 lookup local; ip rule del pref 0
ping -q -c 3 -s 1472 -I 10.0.0.1 10.0.1.1 | grep received
sum() { md5sum | cut -d' ' -f1; }
nc -l -p 5000 -e md5sum & sleep 1
dd if=/dev/vda bs=4k count=512 2>/dev/null | tee /sent | nc 10.0.1.1 5000 | cut -d' ' -f1 &
dd if=/dev/hwrng of=/dev/vda bs=4k seek=512 count=64 conv=fsync 2>/dev/null &
wait
sum < /sent
[ $(cat /sys/class/net/eth1/statistics/rx_bytes) -gt 2097152 ] && echo by the switch
cat /sys/class/net/eth0/address /sys/class/net/eth1/address /sys/class/net/eth1/carrier
"""

HVC0 = """
insmod /modules/virtio_mmio.ko
read -r line < /dev/hvc0
echo got-$line > /dev/hvc0
sleep 1
poweroff -f
"""


@pytest.fixture(scope="module", name="initrd")
def _initrd(tmp_path_factory):
    """The default initramfs and the modules of the kernel's own package."""
    archive = guests.modules(STORAGE + NETWORK)
    archive.file("modules/hvc0.sh", HVC0.encode())
    path = tmp_path_factory.mktemp("virtio") / "initrd"
    path.write_bytes(cpio.append(paths.INITRD.read_bytes(), archive.finish()))
    return path


@pytest.fixture(name="disk")
def _disk(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


@pytest.mark.parametrize("how", ["lsp", "nested", "shadow", "m lsp"])
def test_disks_and_entropy(run, initrd, disk, how):
    data = disk.read_bytes()
    result = run("--initrd", initrd, "--disk", disk, "--disk", f"{disk},ro", "--device", "rng",
                 "--exec", WORK, how=how)
    assert result.status == 0, result
    whole, begin = (hashlib.md5(part).hexdigest() for part in (data, data[:3000 * 512]))
    lines = [line for line in result.lines if "records" not in line]
    packed = int(lines.pop())
    assert lines == [whole, whole, "0", "1", str(SIZE // 512), "disk0", "same", begin,
                     "read-only", "16384", "differ"]
    assert packed > 16384  # what is random does not get smaller
    assert disk.read_bytes() == data


@pytest.mark.parametrize("how, vcpus", [("lsp", 2), ("m shadow-unsync", 1)])
def test_two_cards_on_a_network(run, initrd, disk, how, vcpus):
    """With two vCPUs: disk, entropy and both cards at work at the same time."""
    result = run("--initrd", initrd, "--disk", disk, "--device", "rng", "--net", "--net", "lan",
                 "--vcpus", str(vcpus), "--exec", TWO_CARDS, how=how)
    assert result.status == 0, result
    sent = hashlib.md5(disk.read_bytes()[:2 << 20]).hexdigest()
    assert result.lines == ["3 packets transmitted, 3 packets received, 0% packet loss",
                            sent, sent, "by the switch", "5e:d0:a5:f1:a9:04",
                            "fa:8b:95:b7:62:b1", "1"]


def test_input_goes_to_the_virtio_console(terminal, ended, initrd):
    shell = terminal("--initrd", initrd, "--device", "console", "--timeout", TIMEOUT)
    shell.expect("~ # ")
    shell.sendline("sh /modules/hvc0.sh")
    for _ in range(30):  # until its driver is there, the line is the serial port's
        shell.sendline("abcdefg")
        if shell.expect([r"got-[a-g]+\s", pexpect.TIMEOUT], timeout=5) == 0:
            break
    assert ended(shell) == 0


def test_devices_are_in_the_device_tree(run, initrd, disk):
    result = run("--initrd", initrd, "--disk", disk, "--device", "rng", "--device", "console",
                 "--exec", "cd /proc/device-tree/soc; ls -1d virtio*; "
                 "for n in virtio*; do od -An -tx1 $n/interrupts; done")
    assert result.lines == [
        "virtio_mmio@10001000", "virtio_mmio@10002000", "virtio_mmio@10003000",
        " 00 00 00 01", " 00 00 00 02", " 00 00 00 03"]


# --- what is refused --------------------------------------------------------

@pytest.mark.parametrize("size, says", [
    (0, "0 bytes are no whole number of sectors of 512"),
    (1000, "1000 bytes are no whole number of sectors of 512"),
    (1 << 31, "2147483648 bytes are more than a bundle can hold (2 GiB)"),
])
def test_wrong_disks_are_refused(run, guest, tmp_path, size, says):
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(size)
    result = run("--kernel", guest("hello.bin"), "--disk", path)
    assert result.status == 2
    assert result.err == f"gnomon: --disk {path}: {says}\n"


def test_a_missing_disk_and_a_fifth_are_refused(run, guest, tmp_path, disk):
    result = run("--kernel", guest("hello.bin"), "--disk", tmp_path / "none")
    assert (result.status, result.err) == \
        (2, f"gnomon: disk {tmp_path / 'none'}: No such file or directory\n")
    result = run("--kernel", guest("hello.bin"), *["--disk", disk] * 5)
    assert (result.status, result.err) == (2, "gnomon: --disk: a VM can have 4 of them\n")


def test_a_third_card_is_refused(run, guest):
    result = run("--kernel", guest("hello.bin"), "--net", "--net", "a", "--net", "b")
    assert (result.status, result.err) == (2, "gnomon: --net: a VM can have 2 of them\n")


def change(path, *words):
    subprocess.run(["fdtput", path, "/configurations/hello", *words], check=True)


def test_gnomon_refuses_what_a_bundle_has_wrong(run, guest, bundle, tmp_path, disk):
    made = bundle("--kernel", guest("hello.bin"), "--disk", disk)
    change(made, "-t", "s", "gnomon,devices", "gpu")
    assert run("--bundle", made).refusal == ("configuration 'hello': gnomon,devices: no device "
                                             "'gpu' (there are rng and console)")
    made = bundle("--kernel", guest("hello.bin"), "--net")
    change(made, "-t", "bx", "gnomon,net-mac", *"3 0 0 0 0 1".split())
    assert run("--bundle", made).refusal == ("configuration 'hello': gnomon,net-mac: number 0 is "
                                             "no address of a single card")
    image = guest("hello.bin").read_bytes()
    odd = tmp_path / "odd.bin"
    odd.write_bytes(image + b"\0")
    made = bundle("--kernel", odd)
    subprocess.run(["fdtput", "-t", "s", made, "/configurations/odd", "gnomon,disks", "kernel"],
                   check=True)
    assert run("--bundle", made).refusal == \
        f"vm odd: disk 'kernel' of {len(image) + 1} bytes: it must be a multiple of 512"


def test_a_copy_that_does_not_fit_is_refused(run, guest, tmp_path):
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    options = ("--kernel", guest("hello.bin"), "--memory", "64M", "--disk")
    assert run(*options, path).status == 0
    result = run(*options, path, "--qemu-arg=-m", "--qemu-arg=192M")
    assert re.fullmatch(r"vm hello: 64 MiB for copies of disks asked for, \d+ MiB are free "
                        r"beside its memory", result.refusal)
    assert run(*options, f"{path},ro", "--qemu-arg=-m", "--qemu-arg=192M").status == 0


def test_entropy_needs_a_seed(run, guest, tmp_path):
    options = ("--kernel", guest("hello.bin"), "--device", "rng")
    assert run(*options).status == 0
    tree = tmp_path / "machine.dtb"
    subprocess.run([paths.qemu(), "-M", f"virt,dumpdtb={tree}", "-m", "768M"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["fdtput", "-d", tree, "/chosen", "rng-seed"], check=True)
    result = run(*options, "--qemu-arg=-dtb", f"--qemu-arg={tree}", "--qemu-arg=-m",
                 "--qemu-arg=768M")
    assert result.refusal == ("vm hello: device rng: this machine's device tree has no rng-seed "
                              "to draw from")
