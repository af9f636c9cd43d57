"""The common forms are read by one pattern each, all others piece by piece; where a pattern fits, both read alike."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.evidence import Endpoint, Fidelity, Frame, RawMessage
from analyzer.sip import auth, cseq, uri, via
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.auth import AuthValue, parse_challenges, parse_credentials
from analyzer.sip.cseq import CSeq
from analyzer.sip.grammar import LWS
from analyzer.sip.headers import LINES
from analyzer.sip.message import Message
from analyzer.sip.params import Params, _collect, parse_params, plain_params
from analyzer.sip.startline import START_LINES
from analyzer.sip.text import segments
from analyzer.sip.uri import Uri
from analyzer.sip.via import Via, parse_vias

# Pieces that lie on both sides of every pattern's edge.
WORDS = st.sampled_from(
    [
        "",
        " ",
        "  ",
        "\t",
        ";",
        ";;",
        "=",
        ",",
        ", ",
        ":",
        "::",
        "@",
        "<",
        ">",
        '"',
        '""',
        '"a b"',
        '"a\\"b"',
        ';+sip.instance="<urn:uuid:1>"',
        '="a;b"',
        '=";',
        '="a,<b>="',
        "\\",
        "%",
        "%41",
        "a",
        "B",
        "tag",
        "branch",
        ";branch=z9hG4bK1",
        ";branch=",
        ";rport",
        ";rport=5060",
        ";received=10.0.0.1",
        ";x=1",
        ";expires=60",
        ";expires=x",
        ";q=0.5",
        ";q=7",
        ";tag=1",
        ";TAG=2",
        ";lr",
        "sip:",
        "sips:",
        "SIP:",
        "tel:+1",
        "bob",
        "example.com",
        "EXAMPLE.com",
        "10.0.0.1",
        "[2001:db8::1]",
        "5060",
        "0",
        "00",
        "65535",
        "65536",
        "99999",
        "-",
        "_",
        "SIP/2.0/UDP",
        "SIP/2.0/TLS",
        "sip/2.0/udp",
        "SIP / 2.0 / UDP",
        "SIP/2.0/udp",
        "1",
        "REGISTER",
        "*",
        "?",
        "é",
        "\r",
        "\n",
        "Digest",
        "digest",
        "Basic",
        'realm="h"',
        'nonce="n"',
        "nc=00000001",
        'nc="1"',
        "qop=auth",
        'qop="auth,auth-int"',
        'uri="sip:h"',
        "algorithm=MD5",
        "stale=TRUE",
        'Realm="x"',
        'opaque=""',
        "realm=h",
        'x="y"',
        "\x00",
        "\x85",
        "�",
    ]
)
TEXTS = st.lists(WORDS, max_size=12).map("".join)
SETTINGS = settings(max_examples=400, deadline=None)


ADDRESS = ("raw", "display", "uri", "star", "params", "bracketed", "defects")


def known(thing: Any) -> Any:
    """All that a value says."""
    if isinstance(thing, Via):
        names = ("raw", "protocol", "transport", "host", "port", "branch", "sent_by", "has_cookie", "defects", "params")
        return tuple(known(getattr(thing, name)) for name in names)
    if isinstance(thing, Address):
        return tuple(known(getattr(thing, name)) for name in ADDRESS)
    if isinstance(thing, Uri):
        names = ("text", "scheme", "user", "password", "host", "port", "params", "headers", "opaque", "defects")
        return tuple(known(getattr(thing, name)) for name in names)
    if isinstance(thing, Params):
        return thing.items_as_written, dict(thing), thing.defects
    if isinstance(thing, AuthValue):
        seen = {param.name.lower() for param in thing.params}
        values = {name: (thing.get(name), thing.is_quoted(name)) for name in seen}
        return thing.header, thing.scheme, thing.raw, thing.params, thing.defects, values, thing.get("absent")
    if isinstance(thing, list):
        return [known(one) for one in thing]
    return thing


@given(st.one_of(TEXTS, TEXTS.map(lambda text: f"SIP/2.0/UDP 10.0.0.1:5060{text}")))
@example("SIP/2.0/UDP h;rport;branch=z9hG4bK1;rport=5")
@example("SIP/2.0/UDP h;branch=z9hG4bK1;branch=2")
@example("SIP/2.0/WSS h;branch=z9hG4bK")
@SETTINGS
def test_via(text: str) -> None:
    assert known(Via.parse(text)) == known(via._parse(text))


@given(TEXTS)
@SETTINGS
def test_lists_of_vias_and_addresses(text: str) -> None:
    parts = [part for part in segments(text) if part.strip(LWS)]
    assert known(parse_addresses(text)) == known([Address._parse(part) for part in parts])
    assert known(parse_vias(text)) == known([via._parse(part.strip(LWS)) for part in parts])


@given(
    st.one_of(TEXTS, TEXTS.map(lambda text: f"<sip:bob@example.com>{text}"), TEXTS.map(lambda text: f"<sip:{text}>"))
)
@example('"" <sip:h>;tag=1')
@example("a  b <sip:h>")
@example(" <sip:h>")
@SETTINGS
def test_address(text: str) -> None:
    assert known(Address.parse(text)) == known(Address._parse(text))


@given(st.one_of(TEXTS, TEXTS.map(lambda text: f"sip:{text}"), TEXTS.map(lambda text: f"sips:bob@{text}")))
@example("sip:bob@h:5060;transport=udp")
@example("sip:bob:5060")
@SETTINGS
def test_uri(text: str) -> None:
    assert known(uri._parse(text)) == known(uri._parse_any(text))


@given(TEXTS.map(lambda text: f";{text}"))
@example(";a=1;A=2")
@SETTINGS
def test_params(text: str) -> None:
    parts = segments(text, ";")
    if not parts[0].strip(LWS):
        del parts[0]
    assert known(parse_params(text)) == known(_collect(parts, strict=True))


def test_equal_parameters_are_one_object() -> None:
    assert plain_params(";expires=3600") is plain_params(";expires=3600")
    long = ";x=" + "y" * 100
    assert plain_params(long) is not plain_params(long)


@given(st.one_of(TEXTS, st.from_regex(r"[0-9]{1,11} [A-Za-z]{1,9}\Z")))
@SETTINGS
def test_cseq(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fast = CSeq.parse(text)
        patch.setattr(cseq, "_COMMON_FORM", re.compile(r"(?!)"))
        assert fast == CSeq.parse(text)


AUTH = st.one_of(
    TEXTS,
    st.lists(
        st.sampled_from(
            [
                'username="bob"',
                'realm="h"',
                'nonce="n"',
                'uri="sip:h"',
                'response="00"',
                "algorithm=MD5",
                "qop=auth",
                'qop="auth"',
                'qop="auth,auth-int"',
                "nc=00000001",
                'cnonce="c"',
                'opaque=""',
                "stale=true",
                "stale=FALSE",
                'Realm="x"',
                "realm=h",
                'x="y"',
                'nonce="a\\"b"',
                "junk",
                "",
            ]
        ),
        max_size=8,
    ).flatmap(
        lambda params: st.sampled_from([", ", ",", " , ", " "]).map(lambda comma: "Digest " + comma.join(params))
    ),
)


@given(AUTH)
@example('Digest realm="a", realm="b"')
@example('Digest realm="a",')
@SETTINGS
def test_credentials_and_challenges(text: str) -> None:
    fast = [parse_credentials("authorization", text), parse_challenges("www-authenticate", text)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "_plain", lambda _: None)
        slow = [parse_credentials("authorization", text), parse_challenges("www-authenticate", text)]
    assert known(fast) == known(slow)


LINES_SEEN = st.lists(
    st.sampled_from(
        [
            b"To: <sip:bob@h>",
            b"To : x",
            b"t: y",
            b"Via: SIP/2.0/UDP h;branch=z9hG4bK1",
            b"CSeq: 1 REGISTER",
            b"CSeq:2 X",
            b"Call-ID: a",
            b"i: b",
            b"Content-Length: 0",
            b"Content-Length: 4",
            b"l: x",
            b"no colon",
            b": no name",
            b"X\xff: y",
            b" folded",
            b"\tfolded",
            b"A\rB: c",
            b"A: b\nC: d",
            b"Contact: <sip:a@h>",
            b"m: <sip:b@h>, <sip:c@h>",
            b"",
            b"Authorization: Digest x",
            b"Proxy-Authorization: Digest y",
            b"X-Unknown: \xe9",
            b"Max-Forwards:  70  ",
        ]
    ),
    max_size=10,
)
STARTS = st.sampled_from(
    [
        b"REGISTER sip:h SIP/2.0",
        b"SIP/2.0 200 OK",
        b"SIP/2.0 200",
        b"REGISTER  sip:h SIP/2.0",
        b"",
        b"x",
        b"SIP/2.0 999 x",
    ]
)


@given(
    STARTS,
    LINES_SEEN,
    st.sampled_from([b"\r\n\r\n", b"\r\n\r\nbody", b"\r\n", b"\n\n", b""]),
    st.sampled_from(Fidelity),
)
@settings(max_examples=600, deadline=None)
def test_message(start: bytes, lines: list[bytes], end: bytes, fidelity: Fidelity) -> None:
    raw = b"\r\n".join([start, *lines]) + end
    raw_message = RawMessage(raw, 1, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2), fidelity=fidelity)
    fast = Message(raw_message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Message, "_read_plain", lambda _: False)
        slow = Message(raw_message)
    for name in ("method", "request_uri", "version", "status", "reason", "body", "trailing", "head_end", "body_start"):
        assert getattr(fast, name) == getattr(slow, name)
    for name in (
        "complete_headers",
        "defects",
        "headers",
        "call_id",
        "expires",
        "user_agent",
        "cut_header",
        "has_mandatory",
    ):
        assert getattr(fast, name) == getattr(slow, name)
    for name in ("vias", "from_", "to", "cseq", "contacts", "credentials", "challenges"):
        assert known(getattr(fast, name)) == known(getattr(slow, name))
    assert fast.located_defects() == slow.located_defects()
    assert_folding_changes_nothing(fast)


def assert_folding_changes_nothing(message: Message) -> None:
    before = [known(message.vias), known(message.to), message.call_id, message.all("contact"), message.headers]
    for times in (1, 2, 1):  # once more than is needed, and again after it was read again
        for _ in range(times):
            message.fold()
        after = [known(message.vias), known(message.to), message.call_id, message.all("contact"), message.headers]
        assert before == after


def test_no_other_attribute_is_made_up() -> None:
    message = Message(RawMessage(b"x", 1, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2)))
    with pytest.raises(AttributeError):
        message.nothing  # noqa: B018


def test_what_is_remembered_of_lines_is_bounded() -> None:
    for number in range(20_000):
        raw_message = RawMessage(b"REGISTER sip:%d SIP/2.0\r\nX-%d: y\r\nTo: <sip:%d@h>\r\n\r\n" % ((number,) * 3), 1, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2))  # fmt: skip # noqa: E501
        Message(raw_message)
    assert len(LINES) <= 4096 and len(START_LINES) <= 4096
    long = b"To: " + b"x" * 10_000
    Message(
        RawMessage(b"REGISTER sip:h SIP/2.0\r\n%s\r\n\r\n" % long, 1, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2))
    )
    assert long not in LINES


def test_a_folded_message_keeps_its_octets_alone() -> None:
    """Rows that come again, as Via does behind a proxy, are given back as well as the others."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept, octets = [], 0
    for number in range(50):
        rows = "".join(f"Via: SIP/2.0/UDP h{number}x{row};branch=z9hG4bK{number}x{row}\r\n" for row in range(100))
        raw = f"REGISTER sip:a SIP/2.0\r\n{rows}Content-Length: 0\r\n\r\n".encode()
        message = Message(RawMessage(raw, 1, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2)))
        assert len(message.vias) == 100
        message.fold()
        kept.append(message)
        octets += len(raw)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 2 * octets
    assert all(len(message.vias) == 100 for message in kept)
