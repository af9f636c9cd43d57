"""The same messages come out of every wrapper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.evidence import Endpoint, Fidelity, RawMessage
from tests.capture.asterisk_text import (
    OPTIONS,
    REGISTER,
    UNAUTHORIZED,
    WRAPPERS,
    console,
    full,
    full_json,
    indented,
    message,
    octets,
    paste,
    pjsip,
    read_log,
    received,
    remote,
    request,
    sent,
    stamped,
)

SENDING = ["Sending to 10.9.0.2:5071 (no NAT)\n", "    -- Registered SIP 'alice' at 10.9.0.2:5071\n"]
CHAN_SIP = [
    *received(REGISTER),
    *SENDING,
    *sent(UNAUTHORIZED),
    *request(OPTIONS),
    *request(OPTIONS, how="Retransmitting #2"),
    *received(message("hi\r\nthere\r\n")),
]
CHAN_SIP_MESSAGES = [REGISTER, UNAUTHORIZED, OPTIONS, OPTIONS, message("hi\r\nthere\r\n")]
PJSIP = [*pjsip(REGISTER), *pjsip(UNAUTHORIZED, incoming=False), *pjsip(message("hi\r\nthere"))]
PJSIP_MESSAGES = [REGISTER, UNAUTHORIZED, message("hi\r\nthere")]

wrappers = pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=list(WRAPPERS))
Wrapper = Callable[[list[str]], str]


@wrappers
def test_chan_sip_octets_are_those_of_the_wire(wrapper: Wrapper) -> None:
    found, source = read_log(wrapper(CHAN_SIP))
    assert [raw_message.payload.decode() for raw_message in found] == CHAN_SIP_MESSAGES
    assert not any(raw_message.defects or raw_message.missing for raw_message in found)
    assert source.defects == 0


@wrappers
def test_pjsip_octets_are_those_of_the_wire(wrapper: Wrapper) -> None:
    found, _ = read_log(wrapper(PJSIP))
    assert [raw_message.payload.decode() for raw_message in found] == PJSIP_MESSAGES
    assert not any(raw_message.defects or raw_message.missing for raw_message in found)


def quoted(text: str, mark: str) -> str:
    return "".join(f"{mark}{line}\n" for line in text.replace("\r", "").split("\n"))


TREATMENTS: dict[str, Callable[[str], str]] = {
    "trailing blanks lost": lambda text: "\n".join(line.rstrip(" ") for line in text.split("\n")),
    "windows line ends": lambda text: text.replace("\r", "").replace("\n", "\r\n"),
    "mail quote": lambda text: quoted(text, "> "),
    "mail quote, trailing blanks lost": lambda text: quoted(text, "> ").replace("> \n", ">\n"),
    "tab": lambda text: quoted(text, "\t"),
    "four blanks": lambda text: quoted(text, "    "),
}


@pytest.mark.parametrize("treatment", list(TREATMENTS))
@pytest.mark.parametrize("wrapper", [name for name in WRAPPERS if name != "remote"])
def test_what_mail_and_editors_do_to_a_paste(wrapper: str, treatment: str) -> None:
    for entries, texts in ((CHAN_SIP, CHAN_SIP_MESSAGES), (PJSIP, PJSIP_MESSAGES)):
        found, _ = read_log(TREATMENTS[treatment](WRAPPERS[wrapper](entries)))
        assert [raw_message.payload.decode() for raw_message in found] == texts
        assert not any(raw_message.defects for raw_message in found)


@wrappers
def test_directions_transports_and_repeats(wrapper: Wrapper) -> None:
    found, _ = read_log(wrapper(CHAN_SIP))
    peer, local = Endpoint("10.9.0.2", 5071), Endpoint("asterisk", 0)
    ends = [(raw_message.source, raw_message.destination) for raw_message in found]
    assert ends == [(peer, local), (local, peer), (local, peer), (local, peer), (peer, local)]
    assert [raw_message.transport for raw_message in found] == ["UDP", "UDP", "TCP", "TCP", "UDP"]
    assert [raw_message.resend for raw_message in found] == [None, None, None, 2, None]
    assert {raw_message.fidelity for raw_message in found} == {Fidelity.TEXT_LOG}


@wrappers
def test_keepalives_are_counted(wrapper: Wrapper) -> None:
    pings = [received(text)[0] for text in ("", "jaK", "\0\0\0\0", "hello world")]
    found, source = read_log(wrapper([*pings, *CHAN_SIP]))
    assert (len(found), source.keepalives, source.other) == (5, 3, 1)


@wrappers
def test_recognised_by_the_first_banner(wrapper: Wrapper) -> None:
    for entries, is_pjsip in ((CHAN_SIP + PJSIP, False), (PJSIP + CHAN_SIP, True)):
        head = octets(wrapper(entries))
        assert asterisk_pjsip.looks_like(head) is is_pjsip
        assert asterisk_chan_sip.looks_like(head) is not is_pjsip


def one(text: str | bytes) -> RawMessage:
    (raw_message,) = read_log(text)[0]
    return raw_message


@pytest.mark.parametrize(
    ("peer", "transport", "endpoint"),
    [
        ("UDP:[fd00::2]:5071", "UDP", Endpoint("fd00::2", 5071)),
        ("TCP:10.9.0.2:35004", "TCP", Endpoint("10.9.0.2", 35004)),
        ("TLS:10.9.0.2:5061", "TLS", Endpoint("10.9.0.2", 5061)),
        ("WSS:10.9.0.2:443", "WSS", Endpoint("10.9.0.2", 443)),
        ("UDP://10.9.0.2:5071", "UDP", Endpoint("10.9.0.2", 5071)),
        ("10.9.0.2:5071", "UDP", Endpoint("10.9.0.2", 5071)),
    ],
)
def test_peers(peer: str, transport: str, endpoint: Endpoint) -> None:
    raw_message = one(full(received(REGISTER, peer)))
    assert (raw_message.transport, raw_message.source) == (transport, endpoint)


def test_sent_transport_is_that_of_the_top_via() -> None:
    text = UNAUTHORIZED.replace("Via: SIP/2.0/UDP", "v : SIP / 2.0 / tls").replace(
        "From:", "Via: SIP/2.0/UDP b\r\nFrom:"
    )
    assert one(full(sent(text))).transport == "TLS"


@pytest.mark.parametrize(
    "banner",
    [
        "<--- Reliably Transmitting (NAT) to [::1]:5077 --->",
        "<--- Transmitting (no NAT) to [::1]:5077 --->",
        "<--- Transmitting SIP response (327 bytes) to UDP:[::1]:5077 --->",
    ],
)
def test_sent_banners(banner: str) -> None:
    assert one(f"{banner}\n{UNAUTHORIZED}\n<------------>\n").destination == Endpoint("::1", 5077)


def test_lines_are_those_of_an_editor() -> None:
    found, source = read_log(full(CHAN_SIP))
    lines = full(CHAN_SIP).split("\n")
    for raw_message in found:
        first, last = raw_message.place[1:3]
        assert lines[first - 1].startswith(raw_message.payload.split(b"\r\n")[0].decode())
        assert lines[last - 1].rstrip("\r") in raw_message.payload.decode()
        assert lines[last - 1].strip()
    assert source.frames == len(lines) - 1


def test_cr_cr_lf_is_one_line() -> None:
    text = console(sent(UNAUTHORIZED))
    assert "\r\r\n" in text
    assert one(text).place[1:3] == (3, 10)


def test_a_json_message_is_on_one_line() -> None:
    found, _ = read_log(full_json(CHAN_SIP))
    assert [raw_message.place[1:3] for raw_message in found] == [(1, 1), (5, 5), (6, 6), (7, 7), (8, 8)]


def test_byte_order_mark_and_nul_at_the_end() -> None:
    found, _ = read_log(b"\xef\xbb\xbf" + octets(full(CHAN_SIP)) + b"\0")
    assert len(found) == 5


def test_colours_inside_a_json_message_are_taken_off() -> None:
    entry = (
        received(REGISTER)[0]
        .replace("<--- SIP", "\x1b[1;37m<--- SIP\x1b[0m")
        .replace("REGISTER sip", "\x1b[0mREGISTER sip")
    )
    assert one(full_json([entry, received(REGISTER)[1]])).payload.decode() == REGISTER


def test_escape_sequences_of_the_sender_stay_in_a_logger_file() -> None:
    hostile = REGISTER.replace("Max-Forwards", "User-Agent: \x1b[31mred\x1b[0m\r\nMax-Forwards")
    assert one(full(received(hostile))).payload.decode() == hostile


def test_octets_that_are_no_utf8_stay() -> None:
    hostile = octets(full(received(REGISTER))).replace(b"Max-Forwards: 70", b"Subject: \xff\xfe\xe9")
    assert b"Subject: \xff\xfe\xe9\r\n" in one(hostile).payload


def test_header_values_are_not_trimmed() -> None:
    text = UNAUTHORIZED.replace("Content-Length: 0", "X-Blank:   a  b \t\r\nContent-Length:  0")
    assert one(full(pjsip(text, incoming=False))).payload.decode() == text
    assert b"\r\nX-Blank:   a  b \t\r\n" in one(full(sent(text))).payload


def test_folded_headers_keep_their_folding() -> None:
    text = REGISTER.replace("Max-Forwards", "Subject: a\r\n  b\r\n\tc\r\nMax-Forwards")
    for wrapper in (full, paste, stamped, remote, indented):
        assert one(wrapper(pjsip(text))).payload.decode() == text


def test_call_ids_in_prefixes_and_milliseconds() -> None:
    text = full(received(REGISTER), stamp="2026-11-20 11:56:12.449", thread="[20740][C-00000001]")
    found, source = read_log(text)
    assert [raw_message.payload.decode() for raw_message in found] == [REGISTER]
    assert source.resolution == 1_000_000


def test_prompt_left_in_a_paste() -> None:
    text = paste(received(REGISTER)).replace("\n<--- SIP", "\nvm*CLI> <--- SIP")
    assert one(text).payload.decode() == REGISTER


def test_bare_lf_of_the_wire_is_kept_where_the_wrapper_shows_it() -> None:
    text = REGISTER.replace("expires=30", 'expires=30;+sip.instance="<urn:uuid:1\n>"')
    assert one(full(pjsip(text))).payload.decode() == text
    assert one(console(pjsip(text))).payload.decode() == text


def test_body_with_lf_line_ends() -> None:
    for text in (message("v=0\no=-\ns=x\n"), message("v=0\no=-\ns=x")):
        for entries in (received(text), sent(text), pjsip(text)):
            assert one(paste(entries)).payload.decode() == text


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"hello world\n" * 100,
        b"time,source,text\n1,2,<--- SIP read from UDP:10.0.0.1:5060 --->\n",
        b'{"event": "sip", "text": "<--- SIP read from UDP:10.0.0.1:5060 --->"}\n',
        b"<!DOCTYPE html><pre>\n<--- SIP read from UDP:10.0.0.1:5060 --->\n</pre>",
        b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + b"\0" * 16 + b"\n<--- SIP read from UDP:10.0.0.1:5060 --->\n",
        bytes(range(256)) * 20 + b"\n<--- SIP read from UDP:10.0.0.1:5060 --->\n",
        b"[2026-11-20 11:53:45] INFO[12]: started, see https://example.com\n" * 20,
        b"REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n",
    ],
)
def test_what_is_no_asterisk_log(head: bytes) -> None:
    assert not asterisk_chan_sip.looks_like(head)
    assert not asterisk_pjsip.looks_like(head)


def test_a_log_without_sip_is_claimed_by_chan_sip_only() -> None:
    head = octets(full(["Reloading SIP\n", "Really destroying SIP dialog 'x' Method: REGISTER\n"]))
    assert asterisk_chan_sip.looks_like(head)
    assert not asterisk_pjsip.looks_like(head)
