"""Texts of programs as people paste them into threads: each is four messages, and says of them what it says.

Made for these tests, in the form of logs of their kind; no log of anybody is among them.
"""

from __future__ import annotations

import html
import io
import json
import textwrap
from collections.abc import Callable

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, LogLines, RawMessage, Source
from analyzer.run.pipeline import analyze

PHONE, SERVER, NOBODY = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060), Endpoint("unknown", 0)
CLIENT, REGISTRAR = str(PHONE), str(SERVER)
BEGIN = 1795175623
"""20 November 2026, 11:53:43 UTC, in seconds."""
STAMPS = [f"2026-11-20 11:53:43.{part}" for part in (100, 140, 180, 220)]
CLOCKS = [one[11:] for one in STAMPS]
DIGEST = (
    'Authorization: Digest username="1001", realm="pbx.example.com", nonce="65a1b2c3d4e5f60718293a4b5c6d7e8f", '
    'uri="sip:pbx.example.com", response="0123456789abcdef0123456789abcdef", algorithm=MD5'
)
Text = Callable[[], str]


def request(number: int, *more: str) -> list[str]:
    return [
        "REGISTER sip:pbx.example.com SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK77{number};rport",
        "Max-Forwards: 70",
        'From: "Alice Example" <sip:1001@pbx.example.com>;tag=3f9a',
        'To: "Alice Example" <sip:1001@pbx.example.com>',
        "Call-ID: 9c1d2e3f@192.0.2.10",
        f"CSeq: {number} REGISTER",
        "Contact: <sip:1001@192.0.2.10:5060>",
        *more,
        "Expires: 3600",
        "Content-Length: 0",
        "",
    ]


def answer(number: int, status: str, *more: str) -> list[str]:
    return [
        f"SIP/2.0 {status}",
        f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK77{number};rport=5060;received=192.0.2.10",
        'From: "Alice Example" <sip:1001@pbx.example.com>;tag=3f9a',
        'To: "Alice Example" <sip:1001@pbx.example.com>;tag=as5b',
        "Call-ID: 9c1d2e3f@192.0.2.10",
        f"CSeq: {number} REGISTER",
        *more,
        "Content-Length: 0",
        "",
    ]


CHALLENGE = 'WWW-Authenticate: Digest realm="pbx.example.com", nonce="65a1b2c3d4e5f60718293a4b5c6d7e8f", algorithm=MD5'
MESSAGES = [
    request(1),
    answer(1, "401 Unauthorized", CHALLENGE),
    request(2, DIGEST),
    answer(2, "200 OK", "Contact: <sip:1001@192.0.2.10:5060>;expires=3600"),
]
OCTETS = ["\r\n".join(lines).encode() + b"\r\n" for lines in MESSAGES]


def size(number: int) -> int:
    return len(OCTETS[number])


def body(number: int) -> str:
    return "\n".join(MESSAGES[number]) + "\n"


def above(write: Callable[[int, bool], str], before: str = "") -> Text:
    """Each message below what `write` makes of its number, and of whether the phone sent it; `before` each line."""

    def text() -> str:
        whole = "".join(f"{write(n, not n % 2)}\n{body(n)}" for n in range(4))
        return "".join(f"{before}{line}\n" for line in whole.removesuffix("\n").split("\n"))

    return text


def pjsip() -> str:
    return "".join(
        f"{CLOCKS[n]}    pjsua_core.c  .{'RX' if n % 2 else 'TX'} {size(n)} bytes "
        f"{'Response msg 200' if n % 2 else 'Request msg REGISTER'}/cseq=1 (tdta0x7f) "
        f"{'from' if n % 2 else 'to'} UDP {REGISTRAR}:\n"
        f"{body(n)}\n--end msg--\n"
        for n in range(4)
    )


def prefixed(text: Text, before: str) -> Text:
    return lambda: "".join(f"{before}{line}\n" for line in text().removesuffix("\n").split("\n"))


def asterisk(stamp: str) -> str:
    return "".join(
        f"[{stamp}] VERBOSE[2301] res_pjsip_logger.c: <--- "
        f"{'Transmitting SIP response' if n % 2 else 'Received SIP request'} ({size(n)} bytes) "
        f"{'to' if n % 2 else 'from'} UDP:{CLIENT} --->\n{body(n)}\n"
        for n in range(4)
    )


def quoted_and_broken() -> str:
    """A mail that answers one: quoted, broken to 70, with words of its own around."""
    lines = [
        part
        for line in asterisk(STAMPS[0][:19]).split("\n")
        for part in textwrap.wrap(line, 70, break_on_hyphens=False) or [""]
    ]
    return "Somebody wrote:\n\n" + "".join(f"> {line}\n" for line in lines) + "\nAny idea?\n"


def tree() -> str:
    """A part of Wireshark's tree, copied without the packet around it."""
    out = []
    for lines in MESSAGES:
        start = lines[0]
        is_request = start.startswith("REG")
        out.append(f"Session Initiation Protocol ({'REGISTER' if is_request else start.split()[1]})")
        out.append(f"    {'Request' if is_request else 'Status'}-Line: {start}")
        out.append("    Message Header")
        for line in lines[1:-1]:
            out += [f"        {line}"] + ["            Transport: UDP"] * line.startswith("Via")
        out.append("")
    return "\n".join(out) + "\n"


def jain_sip() -> str:
    return "".join(
        f'<message\nfrom="{REGISTRAR if n % 2 else CLIENT}" \nto="{CLIENT if n % 2 else REGISTRAR}" \n'
        f'time="{BEGIN}{CLOCKS[n][-3:]}"\nisSender="{"false" if n % 2 else "true"}" \ntransactionId="z9hg4bk77" \n'
        f'callId="9c1d2e3f@192.0.2.10" \nfirstLine="{MESSAGES[n][0]}" \n>\n<![CDATA[{body(n)}]]>\n</message>\n\n'
        for n in range(4)
    )


def one_line() -> str:
    return "".join(
        f"Nov 20 11:53:43 sbc /usr/sbin/opensips[2301]: {'TX' if n % 2 else 'RX'} "
        f"{REGISTRAR if n % 2 else CLIENT} -> {CLIENT if n % 2 else REGISTRAR}: "
        + "#015#012".join(MESSAGES[n])
        + "#015#012\n"
        for n in range(4)
    )


def journal() -> str:
    """journald takes the blank lines at the end of a text off."""
    return "".join(
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": f"{BEGIN}{CLOCKS[n][-3:]}000",
                "SYSLOG_IDENTIFIER": "kamailio",
                "MESSAGE": f"INFO: <script>: seen {body(n)}".rstrip(),
            }
        )
        + "\n"
        for n in range(4)
    )


def homer() -> str:
    rows = [
        {
            "id": n,
            "srcIp": (SERVER if n % 2 else PHONE).host,
            "dstIp": (PHONE if n % 2 else SERVER).host,
            "srcPort": 5060,
            "dstPort": 5060,
            "timeSeconds": BEGIN,
            "timeUseconds": int(CLOCKS[n][-3:]) * 1000,
            "raw": OCTETS[n].decode(),
        }
        for n in range(4)
    ]
    return json.dumps({"data": rows}, indent=2)


def page() -> str:
    return f"<!DOCTYPE html><html><body><p>Hi</p><pre><code>{html.escape(pjsip())}</code></pre></body></html>\n"


BOTH = ((PHONE, SERVER), (SERVER, PHONE))
AT_SERVER = ((PHONE, NOBODY), (NOBODY, PHONE))
"""The log of the server's side names the phone, and not itself."""
MS, S, CLOCK, NONE = "milliseconds", "seconds", "time of day", ""


def said(form: str, sent: str, got: str, before: str = "") -> Text:
    """Each message below a line of this form, in which `{way}` is one of two words, and the rest what its name says."""

    def write(n: int, is_phone: bool) -> str:
        return form.format(
            way=sent if is_phone else got,
            stamp=STAMPS[n],
            clock=CLOCKS[n],
            digits=CLOCKS[n].replace(":", ""),
            size=size(n),
            phone=CLIENT,
            server=REGISTRAR,
            source=CLIENT if is_phone else REGISTRAR,
            destination=REGISTRAR if is_phone else CLIENT,
        )

    return above(write, before)


CASES: dict[str, tuple[Text, str, object, str]] = {
    "3CX": (
        said("{stamp}|20|7f8a|[CM503] {way} {phone} tid=7:", "Recv Req REGISTER from", "Send Resp to"),
        "announced", AT_SERVER, MS,
    ),
    "AudioCodes": (
        said("{clock}  192.0.2.1  local0.notice  [S=7] [SID=a1b2c3:12:7]  (   lgr_flow)(7   ) ---- {way} {phone} "
             "from SIPInterface #0 UDP ----", "Incoming SIP Message from", "Outgoing SIP Message to"),
        "announced", AT_SERVER, CLOCK,
    ),
    "an SBC's table": (
        said("{clock} {source} \u2500\u2500> {destination} UDP\n" + "-" * 60, "", ""),
        "announced", BOTH, CLOCK,
    ),
    "Acme Packet": (
        said("-" * 40 + "\nNov 20 {clock} On [0:0]{server} {way} {phone}", "received from", "sent to"),
        "announced", BOTH, MS,
    ),
    "Sonus": (
        said("135 11202026 {digits}:1.01.01.01234.Info    .SIPSG: {way} {phone} <------ SIP PDU",
             "Received from", "Sent to"),
        "announced", AT_SERVER, MS,
    ),
    "Polycom": (
        said("{way} {server}", ">>> Data Send to", "<<< Data received from", "1120115343|sip  |0|00|"),
        "announced", BOTH, S,
    ),
    "Fanvil": (
        said("{way} {server}", "Send udp msg to", "Recv udp msg from",
             "<135>Nov 20 11:53:43 0c:38:3e:00:00:01 SIP[2301]: "),
        "announced", BOTH, S,
    ),
    "Jitsi": (
        said("{stamp} FINE: [42] impl.protocol.sip.SipLogger.logDebug: {way} {server}",
             "sent SIP message to", "received SIP message from"),
        "announced", BOTH, MS,
    ),
    "resiprocate": (
        said("DEBUG | 20261120-{digits} | phone | RESIP:TRANSPORT | 7f | Transport.cpp:4 | {way}: [ V4 {server} UDP ]",
             "Sending message to", "incoming from"),
        "announced", BOTH, MS,
    ),
    "siproxd in syslog": (
        said("sock.c:1 {way} {phone} [0] count=4", "received UDP packet from", "sending UDP packet to",
             "Nov 20 11:53:43 pfsense siproxd[2301]: "),
        "announced", AT_SERVER, S,
    ),
    "a softphone": (
        said("[{stamp}] {way} UDP {server}", "Sending 9 bytes to", "Received 9 bytes from"),
        "announced", BOTH, MS,
    ),
    "a log that says no ends": (said("[{stamp}] SIP message:", "", ""), "announced", AT_SERVER, MS),
    "JAIN SIP": (jain_sip, "announced", BOTH, MS),
    "xlog in one line": (one_line, "bare", BOTH, S),
    "journalctl -o json": (journal, "kamailio-log", None, MS),
    "Yeastar": (lambda: asterisk("11-20 11:53:43"), "asterisk-pjsip", None, S),
    "FreePBX in a mail": (quoted_and_broken, "asterisk-chan_sip", None, S),
    "MicroSIP": (pjsip, "pjsip", BOTH, CLOCK),
    "logcat -v threadtime": (prefixed(pjsip, f"11-20 {CLOCKS[0]}  2301  2345 D PJSIP   : "), "pjsip", BOTH, S),
    "logcat -v brief": (prefixed(pjsip, "D/PJSIP   ( 2301): "), "pjsip", BOTH, CLOCK),
    "Python's logging": (prefixed(pjsip, "2026-11-20 11:53:43,100 - pjsua2 - DEBUG - "), "pjsip", BOTH, S),
    "a fence": (lambda: f"Hi,\n\nmy log:\n```text\n{pjsip()}```\nthanks\n", "pjsip", BOTH, CLOCK),
    "BBCode": (lambda: f"Hi,\n\nmy log:\n[code]{pjsip()}[/code]\nthanks\n", "pjsip", BOTH, CLOCK),
    "a page of the web": (page, "pjsip", BOTH, CLOCK),
    "Homer": (homer, "homer", BOTH, MS),
    "Wireshark's tree": (tree, "wireshark", AT_SERVER, NONE),
}  # fmt: skip


def read(text: str) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(text.encode())], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize("way", CASES)
def test_four_messages_are_read(way: str) -> None:
    text, dialect, ends, times = CASES[way]
    messages, source = read(text())
    assert source.format == dialect
    assert [one.payload for one in messages] == OCTETS
    assert not any(one.missing for one in messages)
    if ends is not None:
        assert [(one.source, one.destination) for one in messages] == [*ends, *ends]  # type: ignore[misc]
    printed = [one.time for one in messages]
    if times == MS:
        assert [one and one // 10**6 % 1000 for one in printed] == [100, 140, 180, 220]
    if times in (MS, S):
        assert [one is not None and one // 10**9 % 86400 for one in printed] == [BEGIN % 86400] * 4
    assert all((one is None) is (times == NONE) for one in printed)


@pytest.mark.parametrize("way", CASES)
def test_they_are_one_registration(way: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("pasted") / "a.log"
    path.write_text(CASES[way][0](), encoding="utf-8", newline="")
    report = analyze(str(path), tables=False)
    assert report.summary.messages == 4
    assert [(row.cseq, row.status) for row in report.transactions] == [(1, 401), (2, 200)]
    assert not any("lost a part" in one for one in report.sources[0].quality)


@pytest.mark.parametrize("way", [way for way, case in CASES.items() if case[1] == "announced"])
def test_places_are_those_of_the_messages(way: str) -> None:
    text = CASES[way][0]()
    lines = text.split("\n")
    for one in read(text)[0]:
        assert isinstance(one.place, LogLines)
        assert one.payload.split(b"\r\n")[0].decode() in lines[one.place.first - 1]


def test_a_message_that_nothing_announces_is_read_as_well() -> None:
    text = f"{STAMPS[0]} Received from {CLIENT}\n{body(0)}\n{body(1)}\n{STAMPS[2]} Received from {CLIENT}\n{body(2)}\n"
    messages, source = read(text)
    assert [one.payload for one in messages] == OCTETS[:3]
    assert [one.time is None for one in messages] == [False, True, False]
    assert source.format == "bare+announced"


def test_a_line_that_announces_nothing_is_not_counted() -> None:
    chatter = f"{STAMPS[0]} Received from {CLIENT}\n" * 5
    messages, source = read(chatter + CASES["a softphone"][0]() + chatter)
    assert len(messages) == 4
    assert not source.other


def test_a_line_about_something_else_tells_no_ends() -> None:
    """Who refused a phone says where it is: that is not where the answer comes from."""
    messages, _ = read(f"{STAMPS[0]} Received REGISTER from {CLIENT}, refused\n{body(1)}")
    assert [(one.source, one.destination) for one in messages] == [(NOBODY, PHONE)]
    assert messages[0].time is not None


def test_a_body_that_looks_like_a_log_is_a_body() -> None:
    inner = f"{STAMPS[0]} Received from {REGISTRAR}\n{body(0)}"
    length = len(inner.replace("\n", "\r\n"))
    outer = body(2).replace("Content-Length: 0", f"Content-Length: {length}") + inner
    messages, _ = read(f"{STAMPS[0]} Received from {CLIENT}\n{outer}{STAMPS[1]} Sent to {CLIENT}\n{body(3)}")
    assert [one.payload[:12] for one in messages] == [b"REGISTER sip", b"SIP/2.0 200 "]
    assert messages[0].payload.endswith(b"Content-Length: 0\r\n\r\n")
