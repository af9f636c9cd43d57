"""More texts as people paste them, each with what a reader of it would say: how many messages, and what it tells.

Made for these tests, in the form of logs of their kind; no log of anybody is among them.
"""

from __future__ import annotations

import io
import json
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.said import said_in, stamp_in
from analyzer.capture.text.stamps import parse_stamp
from analyzer.defect import SourceError
from analyzer.evidence import Endpoint, RawMessage, Source
from tests.capture.test_pasted_texts import (
    AT_SERVER,
    BEGIN,
    BOTH,
    CLIENT,
    CLOCK,
    CLOCKS,
    MESSAGES,
    MS,
    NONE,
    OCTETS,
    PHONE,
    REGISTRAR,
    SERVER,
    STAMPS,
    S,
    asterisk,
    body,
    pjsip,
    size,
)

Ends = tuple[tuple[Endpoint, Endpoint], tuple[Endpoint, Endpoint]]


class Paste(NamedTuple):
    """A text, the dialect that it is, both ends of a request and of an answer, and how exact its times are."""

    text: str | bytes
    dialect: str
    ends: Ends
    times: str


def named(program: str) -> Ends:
    own = Endpoint(program, 0)
    return (PHONE, own), (own, PHONE)


def each(write: Callable[[int, str, str], str]) -> str:
    """What `write` makes of each message: of its number, where it came from, and where it went."""
    return "".join(write(n, *((REGISTRAR, CLIENT) if n % 2 else (CLIENT, REGISTRAR))) for n in range(4))


def discourse(text: str) -> str:
    """A forum makes dashes and quotes of what it takes for prose."""
    return text.replace("--->", "\u2014>").replace("<---", "<\u2014").replace('"', "\u201d").replace("'", "\u2019")


def lines_of(heading: Callable[[int], str]) -> list[tuple[int, str]]:
    return [(n, line) for n in range(4) for line in (heading(n), *MESSAGES[n])]


def yealink() -> str:
    def heading(n: int) -> str:
        return f"Message {'recv: (from src' if n % 2 else 'sent: (to dest'}={REGISTRAR} len={size(n)})"

    return "".join(
        f"<134>Nov 20 11:53:43 phone-1001 sua [723:723]: DLG <6+info  > [000] {line}\n" for _, line in lines_of(heading)
    )


def loki() -> str:
    """`logcli -o jsonl`: a record for each line."""

    def heading(n: int) -> str:
        return f"{CLOCKS[n]} {'sent to' if n % 2 else 'received from'} {CLIENT}"

    return "".join(
        json.dumps({"labels": {"pod": "sbc-0"}, "line": line, "timestamp": f"2026-11-20T{CLOCKS[n]}{at:06d}Z"}) + "\n"
        for at, (n, line) in enumerate(lines_of(heading))
    )


def kubectl() -> str:
    return "".join(
        f"[pod/kamailio-0/kamailio] 2026-11-20T{CLOCKS[n]}000000Z {line}\n"
        for n in range(4)
        for line in (f"11(42) INFO: <script>: seen {MESSAGES[n][0]}", *MESSAGES[n][1:])
    )


def powershell(text: str) -> bytes:
    """What `>` of Windows PowerShell makes of a text."""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def selected(text: str) -> str:
    """What `Select-String` makes of it."""
    return "".join(f"microsip.log:{at}:{line}\n" for at, line in enumerate(text.split("\n")[:-1], 1))


def replied(text: str, at: int) -> str:
    """A mail that answers one that answers one, with a remark between two lines of the log."""
    lines = [f"> > {line}".rstrip() for line in text.split("\n")]
    head, tail = "\n".join(lines[:at]), "\n".join(lines[at:])
    return (
        f"On Friday, Bob wrote:\n> On Friday, Alice wrote:\n> > Hello,\n> >\n{head}\n\n^^^ this looks right\n\n{tail}\n"
        "> have you tried another port?\n\nNo.\n-- \nAlice\n"
    )


def cisco(stamp: str, before: str = "", prompt: str = "") -> str:
    text = prompt + each(
        lambda n, _, __: (
            f"{stamp.format(clock=CLOCKS[n], n=n)}//-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:\n"
            f"{'Sent' if n % 2 else 'Received'}: \n{body(n)}\n"
        )
    )
    return "".join(f"{before.format(n=at)}{line}\n" for at, line in enumerate(text.split("\n")[:-1]))


def packet(n: int) -> bytes:
    source, destination = (SERVER, PHONE) if n % 2 else (PHONE, SERVER)
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(OCTETS[n]), 0) + OCTETS[n]
    ends = socket.inet_aton(source.host), socket.inet_aton(destination.host)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, *ends) + udp
    return bytes(12) + b"\x08\0" + ip


def dump(octets: bytes, row: str) -> str:
    return "".join(
        row.format(
            at=at,
            pairs=" ".join(octets[at : at + 16][n : n + 2].hex() for n in range(0, 16, 2)).rstrip(),
            octets=octets[at : at + 16].hex(" "),
            text="".join(chr(one) if 32 <= one < 127 else "." for one in octets[at : at + 16]),
        )
        for at in range(0, len(octets), 16)
    )


def fortigate(n: int, source: str, destination: str) -> str:
    ends = f"{source.replace(':', '.')} -> {destination.replace(':', '.')}"
    head = f"{STAMPS[n]}000 port1 {'out' if n % 2 else 'in'} {ends}: udp {size(n)}\n"
    return head + dump(packet(n), "0x{at:04x} \t {pairs:39}\t{text}\n") + "\n"


def mikrotik(n: int, source: str, destination: str) -> str:
    head = (
        f" {n} time={n}.100 num={n + 1} direction={'tx' if n % 2 else 'rx'} interface=ether1\n   src-address={source} "
        f"dst-address={destination} protocol=ip ip-protocol=udp\n   size={len(packet(n))} cpu=0\n"
    )
    return head + dump(packet(n), "   {at:04x}:  {octets:47}  {text}\n") + "\n"


def saved(n: int, source: str, destination: str) -> str:
    return f"{STAMPS[n].replace('-', '/')}000 {source} -> {destination}\n{body(n)}\n"


def splunk() -> str:
    rows = each(
        lambda n, _, __: (
            f'"2026-11-20T{CLOCKS[n]}+0000",sbc,"{"Sent to" if n % 2 else "Received from"} {CLIENT}\n'
            + body(n).replace('"', '""')
            + '"\n'
        )
    )
    return f"_time,host,_raw\n{rows}"


PASTES = {
    "FreePBX, by a forum": Paste(
        f"Hi all:\n\n{discourse(asterisk('2026-11-20 11:53:43'))}\nAny ideas\u2026?\n",
        "asterisk-chan_sip",
        named("asterisk"),
        S,
    ),
    "3CX": Paste(
        each(
            lambda n, _, __: (
                f"20-Nov-2026 {CLOCKS[n]}   {'Send Resp 401 to' if n % 2 else 'Recv Req REGISTER from'} {CLIENT} "
                f"tid=2d7a Call-ID=9c1d2e3f@192.0.2.10:\n{body(n)}"
            )
        ),
        "announced",
        AT_SERVER,
        MS,
    ),
    "Yealink, of a syslog server": Paste(yealink(), "yealink", BOTH, S),
    "Loki": Paste(loki(), "announced", AT_SERVER, MS),
    "kubectl logs --prefix --timestamps": Paste(kubectl(), "kamailio-log", named("kamailio"), MS),
    "PowerShell": Paste(powershell(pjsip()), "pjsip", BOTH, CLOCK),
    "Select-String": Paste(powershell(selected(pjsip())), "pjsip", BOTH, CLOCK),
    "read from a picture": Paste("".join(f"  {line}  \n   \n" for line in pjsip().split("\n")), "pjsip", BOTH, CLOCK),
    "Telegram": Paste(each(lambda n, _, __: f"Alice, [20.11.2026 11:5{n}]\n{body(n)}\n"), "bare", AT_SERVER, NONE),
    "an issue of GitHub": Paste(
        "### Bug\n\n<details><summary>trace</summary>\n\n```\n"
        f"{asterisk('2026-11-20 11:53:43')}```\n\n</details>\n\n**Version**: 18\n",
        "asterisk-pjsip",
        named("asterisk"),
        S,
    ),
    "a mailing list": Paste(replied(pjsip(), 20), "pjsip", BOTH, CLOCK),
    "CUBE": Paste(
        cisco("*Nov 20 {clock}: ", prompt="cube01#debug ccsip messages\nSIP Call messages tracing is enabled\n"),
        "cisco",
        named("cisco"),
        MS,
    ),
    "CUBE with numbers": Paste(cisco("00012{n}: Nov 20 {clock} UTC: "), "cisco", named("cisco"), MS),
    "CUBE in syslog": Paste(cisco("Nov 20 {clock}: ", "<191>{n}: cube01: "), "cisco", named("cisco"), MS),
    "FortiGate": Paste(f"interfaces=[any]\nfilters=[port 5060]\n{each(fortigate)}", "hexdump", BOTH, MS),
    "MikroTik": Paste(each(mikrotik), "hexdump", BOTH, NONE),
    "Zoiper": Paste(
        each(lambda n, _, __: f"[{STAMPS[n]}] [0x1a2b] [SIP] {'<<<' if n % 2 else '>>>'} {REGISTRAR} UDP\n{body(n)}\n"),
        "announced",
        BOTH,
        MS,
    ),
    "drachtio": Paste(
        each(
            lambda n, _, __: (
                f"{STAMPS[n]}000 {'send' if n % 2 else 'recv'} {size(n)} bytes {'to' if n % 2 else 'from'} "
                f"udp/[{PHONE.host}]:5060 at {CLOCKS[n]}000:\n{body(n)}\n"
            )
        ),
        "freeswitch",
        AT_SERVER,
        MS,
    ),
    "Discord": Paste(f"alice \u2014 Today at 11:53\nhere\n```yaml\n{pjsip()}```\n(edited)\n", "pjsip", BOTH, CLOCK),
    "sngrep in Jira": Paste(
        f"{{noformat:title=sngrep}}\n{each(saved)}{{noformat}}\n",
        "sngrep",
        BOTH,
        MS,
    ),
    "Splunk": Paste(splunk(), "announced", AT_SERVER, MS),
}


def read(text: str | bytes) -> tuple[list[RawMessage], Source]:
    octets = text if isinstance(text, bytes) else text.encode()
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def times_in(paste: Paste) -> list[int | None]:
    """The times of the messages of a paste, which are whole, in its dialect, and between its ends."""
    messages, source = read(paste.text)
    assert source.format == paste.dialect
    assert [one.payload for one in messages] == OCTETS
    assert not any(one.missing for one in messages)
    assert [(one.source, one.destination) for one in messages] == [*paste.ends, *paste.ends]
    return [one.time for one in messages]


@pytest.mark.parametrize("name", PASTES)
def test_what_a_paste_says_is_what_is_read(name: str) -> None:
    times, printed = PASTES[name].times, times_in(PASTES[name])
    if times == MS:
        assert [one and one // 10**6 % 1000 for one in printed] == [100, 140, 180, 220]
    if times in (MS, S):
        assert [one and one // 10**9 for one in printed] == [BEGIN] * 4
    assert all((one is None) is (times == NONE) for one in printed)


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_a_remark_in_a_mail_takes_nothing_away(at: int) -> None:
    messages, _ = read(replied(pjsip(), at))
    assert [one.payload for one in messages] == OCTETS


def test_empty_lines_of_a_mail_may_have_lost_their_sign() -> None:
    quoted = "".join(f"> {line}\n" if line else "\n" for line in pjsip().split("\n"))
    messages, _ = read(f"Somebody wrote:\n{quoted}\nThanks\n")
    assert [one.payload for one in messages] == OCTETS
    assert [(one.source, one.destination) for one in messages] == [*BOTH, *BOTH]


def test_a_message_that_sipp_did_not_expect() -> None:
    """It stands in the middle of a sentence, which has an address that is none of a packet."""
    text = (
        "2026-11-20\t11:53:43.140000\t1795175623.140000: Aborting call on unexpected message for Call-Id "
        f"'9c1d2e3f@192.0.2.77': while expecting '200' (index 1), received '{OCTETS[1].decode()}'.\n"
    )
    [message], _ = read(text)
    assert message.time == BEGIN * 10**9 + 140_000_000
    assert message.payload == OCTETS[1]
    assert "192.0.2.77" not in (message.source.host, message.destination.host)


def test_a_box_that_logs_no_messages() -> None:
    text = "20.11.26 11:53:43 Anmeldung der Internetrufnummer 1001 war nicht erfolgreich. Ursache: 403\n" * 3
    with pytest.raises(SourceError, match=r"FRITZ!Box.*capture\.html"):
        read(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"20-Nov-2026 11:53:43", 0),
        (b"20/Nov/2026:11:53:43 +0000", 0),
        (b"20 Nov 2026 11:53:43.5", 0),
        (b"Nov 20, 2026 11:53:43", 0),
        (b"Nov 20, 2026, 1:53:43 PM", 7200),
        (b"11/20/2026, 1:53:43 PM", 7200),
        (b"20.11.2026, 11:53:43", 0),
        (b"2026-11-20\t11:53:43.140", 0),
        (b"20-Nov-2026 11:53:43 +0200", 0),
    ],
)
def test_a_day_that_is_told_is_taken(text: bytes, seconds: int) -> None:
    assert stamp_in(b"x " + text + b" Received from 192.0.2.10:5060") == text
    stamp = parse_stamp(text)
    assert stamp is not None
    assert (stamp.year, stamp.ordered(month_first=True).month, stamp.ordered(month_first=True).day) == (2026, 11, 20)
    assert stamp.second == BEGIN % 86400 + seconds


@pytest.mark.parametrize(
    "text", [b"32-Nov-2026 11:53:43", b"20-Nov-2026 25:53:43", b"Nov 40, 2026 11:53:43", b"1:5:3 PM"]
)
def test_a_day_that_cannot_be_is_none(text: bytes) -> None:
    assert parse_stamp(text) is None


def test_the_host_of_a_uri_is_no_end_of_a_packet() -> None:
    said = said_in(b"2026-11-20 11:53:43 received REGISTER for 1001@192.0.2.77 from 192.0.2.10:5060")
    assert said.source == PHONE
    assert said_in(b"2026-11-20 11:53:43 received a message, 1001@192.0.2.77:5060").source is None
