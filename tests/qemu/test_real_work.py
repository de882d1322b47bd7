# SPDX-License-Identifier: BSD-2-Clause
"""
Real work in two VMs of Debian at once, in different paging modes, with 4 vCPUs on 2
harts: one serves files to the other, both under stress-ng, each with a disk and a
network card. The one that fetches is killed and started again meanwhile: what it had on
its disk is there, and the one that serves notices nothing.
"""
import pathlib
import random
import re
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, guest as guests, paths  # pylint: disable=wrong-import-position

ESCAPE, SHELL, MONITOR = "\x1d", "# ", "gnomon> "
MODULES = ("virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net")
QUIET = "console=ttyS0 panic=-1 quiet loglevel=1"
MIB = 1 << 20

BOTH = """
for m in {modules}; do insmod /modules/$m.ko; done
export PS1='{name}# '
sum() {{ md5sum "$@" | cut -d' ' -f1; }}
/bench/bin/stress-ng -q --vm 1 --vm-bytes 24M --fork 1 --switch 1 --mprotect 1 --timeout 0 &
ip addr add {address}/24 dev eth0; ip link set eth0 up
"""

# What it serves is checked all the time, and what it has to say of that is in /state.
SERVER = """
mkdir -p /www; dd if=/dev/vda of=/www/data bs=1M count=1 2>/dev/null
sum /www/data > /www/sum; httpd -h /www
serve() {
	turns=0
	while [ "$(sum /www/data)" = "$(cat /www/sum)" ]; do
		turns=$((turns + 1)); echo well $turns > /state; sleep 1
	done
	echo spoiled > /state
}
serve &
"""

# Sector 0 says which of two places has the last file that is whole, and its sum.
CLIENT = """
set -- $(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d '\\0')
lives=$((${1:-0} + 1)) place=${2:-1} kept=$3
stored() { echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/vda bs=1M skip=$1 count=1 2>/dev/null; }
note() { printf '%-500s\\n' "$lives $place $kept" | dd of=/dev/vda bs=512 conv=fsync 2>/dev/null; }
if [ -n "$kept" ]; then
	[ "$(stored $place | sum)" = "$kept" ] && echo kept in life $lives || echo lost in life $lives
fi
note
fetch() {
	round=0
	while [ $round -lt 1000 ]; do
		wget -qO /file http://10.0.0.1/data && wget -qO /sum http://10.0.0.1/sum || continue
		[ "$(sum /file)" = "$(cat /sum)" ] || echo received something else
		next=$((6 - place)); dd if=/file of=/dev/vda bs=1M seek=$next conv=fsync 2>/dev/null
		[ "$(stored $next | sum)" = "$(cat /sum)" ] || echo stored something else
		place=$next; kept=$(cat /sum); note
		round=$((round + 1)); echo round $round of life $lives
	done
}
fetch &
"""


@pytest.fixture(name="vms")
def fixture_vms(vm, tmp_path):
    """vms(MODES): the options that run both."""
    disk, empty = tmp_path / "disk", tmp_path / "empty"
    disk.write_bytes(random.Random(7).randbytes(MIB))
    empty.write_bytes(bytes(8 * MIB))

    def initrd(name, address, script):
        more = guests.modules(MODULES)
        start = BOTH.format(name=name, address=address, modules=" ".join(MODULES)) + script
        more.file("start", start.encode())
        programs = (paths.BUILD / "guest" / "bench.cpio").read_bytes()
        path = tmp_path / name
        path.write_bytes(cpio.append(cpio.append(paths.INITRD.read_bytes(), programs),
                                     more.finish()))
        return path

    def options(modes):
        made = []
        for name, address, script, file, mode in (
                ("server", "10.0.0.1", SERVER, disk, modes[0]),
                ("client", "10.0.0.2", CLIENT, empty, modes[1])):
            made += vm(name, "--vcpus", "2", "--memory", "384M", "--net", "--disk", file,
                       "--paging", mode, "--append", QUIET,
                       "--initrd", initrd(name, address, script))
        return made
    return options


def visit(child, *lines):
    """The monitor's answers."""
    child.send(ESCAPE)
    child.expect_exact(MONITOR)
    answers = []
    for line in lines:
        child.send(line + "\r")
        child.expect(re.escape(line) + r"\r+\n")
        child.expect_exact(MONITOR)
        answers.append(child.before.replace("\r", ""))
    return answers


def show(child, name):
    child.send(f"console {name}\r")
    child.expect_exact(f"[console of {name}]")


def well(child):
    """How often the server has found all well."""
    child.send("cat /state\r")
    child.expect(r"(well (\d+)|spoiled)\r")
    assert child.match[1] != "spoiled"
    return int(child.match[2])


@pytest.mark.parametrize("seat, modes", [("hs", ("lsp", "nested")), ("m", ("shadow-unsync", "lsp"))])
def test_one_serves_files_and_one_is_killed(terminal, vms, ended, seat, modes):
    child = terminal(*vms(modes), "--seat", seat, "--smp", "2")
    child.expect_exact("server# ")
    visit(child)
    show(child, "client")
    child.expect_exact("round 1 of life 1")
    visit(child)
    child.send("vm restart client\r")
    child.expect_exact("gnomon: vm client: 384 MiB of memory")
    child.send("\r")
    child.expect_exact(MONITOR)
    show(child, "client")
    child.expect("(kept|lost) in life 2")
    assert child.match[1] == "kept"
    child.expect_exact("round 1 of life 2")
    assert "something else" not in child.before
    visit(child)
    show(child, "server")
    before = well(child)
    while well(child) == before:
        pass
    child.send("uptime\r")
    states, = visit(child, "vm list")
    assert re.search(r"^server +running ", states, re.M)
    child.send("power off\r")
    child.expect_exact("gnomon: vm client: stopped: by the monitor")
    assert ended(child) == 0
