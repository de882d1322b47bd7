# SPDX-License-Identifier: BSD-2-Clause
"""
The command line of scripts/bench, and what has to be there before it measures: all
that is wrong is said at once, in a line, and not after half an hour.
"""
import argparse
import importlib.util
import os
import pathlib
import shutil
import tempfile

from benchlib import linux, micro, plugin
from gnomonlib import paths, target as targets
from gnomonlib.paths import BadUsage

PARTS = ("micro", "linux", "tlb", "instructions")
MODES = ("native", "nested", "shadow", "shadow-unsync", "lsp")
ROUNDS = 3
# On a hart with Svvptc Linux makes no fence where it maps a page: those without H have
# none, and what is compared is the same there with and without Gnomon.
CPU = {"hs": targets.CPU["hs"], "m": f"{targets.CPU['m']},svvptc=false"}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise BadUsage(f"{message} (see scripts/bench --help)")


def names(known):
    """A type for argparse: names out of `known`, each once, in the order given."""
    def parse(text):
        found = list(dict.fromkeys(text.replace(",", " ").split()))
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"there is no '{unknown[0]}' (there are {', '.join(known)})")
        if not found:
            raise argparse.ArgumentTypeError("nothing is named")
        return found
    return parse


def rounds(text):
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to 1000")
    return int(text)


def parser(about):
    top = Parser(prog="scripts/bench", allow_abbrev=False,
                 formatter_class=argparse.RawDescriptionHelpFormatter,
                 description=about.strip())
    top.add_argument("--quick", action="store_true",
                     help="the smallest sizes, one round: under 3 minutes")
    top.add_argument("--rounds", type=rounds, metavar="N",
                     help=f"how often wall time is measured (default: {ROUNDS}, quick: 1)")
    top.add_argument("--seat", choices=targets.SEATS, default=os.environ.get("SEAT") or "hs",
                     help="of Gnomon: see scripts/gnomon run --help (default: $SEAT, or hs)")
    top.add_argument("--cpu", metavar="QEMU-CPU", help="in all modes, natively too (default: "
                     f"{CPU['hs']}, of seat m {CPU['m']}, as boards without H are)")
    top.add_argument("--modes", type=names(MODES), default=list(MODES), metavar="MODE,...",
                     help=f"default: {','.join(MODES)}")
    top.add_argument("--parts", type=names(PARTS), default=list(PARTS), metavar="PART,...",
                     help=f"default: {','.join(PARTS)}")
    top.add_argument("--workloads", type=names(linux.NAMES), metavar="NAME,...",
                     help="of the Linux workloads only these")
    top.add_argument("--output", type=pathlib.Path, metavar="DIR",
                     help="default: build/bench, of seat m build/bench-m; with --quick and "
                     "-quick behind it")
    top.add_argument("--markdown", action="store_true",
                     help="measure nothing: print the tables of DIR/results.csv")
    top.add_argument("--initramfs", type=pathlib.Path, metavar="FILE",
                     help="measure nothing: write the initramfs of the Linux workloads, for "
                     "scripts/gnomon run --initrd FILE --exec '/bench/workloads ...'")
    return top


def parse(about, words):
    """The arguments, all of them checked."""
    arguments = parser(about).parse_args(words)
    if arguments.seat not in targets.SEATS:
        raise BadUsage(f"SEAT={arguments.seat}: neither hs nor m")
    arguments.cpu = arguments.cpu or CPU[arguments.seat]
    arguments.output = arguments.output or paths.BUILD / "-".join(
        ["bench", *["m"] * (arguments.seat == "m"), *["quick"] * arguments.quick])
    arguments.rounds = arguments.rounds or (1 if arguments.quick else ROUNDS)
    if arguments.workloads and "linux" not in arguments.parts:
        raise BadUsage("--workloads: 'linux' is not among the --parts")
    for name in arguments.workloads or ():
        if arguments.quick and name not in linux.NAMES_QUICK:
            raise BadUsage(f"--workloads: '{name}' is not in the quick set "
                           f"({', '.join(linux.NAMES_QUICK)})")
    return arguments


def need_directory(directory):
    """Results can be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise BadUsage(f"--output {directory}: {error.strerror}") from None


def pieces(arguments):
    """(file, what makes it) of all that the chosen parts need."""
    parts = set(arguments.parts)
    target = targets.of_seat(None, arguments.seat)
    yield target.image, "make"
    yield target.elf, "make"
    yield paths.BUILD / "guests" / "hello.bin", "make"
    if parts & {"micro", "tlb", "instructions"}:
        yield micro.KERNEL, "make"
    for part, files in (("tlb", ("tlb.so",)), ("instructions", ("instructions.so", "layout"))):
        if part in parts:
            yield from ((plugin.PLUGINS / name, "make plugins") for name in files)
    if parts & {"linux", "tlb"}:
        yield paths.KERNEL, "make run"
        yield paths.INITRD, "make run"
        yield linux.WORKLOADS, "make workloads"
    if "linux" in parts:
        yield from ((path, "scripts/setup bench")
                    for path in linux.archives(linux.chosen(arguments)[0]))


def need_pieces(arguments):
    for path, how in pieces(arguments):
        paths.made(path, how)
    qemu = paths.qemu()
    if not shutil.which(qemu):
        named = " ($QEMU)" if os.environ.get("QEMU") else ": run `make run` first"
        raise BadUsage(f"QEMU {qemu}: there is no such program{named}")
    if not shutil.which("dtc"):
        raise BadUsage("dtc is missing: run `make run` first")
    if importlib.util.find_spec("matplotlib") is None:
        raise BadUsage("matplotlib is missing: run `scripts/setup bench` first")
