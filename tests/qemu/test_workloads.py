# SPDX-License-Identifier: BSD-2-Clause
"""
The workloads for a Linux guest, at sizes that measure nothing: each does its work
and finds it right in every mode, and says so in lines that the benchmarks can
read. Figures are checked for being consistent, not for being good.
"""
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
BENCH = TOP / "scripts" / "bench"
sys.path.insert(0, str(TOP / "scripts"))
from benchlib import linux, row  # noqa: E402
from gnomonlib import paths  # noqa: E402

MODES = ["native", "nested", "shadow", "shadow-unsync", "lsp"]
# name: (count, size or None, operations reported)
TINY = {
    "syscall": (1000, None, 1000), "fork": (5, None, 5), "exec": (3, None, 3),
    "pipe": (50, None, 50), "mmap": (2, 1, 2), "munmap": (4, 64, 4), "mprotect": (2, 1, 2),
    "file": (70, 64, 70), "touch": (1, 1, 256), "gups": (10_000, 1, 10_000),
    "frames": (1, 4, 1024),
}
ODD = ("/bench/workloads run right 7 -- /bin/true", "/bench/workloads run wrong 7 -- /bin/false",
       "/bench/workloads run missing 7 -- /bin/nothing-there")
# What is refused before anything is done: (arguments, what is said)
REFUSED = (
    ("", "usage: workloads NAME COUNT"), ("syscall", "usage: workloads NAME COUNT"),
    ("unknown 1", "usage: workloads NAME COUNT"), ("mmap 1 1 1", "usage: workloads NAME COUNT"),
    ("run odd 7 /bin/true more", "usage: workloads NAME COUNT"),
    ("run odd 0 -- /bin/true", "COUNT '0' is no number from 1 to"),
    ("run odd 7x -- /bin/true", "COUNT '7x' is no number"),
    ("syscall 1x", "COUNT '1x' is no number"), ("syscall 0", "COUNT '0' is no number"),
    ("syscall -1", "COUNT '-1' is no number"),
    ("syscall 99999999999999999999999", "is no number"), ("syscall 1 1", "syscall has no SIZE"),
    ("mmap 1 0", "SIZE '0' is no number from 1 to"), ("mmap 1 1x", "SIZE '1x' is no number"),
    ("munmap 1 513", "SIZE '513' is no number from 1 to 512"),
    ("file 1 1025", "SIZE '1025' is no number from 1 to 1024"),
    ("gups 10 3", "gups: SIZE is no power of two"),
    ("frames 3 4", "frames: COUNT is no power of two up to 512"),
    ("frames 1024 4", "frames: COUNT is no power of two up to 512"),
    ("touch 1048577 1", "touch: COUNT times SIZE"),
)


def supported(mode):
    """A mode that is yet unknown to the gnomon command is left out."""
    usage = subprocess.run([TOP / "scripts" / "gnomon", "run", "--help"], capture_output=True,
                           text=True, check=True).stdout
    choices = usage.partition("--paging {")[2].partition("}")[0].split(",")
    return mode == "native" or mode in choices


@pytest.fixture(scope="module", params=[mode for mode in MODES if supported(mode)])
def boot(request, run_in, tmp_path_factory):
    """(mode, {name: result}, {command: (exit status, output)}) of one boot with all."""
    directory = tmp_path_factory.mktemp("workloads")
    initrd = linux.initramfs(directory, ())
    commands = [f"/bench/workloads {name} {count} {size or ''}"
                for name, (count, size, _) in TINY.items()] + list(ODD)
    commands += [f"/bench/workloads {words}" for words, _ in REFUSED]
    script = "\n".join(f'{command} 2>&1; echo "status $?"' for command in commands)
    result = run_in(directory, "--kernel", paths.KERNEL, "--initrd", initrd, "--exec", script,
                    how=request.param)
    assert result.status == 0, result
    results = [found for found in map(linux.parse, result.lines) if found]
    statuses = [int(line.split()[1]) for line in result.lines if line.startswith("status ")]
    assert len(statuses) == len(commands), result
    said = [text.strip() for text in re.split(r"^status \d+$", "\n".join(result.lines), flags=re.M)]
    return request.param, {found["name"]: found for found in results}, \
        dict(zip(commands, zip(statuses, said)))


def test_each_workload_does_its_work_and_finds_it_right(boot):
    _, results, statuses = boot
    for name, (_, size, operations) in TINY.items():
        found = results[name]
        assert found["status"] == "ok" and found["pages"] == "4k", found
        assert int(found["operations"]) == operations and int(found["nanoseconds"]) > 0
        assert size is None or found["size"].startswith(str(size))
    assert {status for status, _ in list(statuses.values())[:len(TINY)]} == {0}


def test_what_goes_wrong_is_said(boot):
    _, results, statuses = boot
    assert [results[name]["status"] for name in ("right", "wrong", "missing")] == [
        "ok", "failed", "failed"]
    assert results["right"]["operations"] == "7" and results["right"]["pages"] == "default"
    assert [statuses[command][0] for command in ODD] == [0, 1, 1]


def test_what_makes_no_sense_is_refused_with_a_reason(boot):
    _, results, statuses = boot
    for words, why in REFUSED:
        status, said = statuses[f"/bench/workloads {words}"]
        assert status == 2 and why in said and "workload name=" not in said, (words, said)


def test_exits_are_counted_by_reason_where_the_hypervisor_tells(boot):
    mode, results, _ = boot
    assert (results["fork"]["exits"] == "-") == (mode == "native")
    if mode == "native":
        return
    for found in results.values():
        parts = sum(int(value) for key, value in found.items() if key.startswith("exits:"))
        assert abs(int(found["exits"]) - parts) <= 3 + int(found["exits"]) // 50, found
    # Two processes take turns on one CPU: two switches of the address space each time.
    switches = int(results["pipe"].get("exits:satp-write", 0))
    assert switches == 0 if mode == "nested" else 100 <= switches <= 150


def test_a_benchmark_of_a_few_from_start_to_end(tmp_path):
    """As `make bench-quick`, of one mode."""
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("scripts/bench needs matplotlib")
    ended = subprocess.run(
        [BENCH, "--quick", "--parts", "linux", "--workloads", "boot,syscall,pipe", "--modes",
         "lsp", "--output", tmp_path], capture_output=True, text=True,
        timeout=TIMEOUT, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "exits.svg").exists()
    facts, rows = row.read_csv(tmp_path / "results.csv")
    assert dict(facts)["command"].startswith("scripts/bench --quick")
    assert dict(facts)["modes"] == "lsp"
    seconds = {one.workload for one in rows if one.metric == "seconds"}
    assert seconds == {"boot", "boot-programs", "syscall", "pipe"}
    assert all(one.value > 0 for one in rows if one.metric == "seconds")
    assert not [one for one in rows if one.metric in (row.UNSUPPORTED, row.FAILED)]
    text = (tmp_path / "results.md").read_text()
    assert "## Goals" in text
    again = subprocess.run([BENCH, "--markdown", "--output", tmp_path], capture_output=True,
                           text=True, check=True).stdout
    assert again == text
