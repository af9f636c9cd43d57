"""Which client is which, and what became of it: by the first thing that tells it, and never by guessing."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.compare.clients import client_changes
from analyzer.compare.values import ClientChange, ClientFacts
from analyzer.register.client_state import CLIENT_STATES, ClientState
from tests.compare.sides import client, of_clients


def changes(before: list[ClientFacts], after: list[ClientFacts], *lengths: float) -> list[ClientChange]:
    first, second = lengths or (60, 60)
    return client_changes(of_clients(*before, seconds=first), of_clients(*after, seconds=second))


@pytest.mark.parametrize(
    ("telling", "words"),
    [
        ({"instance": "urn:uuid:1#1"}, "instance"),
        ({"token": "line=abc"}, "contact token"),
        ({"contact": "192.0.2.10:5062"}, "contact"),
        ({"host": "192.0.2.77", "agent": "Phone/1"}, "address and User-Agent"),
        ({"host": "", "agent": "Phone/1"}, "User-Agent"),
        ({"host": ""}, "address-of-record alone"),
    ],
)
def test_a_client_is_known_by(telling: dict[str, str], words: str) -> None:
    (change,) = changes([client(**telling)], [client(**telling)])  # type: ignore[arg-type]
    assert (change.verdict, change.matched) == ("same", words)


def test_two_phones_of_one_user_are_not_mixed_up() -> None:
    desk, mobile = client(instance="a#1"), client(instance="b#1", state="registered")
    found = changes([desk, mobile], [mobile._replace(state="refused", status=403), desk])
    assert [(one.verdict, one.one.instance) for one in found] == [("worse", "b#1"), ("same", "a#1")]


def test_a_phone_that_got_another_address_is_known_by_its_user_agent() -> None:
    desk, mobile = client(agent="Desk/1", contact="192.0.2.5:5060"), client(agent="Mobile/2", contact="192.0.2.6:5060")
    moved = desk._replace(contact="198.51.100.9:5060", host="198.51.100.9")
    found = changes([desk, mobile], [moved, mobile])
    assert {one.matched for one in found} == {"User-Agent", "contact"}
    assert {one.verdict for one in found} == {"same"}


def test_the_registrar_tells_two_registrations_of_one_phone() -> None:
    main, spare = client(instance="a#1"), client(instance="a#1", registrar="192.0.2.2:5060", state="no answer")
    found = changes([main, spare], [spare, main])
    assert [one.verdict for one in found] == ["same", "same"]


def test_a_registrar_that_moved_keeps_its_clients() -> None:
    (change,) = changes([client(instance="a#1")], [client(instance="a#1", registrar="198.51.100.1:5060")])
    assert change.verdict == "same"


def test_what_nothing_tells_apart_is_not_compared() -> None:
    alike = client(host="", state="registered")
    found = changes([alike, alike], [alike._replace(state="refused")])
    assert [one.verdict for one in found] == ["not compared"] * 3
    assert all("told apart" in one.reason for one in found)


def test_who_is_not_there_is_gone_and_not_broken() -> None:
    found = changes([client("bob")], [client("carol", "refused")])
    assert {(one.verdict, one.one.aor) for one in found} == {
        ("gone", "sip:bob@example.com"),
        ("new", "sip:carol@example.com"),
    }


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("registered", "refused", "worse"),
        ("registered", "no answer", "worse"),
        ("signed off", "gave up", "worse"),
        ("ok again", "ran out", "worse"),
        ("refused", "registered", "better"),
        ("no answer", "ok again", "better"),
        ("refused", "no answer", "changed"),
        ("registered", "signed off", "changed"),
        ("registered", "taken away", "changed"),
        ("registered", "open", "changed"),
        ("unclear", "refused", "changed"),
        ("asked", "refused", "changed"),
        ("refused", "asked", "changed"),
        ("registered", "ok again", "worse"),
        ("ok again", "registered", "better"),
    ],
)
def test_what_became_of_it(before: ClientState, after: ClientState, verdict: str) -> None:
    (change,) = changes([client(state=before)], [client(state=after)])
    assert change.verdict == verdict


@pytest.mark.parametrize(
    ("before", "after", "lengths"), [("registered", "ok again", (60, 600)), ("ok again", "registered", (600, 60))]
)
def test_trouble_in_between_is_no_verdict_where_one_is_longer(
    before: ClientState, after: ClientState, lengths: tuple[float, float]
) -> None:
    (change,) = changes([client(state=before)], [client(state=after)], *lengths)
    assert change.verdict == "changed" and "longer" in change.reason


def test_every_state_has_a_verdict_and_turned_round_the_opposite() -> None:
    opposite = {"worse": "better", "better": "worse", "changed": "changed", "same": "same"}
    assert set(CLIENT_STATES) == set(get_args(ClientState))
    for before, after in product(CLIENT_STATES, repeat=2):
        (there,), (back,) = (
            changes([client(state=one)], [client(state=other)]) for one, other in ((before, after), (after, before))
        )
        if {before, after} & {"asked"} or "signed off" in (before, after):
            continue  # who never asked for a binding was not well before
        assert back.verdict == opposite[there.verdict], (before, after)


SOME = st.lists(
    st.builds(
        client,
        st.sampled_from(["bob", "carol"]),
        st.sampled_from(CLIENT_STATES),
        instance=st.sampled_from(["", "a#1", "b#1"]),
        contact=st.sampled_from(["", "192.0.2.5:5060"]),
        agent=st.sampled_from(["", "Phone/1"]),
        registrar=st.sampled_from(["192.0.2.1:5060", "192.0.2.2:5060"]),
    ),
    max_size=6,
)


@given(SOME, SOME)
def test_nobody_is_lost_or_counted_twice(before: list[ClientFacts], after: list[ClientFacts]) -> None:
    found = changes(before, after)
    assert sorted(one.before for one in found if one.before is not None) == sorted(before)
    assert sorted(one.after for one in found if one.after is not None) == sorted(after)
    assert all(one.before.aor == one.after.aor for one in found if one.before and one.after)


def test_many_clients_of_one_user_take_no_square_of_time() -> None:
    many = [client(instance=f"{number}#1") for number in range(20_000)]
    assert {one.verdict for one in changes(many, list(reversed(many)))} == {"same"}
