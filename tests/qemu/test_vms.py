# SPDX-License-Identifier: BSD-2-Clause
"""
Several VMs side by side, and their lives: started, stopped, paused, restarted and
removed at the monitor while others go on, with all of their memory back, and none of it
seen by who has it next.
"""
import json
import re

import pytest
from at_monitor import ESCAPE, MONITOR, SHELL, ask, enter, order

LINUX = ("--memory", "256M", "--append", "console=ttyS0 panic=-1 quiet loglevel=1")


def states(child):
    rows = [line.split() for line in ask(child, "vm list").splitlines()[1:]]
    return {row[0]: row[1] for row in rows if len(row) > 5}


def free(child):
    """KiB that are free, of each kind."""
    return re.findall(r"(\d+) KiB of it free", ask(child, "mem"))


def compute(child, number):
    child.send(f"echo $(({number} * 7))-answer\r")
    child.expect_exact(f"{number * 7}-answer")
    child.expect_exact(SHELL)


@pytest.mark.parametrize("seat, modes", [("hs", ("lsp", "nested")), ("m", ("lsp", "shadow"))])
def test_two_debians_and_their_lives(terminal, ended, tmp_path, vm, seat, modes):
    stats = tmp_path / "stats.json"
    child = terminal(*vm("a", *LINUX, "--paging", modes[0]),
                     *vm("b", *LINUX, "--paging", modes[1]), "--seat", seat, "--stats", stats)
    child.expect_exact(SHELL)
    compute(child, 6)
    enter(child)
    assert states(child) == {"a": "running", "b": "running"}
    child.send("console b\r")
    child.expect_exact("[console of b]")
    child.expect_exact(SHELL)
    compute(child, 9)

    enter(child)
    order(child, "vm stop a", "gnomon: vm a: stopped: by the monitor, after ")
    assert states(child) == {"a": "stopped", "b": "running"}
    order(child, "vm start a", "gnomon: vm a: 256 MiB of memory, paging mode ")
    child.send("console a\r")
    child.expect_exact(SHELL)
    compute(child, 11)

    enter(child)
    ask(child, "vm pause b")
    assert states(child) == {"a": "running", "b": "paused"}
    assert "b: it is paused" in ask(child, "vm pause b")
    child.send("console b\r")
    child.expect_exact("[console of b]")
    child.send("echo $((3 * 5))-later\r")
    enter(child)
    assert "15-later" not in child.before
    ask(child, "vm resume b")
    child.send("console b\r")
    child.expect_exact("15-later")
    child.expect_exact(SHELL)

    child.send("exit\r")
    child.expect_exact("vm b: power-off, after ")
    enter(child)
    assert states(child) == {"a": "running", "b": "power-off"}
    child.send("console a\r")
    child.expect_exact("[console of a]")
    compute(child, 13)
    child.send("exit\r")
    assert ended(child) == 0
    reports = json.loads(stats.read_text())["vms"]
    assert [(report["vm"], report["reason"]) for report in reports] == [
        ("a", "stopped"), ("b", "power-off"), ("a", "power-off")]
    assert [report["paging"] for report in reports[1:]] == [modes[1], modes[0]]


CASES = [("hs", "lsp"), ("hs", "nested"), ("hs", "shadow"), ("m", "lsp"), ("m", "shadow-unsync")]


@pytest.mark.parametrize("seat, mode", CASES)
def test_nothing_is_left_of_a_life(terminal, ended, vm, guest, seat, mode):
    tenant = ("--kernel", guest("tenant.bin"), "--memory", "64M", "--paging", mode)
    child = terminal(*vm("one", *tenant), *vm("two", *tenant), "--seat", seat,
                     GNOMON_APPEND="canary=256K")
    child.expect(r"tenant: 64 MiB, (as new|used)")
    assert child.match[1] == "as new", child.before
    enter(child)
    order(child, "vm stop two", "vm two: stopped: by the monitor")
    before = free(child)
    for _ in range(3):
        order(child, "vm restart one", "gnomon: vm one: 64 MiB of memory")
        child.send("console one\r")
        child.expect(r"tenant: 64 MiB, (as new|used)")
        assert child.match[1] == "as new", child.before
        enter(child)
        assert free(child) == before
    # in the memory that the other had
    order(child, "vm remove one", "vm one: stopped: by the monitor")
    order(child, "vm start two", "gnomon: vm two: 64 MiB of memory")
    child.send("console two\r")
    child.expect(r"tenant: 64 MiB, (as new|used)")
    assert child.match[1] == "as new", child.before
    enter(child)
    assert states(child) == {"two": "running"}
    # what Gnomon remembered of the other has come back, too
    assert all(int(now) >= int(then) for now, then in zip(free(child), before))
    child.send("power off\r")
    assert ended(child) == 0
    assert "memory that is not its own" not in child.before


def test_vms_that_end_by_themselves(run, vm, guest, tmp_path):
    hello = ("--kernel", guest("hello.bin"), "--memory", "32M")
    result = run(*vm("a", *hello), *vm("b", *hello, "--paging", "nested"),
                 *vm("c", *hello, "--memory", "3G"), "--smp", "2")
    reports = {report["vm"]: report for report in json.loads(
        (tmp_path / "stats.json").read_text())["vms"]}
    assert {name: report["reason"] for name, report in reports.items()} == {
        "a": "power-off", "b": "power-off", "c": "power-off"}, result
    assert result.status == 0


def test_one_too_many_is_reported(run, vm, guest, tmp_path):
    hello = ("--kernel", guest("hello.bin"), "--memory", "4M", "--shadow-memory", "256K")
    result = run(*(word for index in range(17) for word in vm(f"v{index}", *hello)))
    assert any(line.startswith("vm v16: left out: ") for line in result.said), result
    reports = {report["vm"]: report for report in json.loads(
        (tmp_path / "stats.json").read_text())["vms"]}
    assert len(reports) == 17 and reports["v16"]["reason"] == "stopped", reports
    assert reports["v16"]["detail"].startswith("left out: ")
    assert result.status == 3


def test_one_that_cannot_be_made_does_not_keep_others_from_running(run, vm, guest):
    hello = ("--kernel", guest("hello.bin"), "--memory", "32M")
    result = run(*vm("good", *hello), *vm("bad", *hello, "--shadow-memory", "4K"))
    assert result.status == 3, result
    assert any(line.startswith("vm bad: shadow memory of 4096 bytes") for line in result.said)
    assert any(line.startswith("vm good: power-off") for line in result.said)
    assert "hello from hart 0" in result.out


MADE = "vm large: 128 MiB of memory"


def was_seen_starting(child):
    """Restart the large VM and ask for the list; it may be made before that is printed."""
    child.send("vm restart large\r")
    child.expect_exact("vm large: stopped: by the monitor")
    child.send("vm list\r")
    if child.expect([r"large +starting", MADE]) == 1:
        child.expect(r"large +running")
        return False
    child.expect_exact(MADE)
    return True


@pytest.mark.parametrize("harts", [1, 2])
@pytest.mark.parametrize("seat, mode", [("hs", "lsp"), ("hs", "nested"), ("m", "shadow")])
def test_others_go_on_while_one_is_made(terminal, ended, vm, guest, seat, mode, harts):
    """One that never waits, and may run on the boot hart alone; and the monitor."""
    child = terminal(
        *vm("clock", "--kernel", guest("ticks.bin"), "--memory", "32M", "--pin", "0"),
        *vm("large", "--kernel", guest("tenant.bin"), "--memory", "128M", "--paging", mode),
        "--seat", seat, "--smp", harts, GNOMON_APPEND="interleave=on")
    child.expect_exact("tenant: 128 MiB, as new")
    child.send(ESCAPE)
    child.expect_exact(MONITOR)
    child.send("vm restart large\r")
    child.expect_exact("vm large: stopped: by the monitor")
    child.expect_exact(MADE)
    ticks = [int(tick) for tick in re.findall(r"\[clock\] ticks: (\d+), ", child.before)]
    assert len(ticks) > 1 and ticks == sorted(set(ticks)), child.before
    child.expect(r"tenant: 128 MiB, (as new|used)")
    assert child.match[1] == "as new", child.before
    assert any(was_seen_starting(child) for _ in range(20)), "it was never seen to start"
    child.send("power off\r")
    assert ended(child) == 0


def was_broken_off(child, how):
    """Start the large VM and end it so: True if it had not been made by then."""
    ask(child, "vm start large")
    child.send(f"vm {how} large\r")
    child.expect(r"vm large: stopped: by the monitor, (before it was made|after \d+ exits)")
    broken_off = child.match[1].startswith("before")
    child.send("\r")
    child.expect_exact(MONITOR)
    return broken_off


@pytest.mark.parametrize("seat, mode", [("hs", "lsp"), ("hs", "nested"), ("m", "lsp")])
def test_one_that_is_being_made_can_be_ended(terminal, ended, tmp_path, vm, guest, seat, mode):
    stats = tmp_path / "stats.json"
    tenant = ("--kernel", guest("tenant.bin"), "--paging", mode)
    child = terminal(*vm("small", *tenant, "--memory", "32M"),
                     *vm("large", *tenant, "--memory", "128M"), "--seat", seat, "--smp", "1",
                     "--stats", stats, GNOMON_APPEND="interleave=on")
    child.expect_exact("tenant: 128 MiB, as new")
    enter(child)
    order(child, "vm stop large", "vm large: stopped: by the monitor, after ")
    before = free(child)
    assert any(was_broken_off(child, "stop") for _ in range(20)), "each time it was made before"
    assert states(child) == {"small": "running", "large": "stopped"}
    assert free(child) == before
    order(child, "vm start large", "tenant: 128 MiB, as new")
    order(child, "vm stop large", "vm large: stopped: by the monitor, after ")
    assert free(child) == before
    was_broken_off(child, "remove")
    assert states(child) == {"small": "running"}
    assert all(int(now) >= int(then) for now, then in zip(free(child), before))
    child.send("power off\r")
    assert ended(child) == 0
    reports = json.loads(stats.read_text())["vms"]
    assert {report["reason"] for report in reports} == {"stopped"}
    assert any(report["exits_total"] == 0 for report in reports)


def test_all_end_while_one_is_being_made(terminal, ended, vm, guest):
    tenant = ("--kernel", guest("tenant.bin"))
    child = terminal(*vm("small", *tenant, "--memory", "32M"),
                     *vm("large", *tenant, "--memory", "128M"), "--smp", "1",
                     GNOMON_APPEND="interleave=on")
    child.expect_exact("tenant: 128 MiB, as new")
    enter(child)
    order(child, "vm stop large", "vm large: stopped: by the monitor, after ")
    child.send("vm start large\r")
    child.expect_exact(MONITOR)
    child.send("power off\r")
    assert ended(child) == 0


# ---- reboots ----

@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_one_that_only_reboots_is_stopped(run, guest, tmp_path, how):
    kernel = ("--kernel", guest("ticks.bin"), "--append", "reboot=yes", "--memory", "32M")
    result = run(*kernel, "--on-reboot", "restart", how=how)
    assert result.out.count("ticks: reboots") == 6, result
    assert any(": stopped: it rebooted 6 times within 10 s of its start, after " in line
               for line in result.said), result
    assert result.status == 3
    reports = json.loads((tmp_path / "stats.json").read_text())["vms"]
    assert [report["reason"] for report in reports] == 5 * ["reboot"] + ["stopped"]
    for words in ((), ("--on-reboot", "stop")):
        result = run(*kernel, *words, how=how)
        assert result.out.count("ticks: reboots") == 1 and result.status == 0, result


@pytest.mark.parametrize("seat", ["hs", "m"])
def test_debian_reboots(terminal, ended, seat):
    child = terminal("--seat", seat, "--memory", "256M", "--on-reboot", "restart")
    child.expect_exact(SHELL)
    child.send("reboot -f\r")
    child.expect_exact(": reboot, after ")
    child.expect_exact(SHELL)
    compute(child, 6)
    child.send("exit\r")
    assert ended(child) == 0


@pytest.mark.parametrize("words, text", [
    (["--vm", "a"], "it is NAME=FILE"),
    (["--vm", "a b=x.itb"], "it is NAME=FILE"),
    (["--vm", "a=/nowhere.itb"], "/nowhere.itb"),
    (["--vm", "a={bundle}", "--vm", "a={bundle}"], "there are several of that name"),
    (["--vm", "a={bundle}", "--memory", "1G"], "--memory and --vm exclude each other"),
    (["--vm", "a={bundle}", "--native"], "exclude each other"),
    (["--vm", "a={source}"], "syntax error"),
    (["--vm", "a={junk}"], "no bundle"),
])
def test_mistakes_are_told(run, bundle, guest, tmp_path, words, text):
    made = bundle("--kernel", guest("hello.bin"))
    (tmp_path / "bad.its").write_text("/dts-v1/;\n/ { kernel };;\n")
    (tmp_path / "junk.itb").write_bytes(made.read_bytes()[:64])
    words = [word.format(bundle=made, source=tmp_path / "bad.its", junk=tmp_path / "junk.itb")
             for word in words]
    result = run(*words)
    assert result.status == 2 and text in result.err, result
    assert result.err.count("\n") == 1, result
