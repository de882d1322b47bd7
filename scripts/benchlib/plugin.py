# SPDX-License-Identifier: BSD-2-Clause
"""
The plugins of scripts/plugin/, as arguments for the emulator, and their results.

A plugin writes a JSON object a line. Guests say by marks (guests/lib/marks.h) what
is counted: each such region has a number, in the order they came.
"""
import json
import os
import subprocess

from gnomonlib import paths

PLUGINS = paths.BUILD / "plugins"

# Where the emulator puts it: behind the firmware, or as the firmware.
IMAGE = {"hs": 0x80200000, "m": 0x80000000}

# What an exit can begin with. The second one is there where Gnomon has a fast path.
VECTORS = ("guest_exit_vector", "guest_fast_vector")


def _argument(name, out, options):
    path = paths.made(PLUGINS / f"{name}.so", "make plugins")
    return ["-plugin", ",".join([str(path), f"out={out}", *options])]


def tlb(out, models, marks=True):
    """Feed TLB models; `models` are such as "name:entries=64:ways=4"."""
    options = [f"model={model}" for model in models]
    return _argument("tlb", out, options + ["region=marks"] * marks)


def symbols(elf):
    """{name: offset} of Gnomon's image, which is linked at 0."""
    nm = os.environ.get("CROSS", "riscv64-linux-gnu-") + "nm"
    lines = subprocess.run([nm, paths.made(elf, "make")], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return {words[2]: int(words[0], 16) for words in map(str.split, lines)
            if len(words) == 3}


def instructions(out, target, marks=True):
    """Say whose instructions run and what each VM exit took; exact with -icount."""
    known = symbols(target.elf)
    options = [f"image={IMAGE[target.seat]:#x}", f"size={known['image_end']:#x}",
               f"layout={paths.made(PLUGINS / 'layout', 'make plugins')}"]
    options += [f"vector={known[name]:#x}" for name in VECTORS if name in known]
    return _argument("instructions", out, options + ["region=marks"] * marks)


def read(out):
    """The objects that a plugin wrote, a list for each region."""
    regions = []
    with open(out, encoding="utf-8") as file:
        for line in map(json.loads, file):
            while len(regions) <= line["region"]:
                regions.append([])
            regions[line["region"]].append(line)
    return regions
