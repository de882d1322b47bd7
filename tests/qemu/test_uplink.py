# SPDX-License-Identifier: BSD-2-Clause
"""
A network's way out: a guest gets its address from the emulator's own network, and reads a
stream of bytes from a server on this machine, through the host's virtio network card. And
what it costs, in interrupts: frames that go out none, those that come in no more than so
many in a tick, while a guest is busy on the hart that takes them.
"""
import hashlib
import http.server
import pathlib
import random
import socket
import sys
import threading

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, guest as guests, paths  # pylint: disable=wrong-import-position

MODULES = ("virtio_mmio", "failover", "net_failover", "virtio_net")
DATA = random.Random(1).randbytes(2 << 20)

# What udhcpc calls when it has a lease.
SCRIPT = """#!/bin/sh
[ "$1" = bound ] && ifconfig $interface $ip netmask $subnet && echo lease $ip $router
"""
LOAD = f"for m in {' '.join(MODULES)}; do insmod /modules/$m.ko || exit 9; done\n"
WORK = LOAD + """
cat /sys/class/net/eth0/mtu
ip link set eth0 up
busybox udhcpc -i eth0 -n -q -s /modules/lease 2>/dev/null || exit 8
busybox wget -q -O - http://10.0.2.2:PORT/ | md5sum | cut -d' ' -f1
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.fixture(name="port")
def _port():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module", name="initrd")
def _initrd(tmp_path_factory):
    """The default initramfs and the modules of the kernel's own package."""
    archive = guests.modules(MODULES)
    archive.file("modules/lease", SCRIPT.encode(), 0o755)
    path = tmp_path_factory.mktemp("uplink") / "initrd"
    path.write_bytes(cpio.append(paths.INITRD.read_bytes(), archive.finish()))
    return path


@pytest.mark.parametrize("how, more", [("lsp", ("--vcpus", "2", "--smp", "2")), ("m lsp", ())])
def test_a_guest_reaches_the_world(run, initrd, port, how, more):
    result = run("--initrd", initrd, "--net", "lan", "--uplink", "lan", *more, "--exec",
                 WORK.replace("PORT", str(port)), how=how)
    assert result.status == 0, result
    assert result.lines == ["1500", "lease 10.0.2.15 10.0.2.2",
                            hashlib.md5(DATA).hexdigest()], result


# --- interrupts -------------------------------------------------------------

class Wire:
    """The other end of the emulator's card: each frame is a datagram."""

    def __init__(self):
        self.own, spare = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for one in (self.own, spare):
            one.bind(("127.0.0.1", 0))
        self.port = spare.getsockname()[1]
        spare.close()
        self.frames, self.floods, self.ended = [], False, False
        self.own.settimeout(0.2)
        self.threads = [threading.Thread(target=work) for work in (self.listen, self.flood)]

    def netdev(self):
        ends = (("local", self.port), ("remote", self.own.getsockname()[1]))
        return "dgram," + ",".join(f"{end}.type=inet,{end}.host=127.0.0.1,{end}.port={port}"
                                   for end, port in ends)

    def listen(self):
        while not self.ended:
            try:
                self.frames.append(self.own.recv(4096))
            except (TimeoutError, ConnectionError):
                pass

    def flood(self):
        frame = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x08\x06" + bytes(46)
        while self.floods and not self.ended:
            try:
                self.own.sendto(frame, ("127.0.0.1", self.port))
            except OSError:
                pass

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        for thread in self.threads:
            thread.join()
        self.own.close()


BUSY = "while :; do :; done &\n"
SENDING = LOAD + """
ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up
arp -s 10.0.2.77 02:00:00:00:00:77; sleep 1
""" + BUSY + "ping -q -c 200 -i 0.01 -W 1 10.0.2.77; echo sent"


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_what_goes_out_interrupts_nobody(run, initrd, how):
    """A busy guest, so that each interrupt would be an exit."""
    with Wire() as wire:
        result = run("--initrd", initrd, "--net", "lan", "--uplink", f"lan,{wire.netdev()}",
                     "--exec", SENDING, how=how)
    assert result.lines[-1:] == ["sent"], result
    frames = [frame for frame in wire.frames if frame[:6] == b"\2\0\0\0\0\x77"]
    sent = int(result.lines[-2].split()[0])
    assert len(frames) == sent > 100, result
    assert result.stats["exits"].get("host-external", 0) < 50


SECONDS = 4
WAITING = f"""
read now rest < /proc/uptime; end=$((${{now%.*}} + {SECONDS}))
while read now rest < /proc/uptime; [ ${{now%.*}} -lt $end ]; do :; done; echo $now
"""


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_a_flood_leaves_the_guest_time(run, initrd, how):
    """It has no driver for its card; the hart that takes the interrupts is its only one.
    The flood is there before Gnomon's driver is, and is heard nevertheless."""
    wire = Wire()
    wire.floods = True
    with wire:
        result = run("--initrd", initrd, "--net", "lan", "--uplink", f"lan,{wire.netdev()}",
                     "--exec", WAITING, how=how)
    assert result.status == 0, result
    ticks = (float(result.lines[-1]) + 1) * 100
    exits = result.stats["exits"]["host-external"]
    assert 100 < exits < ticks * 64, (exits, ticks)


def test_an_uplink_needs_a_card(run, guest):
    result = run("--kernel", guest("hello.bin"), GNOMON_APPEND="uplink=lan")
    assert result.refusal == ("boot arguments: uplink=lan: this machine has no virtio network "
                              "card that can be used")


def test_an_uplink_must_be_named(run, guest):
    result = run("--kernel", guest("hello.bin"), "--uplink", ",user")
    assert (result.status, result.err) == (
        2, "gnomon: argument --uplink: ',user' names no network (see gnomon run --help)\n")
