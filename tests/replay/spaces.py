"""Network namespaces for tests: programs that refuse to run with loopback alone, and lines that are slow or lossy.

Both ends of the veth pair stay inside, so nothing can leave; both addresses are local there, and what goes between
them goes over the namespace's own `lo`, as the kernel routes local addresses. `netem` is therefore put on that.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.tools import require_tool

NEAR, FAR = "10.9.0.1", "10.9.0.2"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


@dataclass(frozen=True)
class Space:
    """A namespace that exists. `near` and `far` are its addresses beside 127.0.0.1 and ::1."""

    name: str
    near: str = NEAR
    far: str = FAR

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command so that it runs inside."""
        return (require_tool("ip"), "netns", "exec", self.name)

    def run(self, *command: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end."""
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True, timeout=timeout, check=False)

    def popen(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command inside, a session of its own, so that `os.killpg` ends all of it."""
        return subprocess.Popen([*self.prefix, *command], start_new_session=True, **options)

    def socket(
        self, family: socket.AddressFamily = socket.AF_INET, kind: socket.SocketKind = socket.SOCK_DGRAM
    ) -> socket.socket:
        """A socket of the namespace, for this process: a socket stays where it was made."""
        with self._entered():
            return socket.socket(family, kind)

    def netem(self, *how: str) -> None:
        """`netem("delay", "100ms", "loss", "20%")` on all that goes through; skips where the kernel has no netem."""
        device = ("dev", "lo", "root")
        self.run(require_tool("tc"), "qdisc", "del", *device)
        run = self.run(require_tool("tc"), "qdisc", "add", *device, "netem", *how)
        if "unknown" in run.stderr:
            pytest.skip("this kernel has no netem")
        assert run.returncode == 0, run.stderr

    @contextlib.contextmanager
    def _entered(self) -> Iterator[None]:
        """This thread, inside for a moment. (`os.setns` came with Python 3.12.)"""
        library = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as outside, open(f"/run/netns/{self.name}") as inside:
            if library.setns(inside.fileno(), _NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            try:
                yield
            finally:
                assert library.setns(outside.fileno(), _NEW_NETWORK) == 0


@contextlib.contextmanager
def namespace() -> Iterator[Space]:
    """A namespace of a name nobody else has; skips by name where there is no `ip`, or no right to make one."""
    ip = require_tool("ip")
    name = f"sipcheck-{uuid.uuid4().hex[:8]}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no right to make a network namespace: {made.stderr.strip()}")
    try:
        for command in _LAYOUT:
            subprocess.run([ip, "-n", name, *command.split()], check=True, capture_output=True, text=True)
        yield Space(name)
    finally:
        subprocess.run([ip, "netns", "del", name], check=True, capture_output=True)


_LAYOUT = (
    "link set lo up",
    "link add near type veth peer name far",
    f"addr add {NEAR}/24 dev near",
    f"addr add {FAR}/24 dev far",
    "link set near up",
    "link set far up",
)
