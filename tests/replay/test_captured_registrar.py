"""The captured registrar, played: its answers with the live request's names, in the captured order, quirks and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import Message, parse_bytes
from replay.captured_registrar import PlaybackOptions, Scenario, kind_of
from replay.flow import Flow
from replay.known_clients import Client
from replay.machine import SECOND
from replay.registrar_events import Differs, Verified, Withheld
from replay.uas import StopCondition
from tests.replay.registrar_stage import (
    EPOCH,
    PHONE,
    SECRETS,
    START,
    Desk,
    client_of,
    flow,
    house,
    play,
    request,
    sent,
    tokens,
)

THEN = "SIP/2.0/UDP 10.1.1.1:5060;rport=999;branch=z9hG4bKthen;received=9.9.9.9"
CHALLENGE = 'Digest realm="then", nonce="old-nonce", algorithm=MD5, qop="auth", opaque="o"'


def captured(status: str, *rows: str, body: str = "", names: Sequence[str] = ()) -> bytes:
    """An answer as a capture has it; `names` are the rows in place of the usual ones."""
    usual = [
        f"Via: {THEN}",
        "From: <sip:then@x>;tag=1",
        "To: <sip:then@x>;tag=srv",
        "Call-ID: then",
        "CSeq: 9 REGISTER",
    ]
    return "\r\n".join([f"SIP/2.0 {status}", *(names or usual), *rows, "Content-Length: 0", "", body]).encode()


def asked(**given: object) -> bytes:
    return request(**{"contact": "<sip:alice@10.1.1.1:5060>", "call_id": "then", **given})  # type: ignore[arg-type]


def scenario(*pairs: tuple[bytes, bytes | None], secrets: Secrets | None = None, **playing: Any) -> Desk:
    return Desk(Scenario(flow(*pairs), secrets or Secrets(), tokens(), PlaybackOptions(**playing)))


def one_answer(answer: bytes, live: bytes | None = None) -> Message:
    return scenario((asked(), answer)).ask(live or request(contact="<sip:alice@192.0.2.10>"))


# One answer.


def test_the_names_are_the_live_requests_and_the_rest_is_as_captured() -> None:
    live = request(cseq=42, call_id="live", via="SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKlive")
    answer = one_answer(captured("200 Fine By Me", "X-Odd: kept", "Server: Old/1.0"), live)
    assert (answer.status, answer.reason) == (200, "Fine By Me")
    assert answer.via is not None and answer.via.branch == "z9hG4bKlive" and answer.via.rport == "5060"
    assert answer.first("from") == "<sip:alice@example.com>;tag=f1"
    assert answer.to is not None and answer.to.tag not in (None, "srv")
    assert (answer.call_id, answer.first("cseq")) == ("live", "42 REGISTER")
    assert answer.first("x-odd") == "kept" and answer.first("server") == "Old/1.0"


def test_every_change_is_an_edit_without_a_rule() -> None:
    stage = scenario((asked(), captured("200 OK", "Contact: <sip:alice@10.1.1.1:5060>;expires=77")))
    stage.ask(request())
    assert stage.editor is not None
    assert [edit.what for edit in stage.editor.edits] == ["Via", "From", "To", "Call-ID", "CSeq", "Contact"]
    assert all(edit.rule is None and edit.before and edit.after and edit.why for edit in stage.editor.edits)


def test_spelling_order_and_folding_stay() -> None:
    names = ["v:  SIP/2.0/UDP x;branch=z9hG4bKt", "t: <sip:x@y>;tag=1", "f: <sip:x@y>", "i: c", "cSEQ: 1 REGISTER"]
    answer = one_answer(captured("200 OK", "X-Fold: a\r\n b", names=names))
    lines = answer.raw.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines[1:6]] == [b"v", b"t", b"f", b"i", b"cSEQ"]
    assert b"X-Fold: a\r\n b\r\n" in answer.raw


def test_a_to_tag_that_is_missing_stays_missing() -> None:
    names = [f"Via: {THEN}", "From: <sip:a@b>;tag=1", "To: <sip:a@b>", "Call-ID: c", "CSeq: 1 REGISTER"]
    answer = one_answer(captured("200 OK", names=names))
    assert answer.to is not None and answer.to.tag is None


def test_a_header_that_is_missing_stays_missing() -> None:
    answer = one_answer(captured("200 OK", names=[f"Via: {THEN}", "CSeq: 9 REGISTER"]))
    assert answer.first("to") is None and answer.first("call-id") is None


def test_date_is_now() -> None:
    answer = one_answer(captured("200 OK", "Date: Thu, 01 Jan 1970 00:00:00 GMT"))
    assert answer.date == (START + EPOCH) // SECOND
    assert not one_answer(captured("200 OK")).has("date")


@pytest.mark.parametrize("rows", [[], ["Min-Expires: 500"], ["Min-Expires: x"]])
def test_a_423_is_as_it_was(rows: list[str]) -> None:
    answer = one_answer(captured("423 Interval Too Brief", *rows))
    assert [f"Min-Expires: {value}" for value in answer.all("min-expires")] == rows


# Contacts.


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("<sip:alice@10.1.1.1:5060>;expires=77", "<sip:alice@192.0.2.10:6000;x>;expires=77"),
        ("<sip:alice@10.1.1.1:5060>", "<sip:alice@192.0.2.10:6000;x>"),
        ('"A" <sip:alice@10.1.1.1:5060>;q=0.3;expires="9"', '"A" <sip:alice@192.0.2.10:6000;x>;q=0.3;expires="9"'),
        ("sip:alice@10.1.1.1:5060;expires=77", "<sip:alice@192.0.2.10:6000;x>;expires=77"),
        ("<sip:other@10.2.2.2>;expires=5", "<sip:other@10.2.2.2>;expires=5"),
        (
            "<sip:other@10.2.2.2>;expires=5, <sip:alice@10.1.1.1:5060>;expires=6",
            "<sip:other@10.2.2.2>;expires=5, <sip:alice@192.0.2.10:6000;x>;expires=6",
        ),
    ],
)
def test_the_clients_own_contact_is_the_live_one(then: str, now: str) -> None:
    live = request(contact="<sip:alice@192.0.2.10:6000;x>;expires=1234")
    answer = one_answer(captured("200 OK", f"Contact: {then}"), live)
    assert ", ".join(contact.raw.strip() for contact in answer.contacts) == now


def test_rows_of_contacts_stay_rows() -> None:
    stage = scenario(
        (
            asked(contact="<sip:a@10.1.1.1>, <sip:b@10.1.1.1>"),
            captured("200 OK", "Contact: <sip:a@10.1.1.1>;expires=1", "m: <sip:b@10.1.1.1>;expires=2"),
        )
    )
    answer = stage.ask(request(contact="<sip:a@h>, <sip:b@h>, <sip:c@h>"))
    rows = [line for line in answer.raw.split(b"\r\n") if line.startswith((b"Contact", b"m:"))]
    assert rows == [b"Contact: <sip:a@h>;expires=1", b"m: <sip:b@h>;expires=2, <sip:c@h>;expires=1"]
    answer = scenario(
        (
            asked(contact="<sip:a@10.1.1.1>, <sip:b@10.1.1.1>"),
            captured("200 OK", "Contact: <sip:a@10.1.1.1>;expires=1", "m: <sip:b@10.1.1.1>;expires=2"),
        )
    ).ask(request(contact="<sip:a@h>"))
    assert [contact.raw for contact in answer.contacts] == ["<sip:a@h>;expires=1"]


def test_the_live_devices_instance_is_answered() -> None:
    then = '<sip:alice@10.1.1.1:5060>;+sip.instance="<urn:uuid:then>"'
    stage = scenario((asked(contact=then), captured("200 OK", f"Contact: {then};expires=60")))
    answer = stage.ask(request(contact='<sip:alice@h>;+sip.instance="<urn:uuid:now>"'))
    assert answer.contacts[0].params.get("+sip.instance") == '"<urn:uuid:now>"' and answer.contacts[0].expires == 60


def test_a_query_is_answered_with_what_the_client_named_before() -> None:
    listed = captured("200 OK", "Contact: <sip:alice@10.1.1.1:5060>;expires=60")
    stage = scenario((asked(), listed), (asked(contact=None), listed))
    stage.ask(request(contact="<sip:alice@192.0.2.77>"))
    assert [one.raw for one in stage.ask(request(contact=None)).contacts] == ["<sip:alice@192.0.2.77>;expires=60"]


# Challenges.


def challenged(**playing: Any) -> Desk:
    answer = captured("401 Unauthorized", f"WWW-Authenticate: {CHALLENGE}")
    return scenario((asked(), answer), (asked(), answer), (asked(), captured("200 OK")), **playing)


def test_a_nonce_is_fresh_and_the_same_wherever_the_captured_one_was() -> None:
    stage = challenged()
    first, second = (stage.ask(request(cseq=cseq)).challenges[0] for cseq in (1, 2))
    assert first.nonce == second.nonce not in (None, "old-nonce")
    assert first.raw == CHALLENGE.replace("old-nonce", first.nonce or "")
    other = stage.ask(request(), client=Client(2, "", PHONE)).challenges[0]
    assert other.nonce not in (first.nonce, "old-nonce")


def test_a_nonce_as_captured() -> None:
    assert challenged(fresh_nonces=False).ask(request()).challenges[0].raw == CHALLENGE


@pytest.mark.parametrize("nonce", ["nonce=old", 'Nonce = "old"', 'nonce="o\\"ld"'])
def test_a_nonce_is_changed_where_it_stands(nonce: str) -> None:
    rows = [f'WWW-Authenticate: Digest realm="r",{nonce},stale=TRUE', f'WWW-Authenticate: Digest {nonce}, realm="s"']
    answer = one_answer(captured("401 No", *rows))
    assert len({one.nonce for one in answer.challenges}) == 1 and answer.challenges[0].nonce not in ("old", 'o"ld')
    assert len(answer.all("www-authenticate")) == 2 and answer.challenges[0].stale


def test_authentication_info_answers_the_live_credentials() -> None:
    info = 'Authentication-Info: nextnonce="next", rspauth="00", qop=auth, cnonce="then", nc=00000007'
    sends = 'Authorization: Digest username="alice", realm="then", nonce="n", uri="sip:x", response="r", ' \
            'qop=auth, nc=00000001, cnonce="now"'  # fmt: skip
    for secrets, proofs in ((SECRETS, 1), (Secrets(), 0)):
        row = scenario((asked(), captured("200 OK", info)), secrets=secrets).ask(request(extra=[sends])).all(
            "authentication-info"
        )[0]  # fmt: skip
        assert 'cnonce="now"' in row and "nc=00000001" in row and '"next"' not in row
        assert row.count("rspauth") == proofs and 'rspauth="00"' not in row


# The sequence.


def statuses(stage: Desk, count: int) -> list[int | None]:
    answers = [stage.maybe(request(cseq=cseq)) for cseq in range(1, count + 1)]
    return [answer.status if answer is not None else None for answer in answers]


def test_each_client_has_its_own_sequence() -> None:
    server = house(Scenario(flow((asked(), captured("401 No")), (asked(), captured("503 Busy"))), Secrets(), tokens()))
    for call_id, cseq, status in (("a", 1, 401), ("b", 1, 401), ("a", 2, 503), ("b", 2, 503)):
        octets = request(call_id=call_id, cseq=cseq, user=f"u{call_id}", contact=f"<sip:{call_id}@h{call_id}>")
        commands = server.receive(octets, PHONE, START)
        commands += server.wake(START + SECOND)
        assert [answer.status for answer in sent(commands)] == [status]
    assert server.finished == 2


def test_a_client_that_begins_anew_goes_on_and_after_the_end_is_another() -> None:
    server = house(Scenario(flow((asked(), captured("401 No")), (asked(), captured("200 OK"))), Secrets(), tokens()))
    for number, call_id in enumerate(("a", "b", "c", "d")):
        server.receive(request(call_id=call_id), PHONE, START + number * SECOND)
    assert [client.call_ids for client in server.clients.listed()] == [["a", "b"], ["c", "d"]]


def test_silence_is_silence_and_its_copies_too() -> None:
    server = house(
        Scenario(flow((asked(), None), (asked(), captured("200 OK"))), Secrets(), tokens(), PlaybackOptions(speed=0))
    )
    lost = request(branch="z9hG4bKlost")
    events = server.receive(lost, PHONE, START)
    assert sent(events) == [] and any(isinstance(getattr(one, "event", None), Withheld) for one in events)
    assert sent(server.receive(lost, PHONE, START + SECOND)) == []
    assert [one.status for one in sent(server.receive(request(cseq=2), PHONE, START + 32 * SECOND))] == [200]


def test_a_last_step_that_is_silence_is_kept_up_until_the_client_gives_up() -> None:
    server = house(Scenario(flow((asked(), None)), Secrets(), tokens()), term=StopCondition(clients=1, linger=SECOND))
    server.start(START)
    server.receive(request(), PHONE, START)
    assert server.deadline == START + 32 * SECOND and server.wake(START + 31 * SECOND) == []
    server.wake(START + 33 * SECOND)
    assert server.done


def test_answers_are_as_late_as_captured() -> None:
    late = flow((asked(), captured("200 OK")), gap=4 * SECOND)
    for speed, wait in ((1.0, 4 * SECOND), (2.0, 2 * SECOND), (0.0, 0)):
        stage = Desk(Scenario(late, Secrets(), tokens(), PlaybackOptions(speed=speed)))
        stage.ask(request())
        assert stage.reply.delay == wait


def test_after_the_end_a_registered_client_meets_a_plain_registrar() -> None:
    granted = captured("200 OK", "Contact: <sip:alice@10.1.1.1:5060>;expires=77", "Server: Old/1.0")
    brief = captured("423 No", "Min-Expires: 50")
    stage = scenario((asked(), brief), (asked(), granted))
    assert statuses(stage, 3) == [423, 200, 200]
    answer = stage.ask(request(cseq=9))
    assert answer.contacts[0].expires == 77 and answer.first("server") == "Old/1.0"
    assert stage.ask(request(cseq=10, expires="20")).min_expires == 50


def test_after_the_end_a_challenged_client_is_challenged_with_the_captured_realm() -> None:
    answer = captured("401 No", f"WWW-Authenticate: {CHALLENGE}")
    stage = scenario((asked(), answer), (asked(), captured("200 OK")), secrets=SECRETS)
    assert statuses(stage, 3) == [401, 200, 401]
    challenge = stage.ask(request(cseq=9)).challenges[0]
    assert (challenge.realm, challenge.qop, challenge.opaque) == ("then", "auth", "o")


def test_after_the_end_a_refused_client_is_refused_again() -> None:
    assert statuses(scenario((asked(), captured("401 No")), (asked(), captured("403 Never"))), 4) == [
        401,
        403,
        403,
        403,
    ]
    assert statuses(scenario((asked(), None)), 2) == [None, None]


def test_other_methods_are_no_steps() -> None:
    stage = scenario((asked(), captured("403 Never")))
    assert stage.ask(request("OPTIONS")).status == 200 and stage.ask(request()).status == 403


# What is told.


def test_what_the_live_client_does_otherwise_is_told_and_changes_nothing() -> None:
    stage = scenario((asked(expires="600"), captured("200 OK")), (asked(expires="600"), captured("200 OK")))
    stage.ask(request(expires="0"))
    assert list(stage.round.differences) == ["it is a removal, the captured one was a registration"]
    assert any(isinstance(event, Differs) for event in stage.reply.events)
    stage.ask(request(expires="300", extra=["Authorization: Digest x"]))
    assert list(stage.round.differences) == [
        "it has credentials, the captured one had none",
        "it asks for 300 s, the captured one asked for 600 s",
    ]


@pytest.mark.parametrize(
    ("contact", "expires", "kind"),
    [
        (None, None, "query"),
        ("*", "0", "removal"),
        ("<sip:a@h>", "0", "removal"),
        ("<sip:a@h>;expires=0, <sip:b@h>", None, "registration"),
        ("<sip:a@h>;expires=5", "0", "registration"),
    ],
)
def test_what_a_request_is_for(contact: str | None, expires: str | None, kind: str) -> None:
    assert kind_of(parse_bytes(request(contact=contact, expires=expires))) == kind


def test_the_digest_is_judged_and_the_script_goes_on() -> None:
    refused = captured("401 No", f"WWW-Authenticate: {CHALLENGE}")
    pairs = ((asked(), refused), (asked(extra=["Authorization: Digest x"]), captured("200 OK")))
    for password, verdict in (("wonder", "match"), ("wrong", "mismatch")):
        server = house(Scenario(flow(*pairs), SECRETS, tokens(), PlaybackOptions(speed=0)))
        session = client_of(flow(*pairs), password=password)
        events = play(session, server)
        found = [event for event in events if isinstance(event, Verified)]
        assert [event.verdict.verdict.value for event in found[:1] if event.verdict] == [verdict]
        assert found[0].reason == ""
        assert [one.now for one in server.clients.listed()[0].rounds][:2] == [401, 200]


def test_a_finished_flow_is_the_same_live() -> None:
    granted = captured("200 OK", "Contact: <sip:alice@10.1.1.1:5060>;expires=600")
    whole: Flow = flow((asked(expires="600"), granted), (asked(expires="0"), captured("200 OK")), outcome="removed")
    server = house(Scenario(whole, Secrets(), tokens(), PlaybackOptions(speed=0)))
    play(client_of(whole), server)
    assert server.conversation.finish().registrations[0].outcome == whole.outcome
