"""Logs of several programs, made up, with headers of several lengths: names with blanks, long contacts, many Via.

`python -m tests.capture.made_logs [WORD ...]` breaks them at each width from 60 to 80, and prints at which other
messages are read than of the text as it was.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import NamedTuple

from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import RawMessage
from tests.capture.broken_lines import WAYS, WIDTHS

PHONE, SERVER = ("192.0.2.10", 5060), ("203.0.113.1", 5060)


class Sent(NamedTuple):
    """A message, when it went (seconds), and whether the phone sent it."""

    text: str
    second: int
    by_phone: bool


_EXTRA: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "short": ("<sip:bob@pbx.example.com>", "<sip:bob@192.0.2.10:5060>", ()),
    "names": (
        '"Bob the Builder of Example Town and All Around" <sip:bob@pbx.example.com>',
        '"Bob at his desk in the front office" <sip:bob@192.0.2.10:5060;transport=udp>',
        ("User-Agent: Desk Phone 3000 (firmware 7.1.2 build 4711, hardware C)", "Subject: what was asked for: more"),
    ),
    "contacts": (
        "<sip:bob@pbx.example.com>",
        '<sip:bob-0x56527e43cc80@192.0.2.10:5060;transport=udp;line=a1b2c3d4e5f6>;reg-id=1;+sip.instance="<urn:uuid:'
        '22222222-2222-3333-4444-000000027877>";q=0.5;methods="INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY"',
        ("Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER,UPDATE,PRACK",),
    ),
    "routes": (
        "<sip:bob@pbx.example.com>",
        "<sip:bob@192.0.2.10:5060>",
        (
            "Path: <sip:edge1.example.com;lr>, <sip:edge2.example.com;lr>, <sip:edge3.example.com;lr;r2=on>",
            "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, INFO, MESSAGE, REFER, UPDATE",
            "P-Access-Network-Info: IEEE-802.11; i-wlan-node-id=0022445566ff; network-provided",
        ),
    ),
}


def _via(kind: str, n: int) -> list[str]:
    own = f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-{n:04}-524287-1---7b3e9a8c6d5f4e21;rport"
    return [f"Via: SIP/2.0/UDP 203.0.113.77:5060;branch=z9hG4bKedge{n};received=203.0.113.77", own][kind != "routes" :]


def exchanges(kind: str, *, first: int = 1, count: int = 4, body: str = "", subject: str = "") -> list[Sent]:
    """Registrations, each with a challenge and the answer to it."""
    end, contact, extra = _EXTRA[kind]
    told: list[Sent] = []
    for n in range(first, first + count):
        call = f"{n:08x}-bbbb-cccc-dddd-eeeeeeeeeeee@192.0.2.10"
        nonce = f"{n:032x}"
        digest = (
            f'Authorization: Digest username="bob", realm="pbx.example.com", nonce="{nonce}", '
            f'uri="sip:pbx.example.com", response="{"0123456789abcdef" * 2}", algorithm=MD5, qop=auth, nc=00000001, '
            'cnonce="0a1b2c3d"'
        )
        asked = f'WWW-Authenticate: Digest realm="pbx.example.com", nonce="{nonce}", algorithm=MD5, qop="auth"'
        for number, own, status, answer in ((1, [], "401 Unauthorized", asked), (2, [digest], "200 OK", "")):
            ids = [f"From: {end};tag=f{n}", f"To: {end}", f"Call-ID: {call}", f"CSeq: {number} REGISTER"]
            lines = [*_via(kind, n), *ids, "Max-Forwards: 70", f"Contact: {contact}", *extra, *own]
            lines += [f"Subject: {subject}"] * bool(subject)
            lines += ["Content-Type: text/plain"] * bool(body) + [f"Content-Length: {len(body)}", ""]
            request = "\r\n".join(["REGISTER sip:pbx.example.com SIP/2.0", *lines, body])
            ids[1] += f";tag=t{n}"
            last = [answer] if answer else [f"Contact: {contact};expires=60"]
            lines = [f"SIP/2.0 {status}", *_via(kind, n), *ids, *last, "Server: Example Registrar", "Content-Length: 0"]
            told.append(Sent(request, 10 * n + number, by_phone=True))
            told.append(Sent("\r\n".join([*lines, "", ""]), 10 * n + number, by_phone=False))
    return told


def _clock(second: int) -> str:
    return f"15:{second // 60:02}:{second % 60:02}"


def _plain(one: Sent) -> str:
    return one.text.replace("\r\n", "\n")


def _ends(one: Sent) -> tuple[tuple[str, int], tuple[str, int]]:
    return (PHONE, SERVER) if one.by_phone else (SERVER, PHONE)


def pjsip(one: Sent) -> str:
    """Asterisk's res_pjsip logger."""
    what = "request" if one.by_phone else "response"
    way = f"Received SIP {what}" if one.by_phone else f"Transmitting SIP {what}"
    end = "from" if one.by_phone else "to"
    head = f"[Nov 20 {_clock(one.second)}] VERBOSE[10953] res_pjsip_logger.c: "
    return f"{head}<--- {way} ({len(one.text)} bytes) {end} UDP:192.0.2.10:5060 --->\n{_plain(one)}\n"


def chan_sip(one: Sent) -> str:
    """Asterisk's chan_sip."""
    head = f"[Nov 20 {_clock(one.second)}] VERBOSE[18974] chan_sip.c: "
    if not one.by_phone:
        return f"{head}\n<--- Transmitting (no NAT) to 192.0.2.10:5060 --->\n{_plain(one)}\n<------------>\n"
    headers, _, body = _plain(one).partition("\n\n")
    lines = len(body.removesuffix("\n").split("\n")) if body else 0
    count = f"{head}--- ({headers.count(chr(10)) + 1} headers {lines} lines) ---\n"
    printed = _plain(one).removesuffix("\n")
    return f"{head}\n<--- SIP read from UDP:192.0.2.10:5060 --->\n{printed}\n<------------->\n{count}"


def pjsua(one: Sent) -> str:
    """pjsua's own log."""
    what = "Request msg REGISTER" if one.by_phone else "Response msg 200/REGISTER"
    way, end = ("TX", "to") if one.by_phone else ("RX", "from")
    head = f"{_clock(one.second)}.468           pjsua_core.c  .{way} {len(one.text)} bytes "
    return f"{head}{what}/cseq=65439 (tdta0x55d0f30a2578) {end} UDP 203.0.113.1:5060:\n{_plain(one)}\n--end msg--\n"


def byline(one: Sent) -> str:
    """ngrep -W byline -t."""
    (host, port), (other, to) = _ends(one)
    head = f"#\nU 2026/11/20 {_clock(one.second)}.746947 {host}:{port} -> {other}:{to} #{one.second}\n"
    return head + one.text.replace("\r\n", ".\n") + "\n"


def sngrep(one: Sent) -> str:
    """What sngrep saves."""
    (host, port), (other, to) = _ends(one)
    return f"2026/11/29 {_clock(one.second)}.486703 {host}:{port} -> {other}:{to}\n{_plain(one)}\n\n"


def homer(one: Sent) -> str:
    """Homer's export as text."""
    (host, port), (other, to) = _ends(one)
    return f"proto:UDP 2026-11-29T{_clock(one.second)}.486703Z  {host}:{port} ---> {other}:{to}\n\n{_plain(one)}\n\n"


def freeswitch(one: Sent) -> str:
    """FreeSWITCH's siptrace."""
    way, end = ("recv", "from") if one.by_phone else ("send", "to")
    rule = "   " + "-" * 72 + "\n"
    lines = "".join(f"   {line}\n" for line in _plain(one).split("\n")[:-1])
    clock = f"{_clock(one.second)}.345678"
    return f"{way} {len(one.text)} bytes {end} udp/[192.0.2.10]:5060 at {clock}:\n{rule}{lines}{rule}"


def sipp(one: Sent) -> str:
    """SIPp's -trace_msg."""
    said = f"sent ({len(one.text)} bytes):" if one.by_phone else f"received [{len(one.text)}] bytes :"
    return f"{'-' * 47} 2026-11-29 {_clock(one.second)}.916858\nUDP message {said}\n\n{_plain(one)}\n"


def linphone(one: Sent) -> str:
    """Linphone's belle-sip."""
    said = "message sent to" if one.by_phone else "received message from"
    if one.by_phone:
        said = f"{said} [UDP://203.0.113.1:5060], size: [{len(one.text)}] bytes"
    else:
        said = f"received [{len(one.text)}] new bytes from [UDP://203.0.113.1:5060]:"
    return f"2026-11-29 {_clock(one.second)}:844 belle-sip-message-channel [0x5565d3f64a80]: {said}\n{_plain(one)}\n"


def cisco(one: Sent) -> str:
    """A router's debug ccsip messages."""
    said = "Sent:" if one.by_phone else "Received:"
    head = f"Nov 29 {_clock(one.second)}.123: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:"
    return f"{head}\n{said}\n{_plain(one)}\n"


PROGRAMS: dict[str, Callable[[Sent], str]] = {
    "asterisk-pjsip": pjsip,
    "asterisk-chan_sip": chan_sip,
    "pjsua": pjsua,
    "ngrep": byline,
    "sngrep": sngrep,
    "homer": homer,
    "freeswitch": freeswitch,
    "sipp": sipp,
    "linphone": linphone,
    "cisco": cisco,
}
KINDS = tuple(_EXTRA)


def log(program: str, kind: str) -> bytes:
    """A log of a program."""
    return "".join(map(PROGRAMS[program], exchanges(kind))).encode()


def log_with_imitation(program: str, *, in_header: bool) -> bytes:
    """A log of which one message has in its body, or in a header, what the program writes over a message, and one."""
    write = PROGRAMS[program]
    forged = write(exchanges("short", first=9, count=1)[-1]).replace("\n", "\r\n")
    subject = forged.split("\r\n")[0].strip(" #") if in_header else ""
    other = exchanges(
        "short", first=3, count=1, body="" if in_header else f"see:\r\n\r\n{forged}end\r\n", subject=subject
    )
    return "".join(map(write, (*exchanges("names", count=2), *other, *exchanges("names", first=5, count=2)))).encode()


def read(octets: bytes) -> list[RawMessage] | None:
    """The messages of a text; None if no dialect knows it."""
    try:
        with open_sources([io.BytesIO(octets)], kind="log") as reading:
            return [item for item in reading if isinstance(item, RawMessage)]
    except SourceError:
        return None


def outline(messages: list[RawMessage] | None) -> list[tuple[object, ...]]:
    """What is to be read of a text in whatever way it was broken; two blanks are as good as one."""
    return [
        (one.payload.partition(b"\r\n\r\n")[0].replace(b" ", b""), one.time, one.source, one.destination)
        for one in messages or ()
    ]


def _main(wanted: list[str]) -> None:
    lost = differing = count = 0
    logs = {f"{program} {kind}": log(program, kind) for program in PROGRAMS for kind in KINDS}
    logs |= {
        f"{program} imitated {'header' if in_header else 'body'}": log_with_imitation(program, in_header=in_header)
        for program in PROGRAMS
        for in_header in (False, True)
    }
    for name, text in logs.items():
        if not all(word in name for word in wanted):
            continue
        plain = outline(read(text))
        for way, width in ((way, width) for way in WAYS for width in WIDTHS):
            told = outline(read(WAYS[way](text, width)))
            count += 1
            lost += len(told) != len(plain)
            differing += told != plain
            if told != plain:
                places = [n for n, pair in enumerate(zip(told, plain, strict=False)) if pair[0] != pair[1]]
                sys.stdout.write(f"{name} {way} {width}: {len(told)} for {len(plain)}, other {places[:4]}\n")
    sys.stdout.write(f"{differing} of {count} differ, {lost} in how many\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
