"""What a log says of itself, tied to the client that it is about (docs/rules/traps.md T-WITNESS)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Between, LogLines, LogNotice, RawMessage
from analyzer.judge.flowtext import START
from analyzer.register.client_state import state_of
from analyzer.register.registration import Registration
from analyzer.register.witnesses import leading, of_a_witness
from analyzer.run.pipeline import analyze_items
from tests.register.loose import loose, notice, with_notices
from tests.views.reports import drawn

REGISTER = "> REGISTER sip:example.com\n"
RETRY = f"{REGISTER}Authorization: {{bob secret}}\n"
REFUSED = f"{REGISTER}< 401\n{RETRY}< 403\n"


def registration(items: list[RawMessage], number: int = 0) -> Registration:
    return analyze_items(items, rules=()).registrations[number]


@pytest.mark.parametrize(
    ("causes", "first"),
    [
        (["failed", "unknown-account"], "unknown-account"),
        (["unknown-account", "failed"], "unknown-account"),
        (["fatal", "max-contacts"], "max-contacts"),
        (["no-request", "no-credentials"], "no-credentials"),
        (["fatal", "gave-up"], "gave-up"),
        (["stale-nonce"], None),  # it says what is to be done next
        (["fatal"], None),  # that a client takes a response for final is no reason for it
        (["silent"], None),
        (["removed"], None),
        ([], None),
    ],
)
def test_the_notice_that_tells_most(causes: list[str], first: str | None) -> None:
    found = leading([notice(cause) for cause in causes])
    assert (found.notice.cause if found is not None else None) == first


def test_the_words_of_a_cause() -> None:
    said = of_a_witness([notice("max-contacts", "will exceed max contacts of 1")])
    assert said.startswith('the server\'s log: "will exceed max contacts of 1", as many devices as are allowed')
    assert of_a_witness([notice("no-credentials")]).startswith("its own log: Asterisk has no credentials")
    assert of_a_witness([notice("fatal", "stopping outbound registration")]) == ""


def test_what_goes_with_a_response_is_the_cause_of_the_attempt() -> None:
    one = registration(with_notices(loose(REFUSED, ()), 3, notice("max-contacts", "will exceed")))
    last = one.history.last
    assert last is not None
    assert [said.notice.cause for said in last.notices] == ["max-contacts"]
    assert last.cause == one.failures[-1].cause != ""
    assert "will exceed" in last.cause


def test_what_goes_with_the_challenge_belongs_to_the_attempt_too() -> None:
    items = with_notices(loose(REFUSED, ()), 1, notice("unknown-account", "No matching endpoint found"))
    last = registration(items).history.last
    assert last is not None
    assert "No matching endpoint found" in last.cause


def test_no_cause_without_a_word() -> None:
    last = registration(loose(REFUSED, ())).history.last
    assert last is not None
    assert (last.notices, last.cause) == ((), "")


def test_silence_by_the_clients_own_word() -> None:
    """Its own log says that no response came: nobody has to wait 32 s for that."""
    flow = f"{REGISTER}@0.5 > again\n@3 > OPTIONS sip:a\nCall-ID: o\n< 200"
    told = notice("silent", account="bob@example.com", alone=True)
    one = registration(with_notices(loose(flow, ()), 1, told))
    assert (one.outcome, one.history.last and one.history.last.sends) == ("timeout", 2)
    assert one.history.last is not None and one.history.last.notices == (told,)
    assert told.group is not None and told.group.tied == 1
    assert registration(loose(flow, ())).outcome == "open"


@pytest.mark.parametrize(
    ("more", "tied"),
    [
        ({"account": "bob@example.com:5060", "server": "sip:198.51.100.1:5060"}, True),
        ({"account": "bob", "server": "sip:198.51.100.1"}, True),
        ({"account": "sip:bob@example.com", "server": "sip:example.com"}, True),
        ({"account": "bob@example.com", "server": "sip:198.51.100.1:5099"}, False),
        ({"account": "bob@example.org"}, False),
        ({"account": "eve@example.com"}, False),
        ({"account": "bob@example.com", "server": "sip:example.com:5099"}, False),
    ],
)
def test_whom_it_names(more: dict[str, str], tied: bool) -> None:
    told = notice("silent", alone=True, **more)  # type: ignore[arg-type]
    items = with_notices(loose(REGISTER.replace(">", "dst=198.51.100.1:5060 >"), ()), 0, told)
    registration(items)
    assert told.group is not None
    assert told.group.tied == tied


def test_a_server_names_an_address() -> None:
    for host, port, tied in (("192.0.2.10", 5060, 1), ("192.0.2.10", 5070, 0), ("192.0.2.77", 5060, 0), ("", 0, 1)):
        told = replace(notice("max-contacts", host=host, alone=True), port=port)
        registration(with_notices(loose(f"{REGISTER}< 403", ()), 1, told))
        assert told.group is not None
        assert told.group.tied == tied


def test_after_its_end_it_goes_with_the_latest_attempt() -> None:
    """A registrar that sends and then logs, far behind its response."""
    told = notice("max-contacts", "will exceed", alone=True)
    flow = f"{REFUSED}@5 > OPTIONS sip:a\nCall-ID: o\n< 200"
    one = registration(with_notices(loose(flow, ()), 5, told))
    assert one.history.last is not None
    assert [said.notice.cause for said in one.history.last.notices] == ["max-contacts"]
    assert one.history.episodes[-1].last is one.history.last
    assert one.history.attempts is not None and one.history.attempts[-1] is one.history.last


def test_about_another_method_it_is_about_no_registration() -> None:
    told = notice("unknown-account", alone=True)
    told.notice.method = "OPTIONS"
    registration(with_notices(loose(f"{REGISTER}< 403", ()), 1, told))
    assert told.group is not None
    assert told.group.tied == 0


def test_a_contact_that_the_server_took_away() -> None:
    told = notice("removed", "remove existing", contact="sip:bob@192.0.2.10:5060", alone=True)
    one = registration(with_notices(loose(f"{REGISTER}< 200\n@5 > OPTIONS sip:a\nCall-ID: o\n< 200", ()), 3, told))
    assert one.history.removed is told
    other = notice("removed", "remove existing", contact="sip:bob@192.0.2.99:5060", alone=True)
    assert registration(with_notices(loose(f"{REGISTER}< 200", ()), 1, other)).history.removed is None


LISTENED = f"@0 {REGISTER}< 200\n@20 > OPTIONS sip:a\nCall-ID: o\n< 200\n@40 > OPTIONS sip:a\nCall-ID: p\n< 200\n"


def removed(said: str, at: int | None = 20, contact: str = "sip:bob@192.0.2.10:5060") -> LogNotice:
    told = notice("removed", said, contact=contact, alone=True)
    return replace(told, time=None if at is None else START + at * SECOND)


@pytest.mark.parametrize(
    ("said", "cause", "state"),
    [
        ("remove existing", "removed", "taken away"),
        ("remove unavailable", "removed", "taken away"),
        ("shutdown", "removed", "taken away"),
        ("expiration", "ran out", "ran out"),
    ],
)
def test_a_contact_that_was_taken_away_is_reached_no_more(said: str, cause: str, state: str) -> None:
    one = registration(with_notices(loose(LISTENED, ()), 3, removed(said)))
    bound, gone = one.reach.stretches
    assert (bound.state, gone.state, gone.cause, gone.start) == ("bound", "unbound", cause, START + 20 * SECOND)
    assert gone.by is not None and gone.by.place == LogLines("flow", 5, 5)
    assert state_of(one) == state
    (binding,) = one.bindings
    assert (binding.certainty, binding.end) == ("absent", START + 20 * SECOND)


def test_a_phone_that_comes_back_had_a_gap() -> None:
    one = registration(with_notices(loose(f"{LISTENED}@60 {REGISTER}< 200", ()), 3, removed("shutdown")))
    assert [stretch.state for stretch in one.reach.stretches] == ["bound", "unbound", "bound"]
    assert (one.reach.gaps, one.reach.lost // SECOND) == (1, 40)
    assert [binding.certainty for binding in one.bindings] == ["absent", "present"]


def test_one_of_two_contacts_leaves_the_other() -> None:
    two = "Contact: <sip:bob@192.0.2.10:5060>, <sip:bob@192.0.2.10:5070>\n"
    flow = LISTENED.replace(REGISTER, REGISTER + two)
    one = registration(with_notices(loose(flow, ()), 3, removed("shutdown")))
    assert [stretch.state for stretch in one.reach.stretches] == ["bound"]
    assert [binding.certainty for binding in one.bindings] == ["absent", "present"]


def test_what_its_own_request_replaces_is_no_gap() -> None:
    """Asterisk takes the former contact away before it answers the request with the new one."""
    flow = f"@0 {REGISTER}< 200\n@30 {REGISTER}Contact: <sip:bob@192.0.2.10:5099>\n@31 < 200\n"
    one = registration(with_notices(loose(flow, ()), 2, removed("remove existing", 30)))
    assert ([stretch.state for stretch in one.reach.stretches], one.reach.gaps) == (["bound"], 0)
    assert state_of(one) == "registered"


def test_of_a_time_that_is_not_known_nothing_is_certain() -> None:
    told = removed("shutdown", None)
    place = told.place._replace(between=Between(START + 10 * SECOND, START + 30 * SECOND))
    one = registration(with_notices(loose(LISTENED, ()), 3, replace(told, place=place)))
    assert [(stretch.state, stretch.start) for stretch in one.reach.stretches][-1] == (
        "unknown",
        START + 10 * SECOND,
    )


def test_twice_is_once() -> None:
    one = registration(with_notices(loose(LISTENED, ()), 3, removed("shutdown"), removed("shutdown", 30)))
    assert [stretch.start for stretch in one.reach.stretches][1:] == [START + 20 * SECOND]


def test_the_table_says_who_took_it_away() -> None:
    items = with_notices(loose(LISTENED, ()), 3, removed("remove unavailable"))
    text = " ".join(drawn(analyze_items(items, rules=())).split())
    assert "1 client, taken away" in text and "bound no more since 02:40:20" in text
    assert 'the server took its contact away; the server\'s log: "remove unavailable" (line 5)' in text


def test_the_registration_that_is_trying_comes_first() -> None:
    """Two phones of one user: the notice without an address is about the one that waits for its answer."""
    other = "Contact: <sip:bob@192.0.2.20:5060>\nCall-ID: two\nFrom: <sip:bob@example.com>;tag=2\n"
    flow = f"@0 src=192.0.2.20:5060 {REGISTER}{other}@1 {REGISTER}< 403\n"
    told = notice("silent", account="bob@example.com", alone=True)
    report = analyze_items(with_notices(loose(flow, ()), 2, told), rules=())
    assert [one.outcome for one in report.registrations] == ["timeout", "rejected"]


def test_captures_keep_no_users() -> None:
    from tests.register.watch import watch

    assert len(watch(REFUSED).reconstructor.witnesses._users) == 0
    assert len(watch(loose(REFUSED, ())).reconstructor.witnesses._users) == 1
