# SPDX-License-Identifier: BSD-2-Clause
"""
What is to run: kernel, initramfs, command line, memory and paging mode of a VM,
and the bundle made of them (see core/bundle.h for what is in one).
"""
import dataclasses
import lzma
import os
import pathlib
import re
import secrets
import subprocess
import time

from gnomonlib import cpio, paths
from gnomonlib.paths import BadUsage

MIB = 1 << 20
DEFAULT_MEMORY = 512 * MIB
LINUX_ARGUMENTS = "console=ttyS0 panic=-1"
QUIET_ARGUMENTS = "quiet loglevel=1"  # 0 would silence a panic too
DEVICES = ("rng", "console")
SECTOR = 512
MOST_DISKS = 4
MOST_NETS = 2
MOST_PINS = 8
NO_PIN = (1 << 32) - 1
DISK_UNIT = 2 * MIB  # what a copy's memory is a multiple of


@dataclasses.dataclass
class Disk:
    path: pathlib.Path
    read_only: bool
    on_host: bool = False  # a part of a disk of the machine's, not of the bundle
    offset: int = 0  # bytes
    size: int | None = None  # None: all behind that


@dataclasses.dataclass
class Guest:
    name: str
    kernel: pathlib.Path
    initrd: pathlib.Path | None
    bootargs: str
    memory: int
    shadow_memory: int | None  # bytes, where it is not left to Gnomon
    paging: str
    disks: list[Disk]
    devices: list[str]
    vcpus: int
    networks: list[str]
    weight: int | None
    pins: list[int]
    on_reboot: str | None


def size_of(option, text):
    """Bytes in "512M", "1G" or "65536". How much makes sense is Gnomon's to say."""
    match = re.fullmatch(r"(\d+)([KMGT]?)", text.strip().upper())
    if not match:
        raise BadUsage(f"{option} {text}: not a size such as 512M, 1G or 65536")
    size = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2]]
    if size >= 1 << 64:
        raise BadUsage(f"{option} {text}: more than 64 bits can count")
    return size


def pins_from(text):
    """The hart of each vCPU that --pin 0,1,- names, NO_PIN for any."""
    if not re.fullmatch(r"(\d{1,9}|-)(,(\d{1,9}|-))*", text):
        raise BadUsage(f"--pin {text}: not a list of harts such as 0,1 or 2,-")
    pins = [NO_PIN if hart == "-" else int(hart) for hart in text.split(",")]
    if len(pins) > MOST_PINS:
        raise BadUsage(f"--pin {text}: a VM has at most {MOST_PINS} vCPUs")
    return pins


def vm_name(kernel):
    """A device tree node's name out of a file's."""
    return re.sub(r"[^A-Za-z0-9,._+-]", "-", kernel.stem)[:31] or "guest"


def disk_from(text):
    """The disk that --disk FILE or --disk FILE,ro describes."""
    name = text.removesuffix(",ro")
    path = paths.existing(name, "disk")
    size = path.stat().st_size
    if not path.is_file():
        raise BadUsage(f"--disk {name}: not a file")
    if size == 0 or size % SECTOR:
        raise BadUsage(f"--disk {name}: {size} bytes are no whole number of sectors of {SECTOR}")
    if size >= 1 << 31:
        raise BadUsage(f"--disk {name}: {size} bytes are more than a bundle can hold (2 GiB)")
    return Disk(path, name != text)


def host_disk_from(text):
    """The disk that --disk host:FILE[@OFFSET+SIZE][,ro] describes: QEMU has FILE for a
    disk, and the guest a part of it. What the part may be is Gnomon's to say."""
    name = text.removesuffix(",ro")
    part = re.fullmatch(r"(.*)@(\w+)\+(\w+)", name)
    disk = Disk(paths.existing(part[1] if part else name, "disk"), name != text, True)
    if not (disk.path.is_file() or disk.path.is_block_device()):
        raise BadUsage(f"--disk host:{disk.path}: not a file")
    if part:
        disk.offset = size_of(f"--disk host:{disk.path}:", part[2])
        disk.size = size_of(f"--disk host:{disk.path}:", part[3])
        if disk.size == 0:
            raise BadUsage(f"--disk host:{name}: a part of no bytes")
    return disk


def any_disk_from(text):
    host = text.removeprefix("host:")
    return disk_from(text) if host == text else host_disk_from(host)


def host_disks(disks):
    """The machine's disks that guests' disks are on: file and whether nobody writes it,
    by the serial number under which Gnomon finds it."""
    files = {}
    for disk in disks:
        if disk.on_host:
            path = disk.path.resolve()
            files[path] = files.get(path, True) and disk.read_only
    return {f"host{index}": file for index, file in enumerate(files.items())}


def from_options(options, directory):
    """The guest that the command line describes, and its --exec token or None.

    `directory` is for files that have to be made for it.
    """
    default = options.kernel is None
    if default:
        name, kernel = "linux", paths.made(paths.KERNEL, "make run")
    else:
        kernel = paths.existing(options.kernel, "kernel")
        name = vm_name(kernel)

    initrd = None
    if options.initrd is not None:
        initrd = paths.existing(options.initrd, "initrd")
    elif default or options.exec is not None:
        initrd = paths.made(paths.INITRD, "make run")

    words = []
    if default or options.exec is not None:
        words.append(LINUX_ARGUMENTS)
    token = None
    if options.exec is not None:
        words.append(QUIET_ARGUMENTS)
        token = secrets.token_hex(16)
        initrd = with_command(initrd, options.exec, token, directory / "initrd")
    if options.append:
        words.append(options.append)
    memory, shadow_memory = DEFAULT_MEMORY, None
    if options.memory is not None:
        memory = size_of("--memory", options.memory)
    if options.shadow_memory is not None:
        shadow_memory = size_of("--shadow-memory", options.shadow_memory)
    disks = [any_disk_from(text) for text in getattr(options, "disk", [])]
    if len(disks) > MOST_DISKS:
        raise BadUsage(f"--disk: a VM can have {MOST_DISKS} of them")
    networks = getattr(options, "net", [])
    if len(networks) > MOST_NETS:
        raise BadUsage(f"--net: a VM can have {MOST_NETS} of them")
    return Guest(name, kernel, initrd, " ".join(words), memory, shadow_memory,
                 options.paging, disks, getattr(options, "device", []),
                 getattr(options, "vcpus", None) or 1, networks, getattr(options, "weight", None),
                 pins_from(options.pin) if getattr(options, "pin", None) is not None else [],
                 getattr(options, "on_reboot", None)), token


def with_command(initrd, command, token, path):
    """`initrd` with the files by which guests/linux/init runs `command`."""
    archive = cpio.Archive()
    archive.directory("exec")
    archive.file("exec/command", os.fsencode(command) + b"\n")
    archive.file("exec/token", token.encode() + b"\n")
    path.write_bytes(cpio.append(initrd.read_bytes(), archive.finish()))
    return path


def modules(names):
    """An archive of these modules of the default kernel, as /modules/NAME.ko; to be added
    to, and finished."""
    archive = cpio.Archive()
    archive.directory("modules")
    for name in names:
        file, = paths.MODULES.glob(f"*/kernel/**/{name}.ko.xz")
        archive.file(f"modules/{name}.ko", lzma.decompress(file.read_bytes()))
    return archive


def quote(text):
    """`text` as a string of the device tree language."""
    text = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\0-\x1f]", lambda c: f"\\{ord(c[0]):03o}", text) + '"'


def cells(value):
    return f"<{value >> 32:#x} {value & 0xFFFFFFFF:#x}>"


def image(node, path, kind):
    return f"""\
		{node} {{
			description = {quote(path.name)};
			data = /incbin/({quote(path.resolve())});
			type = "{kind}";
			arch = "riscv";
			os = "linux";
			compression = "none";
		}};
"""


def host_image(node, disk, serial):
    """An image that stands for a part of a disk of the machine's."""
    size = "" if disk.size is None else f"\n\t\t\tgnomon,size = {cells(disk.size)};"
    read_only = "\n\t\t\tgnomon,read-only;" if disk.read_only else ""
    return f"""\
		{node} {{
			description = {quote(disk.path.name)};
			type = "filesystem";
			gnomon,host-disk = "{serial}";
			gnomon,offset = {cells(disk.offset)};{size}{read_only}
		}};
"""


def disk_images(disks):
    """An image for each disk, disk0 and so on."""
    serials = {path: serial for serial, (path, _) in host_disks(disks.values()).items()}
    return "".join(host_image(name, disk, serials[disk.path.resolve()]) if disk.on_host
                   else image(name, disk.path, "filesystem")
                   for name, disk in disks.items())


def property_list(name, texts):
    """A property of a VM that lists strings; nothing where there are none."""
    return f"\n\t\t\t{name} = {', '.join(map(quote, texts))};" if texts else ""


def bundle_source(guest):
    """The bundle in the device tree language, for dtc or mkimage -f."""
    stamp = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    images = image("kernel", guest.kernel, "kernel")
    ramdisk = shadow_memory = ""
    if guest.initrd:
        images += image("ramdisk", guest.initrd, "ramdisk")
        ramdisk = '\n\t\t\tramdisk = "ramdisk";'
    if guest.shadow_memory is not None:
        shadow_memory = f"\n\t\t\tgnomon,shadow-memory = {cells(guest.shadow_memory)};"
    share = ""
    if guest.weight is not None:
        share += f"\n\t\t\tgnomon,weight = <{guest.weight}>;"
    if guest.pins:
        share += f"\n\t\t\tgnomon,pin = <{' '.join(map(hex, guest.pins))}>;"
    if guest.on_reboot is not None:
        share += f'\n\t\t\tgnomon,on-reboot = "{guest.on_reboot}";'
    names = {f"disk{index}": disk for index, disk in enumerate(guest.disks)}
    images += disk_images(names)
    devices = (property_list("gnomon,disks", list(names)) +
               property_list("gnomon,disk-copy",
                             [key for key, disk in names.items()
                              if not disk.read_only and not disk.on_host]) +
               property_list("gnomon,devices", guest.devices) +
               property_list("gnomon,net", guest.networks))
    return f"""\
/dts-v1/;

/ {{
	description = "Gnomon bundle";
	timestamp = <{stamp & 0xFFFFFFFF:#x}>;
	#address-cells = <1>;

	images {{
{images}	}};

	configurations {{
		default = {quote(guest.name)};

		{guest.name} {{
			description = {quote(guest.name)};
			kernel = "kernel";{ramdisk}
			gnomon,memory = {cells(guest.memory)};{shadow_memory}
			gnomon,vcpus = <{guest.vcpus}>;{share}
			gnomon,paging = {quote(guest.paging)};{devices}
			gnomon,bootargs = {quote(guest.bootargs)};
		}};
	}};
}};
"""


def make_bundle(guest, path):
    """Write the bundle of `guest` to `path`."""
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(path), "-"]
    try:
        result = subprocess.run(command, input=os.fsencode(bundle_source(guest)),
                                stderr=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise BadUsage("dtc is missing: run `make run` first") from None
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        raise BadUsage(f"bundle {path}: {said[-1] if said else 'dtc failed'}")
    return path


def bundle_memory(path):
    """Bytes that the VMs of a bundle ask for together, copies of disks included: these
    are no more than the bundle, and so much again for each VM that has any.

    A bundle that cannot be read counts as the default: Gnomon says what is
    wrong with it better than we could.
    """
    def get(*arguments):
        return subprocess.run(["fdtget", *arguments], capture_output=True, text=True,
                              check=True).stdout.split()

    def size(name, which, default):
        cells = get("-t", "x", "-d", f"{default:x}", str(path), f"/configurations/{name}",
                    which)
        return int("".join(cell.rjust(8, "0") for cell in cells), 16)

    total = 0
    try:
        for name in get("-l", str(path), "/configurations"):
            total += size(name, "gnomon,memory", DEFAULT_MEMORY)
            total += size(name, "gnomon,shadow-memory", 0)
            disks = get("-d", "", str(path), f"/configurations/{name}", "gnomon,disk-copy")
            if disks:
                total += path.stat().st_size + len(disks) * DISK_UNIT
    except (OSError, ValueError, subprocess.CalledProcessError):
        return DEFAULT_MEMORY
    return total
