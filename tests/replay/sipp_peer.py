"""For the tests of the SIPp export: a Kamailio on loopback, SIPp that plays against it, flows made of text."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analyzer.evidence import Datagram, Endpoint, Frame
from analyzer.sip.message import Message, parse
from replay.flow import Exchange, Flow
from replay.sipp import Scenario
from tests.tools import require_tool

_CONF = Path(__file__).resolve().parent / "conf" / "kamailio.cfg"
_PATIENCE = 10.0
_OPTIONS = (
    "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {of};branch=z9hG4bKup\r\nMax-Forwards: 9\r\n"
    "From: <sip:t@{of}>;tag=1\r\nTo: <sip:{to}>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True)
class Registrar:
    """A registrar that listens on loopback, UDP and TCP, on this port."""

    port: int
    control: str

    def bound(self, user: str) -> list[str]:
        """The contacts of a user."""
        return re.findall(r"^\s*Address: (.*)$", self._ask("ul.lookup", user), re.MULTILINE)

    def forget(self, user: str) -> None:
        """Remove the contacts of a user; five are the most that it keeps."""
        self._ask("ul.rm", user)

    def _ask(self, what: str, user: str) -> str:
        command = [require_tool("kamcmd"), "-s", self.control, what, "location", user]
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False).stdout


@contextlib.contextmanager
def kamailio(*defines: str, host: str = "127.0.0.1") -> Iterator[Registrar]:
    """Kamailio with these -A defines, on a port that the kernel chose, ended with the block."""
    program = require_tool("kamailio")
    with tempfile.TemporaryDirectory(prefix="sipcheck-") as folder:  # short: a socket's path has 108 octets
        control, port = f"unix:{folder}/control", _free_port(host)
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        command = [program, "-DD", "-E", "-m", "32", "-M", "4", "-f", str(_CONF), "-w", folder, "-Y", folder]
        command += [f"-ludp:{shown}", f"-ltcp:{shown}", "-A", f'CONTROL_SOCKET="{control}"']
        command += [word for define in defines for word in ("-A", define)]
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _await(process, host, port, Path(folder, "log"))
            yield Registrar(port, control)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_PATIENCE)


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as stream, socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        stream.bind((host, 0))
        datagrams.bind(stream.getsockname()[:2])
        return int(stream.getsockname()[1])


def _await(process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(0.1)
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError):
                phone.connect((host, port))
                own = f"localhost:{phone.getsockname()[1]}"
                phone.send(_OPTIONS.format(to=f"localhost:{port}", of=own).encode())
                phone.recv(4096)
                return
    raise AssertionError(f"Kamailio does not start:\n{log.read_text(errors='replace')[-3000:]}")


@dataclass(frozen=True)
class Played:
    """How SIPp ended: its exit `code`, the `errors` that it wrote, the requests that it `sent` (each copy)."""

    code: int
    errors: str
    sent: list[str]

    @property
    def cseqs(self) -> list[int]:
        """The CSeq of each request."""
        return [int(number) for text in self.sent for number in re.findall(r"(?m)^CSeq: (\d+) ", text)]


def play(made: Scenario, folder: Path, port: int, host: str = "127.0.0.1", *, calls: int = 1) -> Played:
    """SIPp plays a scenario against a port of loopback, with the very command that users are told."""
    sipp, timeout = require_tool("sipp"), require_tool("timeout")
    (folder / "scenario.xml").write_text(made.xml, encoding="ascii")
    (folder / "users.csv").write_bytes(made.csv)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    own = f"[{host}]" if ":" in host else host
    words = made.command("scenario.xml", "users.csv", target, local=own, calls=calls)
    assert words[0] == "sipp"
    words = [timeout, "60", sipp, *words[1:], "-error_file", "errors", "-trace_msg", "-message_file", "messages"]
    for name in ("errors", "messages"):
        (folder / name).unlink(missing_ok=True)
    words += ["-p", str(_free_port(host))]
    run = subprocess.run(words, capture_output=True, cwd=folder, timeout=90, check=False)
    errors = folder / "errors"
    trace = folder / "messages"
    text = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() else ""
    sent = [part for part in re.split(r"-{20,} [^\n]*\n", text) if " message sent " in part]
    return Played(run.returncode, errors.read_text(errors="replace") if errors.exists() else run.stderr.decode(), sent)


def message(octets: bytes, number: int = 1, transport: str = "UDP") -> Message:
    """A message out of frame `number` of a capture."""
    here, there = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)
    time_ns = number * 250_000_000
    return parse(Datagram(octets, time_ns, Frame("made.pcap", number), here, there, transport))


def flow_of(*said: tuple[bytes, bytes | None], transport: str = "UDP", rules: tuple[str, ...] = ()) -> Flow:
    """A flow of requests and answers; the answers come 250 ms after the requests, the next request as long after."""
    exchanges = []
    for at, (request, answer) in enumerate(said):
        asked = message(request, 2 * at + 1, transport)
        final = message(answer, 2 * at + 2, transport) if answer is not None else None
        exchanges.append(
            Exchange(
                number=at + 1,
                request=asked,
                final=final,
                provisional=(),
                retransmissions=0,
                request_time=asked.datagram.time,
                final_time=final.datagram.time if final else None,
                rules=frozenset(rules),
            )
        )
    return Flow("sip:alice@lab.invalid", "registered", 1, tuple(exchanges), sources=("made.pcap",))


def register(cseq: int = 1, *rows: bytes, contact: bytes = b"<sip:alice@192.0.2.1:5060>", body: bytes = b"") -> bytes:
    """A REGISTER of alice."""
    head = [
        b"REGISTER sip:lab.invalid SIP/2.0",
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKcaptured%d" % cseq,
        b"Max-Forwards: 70",
        b"From: <sip:alice@lab.invalid>;tag=then",
        b"To: <sip:alice@lab.invalid>",
        b"Call-ID: captured@192.0.2.1",
        b"CSeq: %d REGISTER" % cseq,
        b"Contact: " + contact,
        b"Expires: 60",
        *rows,
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def answer(status: int, *rows: bytes) -> bytes:
    """An answer with this status."""
    head = [b"SIP/2.0 %d Then" % status, b"Call-ID: captured@192.0.2.1", b"CSeq: 1 REGISTER", *rows]
    return b"\r\n".join([*head, b"Content-Length: 0"]) + b"\r\n\r\n"


CHALLENGE = b'WWW-Authenticate: Digest realm="lab.invalid", nonce="then", qop="auth"'
SIGNED = (
    b'Authorization: Digest username="alice", realm="lab.invalid", nonce="then", uri="sip:lab.invalid", '
    b'response="00000000000000000000000000000000", qop=auth, nc=00000001, cnonce="c"'
)
