"""Via and CSeq values."""

from __future__ import annotations

import pytest

from analyzer.sip.cseq import CSeq
from analyzer.sip.scalar import HUGE
from analyzer.sip.via import Via


@pytest.mark.parametrize(
    ("text", "transport", "host", "port", "sent_by"),
    [
        ("SIP/2.0/UDP h.example;branch=z9hG4bK1", "UDP", "h.example", None, "h.example:5060"),
        ("SIP/2.0/tls H.example", "TLS", "H.example", None, "h.example:5061"),
        ("SIP/2.0/TCP h:5062", "TCP", "h", 5062, "h:5062"),
        (
            "SIP / 2.0 / UDP  first.example.com : 4000 ;ttl=16",
            "UDP",
            "first.example.com",
            4000,
            "first.example.com:4000",
        ),
        ("SIP/2.0/UDP [2001:DB8::9:1]:5070", "UDP", "2001:DB8::9:1", 5070, "[2001:db8::9:1]:5070"),
        ("SIP/2.0/UDP [::1]", "UDP", "::1", None, "[::1]:5060"),
        ("SIP/2.0/WSS df7jal23ls0d.invalid", "WSS", "df7jal23ls0d.invalid", None, "df7jal23ls0d.invalid:443"),
        ("SIP/2.0/WS x.invalid", "WS", "x.invalid", None, "x.invalid:80"),
        ("SIP/2.0/UNKNOWN t4.example.com", "UNKNOWN", "t4.example.com", None, "t4.example.com:5060"),
        ("sip/2.0/udp h", "UDP", "h", None, "h:5060"),
    ],
)
def test_sent_by(text: str, transport: str, host: str, port: int | None, sent_by: str) -> None:
    via = Via.parse(text)
    assert via.defects == () and str(via) == text
    assert (via.transport, via.host, via.port, via.sent_by) == (transport, host, port, sent_by)
    assert via.protocol.upper() == "SIP/2.0"


@pytest.mark.parametrize(
    ("params", "branch", "received", "rport", "cookie"),
    [
        ("", None, None, None, False),
        (";branch=z9hG4bK776;rport", "z9hG4bK776", None, "", True),
        (";branch=z9hG4bK", "z9hG4bK", None, None, False),
        (";branch=1", "1", None, None, False),
        (";BRANCH=Z9HG4BK1;rport=5060", "Z9HG4BK1", None, "5060", False),  # the cookie is case-sensitive here
        (";received=192.0.2.1;rport=1024;branch= z9hG4bKx", "z9hG4bKx", "192.0.2.1", "1024", True),
        (";received=2001:db8::1;branch=z9hG4bKx;alias", "z9hG4bKx", "2001:db8::1", None, True),
    ],
)
def test_parameters(params: str, branch: str | None, received: str | None, rport: str | None, cookie: bool) -> None:
    via = Via.parse(f"SIP/2.0/UDP h{params}")
    assert via.defects == ()
    assert (via.branch, via.received, via.rport, via.has_cookie) == (branch, received, rport, cookie)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", {"bad-via"}),
        ("SIP/2.0/UDP", {"bad-via"}),
        ("SIP/2.0 h", {"bad-via"}),
        ("SIP/7.0/UDP h", {"bad-via"}),
        ("HTTP/2.0/UDP h", {"bad-via"}),
        ("SIP/2.0/U,P h", {"bad-via"}),
        ("SIP/2.0/UDP h:x", {"bad-via"}),
        ("SIP/2.0/UDP h:70000", {"bad-via"}),
        ("SIP/2.0/UDP a b", {"bad-via"}),
        ("SIP/2.0/UDP ::1", {"bad-via"}),
        ("SIP/2.0/UDP ;branch=1", {"bad-via"}),
        ("SIP/2.0/UDP h;;branch=1", {"empty-parameter"}),
        ("SIP/2.0/UDP h;branch=1;branch=2", {"duplicate-parameter"}),
        ("SIP/2.0/UDP h;branch=", {"bad-parameter"}),
    ],
)
def test_via_defects(text: str, codes: set[str]) -> None:
    assert {defect.code for defect in Via.parse(text).defects} == codes


def test_a_broken_via_keeps_its_branch() -> None:
    assert Via.parse("SIP/7.0;branch=z9hG4bK1").branch == "z9hG4bK1"


@pytest.mark.parametrize(
    ("text", "number", "method", "codes"),
    [
        ("1 REGISTER", 1, "REGISTER", []),
        ("0009\t  INVITE", 9, "INVITE", []),
        ("0 x", 0, "x", []),
        ("2147483647 REGISTER", 2**31 - 1, "REGISTER", []),
        ("2147483648 REGISTER", 2**31, "REGISTER", ["cseq-out-of-range"]),
        ("36893488147419103232 REGISTER", 36893488147419103232, "REGISTER", ["cseq-out-of-range"]),
        ("9" * 1_000_000 + " REGISTER", HUGE, "REGISTER", ["cseq-out-of-range"]),
        ("0" * 1_000_000 + "7 REGISTER", 7, "REGISTER", []),
        ("7 RE(GISTER", 7, "RE(GISTER", ["bad-cseq"]),
        ("8  7    REGISTER", 8, "REGISTER", ["bad-cseq"]),
    ],
)
def test_cseq(text: str, number: int, method: str, codes: list[str]) -> None:
    cseq = CSeq.parse(text)
    assert cseq is not None and (cseq.number, cseq.method, cseq.raw) == (number, method, text)
    assert [defect.code for defect in cseq.defects] == codes
    assert CSeq.parse(str(cseq)) is not None


@pytest.mark.parametrize("text", ["", "REGISTER", "1", "1REGISTER", "-1 REGISTER", "1.0 REGISTER", "٣ X"])
def test_what_is_no_cseq(text: str) -> None:
    assert CSeq.parse(text) is None
