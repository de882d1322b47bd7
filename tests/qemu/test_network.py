# SPDX-License-Identifier: BSD-2-Clause
"""
Two VMs of Debian on one network, side by side in different paging modes: what one sends
by TCP is what the other got, pings of the largest frame come back, and a network of
another name hears nothing of it. One of them restarts meanwhile, and is found again.
"""
import pathlib
import re
import sys

import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, guest as guests, paths  # pylint: disable=wrong-import-position

MODULES = ("virtio_mmio", "failover", "net_failover", "virtio_net")
QUIET = "console=ttyS0 panic=-1 quiet loglevel=1"

CARD = f"""
for m in {' '.join(MODULES)}; do insmod /modules/$m.ko || exit 9; done
ip link set eth0 up
"""

SERVER = CARD + """
ip addr add 10.0.0.2/24 dev eth0
nc -l -p 5000 -e md5sum
sleep 1
"""

CLIENT = CARD + """
ip addr add 10.0.0.1/24 dev eth0; ip link set eth1 up
for i in $(seq 100); do ping -q -c 1 -W 1 10.0.0.2 > /dev/null && break; done
ping -q -c 3 -s 1472 10.0.0.2 | grep received
dd if=/dev/urandom bs=64k count=32 2>/dev/null | tee /sent | nc 10.0.0.2 5000 | cut -d' ' -f1
md5sum < /sent
echo elsewhere $(cat /sys/class/net/eth1/statistics/rx_packets)
"""

# It powers off when somebody connects.
ANSWERING = CARD + """
ip addr add 10.0.0.2/24 dev eth0
nc -l -p 5000 -e true
"""

ASKING = CARD + """
ip addr add 10.0.0.1/24 dev eth0
answers() { ping -q -c 1 -W 1 10.0.0.2 > /dev/null; }
until answers; do :; done; echo it is there
while answers; do :; done; echo it is gone
until answers; do :; done; echo it is back
nc 10.0.0.2 5000 < /dev/null
"""


@pytest.fixture(scope="module", name="initrd")
def _initrd(tmp_path_factory):
    """Makes an initramfs with the modules of the network that runs a command."""
    directory = tmp_path_factory.mktemp("network")
    archive = guests.modules(MODULES)
    base = directory / "base"
    base.write_bytes(cpio.append(paths.INITRD.read_bytes(), archive.finish()))
    return lambda name, command: guests.with_command(base, command, "token", directory / name)


@pytest.mark.parametrize("seat, first, second", [("hs", "lsp", "nested"),
                                                 ("m", "shadow", "lsp")])
def test_two_vms_on_one_network(run, vm, initrd, seat, first, second):
    options = ("--append", QUIET, "--memory", "128M", "--net")
    client = vm("client", "--initrd", initrd("client", CLIENT), *options, "--paging", first,
                "--net", "elsewhere")
    server = vm("server", "--initrd", initrd("server", SERVER), *options, "--paging", second)
    result = run(*client, *server, "--smp", "2", SEAT=seat)
    assert result.status == 0, result
    assert "3 packets transmitted, 3 packets received, 0% packet loss" in result.out
    sums = re.findall(r"^([0-9a-f]{32})\b", result.out, re.M)
    assert len(sums) == 2 and sums[0] == sums[1], result
    assert "elsewhere 0" in result.out


def test_a_vm_leaves_the_network_and_comes_back(terminal, ended, vm, initrd):
    options = ("--append", QUIET, "--memory", "128M", "--net")
    asking = vm("asking", "--initrd", initrd("asking", ASKING), *options)
    answering = vm("answering", "--initrd", initrd("answering", ANSWERING), *options)
    shell = terminal(*asking, *answering, "--smp", "2", "--timeout", TIMEOUT)
    shell.expect("it is there")
    shell.send("\x1d")
    shell.expect("gnomon> ")
    shell.sendline("net")
    shell.expect(r"lan +asking +[0-9a-f]{12} +[1-9]\d* +[1-9]\d* +0 .*lan +answering ")
    shell.expect("gnomon> ")
    shell.sendline("vm restart answering")
    shell.expect("gnomon> ")
    shell.send("\x1d")
    shell.expect("it is gone")
    shell.expect("it is back")
    assert ended(shell) == 0


def test_an_address_is_one_cards(run, guest, vm, change, tmp_path):
    made = []
    for name in ("one", "two"):
        made += vm(name, "--kernel", guest("hello.bin"), "--net")
        change(tmp_path / f"{name}.itb", "/configurations/hello", "gnomon,net-mac",
               "02", "00", "00", "00", "00", "2a", kind="bx")
    result = run(*made)
    assert [line for line in result.said if "address" in line] == [
        "vm two: network 'lan': another card there has the address 02000000002a"], result
