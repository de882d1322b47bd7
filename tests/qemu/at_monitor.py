# SPDX-License-Identifier: BSD-2-Clause
"""
The monitor as a test at a terminal talks to it: a child of the fixture `terminal`, the
keys that lead there, and one line and its answer at a time.
"""
import re

ESCAPE = "\x1d"
SHELL, MONITOR = "~ # ", "gnomon> "


def enter(child, keys=ESCAPE):
    child.send(keys)
    child.expect_exact(MONITOR)


def ask(child, line):
    """The answer to one line at the monitor's prompt."""
    child.send(line + "\r")
    child.expect(re.escape(line) + r"\r+\n")
    child.expect_exact(MONITOR)
    return child.before.replace("\r", "")


def order(child, line, said):
    """A line whose effect Gnomon reports, amid or behind the prompt."""
    child.send(line + "\r")
    child.expect_exact(said)
    child.send("\r")
    child.expect_exact(MONITOR)
