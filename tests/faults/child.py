"""The command as a child process whose place in the run is known: it has eaten what it was fed, and waits for more.

Nobody sleeps and hopes. A pipe says how many of its octets are unread (FIONREAD); when none are, and the last piece
was half a record, then the child has judged all that came before and waits for the rest.
"""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.capture.build import ethernet, ip4, pcap, udp
from tests.shared import ROOT

PATIENCE = 60.0
"""Seconds after which what is waited for will not come."""

_REQUEST = """\
REGISTER sip:lab.invalid SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{number}
Max-Forwards: 70
From: <sip:user{number}@lab.invalid>;tag=f{number}
To: <sip:user{number}@lab.invalid>
Call-ID: call-{number}
CSeq: 1 REGISTER
Contact: <sip:user{number}@10.0.0.1:5060>
Expires: 3600
Content-Length: 0

"""


def frames(count: int, first: int = 0) -> list[bytes]:
    """A REGISTER each of so many users, in Ethernet frames."""
    texts = (_REQUEST.format(number=first + number).replace("\n", "\r\n") for number in range(count))
    return [ethernet(ip4(udp(text.encode()))) for text in texts]


def command(*arguments: str) -> list[str]:
    """The command line of the child."""
    return [sys.executable, "-m", "analyzer", *arguments]


ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def started(*arguments: str, **streams: int) -> Iterator[subprocess.Popen[bytes]]:
    """The child, its three streams piped unless `streams` says otherwise; killed at the end if it still runs."""
    pipes: dict[str, int] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | streams
    with subprocess.Popen(command(*arguments), env=ENVIRONMENT, bufsize=0, **pipes) as child:  # type: ignore[call-overload]
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)


def unread(pipe: int) -> int:
    """Octets in a pipe that its reader has not taken."""
    number = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, number)
    return number[0]


def wait_until(condition: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    """Wait for what the child will certainly do; fail if it ends before."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert child.poll() is None, (child.returncode, child.stderr and child.stderr.read())
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


def feed(child: subprocess.Popen[bytes], *pieces: bytes) -> None:
    """Give the child each piece when it has taken the one before, and wait until it has taken the last."""
    assert child.stdin is not None
    for piece in pieces:
        child.stdin.write(piece)
        wait_until(lambda: unread(child.stdin.fileno()) == 0, child)  # type: ignore[union-attr]


def feed_frames(child: subprocess.Popen[bytes], count: int) -> None:
    """Feed the child so many REGISTERs and half a record: it has judged them all and waits for the other half."""
    octets = pcap(frames(count))
    feed(child, *(octets[at : at + 60_000] for at in range(0, len(octets), 60_000)), b"half")


def ended(child: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of a child that gets no more input."""
    stdout, stderr = child.communicate(timeout=PATIENCE)
    return child.returncode, stdout, stderr
