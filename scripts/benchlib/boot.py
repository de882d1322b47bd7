# SPDX-License-Identifier: BSD-2-Clause
"""
One boot of a Linux guest, natively or under Gnomon, with the wall time from the
emulator's start to the first line of init.

The same command lines as those of scripts/gnomon, without what it does before:
the clock starts with the emulator.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import secrets
import select
import tempfile
import time

from gnomonlib import console, cpio, guest as guests, machine, paths

MEMORY = "1G"  # of the guest

# An init that only says that it was reached.
SHORT_INIT = """\
#!/bin/busybox sh
/bin/busybox echo "{token} begin"
/bin/busybox echo "{token} end 0"
/bin/busybox poweroff -f
"""


@dataclasses.dataclass
class Boot:
    """How a boot went: console `lines` of the command, its exit status (None: it did
    not end), seconds to init's first line (None: never seen) and Gnomon's report."""
    lines: list
    status: int | None
    to_init: float | None
    report: dict | None
    tail: str  # of all that was on the console, for a failure

    @property
    def why(self):
        """What went wrong, in a line."""
        reason = (self.report or {}).get("detail") or (self.report or {}).get("reason")
        ended = "the command did not end" if self.status is None else f"status {self.status}"
        said = next((line for line in reversed(self.tail.splitlines()) if line.strip()), "")
        return f"{ended}; {reason or 'no report'}; last line: {said.strip()[:120]}"


def _pump(process, output, command, deadline):
    """Read the console to its end: (its text, when init's first line came)."""
    text, seen = b"", None
    descriptor = process.stdout.fileno()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        data = os.read(descriptor, 65536)
        if not data:
            break
        text += output.text(data)
        if seen is None and command.begun:
            seen = time.monotonic()
    return text + output.end(), seen


def _report(output):
    try:
        return json.loads(output.report or b"")
    except ValueError:
        return None


def _short_init(initrd, token):
    """`initrd` with an init that ends at once; later files replace earlier ones."""
    archive = cpio.Archive()
    archive.file("init", SHORT_INIT.format(token=token).encode(), mode=0o755)
    initrd.write_bytes(cpio.append(initrd.read_bytes(), archive.finish()))


# Where a guest puts its stacks and mappings decides how many page tables a process has,
# and with them a few exits of each fork: it shall not be drawn by lot.
FIXED_PLACES = "norandmaps"


def boot(target, mode, script, initrd, memory=MEMORY, timeout=600.0, short=False, verbose=False,
         append=None, qemu_args=()):
    """Boot Debian's kernel with `initrd` on a Target and run the shell script there.

    short: stop at init's first line. verbose: with all that the kernel prints.
    append, qemu_args: more for the kernel, and for the emulator.
    """
    with tempfile.TemporaryDirectory(prefix="gnomon-") as name:
        directory = pathlib.Path(name)
        options = argparse.Namespace(
            kernel=None, initrd=str(initrd), exec=script, memory=memory,
            shadow_memory=None, paging=mode, seat=target.seat, cpu=target.cpu, smp=1, qemu_arg=list(qemu_args),
            append=" ".join(filter(None, (FIXED_PLACES, append))), time_limit=None)
        guest, token = guests.from_options(options, directory)
        if short:
            _short_init(guest.initrd, token)
        if verbose:
            guest.bootargs = guest.bootargs.replace(guests.QUIET_ARGUMENTS, "").strip()
        nonce = secrets.token_hex(8)
        if mode == "native":
            line, marker = machine.native(options, target.qemu, guest), None
        else:
            bundle = guests.make_bundle(guest, directory / "bundle.itb")
            line = machine.under_gnomon(options, target.qemu, target.image, bundle, nonce)
            marker = f"gnomon: report {nonce} ".encode()
        command = console.Command(token)
        output = console.Output(marker, command)
        begin = time.monotonic()
        with machine.started(line, no_input=True) as process:
            text, seen = _pump(process, output, command, begin + timeout)
    text = text.decode(errors="replace").replace("\r", "")
    return Boot(text.splitlines(), command.status, seen and seen - begin, _report(output),
                text[-2000:])
