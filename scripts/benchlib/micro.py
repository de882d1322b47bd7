# SPDX-License-Identifier: BSD-2-Clause
"""
The micro-benchmarks of guests/bench, one boot in each mode.

The emulator counts instructions (-icount shift=0), so every figure is exact and the
same in every run: there is nothing to be gained by rounds. What the guest executes
is the same in all modes, hence what a mode takes beyond native is Gnomon's share,
and that of the firmware below it.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import re
import secrets
import select
import tempfile
import time

from benchlib import probe, row
from gnomonlib import console, guest as guests, machine, paths

SUITE = "micro"
KERNEL = paths.BUILD / "guests" / "bench.bin"
COUNTED = ("-icount", "shift=0")
MEMORY = {"quick": "96M", "full": "1280M"}
# Natively the firmware answers SBI calls: what the guest does for one, without it.
BASELINES = {("null", "sbi-call"): ("null", "sbi-nop")}


@dataclasses.dataclass
class Results:
    """A boot's lines, {(benchmark, parameter): line}, and what went wrong, or None;
    `unsupported` if Gnomon refuses the mode since the machine lacks something."""
    lines: dict
    why: str | None = None
    unsupported: bool = False
    total: dict | None = None  # all exits that the guest has counted
    report: dict | None = None  # Gnomon's own


def _read(process, output, deadline):
    """All that is on the console, and whether it came to an end in time."""
    text, descriptor = b"", process.stdout.fileno()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        data = os.read(descriptor, 65536)
        if not data:
            return text + output.end(), True
        text += output.text(data)
    return text + output.end(), False


def _parse(text):
    """{(benchmark, parameter): line}. Firmware may write in front of a line."""
    lines = {}
    for found in re.findall(r"bench: (\{.*\})$", text, re.M):
        line = json.loads(found)
        lines[line["benchmark"], line["parameter"]] = line
    return lines


def _total(text):
    found = re.search(r"bench: total (\{.*\})$", text, re.M)
    return json.loads(found[1])["exits"] if found else None


def _verdict(text, in_time, report):
    if not in_time:
        return "it did not end in time"
    if report and report["reason"] == "stopped":
        return report["detail"]
    if not re.search(r"bench: (done|FAILED)$", text, re.M):
        tail = [line for line in text.splitlines() if line.strip()][-1:]
        return f"it ended early: {' '.join(tail)}"
    return None


def boot(target, mode, size="quick", benchmarks=(), timeout=600.0, qemu_args=()):
    """Run the guest on a Target in a mode; see Results. benchmarks: only these."""
    append = f"size={size}" + (f" bench={','.join(benchmarks)}" if benchmarks else "")
    with tempfile.TemporaryDirectory(prefix="gnomon-") as name:
        directory = pathlib.Path(name)
        options = argparse.Namespace(
            kernel=str(paths.made(KERNEL, "make")), initrd=None, append=append, exec=None,
            memory=MEMORY[size], shadow_memory=None, paging=mode, seat=target.seat, cpu=target.cpu,
            smp=1, qemu_arg=[*COUNTED, *qemu_args], time_limit=None)
        guest, _ = guests.from_options(options, directory)
        nonce, marker = secrets.token_hex(8), None
        if mode == "native":
            command = machine.native(options, target.qemu, guest)
        else:
            marker = f"gnomon: report {nonce} ".encode()
            bundle = guests.make_bundle(guest, directory / "bundle.itb")
            command = machine.under_gnomon(
                options, target.qemu, paths.made(target.image, "make"), bundle, nonce)
        output = console.Output(marker, console.Plain())
        with machine.started(command, no_input=True) as process:
            text, in_time = _read(process, output, time.monotonic() + timeout)
    text = text.decode(errors="replace").replace("\r", "")
    try:
        report = json.loads(output.report or b"null")
    except ValueError:
        report = None
    lines = _parse(text)
    return Results(lines, _verdict(text, in_time, report),
                   probe.is_lacking(report) and not lines,
                   _total(text), report)


def _baseline(native, case):
    """The guest's own instructions of a case, or None."""
    line = native.lines.get(BASELINES.get(case, case))
    return line and line["instructions"]


def _rows_of(case, line, mode, own):
    def make(metric, value, unit):
        return row.Row(SUITE, *case, mode, metric, value, unit)

    yield make("operations", line["operations"], "operations")
    yield make("instructions", line["instructions"], "instructions")
    if own is not None:
        yield make("guest-instructions", own, "instructions")
    if own is not None and mode != "native":
        yield make("hypervisor-instructions", line["instructions"] - own,
                   "instructions, with the firmware's")
    if "exits" in line:
        yield make("exits", sum(line["exits"].values()), "exits")
        for reason, count in line["exits"].items():
            yield make(f"exits:{reason}", count, "exits")


def _rows_of_boot(results, mode, native):
    for case, line in results.lines.items():
        if line["verdict"] != "ok":
            yield row.failed(SUITE, *case, mode, line["verdict"])
            continue
        yield from _rows_of(case, line, mode, _baseline(native, case))
    if results.unsupported:
        yield row.unsupported(SUITE, "all", "", mode, results.why)
    elif results.why:
        yield row.failed(SUITE, "all", "", mode, results.why)


def rows(options):
    """An iterator of Row. Of options: quick, modes, target and, if there, timeout."""
    size = "quick" if options.quick else "full"
    timeout = getattr(options, "timeout", 600.0)
    say = getattr(options, "say", lambda text: None)
    native = boot(options.target, "native", size, timeout=timeout)
    if native.why and "native" not in options.modes:
        yield row.failed(SUITE, "the guest's own instructions", "", "native", native.why)
    for mode in options.modes:
        say(f"micro: {mode}")
        results = native if mode == "native" else boot(options.target, mode, size,
                                                       timeout=timeout)
        yield from _rows_of_boot(results, mode, native)
