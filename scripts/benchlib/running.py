# SPDX-License-Identifier: BSD-2-Clause
"""
Interruption, and the one other process that a run may have beside it. A signal
becomes an exception, so that whatever was begun is ended on the way out: emulators,
temporary files and that process, which does the same.
"""
import ctypes
import multiprocessing
import os
import pathlib
import pickle
import signal
import sys
import tempfile

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1


class Interrupted(BaseException):
    """By a signal; no handler of errors takes it for one."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number
        self.name = signal.Signals(number).name


def _interrupt(number, _):
    for other in SIGNALS:  # cleaning up is not interrupted
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def handle_signals():
    """Whoever had one ignored (nohup) keeps it so."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


class Beside:
    """A process that measures rows while the block of the caller runs, in a process
    group of its own: Ctrl-C is ours to pass on. Rows come through a file, so that none
    is lost if it is interrupted."""

    def __init__(self, measure):
        descriptor, name = tempfile.mkstemp(prefix="rows-")
        os.close(descriptor)
        self._path = pathlib.Path(name)
        self._process = multiprocessing.get_context("fork").Process(
            target=self._run, args=(measure, os.getpid()))

    def __enter__(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._process.start()
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        except Interrupted:
            self.__exit__(Interrupted)
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:
            self._process.terminate()
        self._process.join()

    def _run(self, measure, parent):
        try:
            os.setpgid(0, 0)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            if os.getppid() != parent:
                return
            with open(self._path, "wb") as file:
                for one in measure():
                    pickle.dump(one, file)
                    file.flush()
        except Interrupted as ended:
            sys.exit(ended.status)

    def wait(self):
        """True if it came to its end."""
        self._process.join()
        return self._process.exitcode == 0

    def rows(self):
        found = []
        try:
            with open(self._path, "rb") as file:
                while True:
                    found.append(pickle.load(file))
        except (OSError, EOFError, pickle.UnpicklingError):
            return found
