# SPDX-License-Identifier: BSD-2-Clause
"""
The monitor as a person at a terminal has it, beside a guest that goes on: each command's
answer, mistakes, and that nothing typed there comes to the guest or is lost to it.
"""
import json
import re

import pytest
from at_monitor import ESCAPE, SHELL, ask, enter

CASES = [("lsp", ""), ("nested", ""), ("m lsp", ""), ("m shadow", ""), ("lsp", "console=sbi"),
         ("m lsp", "console=sbi")]


@pytest.fixture(params=CASES, ids=lambda case: " ".join(case).strip())
def shell(request, terminal, tmp_path):
    """A guest's shell, at its prompt."""
    how, arguments = request.param
    child = terminal("--smp", "2", "--stats", tmp_path / "stats.json", how=how,
                     GNOMON_APPEND=arguments)
    child.expect_exact(SHELL)
    return child


def check_guest(child, number):
    """It takes input still, and has not had any but this."""
    child.send(f"echo $(({number} + 1))-answer\r")
    child.expect_exact(f"{number + 1}-answer")
    assert "not found" not in child.before
    child.expect_exact(SHELL)


def test_a_visit(shell, ended, tmp_path):
    enter(shell)
    assert "  vm info NAME " in ask(shell, "help")
    assert "  stats [-1] [NAME]" in ask(shell, "help stats")
    row = ask(shell, "vm list").splitlines()[1].split()
    assert row[:2] == ["linux", "running"] and row[3:6] == ["512", "MiB", "1"]
    assert "  device       uart at 0x10000000\n" in ask(shell, "vm info linux")
    assert "no exits of linux were traced" in ask(shell, "trace")
    assert "are kept" in ask(shell, "trace on")
    # The boot hart is the first, whichever it is.
    assert re.search(r"^ +\d the monitor's .*\n +\d (idle|in a guest|in Gnomon) ",
                     ask(shell, "harts"), re.M)
    assert "  linux                      524288 KiB, and " in ask(shell, "mem")
    assert "translation of linux: paging mode " in ask(shell, "shadow")
    assert "\nharts: 2 of 2 run\n" in "\n" + ask(shell, "log")

    shell.send(ESCAPE)
    shell.expect_exact("[console of linux]")
    check_guest(shell, 41)
    enter(shell)
    trace = ask(shell, "trace linux 100").splitlines()
    assert len(trace) == 101
    times = [float(line.split()[0]) for line in trace[1:]]
    assert times == sorted(times)
    reasons = {line.split()[2] for line in trace[1:]}
    assert "mmio-write" in reasons and "-" not in reasons
    assert "no longer" in ask(shell, "trace off")

    first = ask(shell, "stats -1").splitlines()
    assert first[1].split() == ["REASON", "SUM", "PER", "SECOND"]
    second = ask(shell, "stats -1").splitlines()
    sums = [dict(line.split()[:2] for line in lines[2:]) for lines in (first, second)]
    assert int(sums[0]["all"]) == sum(int(sums[0][name]) for name in sums[0] if name != "all")
    assert all(int(sums[1][name]) >= int(sums[0][name]) for name in sums[0])

    shell.send("console\r")
    shell.expect_exact("[console of linux]")
    check_guest(shell, 57)
    shell.send("exit\r")
    assert ended(shell) == 0
    # a report is as it was, and all memory is back: Gnomon looks at that itself
    assert json.loads((tmp_path / "stats.json").read_text())["reason"] == "power-off"


@pytest.fixture
def plain(terminal):
    def start(how="lsp", **settings):
        child = terminal(how=how, **settings)
        child.expect_exact(SHELL)
        return child
    return start


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_live_stats_while_the_guest_goes_on(plain, how):
    child = plain(how)
    child.send("i=0; while sleep 1; do i=$((i+1)); echo turn-$i; done\r")
    child.expect_exact("turn-2")
    enter(child)
    child.send("stats\r")
    for _ in range(3):
        child.expect_exact("any key ends this")
    enter(child, "\x1b[B")  # a key, however many bytes it sends
    assert "turn-" not in child.before
    assert ask(child, "vm list").startswith("NAME")
    # what it has said meanwhile, and then what it says
    child.send(ESCAPE)
    child.expect_exact("[console of linux]")
    child.expect_exact("turn-3")
    child.expect_exact("turn-5")
    child.send("\x03")
    child.expect_exact(SHELL)
    check_guest(child, 1)


@pytest.mark.parametrize("how", ["lsp", "m lsp"])
def test_mistakes_and_garbage(plain, how):
    child = plain(how)
    enter(child)
    assert "there is no command 'bogus'" in ask(child, "bogus")
    assert "usage: vm info NAME" in ask(child, "vm begin")
    assert "there is no VM 'other'" in ask(child, "stats other")
    child.send("".join(chr(byte) for byte in range(1, 128) if byte != 0x1d and byte != 1))
    child.send("\x1b[\x1b[9999999999;;;~" + "x" * 3000 + "\x03")
    child.expect(r"\^C\r+\ngnomon> ")
    assert ask(child, "vm list").startswith("NAME")
    child.send(ESCAPE)
    check_guest(child, 2)


def test_twice_is_for_the_guest(plain):
    child = plain()
    child.send("cat -v\r")
    child.expect(r"cat -v\r+\n")
    child.send(ESCAPE + ESCAPE)
    child.expect_exact("[console of linux]")
    child.send("x\r")
    child.expect_exact("^]x")
    child.send("\x03")
    child.expect_exact(SHELL)


@pytest.mark.parametrize("how, arguments", [
    ("lsp", ""), ("m lsp", ""), ("lsp", "console=sbi"), ("lsp", "escape=^G^Gx")])
def test_the_escape_behind_more_than_a_paused_vm_takes(plain, how, arguments):
    keys = "\x07\x07x" if "escape" in arguments else ESCAPE
    child = plain(how, GNOMON_APPEND=arguments)
    check_guest(child, 1)
    check_guest(child, 2)
    enter(child, keys)
    ask(child, "vm pause linux")
    child.send("console\r")
    child.expect_exact("[console of linux]")
    for _ in range(50):  # what a terminal takes at once is less than 4096 bytes
        child.send(100 * "y")
    child.expect(r"\[linux takes no keys: more are lost, but \S+ leads to the monitor\]\r+\n")
    enter(child, keys)
    assert "takes no keys" not in child.before
    assert " of input wait" in ask(child, "vm info linux")
    # it goes on with what it had room for, and is deaf no more
    ask(child, "vm resume linux")
    child.send("console\r")
    child.expect(r"(y[\r\n]*){1000}")
    child.send("\x03")
    child.expect_exact(SHELL)
    check_guest(child, 3)


def test_another_escape(plain):
    child = plain(GNOMON_APPEND="escape=^A^G")
    child.send("cat -v\r")
    child.expect(r"cat -v\r+\n")
    child.send(ESCAPE + "x\r")
    child.expect_exact("^]x")
    child.send("\x03")
    child.expect_exact(SHELL)
    # Ctrl-A is the emulator's own, and twice it is a Ctrl-A
    enter(child, "\x01\x01\x07")
    assert "\n  vm list " in ask(child, "help")


def test_no_escape(plain):
    child = plain(GNOMON_APPEND="escape=none")
    child.send("cat -v\r")
    child.expect(r"cat -v\r+\n")
    child.send(ESCAPE + "x\r")
    child.expect_exact("^]x")


@pytest.mark.parametrize("word", ["escape=", "escape=^", "escape=^A^B^C^D^E", "escape",
                                  "interleave=maybe"])
def test_wrong_arguments_are_refused(run, guest, word):
    result = run("--kernel", guest("hello.bin"), GNOMON_APPEND=word)
    assert f"boot arguments: {word.partition('=')[0]}=" in result.refusal
