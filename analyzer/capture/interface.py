"""What goes over a network interface, as the capture that dumpcap (or tcpdump) makes of it while it goes on.

Capturing needs a privilege that those programs have or are given, and that this one does not want. They know every kind
of interface and the system's filter, and write what they see at once; from here on it is a capture like any other. The
program lives in a session of its own: Ctrl-C is ours, and lets it end in order, so that its last packets arrive.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from analyzer.capture.followed import POLL, FollowedPipe
from analyzer.capture.tshark.child import Child
from analyzer.defect import SourceError

PROGRAMS = ("dumpcap", "tcpdump")
"""Who captures, the first that is there."""
_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_ORDINARY = ("Capturing on ", "File: ", "tcpdump: listening on ")
_SAID = 300
"""Characters of what a program complains about that are told."""


class Interface(FollowedPipe):
    """The capture of one interface, packets as they come; `end` ends it after the packets that are under way. Raises
    SourceError where no program can capture."""

    def __init__(self, name: str, packet_filter: str, calm: Callable[[], None], *, poll: float = POLL) -> None:
        self._child = _started(name, packet_filter)
        assert self._child.popen.stdout is not None
        super().__init__(self._child.popen.stdout.fileno(), calm, quiet=math.inf, poll=poll)
        self.name = name
        self._asked = False

    def end(self) -> None:
        """Let the program write what it has, and end."""
        if self._asked:
            super().end()
            return
        self._asked = True
        with suppress(ProcessLookupError):
            os.killpg(self._child.popen.pid, signal.SIGINT)

    def over(self) -> None:
        """The program is at its end, too: take what it says of that."""
        self._child.end()

    def complaint(self) -> str:
        """Why the program ended though nobody asked it to."""
        if self._asked or not self.ended:
            return ""
        said = self._child.said.decode("utf-8", "replace")
        words = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_ORDINARY)]
        return " ".join(words)[-_SAID:] or f"{self._child.popen.args!r} ended with {self._child.code}"

    def close(self) -> None:
        """End the program, too."""
        if not self.closed:
            self._child.kill()
            self._child.end()
            assert self._child.popen.stdout is not None
            self._child.popen.stdout.close()
        super().close()


def _started(name: str, packet_filter: str) -> Child:
    for program in PROGRAMS:
        for path in (program, *(f"{folder}/{program}" for folder in _FOLDERS)):
            with suppress(FileNotFoundError):
                return Child(_words(path, program, name, packet_filter))
    raise SourceError(name, f"cannot be captured: neither {' nor '.join(PROGRAMS)} is installed")


def _words(path: str, program: str, name: str, packet_filter: str) -> list[str]:
    if program == "dumpcap":
        return [path, "-q", "-i", name, "-w", "-", *(("-f", packet_filter) if packet_filter else ())]
    return [path, "-U", "-w", "-", "-i", name, "--", *((packet_filter,) if packet_filter else ())]
