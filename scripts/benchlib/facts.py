# SPDX-License-Identifier: BSD-2-Clause
"""What every output has to name: command, versions, date and size."""
import datetime
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess

from gnomonlib import paths


def first_line(*command):
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.TOP)
        return ended.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def keep(image, directory):
    """A copy of the hypervisor's image that no build replaces."""
    return pathlib.Path(shutil.copy(image, directory))


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


def collect(options, argv):
    """Pairs of name and text, in the order in which they are shown."""
    image = hashlib.sha256(paths.HYPERVISOR.read_bytes()).hexdigest()[:16]
    return [
        ("command", shlex.join([os.path.relpath(argv[0], paths.TOP), *argv[1:]])),
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("size", "quick (the smallest)" if options.quick else "full"),
        ("rounds", str(options.rounds)),
        ("modes", " ".join(options.modes)),
        ("seat", options.seat),
        ("gnomon", f"{first_line('git', 'describe', '--always', '--dirty')}, "
                   f"image sha256 {image}"),
        ("compiler", first_line("riscv64-linux-gnu-gcc", "--version")),
        ("emulator", first_line(options.qemu, "--version")),
        ("guest kernel", kernel()),
        ("machine", processor()),
        ("load at the start", load()),
    ]
