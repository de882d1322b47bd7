# SPDX-License-Identifier: BSD-2-Clause
"""What the README shows of `make demo`: two VMs, a network between them, and the monitor."""
import os
import pathlib

import pexpect
import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(name="demo", params=["hs", "m"])
def fixture_demo(request):
    environment = {name: value for name, value in os.environ.items() if name != "GNOMON_APPEND"}
    child = pexpect.spawn(str(TOP / "scripts" / "demo"), ["--seat", request.param],
                          timeout=TIMEOUT, encoding="utf-8", codec_errors="replace",
                          env=environment)
    yield child
    child.close(force=True)


def say(child, line, answer):
    child.send(line)
    child.expect_exact(answer)


def test_what_the_readme_shows(demo):
    demo.expect_exact("alpha # ")
    say(demo, "\x1d", "gnomon> ")
    say(demo, "console beta\r", "beta # ")
    say(demo, "ping -q -c 2 10.0.0.1\r", "2 packets transmitted, 2 packets received")
    say(demo, "wget -qO- 10.0.0.1\r", "This is alpha, under lsp.")
    demo.expect_exact("beta # ")
    say(demo, "\x1d", "gnomon> ")
    say(demo, "vm restart alpha\r", "vm alpha: 256 MiB of memory")
    say(demo, "\r", "gnomon> ")
    say(demo, "console alpha\r", "alpha # ")
    say(demo, "\x1d", "gnomon> ")
    say(demo, "console beta\r", "[console of beta]")
    say(demo, "wget -qO- 10.0.0.1\r", "This is alpha, under lsp.")
    demo.expect_exact("beta # ")
    say(demo, "\x1d", "gnomon> ")
    say(demo, "power off\r", "vm beta: stopped: by the monitor")
    demo.expect(pexpect.EOF)
    demo.close()
    assert demo.exitstatus == 0
