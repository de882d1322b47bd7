# SPDX-License-Identifier: BSD-2-Clause
"""
What the tests that boot guests share: `run` starts scripts/gnomon and returns
how it ended, `terminal` does so on a terminal for pexpect, and every report of
Gnomon that passes through here is checked for being consistent.

Timeouts (timeouts.py) only end what hangs. scripts/gnomon takes the emulator down
with itself, however it ends.
"""
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import subprocess

import debugger
import pexpect
import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")
GNOMON = str(TOP / "scripts" / "gnomon")


def environment(settings):
    """Ours, with no seat and none of Gnomon's own boot arguments but the test's."""
    inherited = {name: value for name, value in os.environ.items()
                 if name not in ("GNOMON_APPEND", "SEAT")}
    return {**inherited, **{name: str(value) for name, value in settings.items()}}


def mode_options(how):
    """Options for "native" or a paging mode, in seat m for "m lsp"; None leaves the
    default."""
    if how is None:
        return []
    seat, _, mode = how.rpartition(" ")
    return ["--native"] if mode == "native" else ["--paging", mode] + ["--seat", seat] * bool(seat)


def check_report(report, seat="hs"):
    """What holds for the report of any VM, whatever it did."""
    assert {"vm", "seat", "paging", "reason", "exits_total", "exits", "vcpus",
            "shadow"} <= set(report)
    assert report["seat"] == seat
    sums = {}
    for vcpu in report["vcpus"]:
        for path in ("fast", "full"):
            for reason, count in vcpu[path].items():
                assert count > 0, f"{reason} is listed but never happened"
                sums[reason] = sums.get(reason, 0) + count
    assert report["exits"] == sums
    assert report["exits_total"] == sum(sums.values())


def heading(line):
    """What a line begins with, whatever numbers are in it."""
    return re.sub(r"\d+", "0", re.split("[:,]", line)[0])


@functools.lru_cache(maxsize=None)
def checklist_words():
    """What the lines of the boot checklist begin with, learned from good runs; and the
    last word of Gnomon on machines that it cannot power off."""
    words = {"warning", "this machine has no known way to power off"}
    for seat in ("hs", "m"):
        command = [GNOMON, "run", "--seat", seat, "--timeout", str(TIMEOUT), "--paging",
                   "lsp", "--memory", "64M", "--kernel", str(BUILD / "guests" / "hello.bin")]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=TIMEOUT + 30, check=True, env=environment({}))
        checklist = result.stdout.decode().partition("gnomon: vm hello:")[0]
        found = re.findall(r"^gnomon: ([^\r\n]+)", checklist, re.M)
        assert len(found) > 5
        words.update(map(heading, found))
    return words


class Result:
    """How a run ended: `status`, `out` (all of standard output), `lines` (the
    guest's part of it), `checklist` and `said` (Gnomon's own lines at the start
    of the machine, and those after), `err`, and `stats`, None without a report."""

    def __init__(self, status, out, err, stats):
        self.status = status
        self.out = out.decode(errors="replace").replace("\r", "")
        self.err = err.decode(errors="replace")
        self.stats = stats
        self.lines, self.checklist, self.said = [], [], []
        for line in self.out.splitlines():
            own = line.removeprefix("gnomon: ")
            if own == line:
                self.lines.append(line)
            else:
                known = heading(own) in checklist_words()
                (self.checklist if known else self.said).append(own)

    def __repr__(self):  # what pytest shows of a test that failed
        return f"status {self.status}\n{self.err}{self.out}"

    @property
    def refusal(self):
        """The only line after the checklist, of a VM that never ran."""
        assert self.status == 3, self
        assert len(self.said) == 1 and not self.err, self
        assert self.stats is None or self.stats["reason"] == "stopped"
        assert all("internal error" not in line for line in self.said), self
        return self.said[0]


def start(directory, *options, how=None, **settings):
    stats = directory / "stats.json"
    stats.unlink(missing_ok=True)
    command = [GNOMON, "run", "--timeout", str(TIMEOUT), *mode_options(how)]
    if how != "native":
        command += ["--stats", str(stats)]
    result = subprocess.run([*command, *map(str, options)], stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=TIMEOUT + 30, check=False,
                            env=environment(settings))
    report = json.loads(stats.read_text()) if stats.exists() else None
    if report:
        in_m = (how or "").startswith("m ")
        for one in report.get("vms", [report]):
            check_report(one, "m" if in_m else settings.get("SEAT", "hs"))
    return Result(result.returncode, result.stdout, result.stderr, report)


@pytest.fixture
def run(tmp_path):
    """run(OPTION..., how=None, **environment): a guest from start to end, in the seat
    that SEAT in the environment names."""
    return functools.partial(start, tmp_path)


@pytest.fixture(scope="session")
def run_in():
    """run_in(DIRECTORY, OPTION..., ...): the same for fixtures of a wider scope."""
    return start


@pytest.fixture
def terminal():
    """terminal(OPTION..., how=None, **environment): the same for pexpect."""
    children = []

    def spawn(*options, how=None, **settings):
        child = pexpect.spawn(GNOMON, ["run", *mode_options(how), *map(str, options)],
                              timeout=TIMEOUT, encoding="utf-8", codec_errors="replace",
                              env=environment(settings))
        children.append(child)
        return child
    yield spawn
    for child in children:
        child.close(force=True)


@pytest.fixture
def ended():
    """ended(child): its exit status, once it has closed its terminal."""
    def wait(child):
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus
    return wait


@pytest.fixture(params=["lsp", "nested"])
def paging(request):
    return request.param


@pytest.fixture(params=["lsp", "nested", "m lsp"])
def anywhere(request):
    """As `paging`, for tests of what is the same in both seats."""
    return request.param


@pytest.fixture(params=["native", "lsp", "nested"])
def how(request):
    return request.param


@pytest.fixture(scope="session")
def guest():
    """guest(NAME): the file of a bundled guest, such as "hello.bin"."""
    return lambda name: BUILD / "guests" / name


@pytest.fixture(scope="session")
def emulator():
    """emulator(SUITE): the QEMU of another Debian, which `setup test` unpacked."""
    return lambda suite: BUILD / f"qemu-{suite}" / "qemu-system-riscv64"


@pytest.fixture(scope="session")
def hypervisor():
    return BUILD / "gnomon.bin"


@pytest.fixture
def bundle(tmp_path):
    """bundle(OPTION...): the file of a new bundle."""
    def make(*options):
        path = tmp_path / "bundle.itb"
        subprocess.run([GNOMON, "bundle", "-o", path, *map(str, options)], check=True)
        return path
    return make


@pytest.fixture
def vm(tmp_path):
    """vm(NAME, OPTION...): --vm and the bundle of a VM of that name."""
    def make(name, *options):
        path = tmp_path / f"{name}.itb"
        subprocess.run([GNOMON, "bundle", "-o", path, *map(str, options)], check=True)
        return "--vm", f"{name}={path}"
    return make


@pytest.fixture
def change():
    """change(BUNDLE, NODE, PROPERTY, VALUE..., kind="s"): set it, as fdtput does."""
    def put(path, node, name, *values, kind="s"):
        subprocess.run(["fdtput", "-p", "-t", kind, path, node, name, *values], check=True)
    return put


@pytest.fixture
def debugged(run, tmp_path):
    """debugged(function, OPTION...): a run on seat m while function(debugger) is at it."""
    def start_debugged(function, *options, how="lsp", **settings):
        path = tmp_path / "gdb"
        words = [f"--qemu-arg={word}" for word in debugger.options(path)]
        with concurrent.futures.ThreadPoolExecutor() as executor:
            result = executor.submit(run, *options, *words, how=how, SEAT="m", **settings)
            with debugger.Debugger(path) as stub:
                try:
                    function(stub)
                except debugger.Ended:
                    pass
        return result.result()
    return start_debugged
