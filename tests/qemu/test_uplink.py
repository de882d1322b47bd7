# SPDX-License-Identifier: BSD-2-Clause
"""
A network's way out: a guest gets its address from the emulator's own network, and reads a
stream of bytes from a server on this machine, through the host's virtio network card.
"""
import hashlib
import http.server
import pathlib
import random
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
WORK = f"""
for m in {' '.join(MODULES)}; do insmod /modules/$m.ko || exit 9; done
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


def test_an_uplink_needs_a_card(run, guest):
    result = run("--kernel", guest("hello.bin"), GNOMON_APPEND="uplink=lan")
    assert result.refusal == ("boot arguments: uplink=lan: this machine has no virtio network "
                              "card that can be used")


def test_an_uplink_must_be_named(run, guest):
    result = run("--kernel", guest("hello.bin"), "--uplink", ",user")
    assert (result.status, result.err) == (
        2, "gnomon: argument --uplink: ',user' names no network (see gnomon run --help)\n")
