# SPDX-License-Identifier: BSD-2-Clause
"""
QEMU's gdb stub, spoken to directly ("Remote Serial Protocol", GDB manual): registers,
CSRs and breakpoints, of whichever hart has come to one. With it a test is the hart where QEMU's
is kinder than others: what it does not trap is made to, or told differently.
"""
import re
import socket
import subprocess
import time

IMAGE = 0x80000000  # of a Gnomon that is its own firmware
SUPERVISOR, MACHINE = 1, 3
MPP_SHIFT, MPIE, MIE = 11, 1 << 7, 1 << 3


def options(path):
    """Arguments for QEMU, which waits for the debugger at this socket."""
    return ["-S", "-chardev", f"socket,path={path},server=on,wait=off,id=stub",
            "-gdb", "chardev:stub"]


def symbols(elf, base=0):
    """{name: address}"""
    out = subprocess.run(["riscv64-linux-gnu-nm", elf], check=True, capture_output=True,
                         text=True).stdout
    return {name: base + int(value, 16)
            for value, name in re.findall(r"^([0-9a-f]+) \w (\S+)$", out, re.M)}


class Ended(Exception):
    """The machine is off."""


class Debugger:
    """To be used in a `with`: at its end the machine runs on, or is off."""

    def __init__(self, path, patience=60):
        self._socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + patience
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self._socket.settimeout(patience)
        self._received = b""
        self._ask("qSupported:xmlRegisters=riscv")
        self._numbers = self._read_numbers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    # --- packets ---

    def _write(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Ended from error

    def _receive(self):
        while not (found := re.search(rb"\$([^#]*)#..", self._received, re.S)):
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                raise Ended
            self._received += more
        self._received = self._received[found.end():]
        self._write(b"+")
        if found[1][:1] == b"W":
            raise Ended
        return found[1].decode()

    def _ask(self, text):
        data = text.encode()
        self._write(b"$" + data + b"#%02x" % (sum(data) & 255))
        return self._receive()

    def _do(self, text):
        answer = self._ask(text)
        assert answer == "OK", f"{text}: {answer}"

    def _description(self, name):
        text = ""
        while True:
            part = self._ask(f"qXfer:features:read:{name}:{len(text):x},f00")
            text += part[1:]
            if part[:1] == "l":
                return text

    def _read_numbers(self):
        """Registers are numbered as they come, but for those that say their own."""
        numbers, number = {}, 0
        target = self._description("target.xml")
        for annex in re.findall(r'href="([^"]+)"', target):
            for reg in re.findall(r"<reg [^>]*>", self._description(annex)):
                said = re.search(r'regnum="(\d+)"', reg)
                number = int(said[1]) if said else number
                numbers[re.search(r'name="([^"]+)"', reg)[1]] = number
                number += 1
        return numbers

    # --- the hart ---

    def read(self, name):
        return int.from_bytes(bytes.fromhex(self._ask(f"p{self._numbers[name]:x}")), "little")

    def write(self, name, value):
        self._do(f"P{self._numbers[name]:x}={value.to_bytes(8, 'little').hex()}")

    def memory(self, address, size):
        """As the hart would load it now."""
        return bytes.fromhex(self._ask(f"m{address:x},{size:x}"))

    def set_memory(self, address, data):
        self._do(f"M{address:x},{len(data):x}:{data.hex()}")

    def set_break(self, address):
        self._do(f"Z0,{address:x},4")

    def remove_break(self, address):
        self._do(f"z0,{address:x},4")

    def go(self):
        """Until a breakpoint, which is returned."""
        self._ask("vCont;c")
        return self.read("pc")

    def step_over(self, address):
        """One instruction, where there is a breakpoint."""
        self.remove_break(address)
        self._ask("s")
        self.set_break(address)

    def trap(self, cause, value):
        """What the hart does for an exception in S- or U-mode that M-mode handles."""
        status, privilege = self.read("mstatus"), self.read("priv")
        assert privilege in (0, SUPERVISOR)
        status &= ~(3 << MPP_SHIFT | MPIE)
        status |= privilege << MPP_SHIFT | (MPIE if status & MIE else 0)
        self.write("mepc", self.read("pc"))
        self.write("mcause", cause)
        self.write("mtval", value)
        self.write("mstatus", status & ~MIE)
        self.write("priv", MACHINE)
        self.write("pc", self.read("mtvec") & ~3)
