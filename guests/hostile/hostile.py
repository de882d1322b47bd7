#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the hostile guest over many seeds and judges each run; tests/qemu judges by
the same function.

A run is survived if Gnomon ended the VM in an orderly way, with its end line
and its report, with all its canary pages as they were, its tables within their
limit, few lines of its own, and nothing seen by the guest that it must not see.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")

CANARY_PAGES = 1024
APPEND = f"canary={CANARY_PAGES * 4}K"
MEMORY = "64M"
OWN_LINES = 4  # of Gnomon's from the start of the VM on, whatever the guest does

# How long Gnomon lets it run, in seconds, and whether it has to come to its end
# by itself. One that may destroy itself may wedge, fail, or even power off.
Attack = collections.namedtuple("Attack", "limit finishes")
ATTACKS = {
    "streams": Attack(5, False),
    "user-streams": Attack(5, False),
    "wild-streams": Attack(2, False),
    "privileges": Attack(60, True),
    "hypervisor": Attack(60, True),
    "leftovers": Attack(60, True),
    "tables": Attack(5, False),
    "loops": Attack(5, False),
    "outside": Attack(60, True),
    "roots": Attack(1, False),
    "calls": Attack(2, False),
    "devices": Attack(60, True),
    "storm": Attack(60, True),
    "exhaustion": Attack(60, True),
    "console": Attack(60, True),
    "log": Attack(60, True),
    "edges": Attack(60, True),
    "hang": Attack(1, False),
}
MODES = ("lsp", "nested", "shadow", "shadow-unsync")

STATUS = {"power-off": 0, "reboot": 0, "failure": 1, "stopped": 3}
STOPS = ("time limit", "all of its harts have stopped")

# On seat m a hart may have the hypervisor extension for good, says the checklist.
WITH_H = "hypervisor extension: it is there and leads nowhere"
ASTRAY = "it went to VS- or VU-mode, which it was not given"

Run = collections.namedtuple("Run", "status out err stats")


def options(attack, seed, shows=None):
    """What `scripts/gnomon run` is given, but for the paging mode."""
    return ["--kernel", str(BUILD / "guests" / "hostile.bin"), "--memory", MEMORY,
            "--append", f"attack={attack} seed={seed}" + (f" shows={shows}" if shows else ""),
            "--time-limit", str(ATTACKS[attack].limit)]


def complaints(attack, run):
    """What is wrong with a run of `attack`; empty if it was survived."""
    wrong = []

    def expect(condition, otherwise):
        if not condition:
            wrong.append(otherwise)

    report = run.stats
    if report is None:
        return [f"no report, status {run.status}"]
    reason, detail = report["reason"], report["detail"]
    astray = WITH_H in run.out and detail == ASTRAY
    expect(run.status == STATUS.get(reason), f"{reason}, but status {run.status}")
    expect(reason != "stopped" or detail in STOPS or astray, f"stopped: {detail}")
    expect(not run.err, run.err.strip())

    # OpenSBI 1.6 prints "system_opcode_insn: ..." for each illegal access to some
    # CSRs. That is the firmware's, and not counted.
    after = run.out.partition("gnomon: vm hostile: ")[2]
    own = re.findall(r"gnomon: .*", after)
    expect(0 < len(own) <= OWN_LINES, f"{len(own)} lines of Gnomon's own")
    expect(re.search(rf"^gnomon: vm hostile: {reason}\b.*, after \d+ exits", after,
                     re.M), "no end line")
    expect("internal error" not in run.out, "internal error")
    expect("BREACH" not in run.out, "a breach")

    canary = report.get("canary", {})
    expect(canary == {"pages": CANARY_PAGES, "changed": 0}, f"canary {canary}")
    expect(f"gnomon: canary: {CANARY_PAGES} pages untouched" in after, "no canary line")
    shadow = report["shadow"]
    limit = shadow.get("page_limit", 0)
    for name in ("pages", "pages_peak"):
        expect(shadow.get(name, 0) <= limit, f"{shadow.get(name)} {name} of {limit}")
    if ATTACKS[attack].finishes and not (astray and attack == "hypervisor"):
        expect(reason == "power-off", f"ended by {reason} {detail}")
        expect(re.search(rf"^hostile: {attack} seed \d+: done, 0 breaches", run.out,
                         re.M), "did not come to its end")
    return wrong


def command(attack, seed, mode, cpu):
    return [str(TOP / "scripts" / "gnomon"), "run", "--paging", mode, "--cpu", cpu,
            *options(attack, seed)]


def start(attack, seed, mode, cpu):
    """One run; what is wrong with it."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as directory:
        stats = pathlib.Path(directory) / "stats.json"
        result = subprocess.run(
            [*command(attack, seed, mode, cpu), "--stats", stats, "--timeout", "180"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            env={**os.environ, "GNOMON_APPEND": APPEND})
        report = json.loads(stats.read_text()) if stats.exists() else None
    out = result.stdout.decode(errors="replace").replace("\r", "")
    run = Run(result.returncode, out, result.stderr.decode(errors="replace"), report)
    wrong = complaints(attack, run)
    breaches = re.findall(r"^BREACH.*", out, re.M) if wrong else []
    return wrong + breaches[:5], report["reason"] if report else "nothing"


def seeds(text):
    first, last = re.fullmatch(r"(\d+)(?:(?:-|\.\.)(\d+))?", text).groups()
    return range(int(first), int(last or first) + 1)


def names(known):
    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{unknown[0]} is none of {', '.join(known)}")
        return chosen
    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default="1-20", metavar="A-B")
    parser.add_argument("--attacks", type=names(ATTACKS), default=list(ATTACKS))
    parser.add_argument("--paging", type=names(MODES), default=list(MODES))
    parser.add_argument("--cpu", default="rv64", metavar="QEMU-CPU")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    runs = [(attack, seed, mode, chosen.cpu) for attack in chosen.attacks
            for seed in chosen.seeds for mode in chosen.paging]
    ends, survived = collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for run, (wrong, reason) in zip(runs, pool.map(lambda run: start(*run), runs)):
            ends[run[0], reason] += 1
            survived += not wrong
            if wrong:
                line = shlex.join(command(*run))
                print(f"{' '.join(map(str, run))}: {'; '.join(wrong)}\n"
                      f"  GNOMON_APPEND={APPEND} {line}", flush=True)
    for (attack, reason), count in sorted(ends.items()):
        print(f"  {attack}: {reason} {count}")
    print(f"{survived} of {len(runs)} runs survived")
    return survived != len(runs)


if __name__ == "__main__":
    sys.exit(main())
