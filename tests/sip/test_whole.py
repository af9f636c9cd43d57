"""A message that the capture cut is told from one that was sent without an end of its headers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint, Fidelity, Frame, RawMessage
from analyzer.run.pipeline import analyze
from analyzer.sip.message import Message, parse
from tests.capture.build import ethernet, ip4, pcap, tcp, udp, write

RULE = "R3261-8.1.1-mandatory"
FULL = (
    b"REGISTER sip:lab.invalid SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
    b"From: <sip:bob@lab.invalid>;tag=1\r\n"
    b"Call-ID: 1@lab\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: <sip:bob@lab.invalid>\r\n"
    b"Content-Length: 0\r\n\r\n"
)
SHORT = FULL[: FULL.index(b"Max-Forwards")]


def message(octets: bytes, transport: str = "UDP", missing: int = 0, fidelity: Fidelity = Fidelity.WIRE) -> Message:
    nowhere = Endpoint("", 0)
    return parse(RawMessage(octets, 1, Frame("x", 1), nowhere, nowhere, transport, fidelity, missing))


def codes(one: Message) -> list[str]:
    return [defect.code for defect in one.all_defects()]


@pytest.mark.parametrize("fidelity", [Fidelity.WIRE, Fidelity.REASSEMBLED])
def test_a_whole_datagram_lacks_what_it_does_not_hold(fidelity: Fidelity) -> None:
    one = message(SHORT, fidelity=fidelity)
    assert one.is_whole
    assert not one.complete_headers
    assert codes(one) == ["headers-not-terminated", "missing-header", "missing-header"]
    assert "and the datagram is whole" in one.defects[0].text


@pytest.mark.parametrize(
    "one",
    [
        message(SHORT, missing=1),
        message(SHORT, "TCP"),
        message(SHORT, "TLS"),
        message(SHORT, "WSS"),
        message(SHORT, fidelity=Fidelity.TEXT_LOG),
        message(FULL, missing=1),
    ],
)
def test_what_may_have_been_longer_is_not_whole(one: Message) -> None:
    assert not one.is_whole
    assert "missing-header" not in codes(one)


def test_headers_with_an_end_are_whole_by_any_way() -> None:
    assert all(message(FULL, transport).is_whole for transport in ("UDP", "TCP", "WS", ""))
    assert message(FULL, fidelity=Fidelity.TEXT_LOG).is_whole


@pytest.mark.parametrize("end", range(40, len(FULL)))
def test_a_datagram_cut_anywhere_says_what_it_lacks(end: int) -> None:
    """The same octets: a finding where they are all that was sent, none where the capture cut them."""
    sent, cut = message(FULL[:end]), message(FULL[:end], missing=len(FULL) - end)
    lacks = {key for key, defect in sent.located_defects() if defect.code == "missing-header"}
    assert lacks == {key for key in ("to", "from", "via", "cseq", "call-id", "max-forwards") if not sent.has(key)}
    assert "missing-header" not in codes(cut)


def found(octets: bytes) -> list[tuple[str, str]]:
    report = analyze(io.BytesIO(octets))
    return [(finding.sub, finding.detail) for finding in report.findings if finding.rule == RULE]


def test_the_rule_tells_it_of_a_datagram(tmp_path: Path) -> None:
    frame = ethernet(ip4(udp(SHORT)))
    ((sub, detail),) = found(pcap([frame]))
    assert sub == "to,max-forwards"
    assert "end without an empty line, though the datagram is whole" in detail
    assert found(pcap([ethernet(ip4(udp(FULL)))], snap=len(frame))) == []  # the same octets, cut by the capture
    path = write(tmp_path, "cut.pcap", pcap([frame], snap=len(frame) - 9))
    report = analyze(path)
    (outcome,) = (tally for rule, tally in report.outcomes.items() if rule == RULE)
    assert (outcome.violated, dict(outcome.not_judged)) == (0, {"WHOLE": 1})


def test_a_stream_that_ends_is_no_message_that_ends() -> None:
    assert found(pcap([ethernet(ip4(tcp(SHORT, 1), 6))])) == []
