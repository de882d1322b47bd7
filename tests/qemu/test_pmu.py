# SPDX-License-Identifier: BSD-2-Clause
"""
Debian's kernel counts its own VM exits, by the events that `perf stat` would name:
what perf_event_open() then gives agrees with Gnomon's report.

Two boots that differ in what is done while events are counted must differ by as
much in the report as in the counts. The emulator counts instructions, which makes
the rest of the boots nearly the same.
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import cpio, paths  # noqa: E402

COUNTED = ("--qemu-arg", "-icount", "--qemu-arg", "shift=0")
REASONS = re.findall(r'X\(REASON_\w+, "([^"]+)"\)', (TOP / "core/counters.h").read_text())
RAW, FIRMWARE = 4, 1 << 63  # as perf's rNNN; bits 63 and 62: a firmware event
EVENTS = {"cycles": (0, 0), "instructions": (0, 1), "all": (RAW, FIRMWARE | 256),
          "timer": (RAW, FIRMWARE | 5), "ipi": (RAW, FIRMWARE | 6),
          **{name: (RAW, FIRMWARE | 257 + number) for number, name in enumerate(REASONS)}}
PAGE = 4096
MEGABYTES = 16
PAGES = MEGABYTES * (1 << 20) // PAGE


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    """The default guest's, with the program that counts."""
    directory = tmp_path_factory.mktemp("perf")
    program = directory / "perf_counts"
    subprocess.run([os.environ.get("CROSS", "riscv64-linux-gnu-") + "gcc", "-static", "-O2",
                    "-Wall", "-Wextra", "-Werror", "-o", program,
                    TOP / "tests" / "qemu" / "perf_counts.c"], check=True)
    archive = cpio.Archive()
    archive.file("perf_counts", program.read_bytes(), mode=0o755)
    path = directory / "initrd"
    path.write_bytes(cpio.append(paths.INITRD.read_bytes(), archive.finish()))
    return path


def command(megabytes, events):
    words = (f"{kind}:{config:#x}" for kind, config in events)
    return f"/perf_counts {megabytes} {' '.join(words)}"


def counted(run, initrd, how, megabytes):
    """(counts by the name of the event, exits by reason as Gnomon reports them)"""
    result = run("--kernel", paths.KERNEL, "--initrd", initrd, "--exec",
                 command(megabytes, EVENTS.values()), *COUNTED, how=how)
    assert result.status == 0, result
    values = [int(count) for count in re.findall(r"^event \S+ (\d+)$", result.out, re.M)]
    assert len(values) == len(EVENTS), result
    return dict(zip(EVENTS, values)), {"all": result.stats["exits_total"],
                                       **result.stats["exits"]}


def test_linux_counts_its_own_exits(run, initrd, paging):
    work, work_report = counted(run, initrd, paging, MEGABYTES)
    none, none_report = counted(run, initrd, paging, 0)
    for name in ("all", *REASONS):
        inside = work[name] - none[name]
        around = work_report.get(name, 0) - none_report.get(name, 0)
        assert 0 <= work[name] <= work_report.get(name, 0), name
        assert abs(around - inside) <= 300 + abs(inside) // 20, name
    # the text on the console, and the pages where they are to be synchronized
    assert work["mmio-write"] - none["mmio-write"] > 2000
    misses = work["shadow-miss"] - none["shadow-miss"]
    assert misses > PAGES // 8 if paging == "lsp" else misses == 0
    assert work["ipi"] == work["timer"] == 0
    assert work["instructions"] > none["instructions"] + 100 * PAGES
    assert work["cycles"] > none["cycles"] + 100 * PAGES


def test_linux_sees_which_events_there_are(run, initrd):
    """Anything else is refused when it is opened, or when it shall count."""
    lines = "\n".join(command(0, [event]) for event in (
        (0, 3), (3, 0), (RAW, 0x1234), (RAW, 3 << 62 | 1)))
    result = run("--kernel", paths.KERNEL, "--initrd", initrd, "--exec",
                 f"dmesg | grep riscv-pmu-sbi; cat /sys/devices/cpu/format/firmware\n{lines}",
                 how="lsp")
    assert "61 firmware and 2 hardware counters" in result.out, result
    assert not re.search(r"^event \S+ [1-9]", result.out, re.M), result
