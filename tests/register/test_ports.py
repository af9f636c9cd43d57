"""A port that looks like a slip of the one that was meant."""

from __future__ import annotations

import pytest

from analyzer.judge.findings import Finding
from analyzer.register.ports import is_one_stroke, meant
from tests.rules.cases import run

SLIPS = [5600, 5006, 506, 560, 50600, 55060, 50660, 6050, 5065, 5062, 5860, 4060, 5061]
NONE = [5060, 5080, 5081, 5160, 5161, 5555, 443, 15061, 65535, 1024, 0, 6060 + 1, 7070]
RULE = "R3261-17.2-unanswered"


@pytest.mark.parametrize("port", SLIPS)
def test_slips(port: int) -> None:
    assert meant(port, "UDP") == meant(port, "TCP") == 5060


@pytest.mark.parametrize("port", NONE)
def test_ports_that_are_none(port: int) -> None:
    assert meant(port, "UDP") is None


def test_tls_has_another_usual_port() -> None:
    assert meant(5061, "TLS") is None
    assert meant(5060, "TLS") == meant(5601, "TLS") == meant(50611, "TLS") == 5061
    assert meant(5600, "WS") is None


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("5060", "5060", False),
        ("5060", "5600", True),
        ("5060", "5605", False),
        ("5060", "506", True),
        ("5060", "50", False),
        ("5060", "50605", True),
        ("5060", "0560", True),
        ("", "5", True),
        ("", "", False),
    ],
)
def test_one_stroke(one: str, other: str, near: bool) -> None:
    assert is_one_stroke(one, other) is is_one_stroke(other, one) is near


COPIES = "\n".join(f"@{at} > again" for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5))


def finding(port: int, more: str = "", transport: str = "UDP") -> Finding:
    flow = f"@0 dst=198.51.100.1:{port} transport={transport} > REGISTER sip:example.com\n{COPIES}{more}"
    return next(one for one in run(RULE, flow, tail=40).findings)


def test_the_fix_of_an_unanswered_request_hints_at_it() -> None:
    assert finding(5600).fix.startswith(
        "did you mean port 5060? 5600 looks like a slip: the usual port of SIP is 5060; "
    )
    assert finding(5061).fix.startswith("did you mean port 5060? 5061 is that of SIP over TLS, and this is UDP; ")
    assert finding(5600).fix.endswith(finding(5060).fix)


def test_the_usual_port_gets_no_hint() -> None:
    assert "did you mean" not in finding(5060).fix
    assert "did you mean" not in finding(5080).fix


def test_a_port_that_has_answered_gets_no_hint() -> None:
    other = "\n@33 src=192.0.2.20:5060 dst=198.51.100.1:5600 > REGISTER sip:example.com\nCall-ID: x@y\n< 401"
    assert "did you mean" not in finding(5600, other).fix
