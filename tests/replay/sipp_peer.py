"""For the tests of the SIPp export: SIPp that plays against a registrar, flows made of text."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import Message, parse
from replay.flow import Exchange, Flow
from replay.sipp import Scenario
from tests.replay.peers import free_port
from tests.tools import require_tool

_PATIENCE = 10.0


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
    words += ["-p", str(free_port([host]))]
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
    return parse(RawMessage(octets, time_ns, Frame("made.pcap", number), here, there, transport))


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
                request_time=asked.raw_message.time,
                final_time=final.raw_message.time if final else None,
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
