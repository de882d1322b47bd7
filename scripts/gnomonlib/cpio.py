# SPDX-License-Identifier: BSD-2-Clause
"""
Writes initramfs archives ("newc" cpio) with neither root nor a file system.

The kernel unpacks several archives laid one after another, each of which must
begin at a multiple of four bytes; that is how --exec adds its files to a ready
initramfs. Everything belongs to root and carries no date, so that the same
input gives the same bytes.
"""
import stat


class Archive:
    def __init__(self):
        self._bytes = bytearray()
        self._inode = 0

    def _add(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = name.encode() + b"\0"
        fields = (
            self._inode, mode, 0, 0, 1, 0, len(data),  # ... uid, gid, links, time, size
            0, 0, *device, len(name), 0,  # device it lies on, its own, name, checksum
        )
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields)
        self._bytes += name
        self._pad()
        self._bytes += data
        self._pad()

    def _pad(self):
        self._bytes += bytes(-len(self._bytes) % 4)

    def directory(self, name, mode=0o755):
        self._add(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self._add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._add(name, stat.S_IFCHR | mode, device=(major, minor))

    def finish(self):
        """The whole archive; nothing can be added afterwards."""
        self._add("TRAILER!!!", 0)
        return bytes(self._bytes)


def append(first, second):
    """The bytes of two archives, the first compressed or not, as one initramfs."""
    return first + bytes(-len(first) % 4) + second
