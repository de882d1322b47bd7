# SPDX-License-Identifier: BSD-2-Clause
"""
The guest's console on its way to standard output: marked lines are taken out
of it, and nothing else is changed or delayed.

A marker may stand anywhere in a line, behind unfinished output too, and what is
taken out runs from it to the end of that line. Input comes in pieces cut at any
byte, so a tail that might be the beginning of a marker is held back; idle()
lets go of it when no more comes, so that a prompt never waits.
"""


class Cut:
    """Takes the lines with one marker out of a stream of bytes."""

    def __init__(self, marker):
        self._marker = marker
        self._held = b""
        self._shown = 0  # how much of _held was already given out by idle()

    def _take(self, length):
        part = self._held[self._shown:length]
        self._held = self._held[length:]
        self._shown = max(0, self._shown - length)
        return part

    def _undecided(self):
        """How many bytes at the end of _held may begin a marker."""
        longest = min(len(self._marker) - 1, len(self._held))
        for length in range(longest, 0, -1):
            if self._marker.startswith(self._held[-length:]):
                return length
        return 0

    def feed(self, data):
        """List of (False, text) and (True, marked line without its end)."""
        self._held += data
        parts = []
        while (at := self._held.find(self._marker)) >= 0:
            parts.append((False, self._take(at)))
            end = self._held.find(b"\n")
            if end < 0:
                return parts
            parts.append((True, self._line(end)))
            self._take(end + 1)
        parts.append((False, self._take(len(self._held) - self._undecided())))
        return parts

    def _line(self, end):
        return self._held[len(self._marker):end].strip()

    def idle(self):
        """Text that was held back, now that the stream has paused."""
        if self._held.startswith(self._marker):
            return b""
        text = self._held[self._shown:]
        self._shown = len(self._held)
        return text

    @property
    def waiting(self):
        return self._shown < len(self._held) and not self._held.startswith(self._marker)

    def close(self):
        """What is left at the end of the stream, as feed() gives it."""
        if self._held.startswith(self._marker):
            return [(True, self._line(len(self._held)))]
        return [(False, self._take(len(self._held)))]


class Plain:
    """The console of a guest that is left to itself."""

    prompt = True  # someone may be waiting to see it

    def text(self, data):
        return data

    def end(self):
        return b""


class Command:
    """The console of a guest that runs one command for --exec.

    What the firmware and the kernel say before the command is kept, and comes
    out only if the command never began; what they say after it is dropped.
    Gnomon's own lines always come out.
    """

    prompt = False
    KEPT = 1 << 18  # bytes of what came before the command

    def __init__(self, token):
        self._cut = Cut(token.encode() + b" ")
        self._line = b""
        self._before = b""
        self.begun = False
        self.status = None

    def _own_lines(self, data):
        *lines, self._line = (self._line + data).split(b"\n")
        return b"".join(line + b"\n" for line in lines if line.startswith(b"gnomon:"))

    def _marked(self, line):
        if line == b"begin":
            self.begun = True
        elif self.begun and line.startswith(b"end ") and line[4:].isdigit():
            self.status = int(line[4:])

    def _unmarked(self, text):
        if self.begun and self.status is None:
            return text
        if not self.begun:
            self._before = (self._before + text)[-self.KEPT:]
        return self._own_lines(text)

    def _parts(self, parts):
        text = b""
        for marked, data in parts:
            if marked:
                self._marked(data)
            else:
                text += self._unmarked(data)
        return text

    def text(self, data):
        return self._parts(self._cut.feed(data))

    def end(self):
        rest = self._parts(self._cut.close())
        if not self.begun:
            # Not splitlines(): firmware may end Gnomon's lines in CR CR LF.
            return b"\n".join(line for line in self._before.split(b"\n")
                              if not line.startswith(b"gnomon:"))
        return rest + (self._line if self._line.startswith(b"gnomon:") else b"")


class Output:
    """Everything between the emulator and standard output.

    `report` is the marker of Gnomon's report lines, one for each VM that ended, or
    None where there is no Gnomon; `guest` is a Plain or a Command. What the firmware says before
    Gnomon's first line is shown only if that line never comes. `parked`: Gnomon
    is done with a machine that it cannot power off.
    """

    PARKED = b"parked"

    FIRST_LINE = b"gnomon: Gnomon starts"
    FIRMWARE_LIMIT = 1 << 16  # bytes; more than that is no firmware's banner

    def __init__(self, report, guest):
        self._cut = Cut(report) if report else None
        self._firmware = b"" if report else None
        self._guest = guest
        self.reports = []
        self.parked = False

    @property
    def report(self):
        """The last one."""
        return self.reports[-1] if self.reports else None

    def _parts(self, parts):
        text = b""
        for marked, data in parts:
            if marked and data == self.PARKED:
                self.parked = True
            elif marked:
                self.reports.append(data)
            else:
                text += self._guest.text(data)
        return text

    def _after_firmware(self, data):
        if self._firmware is None:
            return data
        self._firmware += data
        at = self._firmware.find(self.FIRST_LINE)
        if at < 0 and len(self._firmware) < self.FIRMWARE_LIMIT:
            return b""
        data, self._firmware = self._firmware[max(at, 0):], None
        return data

    def text(self, data):
        data = self._after_firmware(data)
        return self._parts(self._cut.feed(data) if self._cut else [(False, data)])

    @property
    def waiting(self):
        return self._guest.prompt and self._cut is not None and self._cut.waiting

    def idle(self):
        return self._guest.text(self._cut.idle())

    def end(self):
        kept, self._firmware = self._firmware or b"", None
        rest = self.text(kept)
        rest += self._parts(self._cut.close()) if self._cut else b""
        return rest + self._guest.end()
