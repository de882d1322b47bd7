# SPDX-License-Identifier: BSD-2-Clause
"""
A machine that starts the way boards do: a few instructions in the place of a first-stage
loader, with everything that it would have loaded already in memory, and a device tree
of the test's own. QEMU's, with what the test changes of it.
"""
import json
import os
import pathlib
import re
import struct
import subprocess

from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
MIB = 1 << 20
RAM = 0x80000000
CPU = "rv64,h=false,sstc=false"
TOKEN = "board"
ANY_HART = (1 << 64) - 1
INFO = RAM + 64  # where the first stage keeps its struct fw_dynamic_info


def qemu():
    return (BUILD / "qemu-path").read_text().strip()


def information(next_address, boot_hart=ANY_HART, magic=0x4942534F, version=2):
    return struct.pack("<6Q", magic, version, next_address, 1, 0, boot_hart)


def loader(entry, tree, info, argument=INFO, locked=0):
    """
    auipc t0, 0; ld t1; csrw pmpcfg2, t1; ld a1; ld a2; ld t0; jr t0: every hart goes on
    at the entry. `locked`: what pmpcfg2 is then. 0x80 in a byte takes an entry away.
    """
    load = [(32 + 8 * index) << 20 | 5 << 15 | 3 << 12 | register << 7 | 3
            for index, register in enumerate((6, 11, 12, 5))]
    code = struct.pack("<7I", 0x297, load[0], 0x3a231073, *load[1:], 0x28067)
    data = struct.pack("<4Q", locked, tree, argument, entry)
    return code.ljust(32, b"\0") + data + info


def machine_tree(directory, *options):
    """The device tree that QEMU would make for these options, and its file."""
    path = directory / "machine.dtb"
    subprocess.run([qemu(), "-M", f"virt,dumpdtb={path}", *options, "-nographic"],
                   check=True, capture_output=True)
    return path


def put(tree, node, name, *values, kind="s"):
    subprocess.run(["fdtput", "-p", "-t", kind, tree, node, name, *map(str, values)],
                   check=True)


def get(tree, node, name, kind="s"):
    return subprocess.run(["fdtget", "-t", kind, tree, node, name], check=True,
                          capture_output=True, text=True).stdout.split()


def remove(tree, *nodes):
    subprocess.run(["fdtput", "-r", tree, *nodes], check=True)


def in_memory(files):
    """Options by which QEMU lays each {address: file} into memory."""
    return [word for address, path in files.items()
            for word in ("-device", f"loader,file={path},addr={address:#x},force-raw=on")]


class Result:
    """What a machine printed, and the report of its VM, if there was one."""

    def __init__(self, out, status):
        self.out = out.decode(errors="replace").replace("\r", "")
        self.status = status
        found = re.search(rf"^gnomon: report {TOKEN} (.*)$", self.out, re.M)
        self.report = json.loads(found[1]) if found else None

    def __repr__(self):
        return f"status {self.status}\n{self.out}"


def run(command, timeout=TIMEOUT):
    """Until it ends; for machines that cannot be powered off, this long at most."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)
        return Result(done.stdout, done.returncode)
    except subprocess.TimeoutExpired as expired:
        return Result(expired.stdout or b"", None)
