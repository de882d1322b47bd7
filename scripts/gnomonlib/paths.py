# SPDX-License-Identifier: BSD-2-Clause
"""Where things are, and the one error that all of them raise for bad usage."""
import os
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GNOMON_BUILD") or TOP / "build")

HYPERVISOR = BUILD / "gnomon.bin"  # of seat hs
KERNEL = BUILD / "guest" / "Image"
INITRD = BUILD / "guest" / "initrd.cpio.gz"
MODULES = BUILD / "debian" / "trixie-riscv64" / "usr" / "lib" / "modules"


class BadUsage(Exception):
    """What the user asked for cannot be done; the text says what and where."""


def hypervisor(seat, debug=False):
    """The image of a seat, or of its debug build."""
    if seat == "hs" and not debug:
        return HYPERVISOR
    return BUILD / f"gnomon{'-m' if seat == 'm' else ''}{'-debug' if debug else ''}.bin"


def existing(path, what):
    """`path`, if it is a file that can be read."""
    path = pathlib.Path(path)
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        raise BadUsage(f"{what} {path}: {error.strerror}") from None


def made(path, how):
    """`path`, if it was built; otherwise the message says how to."""
    if not path.is_file():
        raise BadUsage(f"{path} is missing: run `{how}` first")
    return path


def qemu():
    """The emulator: $QEMU, or the one that scripts/setup found to behave."""
    chosen = os.environ.get("QEMU")
    if chosen:
        return chosen
    return made(BUILD / "qemu-path", "make run").read_text().strip()
