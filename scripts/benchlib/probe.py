# SPDX-License-Identifier: BSD-2-Clause
"""
Whether a mode runs here, by a boot of the small guest. That Gnomon refuses a mode
for something which the machine lacks is no failure; all else that goes wrong is.
"""
import dataclasses
import json
import pathlib
import re
import subprocess
import tempfile

from gnomonlib import paths

COMMAND = paths.TOP / "scripts" / "gnomon"
GUEST = paths.BUILD / "guests" / "hello.bin"
TIMEOUT, TIMED_OUT = 60, 124  # seconds; the exit status
LACKING = re.compile(r"paging mode \S+ is not possible on this machine: ")


@dataclasses.dataclass(frozen=True)
class Probe:
    runs: bool
    lacking: bool  # it does not run since the machine lacks something
    why: str
    said: str  # the console, Gnomon's log and the firmware's

    def word(self, pattern):
        """What the pattern's group matches in what was said, or None."""
        found = re.search(pattern, self.said, re.M)
        return found and found[1].strip()


def is_lacking(report):
    """Whether Gnomon's report says that it refuses the mode on this machine."""
    return bool(report and report.get("reason") == "stopped" and
                LACKING.match(report.get("detail") or ""))


def _ended(arguments):
    """(exit status, all output) of scripts/gnomon, which ends if we are ended."""
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        try:
            said = process.communicate()[0]
        except BaseException:
            process.terminate()
            raise
    return process.returncode, said.replace("\r", "")


def _report(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _why(status, said, report):
    if status == TIMED_OUT:
        return f"it did not end within {TIMEOUT} s"
    last = (said.strip() or "no output").splitlines()[-1]
    return f"status {status}: {(report or {}).get('detail') or last}"


def probe(mode, target):
    with tempfile.TemporaryDirectory(prefix="gnomon-probe-") as directory:
        stats = pathlib.Path(directory) / "report"
        how = ["--native"] if mode == "native" else [
            "--paging", mode, "--stats", stats, "--seat", target.seat]
        status, said = _ended([COMMAND, "run", *how, "--cpu", target.cpu, "--timeout", str(TIMEOUT), "--memory",
                               "64M", "--kernel", paths.made(GUEST, "make")])
        report = _report(stats)
    if status == 0:
        return Probe(True, False, "", said)
    return Probe(False, is_lacking(report), _why(status, said, report), said)
