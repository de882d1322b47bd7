#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
An emulator that emulates nothing, for tests of scripts/bench: it says on its console
what Gnomon, the small guest and the benchmark guest say. FAKE_<MODE> is what goes
wrong in a mode: lacking, refused, silent, crash, or hang (for the benchmarks alone).
FAKE_PIDS is a directory that gets a file for each process, named by its id.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

LINE = {"benchmark": "null", "parameter": "event", "operations": 10, "instructions": 100,
        "verdict": "ok"}
DETAILS = {"lacking": "paging mode {} is not possible on this machine: it is a fake",
           "refused": "64 MiB of memory asked for, 0 MiB are free"}


def value(option):
    return sys.argv[sys.argv.index(option) + 1] if option in sys.argv else ""


def of_bundle(path):
    """(the VM's name, its paging mode)"""
    name = subprocess.run(["fdtget", "-l", path, "/configurations"], capture_output=True,
                          text=True, check=True).stdout.strip()
    paging = subprocess.run(["fdtget", "-ts", path, f"/configurations/{name}", "gnomon,paging"],
                            capture_output=True, text=True, check=True).stdout.strip()
    return name, paging


def guest(name, mode, what):
    if name != "hello" and what == "hang":
        time.sleep(600)
    if name == "bench":
        exits = {} if mode == "native" else {"exits": {"satp-write": 3}}
        print("bench:", json.dumps({**LINE, **exits}))
        print("bench: done")
    elif name == "linux":
        print("arguments:", value("-append"))


def main():
    if "--version" in sys.argv:
        print("QEMU emulator version 0 (fake)")
        return 0
    if os.environ.get("FAKE_PIDS"):
        (pathlib.Path(os.environ["FAKE_PIDS"]) / str(os.getpid())).touch()
    nonce = re.search(r"\breport=(\w+)", value("-append"))
    if not nonce:
        print("OpenSBI v0.0-fake")
        kernel = pathlib.Path(value("-kernel")).stem
        guest("linux" if kernel == "Image" else kernel, "native",
              os.environ.get("FAKE_NATIVE"))
        return 0
    name, mode = of_bundle(value("-initrd"))
    what = os.environ.get(f"FAKE_{mode.upper().replace('-', '_')}")
    print("gnomon: firmware: SBI 9.9", flush=True)
    if what == "crash":
        os.abort()
    if what == "silent":
        return 0
    reason, detail = "power-off", ""
    if what in DETAILS:
        reason, detail = "stopped", DETAILS[what].format(mode)
    else:
        guest(name, mode, what)
    report = {"vm": name, "reason": reason, "detail": detail, "exits_total": 3, "exits": {}}
    print(f"gnomon: report {nonce[1]} {json.dumps(report)}")
    return 0


signal.signal(signal.SIGINT, signal.SIG_DFL)  # it ends without a word
sys.stdout.reconfigure(line_buffering=True)
sys.exit(main())
