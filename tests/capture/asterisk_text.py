"""Asterisk logs for the tests: messages, and the printing of them in every wrapper."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from analyzer.capture.dialects import asterisk_chan_sip
from analyzer.evidence import RawMessage, Source

STAMP = "Nov 20 11:53:45"

REGISTER = (
    "REGISTER sip:10.9.0.1:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.9.0.2:5071;branch=z9hG4bK54b0;rport\r\n"
    "Max-Forwards: 70\r\n"
    "To: <sip:alice@10.9.0.1>\r\n"
    "From: <sip:alice@10.9.0.1>;tag=dd7c\r\n"
    "Call-ID: 1550c5bf\r\n"
    "CSeq: 57693 REGISTER\r\n"
    "Contact: <sip:alice@10.9.0.2:5071>;expires=30\r\n"
    "Content-Length: 0\r\n\r\n"
)
UNAUTHORIZED = (
    "SIP/2.0 401 Unauthorized\r\n"
    "Via: SIP/2.0/UDP 10.9.0.2:5071;branch=z9hG4bK54b0;received=10.9.0.2;rport=5071\r\n"
    "From: <sip:alice@10.9.0.1>;tag=dd7c\r\n"
    "To: <sip:alice@10.9.0.1>;tag=as22\r\n"
    "Call-ID: 1550c5bf\r\n"
    "CSeq: 57693 REGISTER\r\n"
    'WWW-Authenticate: Digest algorithm=MD5, realm="lab.invalid", nonce="39907f80"\r\n'
    "Content-Length: 0\r\n\r\n"
)
OPTIONS = (
    "OPTIONS sip:alice@10.9.0.2:5071 SIP/2.0\r\n"
    "Via: SIP/2.0/TCP 10.9.0.1:5060;branch=z9hG4bK7654\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:asterisk@10.9.0.1>;tag=as79\r\n"
    "To: <sip:alice@10.9.0.2:5071>\r\n"
    "Call-ID: 53b2ccf6@10.9.0.1:5060\r\n"
    "CSeq: 102 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n"
)


def message(body: str, *, call_id: str = "outer@10.9.0.2", length: int | None = None) -> str:
    """A MESSAGE with `body`; Content-Length is right unless `length` says another."""
    octets = len(body.encode("utf-8", "surrogateescape")) if length is None else length
    return (
        "MESSAGE sip:600@10.9.0.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.9.0.2:5071;rport;branch=z9hG4bK-16485\r\n"
        "From: <sip:carol@lab.invalid>;tag=16485T1\r\n"
        "To: <sip:600@lab.invalid>\r\n"
        f"Call-ID: {call_id}\r\n"
        "CSeq: 1 MESSAGE\r\n"
        "Content-Type: text/plain\r\n"
        f"Content-Length: {octets}\r\n\r\n{body}"
    )


def received(text: str, peer: str = "UDP:10.9.0.2:5071") -> list[str]:
    """The log entries that chan_sip writes for a received message: the block and its count."""
    printed = text.replace("\r\n", "\n")
    head, _, body = printed.partition("\n\n")
    headers, lines = head.count("\n") + 1, len(body.removesuffix("\n").split("\n")) if body else 0
    block = f"\n<--- SIP read from {peer} --->\n{printed.removesuffix(chr(10))}\n<------------->\n"
    return [block, f"--- ({headers} headers {lines} lines) ---\n"]


def sent(text: str, peer: str = "10.9.0.2:5071", nat: str = "no NAT") -> list[str]:
    """The log entry for a sent response."""
    return [f"\n<--- Transmitting ({nat}) to {peer} --->\n{text}\n<------------>\n"]


def request(text: str, peer: str = "10.9.0.2:5071", how: str = "Reliably Transmitting") -> list[str]:
    """The log entry for a sent request, or a repeat."""
    return [f"{how} (no NAT) to {peer}:\n{text}\n---\n"]


def pjsip(text: str, *, incoming: bool = True, peer: str = "UDP:10.9.0.2:5071") -> list[str]:
    """The log entry that the PJSIP logger writes."""
    what = "response" if text.startswith("SIP/2.0") else "request"
    way, preposition = ("Received", "from") if incoming else ("Transmitting", "to")
    size = len(text.encode("utf-8", "surrogateescape"))
    return [f"<--- {way} SIP {what} ({size} bytes) {preposition} {peer} --->\n{text}\n"]


def full(entries: list[str], *, stamp: str = STAMP, thread: str = "[18974]") -> str:
    """The logger file in its default format."""
    return "".join(f"[{stamp}] VERBOSE{thread} chan_sip.c: {entry}" for entry in entries)


def full_plain(entries: list[str]) -> str:
    """The logger file in its plain format."""
    return "".join(f"[{STAMP}] VERBOSE[18974]: chan_sip.c:29470 handle_request_do: {entry}" for entry in entries)


def full_json(entries: list[str]) -> str:
    """The logger file in its JSON format."""
    lines = (
        {
            "hostname": "",
            "timestamp": STAMP,
            "identifiers": {"lwp": 18974, "callid": ""},
            "logmsg": {"location": {"filename": "chan_sip.c"}, "level": "VERBOSE", "message": entry},
        }
        for entry in entries
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


def paste(entries: list[str]) -> str:
    """What a user pastes from a console."""
    return "".join(entries).replace("\r", "")


def console(entries: list[str]) -> str:
    """The foreground console on a terminal: CR LF, and CR CR LF where the message had CR LF."""
    return "".join(entries).replace("\n", "\r\n") + "\0"


def stamped(entries: list[str]) -> str:
    """The foreground console with -T: a stamp on every line, colours in prefixes of notices."""
    lines = "".join(entries).split("\n")[:-1]
    notice = f"[{STAMP}] \x1b[1;33mNOTICE\x1b[0m[1]: \x1b[1;37mchan_sip.c\x1b[0m:\x1b[1;37m1\x1b[0m f: x\r\n"
    return notice + "".join(f"[{STAMP}] {line}\r\n" for line in lines)


def remote(entries: list[str]) -> str:
    """The remote console: prompt and erase codes in front of every entry."""
    prompt = "\r\x1b[Kpbx-1.example*CLI> \r\x1b[0K"
    return "".join(prompt + entry.replace("\n", "\r\n") for entry in entries)


def syslog(entries: list[str]) -> str:
    """Syslog, which writes line ends as #012."""
    texts = (entry.replace("\r", "#015").removesuffix("\n").replace("\n", "#012") for entry in entries)
    return "".join(f"{STAMP} pbx asterisk[123]: VERBOSE[18974]: chan_sip.c:1 in f: {text}\n" for text in texts)


def indented(entries: list[str]) -> str:
    """A quoted paste."""
    return "Hello,\nlook:\n\n```\n" + "".join(f"    {line}\n" for line in paste(entries).split("\n")) + "```\nThanks\n"


def spaced(entries: list[str]) -> str:
    """A paste in which every line got a blank line after it."""
    return paste(entries).replace("\n", "\n\n")


WRAPPERS: dict[str, Callable[[list[str]], str]] = {
    wrapper.__name__: wrapper
    for wrapper in (
        full,
        full_plain,
        full_json,
        paste,
        console,
        stamped,
        remote,
        syslog,
        indented,
        spaced,
    )
}


def octets(text: str) -> bytes:
    """The file's octets."""
    return text.encode("utf-8", "surrogateescape")


class Dribble(io.RawIOBase):
    """A stream that gives `sizes` octets at a time, in turn; without read1."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content, self._sizes, self._turn = content, sizes, 0

    def read(self, size: int = -1, /) -> bytes:
        take = self._sizes[self._turn % len(self._sizes)]
        self._turn += 1
        piece, self._content = self._content[:take], self._content[take:]
        return piece


def read_log(text: str | bytes) -> tuple[list[RawMessage], Source]:
    """Read a whole log with the chan_sip reader."""
    source = Source("log")
    stream = io.BytesIO(text if isinstance(text, bytes) else octets(text))
    found = [item for item in asterisk_chan_sip.read(stream, source) if isinstance(item, RawMessage)]
    return found, source


def header(payload: bytes, *names: bytes) -> bytes:
    """The first value of a header, by any of its names."""
    for line in payload.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in names:
            return value.strip()
    return b""


Identity = tuple[bytes, bytes, bytes, bool]


def identity(raw_message: RawMessage) -> Identity:
    """(start line, Call-ID, CSeq, received?)."""
    payload = raw_message.payload
    return (
        payload.split(b"\r\n")[0],
        header(payload, b"call-id", b"i"),
        header(payload, b"cseq"),
        raw_message.source.host != "asterisk",
    )
