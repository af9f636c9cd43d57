"""Clients that are refused are read in columns, and what is said of them is what the object path says, to the word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar import speaking
from analyzer.columnar.classes import SPEAKING, SPOKEN, Placed, Slot, Told, is_constant
from analyzer.columnar.course import Course
from analyzer.columnar.partial import capture_of
from analyzer.columnar.shapes import REFUSALS
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Violated
from analyzer.register.attempt import LINKING
from analyzer.register.subjects import AttemptSubject, MessageSubject
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from tests.columnar import refused_phones
from tests.columnar.captures import Both, Packet, as_json, assert_same, parts_of, write
from tests.columnar.phones import Phone, saying, together
from tests.columnar.refused_phones import COURSES, harmed, of_the_time
from tests.columnar.refused_phones import Course as Doing
from tests.columnar.test_classes import RULES, _shared_classes


def _same(several: list[Packet], folder: Path) -> Both:
    return assert_same(write(folder / "refused.pcap", several))


def _all_alike(folder: Path, course: Doing, *, count: int = 40, seed: int = 1) -> Both:
    return _same(refused_phones.refused_phones(count, seed, (course,)), folder)


def _details(found: Both, rule: str) -> list[str]:
    return [one["detail"] for one in json.loads(found.objects)["findings"] if one["rule"] == rule]


@pytest.mark.parametrize("course", COURSES[:-1], ids=lambda one: one.__name__.strip("_"))
def test_each_kind_of_trouble_is_read_in_columns(course: Doing, tmp_path: Path) -> None:
    found = _all_alike(tmp_path, course, count=80)
    assert found.columnar > 15, found.why


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_harmed", [False, True])
def test_all_kinds_of_trouble_together(seed: int, is_harmed: bool, tmp_path: Path) -> None:
    several = refused_phones.refused_phones(60, seed)
    found = _same(harmed(several, seed) if is_harmed else several, tmp_path)
    assert found.columns is not None or found.why == "times step back", found.why


@pytest.mark.parametrize("seed", range(2))
def test_without_detail(seed: int, tmp_path: Path) -> None:
    path = write(tmp_path / "refused.pcap", refused_phones.refused_phones(80, seed))
    assert assert_same(path, detail=False).columnar > 15


@pytest.mark.parametrize("seed", range(2))
def test_each_class_has_one_answer_of_all_rules(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All clients are read by the object path here; what it says of each of them alone is what columns say."""
    monkeypatch.setattr("analyzer.columnar.classes._OF_ONE_CLIENT", 10_000)
    shared = _shared_classes(write(tmp_path / "refused.pcap", refused_phones.refused_phones(150, seed)))
    assert sum(map(len, shared.values())) > 500
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


def test_by_the_public_function(tmp_path: Path) -> None:
    path = write(tmp_path / "refused.pcap", refused_phones.refused_phones(80, 3))
    reports = [as_json(analyze(path, tables=True, columnar=how)) for how in ("always", "never")]
    assert reports[0] == reports[1]


def _loops(times: int, every: float, status: int = 403, *, wait: float = 0.05) -> list[Packet]:
    """Twenty phones that are challenged and refused so often."""
    phones = [Phone(number) for number in range(20)]
    known = [Phone(900 + number) for number in range(3)]
    for number, phone in enumerate(known):
        phone.registers(number - 20)
    for number, phone in enumerate(phones):
        for turn in range(times):
            phone.challenged(number * 0.3 + turn * every)
            phone.refused(number * 0.3 + turn * every + wait, status, brings=True)
    return together(*known, *phones)


@pytest.mark.parametrize(("times", "every", "is_told"), [(4, 8, False), (5, 8, True), (6, 200, False), (6, 100, True)])
def test_a_loop_is_told_with_its_numbers(times: int, every: float, is_told: bool, tmp_path: Path) -> None:
    found = _same(_loops(times, every), tmp_path)
    assert found.columnar > 10, found.why
    told = _details(found, "DET-auth-loop")
    assert len(told) == (20 if is_told else 0)
    assert all(one.startswith(f"refused {times} times in a row (last 403)") for one in told)


def test_a_loop_of_more_than_is_kept(tmp_path: Path) -> None:
    found = _same(_loops(36, 30.0, 401), tmp_path)
    assert found.columnar > 10, found.why
    assert "refused 36 times in a row (last 401)" in _details(found, "DET-auth-loop")[0]


@pytest.mark.parametrize(("every", "count"), [(14.0, 3), (59.0, 3), (62.0, 0)])
def test_credentials_that_were_refused_are_sent_again(every: float, count: int, tmp_path: Path) -> None:
    found = _same(_loops(4, every), tmp_path)
    assert found.columnar > 10, found.why
    findings = [one for one in json.loads(found.objects)["findings"] if one["rule"] == "R3261-22.1-same-credentials"]
    assert [one["count"] for one in findings] == [count] * (20 if count else 0)


def _hammering(status: int, waits: list[float]) -> list[Packet]:
    """Twenty phones that are refused without being asked, with these pauses."""
    phones = [Phone(number) for number in range(20)]
    known = [Phone(900 + number) for number in range(3)]
    for number, phone in enumerate(known):
        phone.registers(number - 20)
    for number, phone in enumerate(phones):
        at = number * 0.3
        for wait in (*waits, 0.0):
            phone.refused(at, status)
            at += wait
    return together(*known, *phones)


@pytest.mark.parametrize(
    ("waits", "told"), [([5.0] * 2, ""), ([5.0] * 3, "3 times"), ([5.0] * 12, "12 times"), ([5.0, 70.0, 5.0, 5.0], "")]
)
def test_what_was_refused_for_good_is_asked_for_again(waits: list[float], told: str, tmp_path: Path) -> None:
    found = _same(_hammering(404, waits), tmp_path)
    assert found.columnar > 10, found.why
    details = _details(found, "R3261-21.4-retry-unmodified")
    assert all(f"unchanged {told} in a row after a 404" in one for one in details)
    assert len(details) == (20 if told else 0)


@pytest.mark.parametrize(("wait", "is_told"), [(1.5, True), (2.5, False)])
def test_a_server_that_is_overloaded_is_asked_at_once(wait: float, is_told: bool, tmp_path: Path) -> None:
    found = _same(_hammering(503, [wait] * 3), tmp_path)
    assert found.columnar > 10, found.why
    assert len(_details(found, "R3261-21.5.4-retry-after")) == (20 if is_told else 0)


def test_phones_that_manage_flows_wait_longer_and_longer(tmp_path: Path) -> None:
    several = saying(
        _hammering(500, [3.0, 3.0, 30.0, 30.0]), b"\r\nExpires:", b";reg-id=1\r\nSupported: outbound\r\nExpires:"
    )
    found = _same(several, tmp_path)
    assert _details(found, "R5626-4.5-backoff"), "nobody is told to wait"


@pytest.mark.parametrize("times", [4, 19, 20, 25])
def test_a_scanner_that_guesses_is_for_the_object_path(times: int, tmp_path: Path) -> None:
    """How fast it guesses is told from twenty tries on."""
    several = saying(_loops(times, 3.0), b"\r\nExpires:", b"\r\nUser-Agent: friendly-scanner\r\nExpires:")
    several = [*saying(several[:12], b"friendly-scanner", b"a phone"), *several[12:]]
    found = _same(several, tmp_path)
    assert (found.columnar > 10) == (times < 20), found.why
    assert bool(_details(found, "DET-brute-user")) == (times >= 20)


@pytest.mark.parametrize("status", sorted({*LINKING, 302, 404, 408, 486, 600}))
def test_other_answers(status: int, tmp_path: Path) -> None:
    """Those that ask for another request, or say where else to go, are for the object path."""
    several = _hammering(404, [30.0, 30.0])
    found = _same(saying(several, b"SIP/2.0 404 No", b"SIP/2.0 %d No" % status), tmp_path)
    assert (found.columnar > 10) == (status in REFUSALS)


@pytest.mark.parametrize(
    "more", [b"Contact: <sip:1000003@203.0.113.20:10003>;expires=60", b"Retry-After: 20", b'Warning: 399 here "no"']
)
def test_a_refusal_that_says_more(more: bytes, tmp_path: Path) -> None:
    several = saying(_hammering(503, [30.0, 30.0]), b"SIP/2.0 503 No\r\n", b"SIP/2.0 503 No\r\n" + more + b"\r\n")
    found = _same(several, tmp_path)
    assert (found.columnar > 10) == more.startswith(b"Warning")


def test_the_registrars_own_words_are_told(tmp_path: Path) -> None:
    several = saying(_loops(2, 30.0), b"SIP/2.0 403 No", b"SIP/2.0 403 Come back on Monday")
    found = _same(several, tmp_path)
    assert found.columnar > 10, found.why
    assert "Come back on Monday" in found.objects


@pytest.mark.parametrize("late", [False, True])
def test_a_binding_that_runs_out_while_its_client_is_refused(late: bool, tmp_path: Path) -> None:
    """It is for the object path then: that it ran out is told when time has passed."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        for turn in range(3):
            phone.refused(100 + number * 0.1 + 30 * turn, 503)
    several = saying(together(*phones), b"expires=3600", b"expires=0130" if late else b"expires=0600")
    found = _same(several, tmp_path)
    assert (found.columnar > 10) != late


def test_a_finding_that_explains_why_it_was_refused_names_the_attempts(tmp_path: Path) -> None:
    """Which attempts a violation broke is for the object path: it says so in the finding."""
    several = saying(_loops(3, 30.0), b'uri="sip:example.com"', b'uri="sip:example.net"')
    assert _details(_same(several, tmp_path), "R3261-22.4-digest-uri")


def test_refusals_are_what_the_object_path_calls_so() -> None:
    assert not {*REFUSALS} & {*LINKING}
    assert all(status >= 400 for status in REFUSALS)


def test_rules_that_speak_explain_nothing_and_fold_nothing() -> None:
    """What they find is made apart from all else that is found of a transaction; but silence explains the attempt that
    it ends, and is tied to that (`test_silent.py`)."""
    cards = [rule for rule in all_rules() if rule.id in SPEAKING]
    assert len(cards) == len(SPEAKING)
    assert [rule.id for rule in cards if rule.explains] == ["R3261-17.2-unanswered"]
    assert not any(rule.supersedes or rule.also for rule in cards)


def _told(*answers: object, name: str, failed: bool = False) -> Told:
    kind = AttemptSubject if failed else MessageSubject
    return Told(kind, 1, Slot(True, 0), 1, ((name, answers),), has_failed=failed)  # type: ignore[arg-type]


def test_what_folds_a_rule_that_speaks_is_not_repeated() -> None:
    folding = next(rule for rule in all_rules() if {*rule.supersedes} & {*SPEAKING} and rule.id not in SPEAKING)
    placed = Placed(Violated("so it is"), None, ())
    folded = next(name for name in folding.supersedes if name in SPEAKING)
    both = [_told(placed, name=folding.id), _told(SPOKEN, name=folded)]
    assert not is_constant([both, both], RULES)
    assert is_constant([both[1:], both[1:]], RULES)


def test_what_explains_a_failure_is_not_repeated() -> None:
    explaining = next(rule for rule in all_rules() if rule.explains and not rule.supersedes)
    placed = Placed(Violated("so it is"), None, ())
    one, failed = _told(placed, name=explaining.id), _told(PASSED, name="DET-auth-loop", failed=True)
    assert is_constant([[one], [one]], RULES)
    assert not is_constant([[one, failed], [one, failed]], RULES)
    silent = _told(Placed(Violated("so it is", explains=()), None, ()), name=explaining.id)
    assert is_constant([[silent, failed], [silent, failed]], RULES)


def test_failures_of_other_causes_are_no_class() -> None:
    one, other = (_told(NOT_APPLICABLE, name="DET-auth-loop", failed=True)._replace(cause=why) for why in ("", "late"))
    assert is_constant([[one], [one]], RULES)
    assert not is_constant([[one], [other]], RULES)


def test_a_rule_that_needs_more_than_columns_tell_ends_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "_Subject", lambda *_, **__: None)
    assert "columns cannot tell" in _same(_loops(5, 8), tmp_path).why


def test_columns_that_say_otherwise_than_the_object_path_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "accepted", lambda *_: True)
    assert "columns say otherwise by R3261-22.1-same-credentials" in _same(_loops(5, 8), tmp_path).why


def test_how_often_each_client_was_refused_by_then() -> None:
    """Two clients: refused, asked, refused; and granted, refused."""
    refused = np.array([True, False, True, False, True])
    grants = np.array([False, False, False, True, False])
    asks = np.array([False, True, False, False, False])
    found = Course(slice(0, 2), np.arange(5), np.array([0, 3]), np.array([3, 2]), grants, asks, refused)
    assert found.refusals.tolist() == [1, 1, 2, 0, 1]
    assert found.is_troubled.all()
    assert found.asked.tolist() == [-1, -1, 1, -1, -1]
    assert found.firsts(asks).tolist() == [1, 3]


def test_who_is_troubled_is_told_from_the_first_refusal_on(tmp_path: Path) -> None:
    phone, calm = Phone(1), [Phone(2 + number) for number in range(8)]
    for number, one in enumerate(calm):
        one.registers(number - 20)
    phone.registers(0)
    phone.refused(30, 503)
    phone.registers(60)
    capture, _ = parts_of(write(tmp_path / "one.pcap", together(phone, *calm)))
    clients = capture.clients
    client = next(at for at, one in enumerate(clients.facts) if one is not None and one.user == "1000001")
    assert clients.troubled[clients.exchanges(client)].tolist() == [False, False, True, True, True]
    assert clients.troubled.sum() == 3


@pytest.mark.parametrize("most", [3, 1000])
def test_what_is_forgotten_of_many_is_kept_where_columns_keep_it(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object path alone forgets refusals beyond its bounds; held against columns it has room for all."""
    for name in ("guesses.MOST_USERS", "refused_credentials.MOST_CLIENTS", "retries.MOST_ROWS", "refusals.MOST_USERS"):
        monkeypatch.setattr(f"analyzer.register.{name}", most)
    assert _same(_loops(5, 8), tmp_path).columnar > 10
    assert _same(_hammering(404, [5.0] * 4), tmp_path).columnar > 10


def test_a_capture_of_refused_clients_alone_has_a_class_of_each(tmp_path: Path) -> None:
    path = write(tmp_path / "loops.pcap", _loops(3, 30.0))
    clients = capture_of(path).clients
    assert clients.ordinary.all()
    assert len(np.unique(clients.kind[clients.troubled])) > 2


@pytest.mark.parametrize("seconds", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("is_harmed", [False, True])
def test_nonces_of_the_time_are_given_to_one_client_again(seconds: float, is_harmed: bool, tmp_path: Path) -> None:
    """A phone that is refused comes again within the second, and is given the nonce that it has."""
    courses = tuple(one for one in COURSES if one.__name__ in ("_calm", "_again", "_without_a_pause"))
    several = of_the_time(refused_phones.refused_phones(100, 4, courses, pace=0.05), seconds)
    found = _same(harmed(several, 2) if is_harmed else several, tmp_path)
    assert is_harmed or found.columnar > 10, found.why


def test_so_has_each_class_of_phones_that_are_given_a_nonce_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.columnar.classes._OF_ONE_CLIENT", 10_000)
    courses = tuple(one for one in COURSES if one.__name__ in ("_calm", "_again", "_without_a_pause"))
    several = of_the_time(refused_phones.refused_phones(150, 5, courses, pace=0.03), 1.0)
    shared = _shared_classes(write(tmp_path / "refused.pcap", several))
    assert sum(map(len, shared.values())) > 300
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


@pytest.mark.parametrize("every", [0.2, 700.0])
def test_a_nonce_that_stays_the_same_for_hours(every: float, tmp_path: Path) -> None:
    """The sentence says for how many seconds."""
    loops = _loops(8, every)
    own = of_the_time([one for one in loops if b"sip:1000007@" in one.message], 1e8)
    others = (one for one in loops if b"sip:1000007@" not in one.message)
    found = _same(sorted([*own, *others], key=lambda one: one.time), tmp_path)
    assert found.columnar > 10, found.why
    assert ("was still given out after" in found.objects) == (every > 1)


@pytest.mark.parametrize("is_guessing", [False, True])
def test_who_answers_one_nonce_with_several_passwords(is_guessing: bool, tmp_path: Path) -> None:
    """All else in the credentials is the same: that is proof of a guess, and for the object path."""
    loops = _loops(7, 0.2, 401)
    own = of_the_time([one for one in loops if b"sip:1000007@" in one.message], 1e8)
    if is_guessing:
        own = [
            one.saying(re.sub(rb'response="....', b'response="%04x' % at, one.message)) for at, one in enumerate(own)
        ]
    others = (one for one in loops if b"sip:1000007@" not in one.message)
    found = _same(sorted([*own, *others], key=lambda one: one.time), tmp_path)
    assert found.capture is not None, found.why
    users = {one.user for one in found.capture.clients.facts if one is not None}
    assert ("1000007" in users) != is_guessing
    assert bool(_details(found, "DET-brute-user")) == is_guessing
