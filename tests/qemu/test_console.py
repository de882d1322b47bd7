# SPDX-License-Identifier: BSD-2-Clause
"""
The interactive console of the default guest, as a user at a terminal has it.
Each step waits for what it needs to see, so that a slow machine changes nothing.
"""
import hashlib
import json

import pytest

PROMPT = "~ # "
LEFT, UP, RUB_OUT, END_OF_FILE, INTERRUPT = "\x1b[D", "\x1b[A", "\x7f", "\x04", "\x03"
PASTE = "".join(f"{number:04d} {hashlib.md5(b'%d' % number).hexdigest()} pasted line\n"
                for number in range(48))


@pytest.fixture
def shell(terminal):
    """shell(OPTION..., how=...): a terminal at the shell's first prompt."""
    def start(*options, **rest):
        child = terminal(*options, **rest)
        child.expect_exact(PROMPT)
        return child
    return start


def type_line(child, keys):
    child.send(keys + "\r")


def check_session(child):
    """A command, an edited line, an earlier line, Ctrl-C and a long paste."""
    type_line(child, "echo $((6 * 7))-answer")
    child.expect_exact("42-answer")
    child.expect_exact(PROMPT)

    type_line(child, f"echo x${{HOME}}-ediX{RUB_OUT}ed{LEFT}{LEFT}t")
    child.expect_exact("x/root-edited")
    child.expect_exact(PROMPT)

    type_line(child, UP + "-again")
    child.expect_exact("x/root-edited-again")
    child.expect_exact(PROMPT)

    type_line(child, "echo $((1 + 1))-started; sleep 100000")
    child.expect_exact("2-started")
    child.send(INTERRUPT)
    child.expect_exact(PROMPT)
    type_line(child, "pidof sleep || echo $((2 + 2))-gone")
    child.expect_exact("4-gone")
    child.expect_exact(PROMPT)

    assert len(PASTE) > 2048
    # Not before the shell has left its line: it would take the paste for one.
    type_line(child, "echo $((3 + 3))-reads; cat > /tmp/paste; md5sum < /tmp/paste")
    child.expect_exact("6-reads")
    child.send(PASTE + END_OF_FILE)
    child.expect(r"([0-9a-f]{32})  -")
    assert child.match[1] == hashlib.md5(PASTE.encode()).hexdigest()
    child.expect_exact(PROMPT)


@pytest.mark.parametrize("arguments, counted, never", [
    ("", "host-external", "console-poll"),
    ("console=sbi", "console-poll", "host-external"),
])
def test_a_session(shell, ended, anywhere, tmp_path, arguments, counted, never):
    stats = tmp_path / "stats.json"
    child = shell("--stats", stats, how=anywhere, GNOMON_APPEND=arguments)
    check_session(child)
    type_line(child, "exit")
    assert ended(child) == 0
    exits = json.loads(stats.read_text())["exits"]
    assert exits[counted] > 0
    assert never not in exits


def test_control_a_x_leaves(shell, ended, anywhere):
    child = shell(how=anywhere)
    child.send("\x01x")
    child.expect_exact("QEMU: Terminated")
    assert ended(child) == 0
