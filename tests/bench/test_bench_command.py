# SPDX-License-Identifier: BSD-2-Clause
"""
The command scripts/bench itself, with an emulator that emulates nothing: what it
refuses, what it calls a failure, what it writes, and how it is interrupted.
"""
import argparse
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BENCH = TOP / "scripts" / "bench"
FAKE = pathlib.Path(__file__).resolve().parent / "fake_qemu.py"
sys.path.insert(0, str(TOP / "scripts"))
from benchlib import boot, facts, linux, micro, probe, report, row, usage  # noqa: E402
from gnomonlib import paths, target  # noqa: E402

LACKING = "paging mode nested is not possible on this machine: it is a fake"


def environment(**more):
    kept = {name: text for name, text in os.environ.items()
            if name not in ("GNOMON_APPEND", "GNOMON_BUILD")}
    return {**kept, "QEMU": str(FAKE), **more}


def need_plots():
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("scripts/bench needs matplotlib")


def bench(output, *words, **more):
    need_plots()
    return subprocess.run([BENCH, "--output", output, *words], env=environment(**more),
                          capture_output=True, text=True, timeout=60, check=False)


def micro_bench(output, modes, *words, **more):
    return bench(output, "--parts", "micro", "--modes", modes, *words, **more)


def results(directory, name="results"):
    found, rows = row.read_csv(directory / f"{name}.csv")
    return dict(found), row.Rows(rows)


# --- modes that do not run ---------------------------------------------------

def test_what_the_machine_lacks_is_no_failure(tmp_path):
    ended = micro_bench(tmp_path, "nested,lsp", FAKE_NESTED="lacking")
    assert ended.returncode == 0, ended.stderr
    found, rows = results(tmp_path)
    assert found["modes"] == "lsp" and rows.modes() == ["lsp"]
    assert [one.mode for one in rows.problems(row.UNSUPPORTED)] == ["nested"]
    assert LACKING in rows.problems(row.UNSUPPORTED)[0].unit


@pytest.mark.parametrize("what, said", [
    ("refused", "64 MiB of memory asked for"), ("crash", "no report"),
    ("silent", "no report")])
def test_whatever_else_keeps_a_mode_from_running_is_a_failure(what, said, tmp_path):
    ended = micro_bench(tmp_path, "nested,lsp", FAKE_NESTED=what)
    assert ended.returncode == 1 and said in ended.stderr
    rows = results(tmp_path)[1]
    assert [one.mode for one in rows.problems(row.FAILED)] == ["nested"]
    assert said in rows.problems(row.FAILED)[0].unit and rows.modes() == ["lsp"]
    assert not rows.problems(row.UNSUPPORTED)


def test_a_mode_that_does_not_end_is_a_failure(monkeypatch):
    monkeypatch.setattr(probe, "_ended", lambda _: (probe.TIMED_OUT, "x"))
    found = probe.probe("lsp", target.of_seat(str(FAKE)))
    assert not found.runs and not found.lacking and "60 s" in found.why


def test_bad_boot_arguments_are_a_failure_of_each_mode(tmp_path):
    """By the real Gnomon, which does not start a VM with them."""
    need_plots()
    ended = subprocess.run(
        [BENCH, "--output", tmp_path / "x", "--parts", "micro", "--modes", "lsp"],
        env={**os.environ, "GNOMON_APPEND": "nonsense=1"}, capture_output=True, text=True,
        timeout=60, check=False)
    assert ended.returncode == 2 and "unknown option 'nonsense'" in ended.stderr
    assert not list((tmp_path / "x").iterdir())


@pytest.mark.parametrize("what", ["lacking", "refused"])
def test_without_any_mode_nothing_is_written(what, tmp_path):
    ended = micro_bench(tmp_path, "nested", FAKE_NESTED=what)
    assert ended.returncode == 2 and "no mode is left" in ended.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_without_any_measurement_nothing_is_written(tmp_path):
    ended = bench(tmp_path, "--parts", "linux", "--modes", "lsp", "--workloads", "syscall")
    assert ended.returncode == 1 and "nothing was measured" in ended.stderr
    assert "failed: linux syscall" in ended.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("detail, lacking", [
    (LACKING, True), ("paging mode lsp has no shadow tables", False), ("", False)])
def test_only_one_refusal_says_that_the_machine_lacks_something(detail, lacking):
    assert probe.is_lacking({"reason": "stopped", "detail": detail}) == lacking
    assert not probe.is_lacking({"reason": "power-off", "detail": detail})
    assert not probe.is_lacking(None)


# --- usage -------------------------------------------------------------------

@pytest.mark.parametrize("words, said", [
    (["--modes", "lsp,unheard-of"], "there is no 'unheard-of'"),
    (["--modes", ","], "nothing is named"),
    (["--parts", "nothing"], "there is no 'nothing'"),
    (["--workloads", "fork,fnord"], "there is no 'fnord'"),
    (["--workloads", "compile", "--quick"], "'compile' is not in the quick set"),
    (["--workloads", "fork", "--parts", "micro"], "'linux' is not among"),
    (["--rounds", "0"], "'0' is no number"),
    (["--rounds", "-1"], "'-1' is no number"),
    (["--rounds", "x"], "'x' is no number"),
    (["--qui"], "--qui"), (["--seat", "s"], "'s'"),
    (["word"], "word"),
])
def test_bad_usage_is_a_line(words, said, tmp_path):
    ended = bench(tmp_path / "x", *words)
    assert ended.returncode == 2 and said in ended.stderr, ended
    assert len(ended.stderr.splitlines()) == 1 and not (tmp_path / "x").exists()


def test_what_is_named_twice_is_measured_once():
    arguments = usage.parse("", ["--modes", "lsp,nested lsp", "--parts", "micro,micro"])
    assert (arguments.modes, arguments.parts) == (["lsp", "nested"], ["micro"])


@pytest.mark.parametrize("words, name, rounds", [([], "bench", 3),
                                                 (["--seat", "m"], "bench-m", 3),
                                                 (["--quick", "--seat", "m"], "bench-m-quick", 1),
                                                 (["--quick"], "bench-quick", 1),
                                                 (["--quick", "--rounds", "2"], "bench-quick", 2)])
def test_quick_results_replace_no_others(words, name, rounds):
    arguments = usage.parse("", words)
    assert (arguments.output, arguments.rounds) == (paths.BUILD / name, rounds)


@pytest.mark.parametrize("output", ["/proc/nothing/there", "file/below"])
def test_a_directory_that_cannot_be_written_is_said_at_once(output, tmp_path):
    (tmp_path / "file").write_text("")
    ended = bench(tmp_path / output, "--parts", "micro")
    assert ended.returncode == 2 and "--output" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_tables_of_no_or_broken_results_are_refused(tmp_path):
    for text, said in ((None, "results.csv"), ("", "results.csv:1: ")):
        if text is not None:
            (tmp_path / "results.csv").write_text(text)
        ended = bench(tmp_path, "--markdown")
        assert ended.returncode == 2 and said in ended.stderr and not ended.stdout
        assert len(ended.stderr.splitlines()) == 1


def copied_build(directory, without):
    """A build directory with all but one piece, by links."""
    for path in paths.BUILD.iterdir():
        if path.name in ("guest", "guests", "plugins"):
            (directory / path.name).mkdir()
            for inner in path.iterdir():
                (directory / path.name / inner.name).symlink_to(inner)
        elif path.is_file():
            (directory / path.name).symlink_to(path)
    (directory / without).unlink()


@pytest.mark.parametrize("part, piece, how", [
    ("micro", "gnomon.bin", "make"), ("micro", "gnomon.elf", "make"),
    ("micro", "guests/bench.bin", "make"), ("tlb", "plugins/tlb.so", "make plugins"),
    ("instructions", "plugins/layout", "make plugins"), ("linux", "guest/Image", "make run"),
    ("linux", "guests/workloads", "make workloads"),
    ("linux", "guest/bench.cpio", "scripts/setup bench"),
])
def test_what_is_missing_is_said_at_once(part, piece, how, tmp_path):
    if not (paths.BUILD / piece).is_file():
        pytest.skip(f"{piece} is not there to be missed")
    (tmp_path / "build").mkdir()
    copied_build(tmp_path / "build", piece)
    ended = bench(tmp_path / "x", "--parts", part, GNOMON_BUILD=str(tmp_path / "build"))
    assert ended.returncode == 2 and f"{piece} is missing: run `{how}` first" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1 and not (tmp_path / "x").exists()


def test_a_missing_emulator_is_said_at_once(tmp_path):
    ended = micro_bench(tmp_path / "x", "lsp", QEMU="/nonexistent/qemu")
    assert ended.returncode == 2 and "/nonexistent/qemu" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1 and not (tmp_path / "x").exists()


def test_a_missing_matplotlib_is_said_at_once(monkeypatch):
    monkeypatch.setattr(usage.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(usage, "pieces", lambda _: ())
    monkeypatch.setenv("QEMU", str(FAKE))
    with pytest.raises(paths.BadUsage, match="scripts/setup bench"):
        usage.need_pieces(None)


# --- what it writes ----------------------------------------------------------

def test_the_header_names_what_decides_the_figures(tmp_path):
    ended = micro_bench(tmp_path, "native,lsp", GNOMON_APPEND="faults=poison  check-every=0")
    assert ended.returncode == 0, ended.stderr
    found = results(tmp_path)[0]
    assert found["GNOMON_APPEND"] == "faults=poison check-every=0"
    assert found["faults"] == "poison" and found["QEMU"] == str(FAKE)
    assert found["emulator"] == "QEMU emulator version 0 (fake)" and found["cpu"] == "rv64"
    assert found["firmware"] == "OpenSBI v0.0-fake, SBI 9.9"
    assert found["guest memory"].startswith(micro.MEMORY["full"])
    assert f"bench.bin sha256 {facts.sha256(micro.KERNEL)}" in found["guests"]
    assert found["compiler"].startswith("GNU C") or "clang version" in found["compiler"]


def test_the_compiler_is_that_of_the_image(tmp_path):
    elf, image = tmp_path / "gnomon.elf", tmp_path / "gnomon.bin"
    shutil.copy(paths.HYPERVISOR.with_suffix(".elf"), elf)
    shutil.copy(paths.HYPERVISOR, image)
    assert "unknown" not in facts.compiler(elf, image)
    image.write_bytes(image.read_bytes()[:-1] + b"\1")
    assert facts.compiler(elf, image).startswith("unknown")
    assert facts.PRODUCER.findall(b"x\0Debian clang version 16.0.6 (15)\0GNU C17 1.2 -O2\0") == [
        b"\0Debian clang version 16.0.6 (15)", b"\0GNU C17 1.2 -O2"]


def test_linux_boots_with_its_address_spaces_where_they_were(tmp_path):
    (tmp_path / "initrd").write_bytes(b"")
    ended = boot.boot(target.of_seat(str(FAKE)), "native", "true", tmp_path / "initrd", append="no5lvl")
    said = next(line for line in ended.lines + ended.tail.splitlines()
                if line.startswith("arguments: "))
    assert " norandmaps no5lvl" in said


def test_linux_beside_other_parts_shows_no_wall_time(tmp_path):
    options = argparse.Namespace(
        quick=True, rounds=1, modes=["lsp"], parts=["micro", "linux"], beside=["micro"],
        target=target.of_seat(str(FAKE)))
    assert not report.is_timed(facts.collect(options, [str(BENCH)], {}))
    options.beside = []
    assert report.is_timed(facts.collect(options, [str(BENCH)], {}))


def test_a_baseline_that_fails_is_a_failure(monkeypatch):
    boots = {"native": micro.Results({}, "it ended early: x"), "lsp": micro.Results({})}
    monkeypatch.setattr(micro, "boot", lambda target, mode, *_, **__: boots[mode])
    rows = list(micro.rows(argparse.Namespace(quick=True, modes=["lsp"], target=None)))
    assert [(one.mode, one.metric) for one in rows] == [("native", row.FAILED)]


def test_the_quick_set_is_what_quick_measures():
    options = argparse.Namespace(quick=True, workloads=list(linux.NAMES_QUICK))
    workloads, boots = linux.chosen(options)
    assert [*boots, *(one.name for one in workloads)] == list(linux.NAMES_QUICK)


# --- interruption ------------------------------------------------------------

def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def runs(number):
    try:
        state = pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def started(directory, *words):
    """A run whose benchmarks hang in lsp; its emulators have files in `pids`."""
    need_plots()
    for name in ("pids", "tmp", "out"):
        (directory / name).mkdir()
    return subprocess.Popen(
        [BENCH, "--quick", "--output", directory / "out", "--modes", "native,lsp", *words],
        env=environment(FAKE_LSP="hang", FAKE_PIDS=str(directory / "pids"),
                        TMPDIR=str(directory / "tmp")),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        # whoever runs the tests in the background may have it ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def test_the_initramfs_can_be_had_by_itself(tmp_path):
    if not (BENCH.parents[1] / "build" / "guest" / "bench.cpio").exists():
        pytest.skip("needs `scripts/setup bench`")
    path = tmp_path / "initramfs"
    subprocess.run([BENCH, "--initramfs", path], check=True)
    assert b"bench/workloads" in path.read_bytes()
    refused = subprocess.run([BENCH, "--initramfs", tmp_path], capture_output=True, text=True,
                             check=False)
    assert refused.returncode == 2 and "--initramfs" in refused.stderr


def emulators(directory):
    return [int(path.name) for path in (directory / "pids").iterdir()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("parts, hanging", [("micro", 1), ("micro,linux", 2)])
def test_an_interrupted_run_leaves_what_it_has_and_nothing_else(number, parts, hanging,
                                                                tmp_path):
    words = ["--workloads", "syscall"] if "linux" in parts else []
    process = started(tmp_path, "--parts", parts, *words)
    first = 2 + 1  # the small guest twice, and the native benchmark
    if hanging == 2:
        first += 1  # and the native Linux
    until(lambda: len(emulators(tmp_path)) >= first + hanging)
    if number == signal.SIGINT:  # as a terminal does: all of the group
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said and "interrupted.md" in said
    assert not [one for one in emulators(tmp_path) if runs(one)]
    assert not list((tmp_path / "tmp").iterdir())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "interrupted.csv", "interrupted.md"}
    found, rows = results(tmp_path / "out", "interrupted")
    assert found["interrupted"].startswith(f"by {signal.Signals(number).name}")
    assert ("null", "event") in rows.cases("micro", "operations") and rows.modes() == ["native"]
