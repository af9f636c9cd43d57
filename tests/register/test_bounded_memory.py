"""What is given up to stay within bounds is said, and nothing wrong is said for want of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyzer.evidence import Item
from analyzer.judge.flowtext import read_flow
from analyzer.register import challenges, exchanges
from analyzer.register.digest.secrets import Secrets
from analyzer.register.registration import LastSeen
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report

_USER = (
    "From: <sip:{name}@example.com>;tag={name}\nTo: <sip:{name}@example.com>\nCall-ID: {name}\n"
    "Contact: <sip:{name}@192.0.2.10:5060>\n"
)


def exchange(at: int, name: str, password: str = "x", status: int = 200) -> str:
    user = _USER.format(name=name)
    return (
        f"@{at} > REGISTER sip:example.com\n{user}< 401\n"
        f"> REGISTER sip:example.com\n{user}Authorization: {{{name} {password}}}\n< {status}\n"
    )


def flow(rounds: int) -> Iterator[Item]:
    text = "".join(
        exchange(600 * number + at, name) for number in range(rounds) for at, name in enumerate(("a", "b", "c"))
    )
    return iter(read_flow(text))


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly anything is kept."""
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", 1)
    monkeypatch.setattr(challenges, "MOST_NONCES", 1)


def violated(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


@pytest.mark.usefixtures("tight")
def test_it_is_said() -> None:
    report = analyze_items(flow(3))
    assert [note.partition(" ")[2] for note in report.notes if "nonces" in note] == [
        "nonces were forgotten, the oldest first: whether those are used again is not judged"
    ]
    assert any("the last exchange was not kept whole" in note for note in report.notes)


def test_nothing_is_said_where_nothing_was_given_up() -> None:
    assert analyze_items(flow(3)).notes == []


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize(
    ("rule", "example"),
    [(rule, example) for rule in all_rules() for example in rule.examples if not example.expect],
    ids=lambda given: getattr(given, "id", None) or getattr(given, "title", ""),
)
def test_no_good_example_becomes_a_bad_one(rule: object, example: object) -> None:
    """Less is known, so less is found; never something else."""
    text, log = example.flow, example.log  # type: ignore[attr-defined]
    secrets = Secrets.of(example.passwords)  # type: ignore[attr-defined]
    found = violated(analyze_items(read_flow(text, log=log), secrets=secrets))
    assert rule.id not in found  # type: ignore[attr-defined]


@pytest.mark.usefixtures("tight")
def test_the_clients_are_the_same() -> None:
    tightly = analyze_items(flow(4))
    whole = [("a", 4), ("b", 4), ("c", 4)]
    told = [(one.aor[4:5], one.outcomes["registered"]) for one in tightly.registrations]
    assert told == whole
    assert all(len(one.bindings) == 1 and one.refreshes == 3 for one in tightly.registrations)


@pytest.mark.usefixtures("tight")
def test_what_a_report_says_of_the_last_exchange_stays() -> None:
    text = exchange(0, "a", status=403) + exchange(100, "b") + exchange(200, "c") + exchange(300, "d")
    report = analyze_items(read_flow(text))
    first = report.registrations[0]
    assert isinstance(first.last_seen, LastSeen)
    assert (first.last_seen.id, first.last_seen.has_credentials, first.last_seen.reason) == (2, True, "Forbidden")
    assert (first.outcome, first.status) == ("rejected", 403)


@pytest.mark.usefixtures("tight")
def test_a_live_transaction_is_not_let_go() -> None:
    analysis = Analysis([])
    for item in read_flow(exchange(0, "a") + exchange(50, "b") + exchange(100, "a") + exchange(150, "b")):
        analysis.feed(item)
    live = analysis.reconstructor.table._live.values()
    assert live and all(one.request is not None for one in live)


def test_nonces_do_not_follow_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "MOST_NONCES", 16)
    analysis = Analysis([])
    for item in flow(20):
        analysis.feed(item)
    ledger = analysis.reconstructor.challenges
    assert (len(ledger._uses), ledger.evicted) == (16, 60 - 16)


def test_of_an_unknown_nonce_nothing_is_said_once_some_were_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        exchange(0, "a")
        + exchange(600, "b")
        + (
            "@1200 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 401\n"
            "@1230 > REGISTER sip:example.com\nAuthorization: {bob x nonce=strange}\n< 401\n"
        )
    )
    assert "R7616-3.4-nonce-current" in violated(analyze_items(read_flow(text)))
    monkeypatch.setattr(challenges, "MOST_NONCES", 1)
    report = analyze_items(read_flow(text))
    assert "R7616-3.4-nonce-current" not in violated(report)
    reasons = report.outcomes["R7616-3.4-nonce-current"].not_judged
    assert reasons["the capture is too long to remember every nonce"] == 1
