# SPDX-License-Identifier: BSD-2-Clause
"""What every output has to name: command, versions, date and size."""
import dataclasses
import datetime
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

from benchlib import boot, linux, micro, report
from gnomonlib import paths

# What a compiler writes of itself into its debugging information, as strings.
PRODUCER = re.compile(rb"\0(?:GNU C\d* |[ A-Za-z]*\bclang version )[^\0]*(?=\0)")


def first_line(*command):
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.TOP)
        return ended.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def keep(target, directory):
    """The target with copies of the hypervisor's image that no build replaces."""
    return dataclasses.replace(target, **{
        name: pathlib.Path(shutil.copy(getattr(target, name), directory))
        for name in ("image", "elf")})


def kernel():
    """The release in the name of Debian's kernel."""
    return os.path.realpath(paths.KERNEL).rpartition("vmlinux-")[2] or "unknown"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(": ")[2].strip() for line in file
                     if line.startswith("model name")]
    except OSError:
        names = []
    return f"{os.cpu_count()} x {names[0] if names else 'unknown'}"


def load():
    """How many processes wanted to run in the last minutes: wall time needs to know."""
    return " ".join(f"{number:.1f}" for number in os.getloadavg())


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def is_image_of(elf, image):
    """Whether `image` was made of `elf`."""
    objcopy = os.environ.get("CROSS", "riscv64-linux-gnu-") + "objcopy"
    with tempfile.TemporaryDirectory(prefix="gnomon-") as directory:
        copy = pathlib.Path(directory) / "image"
        try:
            subprocess.run([objcopy, "-O", "binary", elf, copy], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return False
        return copy.read_bytes() == image.read_bytes()


def compiler(elf, image):
    """The compiler that made the image, with its options that change code most, by
    what it has written into the ELF file of the same build."""
    if not is_image_of(elf, image):
        return f"unknown ({elf.name} is of another build than {image.name})"
    found = {re.sub(r" -[^O]\S*", "", text[1:].decode(errors="replace"))
             for text in PRODUCER.findall(elf.read_bytes())}
    return "; ".join(sorted(found)) or "unknown"


def firmware(probes):
    """What boots said of it: its name natively, its interface under Gnomon."""
    def word(pattern):
        return next(filter(None, (one.word(pattern) for one in probes.values())), None)
    name = word(r"^(OpenSBI \S+)")
    return ", ".join(filter(None, (name, word(r"^gnomon: firmware: (.*)$")))) or "unknown"


def chosen_by_environment(probes):
    """Pairs of what changes the measurements from outside, where it is set."""
    append = os.environ.get("GNOMON_APPEND", "").strip()
    if append:
        yield "GNOMON_APPEND", append
    said = next(filter(None, (one.word(r"^gnomon: faults: ([^,\n]+)")
                              for one in probes.values())), None)
    named = re.search(r"(?:^|\s)faults=(\S+)", append)
    if said or named:
        yield "faults", said or named[1]
    if os.environ.get("QEMU"):
        yield "QEMU", os.environ["QEMU"]


def memory(options):
    """Of the guests, by what runs them."""
    size = micro.MEMORY["quick" if options.quick else "full"]
    return f"{size} (bare metal), {boot.MEMORY} (Linux)"


def guests():
    return ", ".join(f"{path.name} sha256 {sha256(path)}"
                     for path in (micro.KERNEL, linux.WORKLOADS) if path.is_file())


def collect(options, argv, probes):
    """Pairs of name and text, in the order in which they are shown. probes: what the
    boots of each mode said, as probe.Probe."""
    found = [
        ("command", shlex.join([os.path.relpath(argv[0], paths.TOP), *argv[1:]])),
        *chosen_by_environment(probes),
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("size", "quick (the smallest)" if options.quick else "full"),
        ("rounds", str(options.rounds)),
        ("modes", " ".join(options.modes)),
        ("parts", " ".join(options.parts)),
        ("seat", options.target.seat),
        ("gnomon", f"{first_line('git', 'describe', '--always', '--dirty')}, "
                   f"image sha256 {sha256(options.target.image)}"),
        ("compiler", compiler(options.target.elf, options.target.image)),
        ("emulator", first_line(options.target.qemu, "--version")),
        ("cpu", options.target.cpu),
        ("firmware", firmware(probes)),
        ("guest memory", memory(options)),
        ("guests", guests()),
        ("guest kernel", kernel()),
        ("machine", processor()),
        ("load at the start", load()),
    ]
    if options.beside:
        found.append((report.NO_WALL_TIME, "not shown: Linux ran beside other parts"))
    return [(name, " ".join(text.split())) for name, text in found]
