#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Runs fuzz targets one after the other and says what came of each.

  fuzzing.py [--runs N] [--seed N] [fuzz_NAME ...]     all of them, if none is named

Each begins with its corpus in tests/fuzz/corpus/ and with what earlier runs
found, kept in build/fuzz/work/ beside its log; an input that ends a target
lies there too, as NAME.crash-..., and is reproduced by build/fuzz/NAME FILE.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

SOURCES = pathlib.Path(__file__).resolve().parent
TOP = SOURCES.parents[1]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build") / "fuzz"
SEED = 1
HANG = 60  # seconds for one input; it needs microseconds

def targets():
    return sorted(path.stem for path in SOURCES.glob("fuzz_*.c"))

def options(name):
    """The options in the first lines of the target's source."""
    source = (SOURCES / f"{name}.c").read_text()
    return re.findall(r"^/\* options: (.*) \*/$", source, re.MULTILINE)

def command(name, runs, work, seed=SEED):
    """What to run: new inputs and findings go to the directory `work`."""
    found = work / name
    found.mkdir(parents=True, exist_ok=True)
    return [str(BUILD / name), *" ".join(options(name)).split(), f"-runs={runs}",
            f"-seed={seed}", f"-timeout={HANG}", "-print_funcs=0", "-print_final_stats=1",
            f"-artifact_prefix={work / name}.", str(found),
            str(SOURCES / "corpus" / name)]

def executions(output):
    """How many inputs were executed, as libFuzzer counts at its end."""
    return int((re.findall(r"stat::number_of_executed_units: +(\d+)", output) or [0])[-1])

def edges(output):
    return int((re.findall(r"\bcov: (\d+)", output) or [0])[-1])

def run(name, runs, seed):
    """True if the target made all its executions without a finding."""
    work = BUILD / "work"
    work.mkdir(parents=True, exist_ok=True)
    log = work / f"{name}.log"
    begun = time.monotonic()
    with log.open("wb") as to:
        ended = subprocess.run(command(name, runs, work, seed), cwd=TOP, check=False,
                               stdin=subprocess.DEVNULL, stdout=to, stderr=to)
    took = time.monotonic() - begun
    output = log.read_text(errors="replace")
    done = executions(output)
    good = ended.returncode == 0 and done >= runs
    print(f"{name}: {'no finding' if good else 'A FINDING'}: {done} executions in "
          f"{took:.0f} s, {done / took:.0f}/s, {edges(output)} edges covered", flush=True)
    if not good:
        print(f"  see {log.relative_to(TOP) if log.is_relative_to(TOP) else log}")
    return good

def main():
    parser = argparse.ArgumentParser(description="Run fuzz targets.")
    parser.add_argument("--runs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("names", nargs="*", metavar="fuzz_NAME")
    wanted = parser.parse_args()
    names = wanted.names or targets()
    unknown = set(names) - set(targets())
    if unknown:
        sys.exit(f"fuzz: there is no target {' '.join(sorted(unknown))}: "
                 f"there are {' '.join(targets())}")
    print(f"seed {wanted.seed}", flush=True)
    good = sum(run(name, wanted.runs, wanted.seed) for name in names)
    print(f"{good} of {len(names)} targets without a finding, "
          f"{wanted.runs} executions each")
    sys.exit(good != len(names))

if __name__ == "__main__":
    main()
