"""The second reading: which messages are taken, how many at most, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from analyzer.evidence import Frame, Item, LogLines, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run import excerpt as module
from analyzer.run.excerpt import Gatherer, key_of, told_of
from tests.register.traffic import answer, request
from tests.views.page.pages import Again, analyzed, excerpt_of
from tests.views.reports import LOGIN, user


def renewals(number: int, **given: Any) -> list[Item]:
    """So many REGISTERs of one client with their answers, a frame each."""
    items: list[Item] = []
    for at in range(number):
        own: dict[str, Any] = {"branch": f"z9hG4bK{at}", "cseq": at + 1} | given
        items += [request(at * 10.0, **own), answer(at * 10.0 + 0.1, **own)]
    return numbered(items)


def numbered(items: list[Item]) -> list[Item]:
    for number, item in enumerate(items):
        item.place = Frame("bulk", number + 1)
    return items


def frames(taken: Sequence[module.Taken]) -> list[int]:
    return [key_of(one.message.raw_message.place)[1] for one in taken]


def test_all_messages_of_a_client_are_taken_in_order() -> None:
    items = list(read_flow(LOGIN % 200))
    report = analyzed(items)
    found = excerpt_of(report, [1], items)
    assert [one.message.status for one in found.of[1]] == [0, 401, 0, 200]
    assert (found.total, found.after, found.lost) == ({1: 4}, {1: 0}, 0)
    assert [one.transaction for one in found.of[1]] == [1, 1, 2, 2]


def test_messages_of_others_are_left_alone() -> None:
    items = list(read_flow(user("alice") + user("bob")))
    report = analyzed(items)
    found = excerpt_of(report, [2], items)
    assert list(found.of) == [2]
    assert all("bob" in one.message.call_id for one in found.of[2])


def test_a_copy_is_told_from_the_first() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n@0.5 > again\n< 200\n< again"))
    found = excerpt_of(analyzed(items), [1], items)
    assert [one.is_copy for one in found.of[1]] == [False, True, False, True]


def test_of_many_messages_the_first_and_the_last_are_taken() -> None:
    items = renewals(200)
    found = excerpt_of(analyzed(items), [1], items)
    taken = found.of[1]
    assert len(taken) == module.MOST_OF_ONE == 300
    assert frames(taken)[:90] == list(range(1, 91))
    assert frames(taken)[-1] == 400
    assert sum(one.before for one in taken) + found.after[1] == found.total[1] - len(taken) == 100


def test_many_clients_have_few_messages_each_and_few_have_many() -> None:
    assert [module.most_of_each(clients) for clients in (0, 1, 2, 5, 15, 30, 60)] == [300, 300, 300, 120, 40, 40, 40]


def test_of_many_clients_the_first_and_the_last_messages_are_taken() -> None:
    items = numbered([one for user in range(15) for one in renewals(30, user=f"u{user}", call=f"c{user}")])
    report = analyzed(items)
    ids = [one.id for one in report.registrations]
    found = excerpt_of(report, ids, items)
    assert len(ids) == 15
    for at, number in enumerate(ids):
        assert len(found.of[number]) == 40
        assert frames(found.of[number])[:12] == [60 * at + frame for frame in range(1, 13)]
        assert frames(found.of[number])[-1] == 60 * at + 60
        assert found.total[number] == 60


def test_what_findings_are_about_is_among_them() -> None:
    items = renewals(100)
    report = analyzed(items)
    gatherer = Gatherer(report, [1], {1: {("bulk", 77), ("bulk", 91)}})
    gatherer.read(Again(items))  # type: ignore[arg-type]
    assert {77, 91} <= set(frames(gatherer.excerpt().of[1]))


def test_the_octets_of_all_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    items = numbered([*renewals(3, user="a", call="a"), *renewals(1, user="b", call="b")])
    report = analyzed(items)
    small = sum(len(one.payload) for one in items[6:] if isinstance(one, RawMessage))
    monkeypatch.setattr(module, "MOST_OCTETS", small)
    found = excerpt_of(report, [1, 2], items)
    assert list(found.of) == [2]  # the larger one has no room, the smaller one has
    assert found.total == {1: 6, 2: 2}


def test_a_message_that_changed_is_lost_and_not_shown() -> None:
    items = renewals(2)
    report = analyzed(items)
    changed = items[2]
    assert isinstance(changed, RawMessage)
    changed.payload += b"more"
    found = excerpt_of(report, [1], items)
    assert (len(found.of[1]), found.lost) == (3, 1)


def test_reading_ends_with_the_last_that_is_wanted() -> None:
    items = [*renewals(1, user="a", call="a"), *renewals(50, user="b", call="b")]
    numbered(items)
    report = analyzed(items)
    seen = []

    class Counting(Again):
        def __iter__(self) -> Iterator[Item]:
            for item in items:
                seen.append(item)
                yield item

    gatherer = Gatherer(report, [1], {})
    gatherer.read(Counting(items))  # type: ignore[arg-type]
    assert len(seen) == 3  # one more, at which it is seen that nothing is wanted any more


def test_a_signal_ends_the_reading_and_is_told() -> None:
    items = renewals(2)
    report = analyzed(items)

    class Interrupted(Again):
        def __iter__(self) -> Iterator[Item]:
            yield items[0]
            raise KeyboardInterrupt

    gatherer = Gatherer(report, [1], {})
    gatherer.read(Interrupted(items))  # type: ignore[arg-type]
    found = gatherer.excerpt()
    assert found.interrupted
    assert (len(found.of[1]), found.lost) == (1, 3)


def test_two_messages_of_one_frame_are_both_taken() -> None:
    items = renewals(1)
    for item in items:
        item.place = Frame("bulk", 1)
    found = excerpt_of(analyzed(items), [1], items)
    assert [one.message.status for one in found.of[1]] == [0, 200]


def test_progress_is_told() -> None:
    items = renewals(1)
    gatherer = Gatherer(analyzed(items), [1], {})
    told: list[tuple[int, int | None]] = []
    gatherer.read(Again(items), lambda *place: told.append(place))  # type: ignore[arg-type]
    assert told == [(0, None)]


def test_places_are_told_by_their_beginning() -> None:
    assert told_of([Frame("a", 3, 99), LogLines("b", 4, 9)]) == {("a", 3), ("b", 4)}
