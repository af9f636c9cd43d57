"""What a payload is, by its content."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.sip.sniff import FIRST_OCTETS, Kind, kind, looks_like_start, start_within

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)


@pytest.mark.parametrize(
    "payload",
    [
        b"REGISTER sip:lab.invalid SIP/2.0\r\n\r\n",
        b"\r\n\r\nREGISTER sip:lab.invalid SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 200\r\n\r\n",
        b"sip/2.0 401 Unauthorized\n\n",
        b"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~@example.com SIP/2.0\r\n",
        b"INVITE  sip:user@example.com  SIP/2.0\r\n",
        b"INVITE <sip:user@example.com> SIP/2.0 \r\n",
        b"OPTIONS sip:user@example.com SIP/7.0\r\n",
        b"NEWMETHOD nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\r\n",
        b"RE%47IST%45R sip:registrar.example.com SIP/2.0\r\n",
        b"SIP/2.0 4294967301 better not break the receiver\r\n",
    ],
)
def test_sip_is_told_by_its_start_line(payload: bytes) -> None:
    assert kind(payload) is Kind.SIP


@pytest.mark.parametrize("payload", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"jaK\0", b"hello", b"  ", b"\n" * 500])
def test_keepalives(payload: bytes) -> None:
    assert kind(payload) is Kind.KEEPALIVE


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x08" + bytes(170),  # RTP
        b"\x81\xc8" + bytes(26),  # RTCP
        b"\x16\x03\x01\x00\xc8",  # TLS
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01",  # DNS
        b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
        b"OPTIONS rtsp://example.com/ RTSP/1.0\r\n\r\n",
        b"<134>Nov 20 10:00:00 host kamailio: REGISTER sip:lab.invalid SIP/2.0\r\n",
        b"hello, this is no keep-alive",
        b"key: v",
        b"REGISTER\r\nsip:lab.invalid SIP/2.0\r\n",  # the rest must stand in the first line
        b"\x00\x01" + bytes(18) + b"x",
    ],
)
def test_everything_else(payload: bytes) -> None:
    assert kind(payload) is Kind.OTHER


def test_stun_by_its_magic_cookie() -> None:
    assert kind(STUN) is Kind.STUN
    assert kind(STUN[:4] + b"\0" + STUN[5:]) is not Kind.STUN


def test_half_a_start_line_counts_only_where_the_capture_cut_it() -> None:
    half = b"REGISTER sip:lab.inv"
    assert kind(half) is Kind.OTHER
    assert kind(half, cut=True) is Kind.SIP


@given(st.binary(max_size=64))
def test_the_first_octet_never_rules_out_what_would_be_told(payload: bytes) -> None:
    if kind(payload) is not Kind.OTHER and payload:
        assert FIRST_OCTETS[payload[0]]


def test_start_line_at_an_offset() -> None:
    assert looks_like_start(bytearray(b"xx SIP/2.0 200 OK"), 3)
    assert not looks_like_start(b"xx SIP/2.0 200 OK", 2)


def test_start_line_behind_something_else() -> None:
    for line in (b"</xml>REGISTER sip:lab.invalid SIP/2.0\r\n", b"</xml>SIP/2.0 200 OK\r\n"):
        assert start_within(line, len(line)) == 6
    assert start_within(b"Via: SIP/2.0/UDP INVITE sip:x\r\n", 31) == -1


@pytest.mark.parametrize(
    "payload", [b"A " * 32000, b"A" + b" " * 64000, b"A\t" + b" SIP" * 16000, b"SIP/2.0" + b" " * 64000]
)
def test_hostile_lines_cost_one_look(payload: bytes) -> None:
    begin = time.perf_counter()
    for _ in range(20):
        kind(payload)
    assert time.perf_counter() - begin < 1
