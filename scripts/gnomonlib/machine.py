# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the emulator: its command lines, its console and its end.

The emulator reads the user's terminal itself (so that Ctrl-A and raw mode are
QEMU's own) and writes to us. However it ends, the terminal is put back as it
was, and no emulator outlives this process.
"""
import argparse
import collections
import contextlib
import ctypes
import errno
import os
import re
import select
import signal
import subprocess
import termios
import time

from gnomonlib import guest as guests, paths
from gnomonlib.paths import BadUsage

MIB = 1 << 20
HYPERVISOR_MEMORY = 128 * MIB
# In seat m it closes at most a sixteenth of RAM, and needs some beside it.
SEAT_M_SHARE, SEAT_M_MORE = 16, 64 * MIB
MEMORY_STEP = 64 * MIB
# Beyond this Gnomon has to say that it is too much, not the emulator.
MOST_MEMORY = 16 << 30
PAUSE = 0.05  # seconds without output after which nothing is held back
LEFT = b"QEMU: Terminated\n\r"  # what Ctrl-A x prints

# seats: the default first; has_cpus: takes -cpu. sifive_u's first hart runs no guests.
Machine = collections.namedtuple("Machine", "seats has_cpus least_harts most_harts")
MACHINES = {
    "virt": Machine(("hs", "m"), True, 1, 512),
    "sifive_u": Machine(("m",), False, 2, 5),
}


def common(options, qemu):
    name = getattr(options, "machine", "virt")
    cpu = ["-cpu", options.cpu] if MACHINES[name].has_cpus else []
    return [qemu, "-M", name, *cpu, "-smp", str(options.smp), "-nographic", "-no-reboot"]


def host_memory(guest_memory, bundle_size, seat="hs"):
    """Bytes for the machine that Gnomon runs on."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = max(min(MOST_MEMORY, installed), 2 * HYPERVISOR_MEMORY)
    wanted = guest_memory + bundle_size
    closed = wanted // (SEAT_M_SHARE - 1) + SEAT_M_MORE if seat == "m" else 0
    wanted += max(HYPERVISOR_MEMORY, closed)
    return min(wanted + -wanted % MEMORY_STEP, most - most % MEMORY_STEP)


def under_gnomon(options, qemu, hypervisor, bundle, nonce):
    """The command that runs the VMs of a bundle."""
    seat = getattr(options, "seat", "hs")
    memory = host_memory(guests.bundle_memory(bundle), bundle.stat().st_size, seat)
    words = [f"report={nonce}", os.environ.get("GNOMON_APPEND", "")]
    if options.time_limit is not None:
        words.append(f"time-limit={options.time_limit}")
    uplink = getattr(options, "uplink", None)
    if uplink:
        words.append(f"uplink={uplink[0]}")
    arguments = " ".join(word for word in words if word)
    # On seat m Gnomon is the firmware itself.
    firmware = ["-bios", "none"] if seat == "m" else []
    return common(options, qemu) + firmware + [
        "-m", f"{memory // MIB}M", "-kernel", str(hypervisor), "-initrd", str(bundle),
        "-append", arguments, *virtio_arguments(options), *options.qemu_arg]


def named_disk(text):
    """A type for argparse: NAME=FILE[,ro] of --host-disk."""
    match = re.fullmatch(r"([!-~]{1,20}?)=(.+?)(,ro)?", text)
    if not match or "," in match[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is no NAME=FILE or NAME=FILE,ro")
    return match[1], (paths.existing(match[2], "disk"), match[3] is not None)


def uplink(text):
    """A type for argparse: NETWORK[,NETDEV] of --uplink."""
    network, _, netdev = text.partition(",")
    if not re.fullmatch(r"[!-~]{1,31}", network):
        raise argparse.ArgumentTypeError(f"'{text}' names no network")
    return network, netdev or "user"


def virtio_arguments(options):
    """The emulator's own virtio disks, by serial number (see guest.host_disks()), and its
    network card."""
    disks, uplink = getattr(options, "host_disk", {}), getattr(options, "uplink", None)
    words = ["-global", "virtio-mmio.force-legacy=off"] if disks or uplink else []
    if uplink:
        words += ["-netdev", f"{uplink[1]},id=uplink",
                  "-device", "virtio-net-device,netdev=uplink"]
    for index, (serial, (path, read_only)) in enumerate(disks.items()):
        file = str(path).replace(",", ",,")
        mode = "on" if read_only else "off"
        words += ["-drive", f"file={file},if=none,id=host-disk{index},format=raw,readonly={mode}",
                  "-device", f"virtio-blk-device,drive=host-disk{index},serial={serial}"]
    return words


def native(options, qemu, guest):
    """The command that runs a guest with no hypervisor."""
    if guest.memory < MIB or guest.memory % MIB:
        raise BadUsage(f"--memory {options.memory}: --native takes whole megabytes")
    command = common(options, qemu) + ["-m", f"{guest.memory // MIB}M",
                                       "-kernel", str(guest.kernel)]
    if guest.initrd:
        command += ["-initrd", str(guest.initrd)]
    if guest.bootargs:
        command += ["-append", guest.bootargs]
    return command + native_devices(guest) + options.qemu_arg


def native_devices(guest):
    """The same virtio devices, of the emulator; the same files are written."""
    words = ["-global", "virtio-mmio.force-legacy=off"]
    for index, disk in enumerate(guest.disks):
        mode = "readonly=on" if disk.read_only else "readonly=off" if disk.on_host else "snapshot=on"
        if disk.on_host:
            mode += f",offset={disk.offset}" + (f",size={disk.size}" if disk.size else "")
        path = str(disk.path).replace(",", ",,")
        words += ["-drive", f"file={path},if=none,id=disk{index},format=raw,{mode}",
                  "-device", f"virtio-blk-device,drive=disk{index}"]
    if "rng" in guest.devices:
        words += ["-device", "virtio-rng-device"]
    networks = sorted(set(guest.networks))
    for index, network in enumerate(guest.networks):
        words += ["-netdev", f"hubport,id=net{index},hubid={networks.index(network)}",
                  "-device", f"virtio-net-device,netdev=net{index}"]
    return words if len(words) > 2 else []


@contextlib.contextmanager
def terminal_restored():
    """Undo what an emulator that was killed left of our terminal.

    It also shares its non-blocking mode with us, if ours is the same terminal.
    """
    descriptors = [fd for fd in (0, 1, 2) if _is_open(fd)]
    blocking = {fd: os.get_blocking(fd) for fd in descriptors}
    settings = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        yield
    finally:
        if settings:
            previous = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, settings)
            signal.signal(signal.SIGTTOU, previous)
        for fd, value in blocking.items():
            os.set_blocking(fd, value)


def _is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


class OutputLost(Exception):
    pass


def open_standard_files():
    """/dev/null for those that the caller closed, so that nothing else takes
    their numbers."""
    for fd in (0, 1, 2):
        if not _is_open(fd):
            os.open(os.devnull, os.O_RDWR)


def write(data):
    """All of `data` to standard output, which may be non-blocking."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(1, view):]
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise OutputLost(error.strerror) from None
            select.select([], [1], [])


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def started(command, no_input):
    """The emulator, ended at the end of the block if it did not end before."""
    with open(os.devnull, "rb") as nothing:
        try:
            process = subprocess.Popen(command, stdin=nothing if no_input else None,
                                       stdout=subprocess.PIPE, preexec_fn=_end_with_parent)
        except OSError as error:
            raise BadUsage(f"QEMU {command[0]}: {error.strerror}") from None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class TimedOut(Exception):
    pass


class Ended:
    """How the emulator ended: its exit status, whether it said anything at all,
    and whether the user left it by Ctrl-A x."""

    def __init__(self, status, last):
        self.status = status
        self.silent = not last
        self.left = last.endswith(LEFT)


def run(command, output, no_input, timeout):
    """Run the emulator to its end, its console through `output`.

    Where the machine cannot be powered off, its end is Gnomon's last word.
    """
    with terminal_restored(), started(command, no_input) as process:
        try:
            last = _pump(process.stdout.fileno(), output, timeout)
        finally:
            write(output.end())
        if output.parked:
            return Ended(0, last)
        return Ended(process.wait(), last)


def _pump(console, output, timeout):
    """Copy until the emulator closes its output, or the machine is parked; the last
    bytes that it wrote."""
    deadline = None if timeout is None else time.monotonic() + timeout
    last = b""
    while True:
        wait = None if deadline is None else deadline - time.monotonic()
        if wait is not None and wait <= 0:
            raise TimedOut
        pause = output.waiting and (wait is None or PAUSE < wait)
        if not select.select([console], [], [], PAUSE if pause else wait)[0]:
            if pause:
                write(output.idle())
            continue
        data = os.read(console, 65536)
        if not data:
            return last
        last = (last + data)[-len(LEFT):]
        write(output.text(data))
        if output.parked:
            return last
