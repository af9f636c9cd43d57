"""What each attempt was for, how it ended, and the times of trouble between two successes."""

from __future__ import annotations

import pytest

from analyzer.register.history import KEPT_EPISODES, Episode, History
from analyzer.register.server_words import LONGEST, ServerWords
from analyzer.run.pipeline import analyze_items
from tests.register.watch import watch

_REGISTER = "> REGISTER sip:example.com\n"
_OTHER = "Contact: <sip:bob@192.0.2.77:5060>\n"


def history(flow: str) -> History:
    return watch(flow).registration.history


def purposes(flow: str) -> list[str]:
    return [one.purpose for one in history(flow).attempts or ()]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("", "refresh"),
        ("Expires: 0\n", "remove"),
        ("Contact: *\nExpires: 0\n", "remove"),
        ("Contact: <sip:bob@192.0.2.10:5060>;expires=0\n", "remove"),
        ("-Contact\n-Expires\n", "query"),
        (_OTHER, "change"),
        ("Contact: <sip:bob@192.0.2.10:5060>\nContact: <sip:bob@192.0.2.77:5060>\n", "change"),
    ],
)
def test_the_purpose_of_what_follows_a_registration(second: str, expected: str) -> None:
    assert purposes(f"{_REGISTER}< 200\n@60 {_REGISTER}{second}< 200") == ["register", expected]


def test_after_the_end_of_a_binding_it_registers_anew() -> None:
    assert purposes(f"{_REGISTER}< 200\n@9000 {_REGISTER}< 200") == ["register", "register"]


def test_an_attempt_keeps_its_purpose_over_a_challenge() -> None:
    (one,) = history(f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob x}}\n< 200").attempts or []
    assert (one.purpose, one.outcome, one.status, one.is_late_answer) == ("register", "registered", 200, False)


def test_failures_between_successes_are_an_episode() -> None:
    flow = f"{_REGISTER}< 200\n@60 {_REGISTER}< 500\n@90 {_REGISTER}< 503\n@120 {_REGISTER}< 200"
    (episode,) = history(flow).episodes
    assert (episode.count, episode.statuses, episode.over) == (2, (500, 503), True)
    assert episode.until is not None and episode.first.start is not None
    assert round((episode.until - episode.first.start) / 1e9) == 60


def test_failures_that_last_are_no_closed_episode() -> None:
    (episode,) = history(f"{_REGISTER}< 200\n@60 {_REGISTER}< 500").episodes
    assert not episode.over and episode.until is None
    assert history(f"{_REGISTER}< 200\n@60 {_REGISTER}< 500").is_troubled


def test_who_is_well_has_no_episodes() -> None:
    episodes: tuple[Episode, ...] = history(f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob x}}\n< 200").episodes
    assert not episodes


def test_episodes_are_bounded_and_counted() -> None:
    rounds = "".join(f"@{200 * n} {_REGISTER}< 500\n@{200 * n + 60} {_REGISTER}< 200\n" for n in range(1, 30))
    kept = history(rounds)
    assert (len(kept.episodes), kept.missed) == (KEPT_EPISODES, 29 - KEPT_EPISODES)


def test_without_detail_failures_alone_are_kept() -> None:
    from analyzer.judge.flowtext import read_flow

    flow = f"{_REGISTER}< 200\n@60 {_REGISTER}< 500\n@90 {_REGISTER}< 200"
    one = analyze_items(read_flow(flow), detail=False).registrations[0]
    assert one.history.attempts is None and [episode.count for episode in one.history.episodes] == [1]


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ("500 Server Internal Error", ServerWords()),
        ("400 Invalid CSeq", ServerWords("Invalid CSeq")),
        ("603 Too Many Contacts", ServerWords("Too Many Contacts")),
        ("403 forbidden", ServerWords()),
        ("503 Service Unavailable\nRetry-After: 60", ServerWords("", (("retry-after", "60"),))),
        ('500 Server Internal Error\nWarning: 399 h "no"', ServerWords("", (("warning", '399 h "no"'),))),
        ("405 Method Not Allowed\nAllow: INVITE", ServerWords("", (("allow", "INVITE"),))),
        ("403 Forbidden\nAllow: INVITE", ServerWords()),
    ],
)
def test_the_registrar_s_own_words(response: str, words: ServerWords) -> None:
    (episode,) = history(f"{_REGISTER}< {response}").episodes
    assert episode.first.words == words


def test_words_are_bounded() -> None:
    (episode,) = history(f"{_REGISTER}< 500 {'x' * 5000}").episodes
    assert len(episode.first.words.reason) <= LONGEST + 3


def test_several_refusals_in_one_chain_are_a_refusal_though_the_source_ends() -> None:
    stale = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{}", qop="auth", stale=true\n'
    flow = f"{_REGISTER}< 401\n"
    for nonce in ("B", "C", "D"):
        flow += f"{_REGISTER}Authorization: {{bob x nonce=AAAA}}\n{stale.format(nonce)}"
    assert watch(flow).registration.outcome == "rejected"
    once = f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob x}}\n{stale.format('B')}"
    assert watch(once).registration.outcome == "open"


def test_contacts_that_were_bound_when_it_was_refused() -> None:
    others = "".join(f"Contact: <sip:bob@192.0.2.{n}>;expires=600\n" for n in (10, 11, 12))
    flow = f"{_REGISTER}Contact: <sip:bob@192.0.2.10>\n< 200\n{others}@60 {_REGISTER}< 603 Too Many Contacts"
    (episode,) = history(flow).episodes
    assert episode.first.bound == 3


_LEFT = f"{_REGISTER}< 401\n"
_ANSWER = f"{_REGISTER}Authorization: {{{{bob x}}}}\n".replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    ("flow", "outcomes", "after"),
    [
        (f"{_LEFT}@40 {_ANSWER}< 200", ("abandoned",), 40.0),
        (f"{_LEFT}@10 {_LEFT}@50 {_ANSWER}< 200", ("abandoned",), 40.0),
        (f"{_LEFT}@10 {_LEFT}{_ANSWER}< 200", ("abandoned",), None),
        (f"{_LEFT}@40 {_ANSWER}< 403\n@60 {_REGISTER}< 200", ("abandoned", "rejected"), None),
        (f"{_REGISTER}< 503\n@40 {_REGISTER}< 200", ("rejected",), None),
    ],
)
def test_what_a_late_answer_ended(flow: str, outcomes: tuple[str, ...], after: float | None) -> None:
    (episode,) = history(flow).episodes
    assert episode.over and episode.outcomes == outcomes
    assert (episode.answered_after is None) is (after is None)
    if episode.answered_after is not None and after is not None:
        assert abs(episode.answered_after / 1e9 - after) < 1
