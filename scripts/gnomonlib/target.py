# SPDX-License-Identifier: BSD-2-Clause
"""
What a guest runs on: an emulator, its CPU, and the Gnomon of one seat. Natively it
runs on the same CPU, under OpenSBI.
"""
import dataclasses
import pathlib

from gnomonlib import paths

SEATS = ("hs", "m")
# Seat m is for harts that have no H extension, and few of those have Sstc.
CPU = {"hs": "rv64", "m": "rv64,h=false,sstc=false"}


@dataclasses.dataclass(frozen=True)
class Target:
    qemu: str
    seat: str
    cpu: str
    image: pathlib.Path  # Gnomon's
    elf: pathlib.Path  # of the same build


def of_seat(qemu, seat="hs", cpu=None):
    image = paths.hypervisor(seat)
    return Target(qemu, seat, cpu or CPU[seat], image, image.with_suffix(".elf"))
