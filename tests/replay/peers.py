"""Real and scripted counterparts of a replay, on loopback and on ports that the kernel chose.

    kamailio_server("WITH_NC", "NONCE_EXPIRE=1")  a Kamailio registrar of its own   (fixture `kamailio`: a plain one)
    capture(path, "port 5060")                    what goes over lo, all of it      (tests/replay/wiretap.py)
    lossy_relay(upstream, drop("request", 1))     UDP that loses, delays, doubles   (tests/replay/lossy.py)
    tls_relay(upstream, keys)                     TLS in front of a TCP server      (tests/replay/tls_front.py)
    scripted_peer(answers)                        says what a test wants            (tests/replay/scripted.py)
    namespace()                                   a network of one's own            (tests/replay/spaces.py)

All are context managers: what they started is gone when they end, whatever happened. The fixtures are in
tests/replay/conftest.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.replay.lossy import (
    LossyRelay,
    Rule,
    corrupt,
    delay,
    drop,
    duplicate,
    forever_trying,
    lossy_relay,
    reorder,
    spoof,
)
from tests.replay.scripted import HANG_UP, ScriptedPeer, answer_to, scripted_peer
from tests.replay.spaces import Space, namespace
from tests.replay.tls_front import TlsKeys, TlsRelay, make_keys, tls_relay
from tests.replay.wiretap import capture
from tests.tools import require_tool

__all__ = [
    "HANG_UP",
    "Kamailio",
    "LossyRelay",
    "Rule",
    "ScriptedPeer",
    "Space",
    "TlsKeys",
    "TlsRelay",
    "answer_to",
    "capture",
    "corrupt",
    "delay",
    "drop",
    "duplicate",
    "forever_trying",
    "kamailio_server",
    "lossy_relay",
    "make_keys",
    "namespace",
    "options",
    "password",
    "reorder",
    "scripted_peer",
    "spoof",
    "tls_relay",
]

CONF = Path(__file__).resolve().parent / "conf"
DOMAIN = "lab.invalid"
PATIENCE = 10.0
"""Seconds until a server that does not answer is taken for dead; a busy machine is no fault."""


def password(user: str) -> str:
    """The password of a user in conf/kamailio.cfg."""
    return 'bob:s3cret"quoted' if user == "bob" else f"{user}pw"


@dataclass
class Kamailio:
    """A registrar that runs. `address` and `address6` are (host, port), the same port for UDP and TCP; `address6` is
    None where the machine has no IPv6 on loopback."""

    folder: Path
    defines: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("127.0.0.1", "::1")
    space: Space | None = None
    memory: int = 32
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _starts: int = 0
    _listens: list[str] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """IPv4 host and port."""
        return self.hosts[0], self.port

    @property
    def address6(self) -> tuple[str, int] | None:
        """IPv6 host and port."""
        return next(((host, self.port) for host in self._listens if ":" in host), None)

    @property
    def target(self) -> str:
        """`HOST:PORT`, as the command line takes it."""
        return f"{self.hosts[0]}:{self.port}"

    @property
    def target6(self) -> str:
        """`[HOST]:PORT` over IPv6."""
        assert self.address6 is not None, "no IPv6 on this machine's loopback"
        return f"[{self.address6[0]}]:{self.port}"

    @property
    def log(self) -> str:
        """What it wrote to its error stream, over all its starts."""
        path = self.folder / "kamailio.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start, on the port it had before if it had one, and wait until it answers."""
        for _ in range(5):
            port = self.port or free_port(self._bindable(), self.space)
            self._spawn(port)
            if self._answers(port):
                self.port = port
                return
            self.kill()
            if self.port:
                break
        raise AssertionError(f"Kamailio does not start:\n{self.log[-4000:]}")

    def stop(self) -> None:
        """End it politely; after half a second, and for children that stay, not so politely."""
        if self._process is not None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
            self.kill()

    def kill(self) -> None:
        """kill -9 of the server and its children, as a crash would."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop answering without going away: packets are queued, no ICMP error tells."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._signal(signal.SIGCONT)

    def bindings(self, user: str) -> list[str]:
        """Contact addresses that are bound to a user now; asked over the control socket."""
        return re.findall(r"^\s*Address: (.*)$", self._ask("ul.lookup", user), re.MULTILINE)

    def forget(self, user: str) -> None:
        """Remove the contacts of a user; five are the most that it keeps."""
        self._ask("ul.rm", user)

    def _ask(self, what: str, user: str) -> str:
        command = [require_tool("kamcmd"), "-s", f"unix:{self._control()}", what, "location", user]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout

    def bound_users(self) -> int:
        """How many users have a binding now."""
        command = [require_tool("kamcmd"), "-s", f"unix:{self._control()}", "ul.dump", "brief"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return len(re.findall(r"^\s*AoR: ", run.stdout, re.MULTILINE))

    def _control(self) -> Path:
        return self.folder / f"control{self._starts}"

    def _bindable(self) -> list[str]:
        self._listens = [host for host in self.hosts if ":" not in host or has_ipv6(host)]
        return self._listens

    def _spawn(self, port: int) -> None:
        self._starts += 1
        listens = [
            f"-l{transport}:{f'[{host}]' if ':' in host else host}:{port}"
            for host in self._listens
            for transport in ("udp", "tcp")
        ]
        defines = [f'CONTROL_SOCKET="unix:{self._control()}"', *self.defines]
        command = [
            *(self.space.prefix if self.space else ()),
            *(require_tool("kamailio"), "-DD", "-E", "-m", str(self.memory), "-M", "4"),
            *("-f", str(CONF / "kamailio.cfg"), "-w", str(self.folder), "-Y", str(self.folder)),
            *listens,
            *(part for define in defines for part in ("-A", define)),
        ]
        with (self.folder / "kamailio.log").open("ab") as log:
            log.write(f"$ {shlex.join(command)}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            if all(options((host, port), self.space) for host in self._listens):
                return self._process.poll() is None
            time.sleep(0.01)
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextlib.contextmanager
def kamailio_server(
    *defines: str,
    space: Space | None = None,
    hosts: Sequence[str] = ("127.0.0.1", "::1"),
    memory: int = 32,
) -> Iterator[Kamailio]:
    """A Kamailio with these -A defines (see conf/kamailio.cfg), `memory` MiB shared; 32 is enough for 2,000 users.

    Skips the test where Kamailio is not installed. When the block fails, the server's log is printed.
    """
    require_tool("kamailio")
    with tempfile.TemporaryDirectory(prefix="sipcheck-") as folder:  # short: a socket's path has 108 octets
        server = Kamailio(Path(folder), defines, tuple(hosts), space, memory)
        try:
            server.start()
            yield server
        except BaseException:
            sys.stdout.write(f"--- kamailio\n{server.log[-8000:]}\n")
            raise
        finally:
            server.stop()


def has_ipv6(host: str = "::1") -> bool:
    """Whether sockets can have this address."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def free_port(hosts: Sequence[str] = ("127.0.0.1",), space: Space | None = None) -> int:
    """A port that the kernel chose, free at this instant for UDP and TCP on each host."""
    make = space.socket if space else socket.socket
    for _ in range(50):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            port = 0
            for host in hosts:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    probe = stack.enter_context(make(family, kind))
                    probe.bind((host, port))
                    port = probe.getsockname()[1]
            return port
    raise AssertionError("no port is free for UDP and TCP alike")


def options(address: tuple[str, int], space: Space | None = None, timeout: float = 0.2) -> bool:
    """Whether a SIP server answers an OPTIONS over UDP within `timeout` seconds."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with space.socket(family) if space else socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.settimeout(timeout)
            probe.connect(address)
            host, port = probe.getsockname()[:2]
            probe.send(_options_request(f"[{host}]" if ":" in host else host, port))
            return probe.recv(65535).startswith(b"SIP/2.0 200")
        except OSError:
            return False


def _options_request(host: str, port: int) -> bytes:
    lines = [
        f"OPTIONS sip:{DOMAIN} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bKprobe{port}",
        "Max-Forwards: 70",
        f"From: <sip:probe@{DOMAIN}>;tag=probe",
        f"To: <sip:probe@{DOMAIN}>",
        f"Call-ID: probe-{port}",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()
