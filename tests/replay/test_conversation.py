"""The live conversation's analysis: findings at once, each once, and the report that a capture of it would give."""

from __future__ import annotations

from analyzer.evidence import Frame, RawMessage, Source
from analyzer.run.pipeline import Analysis
from replay.conversation import Conversation
from replay.machine import SECOND
from tests.replay.registrar_stage import EPOCH, HERE, PHONE, SECRETS, request

USERINFO = "R3261-10.2-ruri-userinfo"


def test_news_are_what_is_new_and_nobody_is_told_unasked() -> None:
    source = Source("s")
    analysis = Analysis([source])
    place = Frame("s", 1)

    def feed(cseq: int, call_id: str, user: str) -> None:
        octets = request(cseq=cseq, call_id=call_id, user=user, uri=f"sip:{user}@example.com")
        analysis.feed(RawMessage(octets, EPOCH + cseq * SECOND, place, PHONE, HERE))

    feed(1, "a", "alice")
    assert analysis.news() == [], "nobody had asked before it was found"
    feed(2, "b", "bob")
    assert USERINFO in [finding.rule for finding in analysis.news()]
    feed(3, "b", "bob")
    assert USERINFO not in [finding.rule for finding in analysis.news()]
    report = analysis.finish()
    assert sum(finding.count for finding in report.findings if finding.rule == USERINFO) == 3


def test_the_report_is_that_of_a_capture() -> None:
    conversation = Conversation(SECRETS)
    source = Source("live", format="live")
    analysis = Analysis([source], secrets=SECRETS)
    for number in range(1, 6):
        octets = request(cseq=number, uri="sip:alice@example.com")
        conversation.heard(octets, EPOCH + number * SECOND, PHONE, HERE, "udp")
        analysis.feed(RawMessage(octets, EPOCH + number * SECOND, Frame("live", number), PHONE, HERE))
    ours, theirs = conversation.finish(), analysis.finish()
    assert [(one.rule, one.count, one.evidence) for one in ours.findings] == [
        (one.rule, one.count, one.evidence) for one in theirs.findings
    ]
    assert ours.transactions == theirs.transactions and ours.sources[0].messages == 5
    assert not ours.interrupted and Conversation().finish(interrupted=True).interrupted


def test_every_finding_of_the_report_was_told() -> None:
    conversation = Conversation()
    told = []
    for number, uri in enumerate(("sip:alice@example.com", "sip:example.com", "sip:example.com"), 1):
        octets = request(cseq=number * 3, uri=uri, contact="*" if number == 2 else "<sip:a@h>")
        told += conversation.heard(octets, EPOCH + number * SECOND, PHONE, HERE, "UDP")
    unheard = {finding.rule for finding in conversation.finish().findings} - {finding.rule for finding in told}
    assert len(told) >= 3 and unheard <= {"R3261-17.2-unanswered"}, "silence is known when it is over"
