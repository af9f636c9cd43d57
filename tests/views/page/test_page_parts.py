"""The parts of a page by themselves: lanes, arrows, formulas, timelines, lists, and what their bounds do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text

from analyzer.evidence import SECOND, Endpoint, Frame, Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.views.drawing.canvas import BAD, DIM
from analyzer.views.page import cards, render, roster
from analyzer.views.page.blocks import PageCanvas, Run, runs_of
from analyzer.views.page.computation import MASK, Computation, computation
from analyzer.views.page.lanes import MOST_LANES, NOT_TOLD, OTHERS, Lanes
from analyzer.views.page.roster import cut, roster_of
from analyzer.views.page.timeline import HEIGHT, WIDTH, Span, overview, pace_of, pieces_of, span_of, spoken
from analyzer.views.states import ClientSummary
from analyzer.views.words import Clock
from tests.register.traffic import answer, message, request
from tests.views.page.pages import analyzed, assert_inert, drawn, page_of, shown_of, words_of
from tests.views.reports import LOGIN, user

PHONE, SERVER = Endpoint("192.0.2.10", 5060), Endpoint("198.51.100.1", 5060)
CLOCK = Clock()


def raw(source: Endpoint, destination: Endpoint) -> RawMessage:
    return RawMessage(b"", None, Frame("x", 1), source, destination)


def lanes_of(*ways: tuple[Endpoint, Endpoint], registrar: Endpoint = SERVER) -> Lanes:
    messages = [raw(*way) for way in ways]
    return Lanes(messages, messages[:1], registrar)


def test_the_phone_is_at_the_left_and_the_server_at_the_right() -> None:
    proxy = Endpoint("203.0.113.5", 5060)
    lanes = lanes_of((PHONE, proxy), (proxy, SERVER), (SERVER, proxy), (proxy, PHONE)).lanes
    assert [(lane.role, lane.name) for lane in lanes] == [
        ("phone", "192.0.2.10:5060"), ("", "203.0.113.5:5060"), ("server", "198.51.100.1:5060"),
    ]  # fmt: skip
    assert [lane.x for lane in lanes] == pytest.approx([100 / 6, 50, 500 / 6], abs=0.01)


def test_a_phone_that_changes_its_port_often_is_one_lane() -> None:
    ways = [(Endpoint("192.0.2.10", 5000 + number), SERVER) for number in range(9)]
    assert [lane.name for lane in lanes_of(*ways).lanes] == ["192.0.2.10", "198.51.100.1"]


def test_very_many_hosts_are_few_lanes() -> None:
    ways = [(Endpoint(f"192.0.2.{number}", 5060), SERVER) for number in range(30)]
    lanes = lanes_of(*ways)
    assert len(lanes.lanes) == MOST_LANES
    assert OTHERS in [lane.name for lane in lanes.lanes]
    assert lanes.x(Endpoint("192.0.2.29", 5060)) == next(lane.x for lane in lanes.lanes if lane.name == OTHERS)


def test_a_direction_that_nobody_told_is_said() -> None:
    nowhere = Endpoint("", 0)
    lanes = Lanes([raw(nowhere, nowhere)], [], nowhere)
    assert [lane.name for lane in lanes.lanes] == [NOT_TOLD]
    assert NOT_TOLD in lanes.who(nowhere)


def test_a_message_without_direction_is_a_point() -> None:
    items = [one for one in read_flow("> REGISTER sip:example.com\n< 200") if isinstance(one, RawMessage)]
    for item in items:
        item.source = item.destination = Endpoint("asterisk", 0)
    page = drawn(shown_of(analyzed(items), items))
    assert_inert(page)
    assert page.count("<circle") == 2


def computations(flow: str, secrets: Secrets | None = None) -> Iterator[Computation]:
    report = analyzed(list(read_flow(flow)), secrets=secrets)
    return (computation(record, secrets_given=report.secrets_given) for record in report.digests)


def test_a_formula_has_the_values_that_were_sent() -> None:
    made = next(computations(LOGIN % 200, Secrets.of({"bob": "secret"})))
    ha1, ha2, response = made.formulas
    assert ha1.text == f"MD5(bob:example.com:{MASK})"
    assert ha2.text == "MD5(REGISTER:sip:example.com)"
    assert re.fullmatch(r"MD5\(HA1:[^:]+(:00000001:[^:]+:auth)?:HA2\)", response.text)
    assert made.verdict == "match"
    assert made.words == "✓ right."
    assert made.server == "The server accepted it."


def test_a_session_hashes_twice_and_another_hash_is_named() -> None:
    flow = LOGIN.replace("{bob secret}", "{bob secret algorithm=SHA-256-sess qop=auth nc=00000001 cnonce=c}") % 200
    ha1, ha2, _ = next(computations(flow)).formulas
    assert re.fullmatch(rf"SHA-256\(SHA-256\(bob:example\.com:{MASK}\):[^:]+:c\)", ha1.text)
    assert ha2.text.startswith("SHA-256(REGISTER:")


def test_without_a_password_nothing_is_called_wrong() -> None:
    made = next(computations(LOGIN % 403))
    assert (made.verdict, made.server) == ("unknown", "The server refused it.")
    assert made.words.startswith("Not checked")


def test_an_unknown_algorithm_has_no_formula() -> None:
    flow = LOGIN.replace("{bob secret}", 'Digest username="bob", realm="x", nonce="n", response="r", algorithm=ROT13')
    assert next(computations(flow % 403)).formulas == []


BOUND = "> REGISTER sip:example.com\nExpires: 60\n< 200\n@{late} > REGISTER sip:example.com\nExpires: 60\n< 200\n"


def pieces(flow: str) -> list[tuple[str, float, float]]:
    report = analyzed(list(read_flow(flow, tail=1)))
    span = span_of(report, CLOCK)
    assert span is not None
    return [(piece.state, piece.x, piece.width) for piece in pieces_of(report.registrations[0], span, CLOCK)]


def test_a_gap_is_drawn_where_it_was() -> None:
    (first, x, width), (gap, begin, _), (last, _, _) = pieces(BOUND.format(late=120))
    assert (first, gap, last) == ("bound", "unbound", "bound")
    assert (x, width) == pytest.approx((0, WIDTH / 2), abs=6)
    assert begin == pytest.approx(WIDTH / 2, abs=6)


def test_a_storm_that_no_word_of_the_server_shows_is_said_beside_the_picture() -> None:
    report = analyzed(list(read_flow(BOUND.format(late=30), tail=1)))
    span = span_of(report, CLOCK)
    assert span is not None
    calm, silent = (overview(ClientSummary(report), span, CLOCK, in_vain) for in_vain in (0, 7))
    assert calm is not None and silent is not None
    assert silent.words.startswith(calm.words)
    assert "in the storm up to 7 users asked it in vain" in silent.words


def test_what_the_picture_shows_is_not_said_to_be_missing() -> None:
    report = analyzed(list(read_flow(BOUND.format(late=120), tail=1)))
    span = span_of(report, CLOCK)
    assert span is not None
    seen = overview(ClientSummary(report), span, CLOCK, 1)
    assert seen is not None
    assert "at worst 1 had lost its registration" in seen.words
    assert "in vain" not in seen.words


def test_a_ladder_shows_fractions_of_seconds_where_the_clock_has_them() -> None:
    fine = words_of(page_of("> REGISTER sip:example.com\n@0.217 < 200"))
    assert re.search(r"\d\d:\d\d:\d\d\.217", fine)
    items = [one for one in read_flow("> REGISTER sip:example.com\n< 200") if isinstance(one, RawMessage)]
    for number, item in enumerate(items):
        item.time = (1_600_000_000 + number) * SECOND
    whole = words_of(drawn(shown_of(analyzed(items), items)))
    assert "12:26:41 +1 s" in whole
    assert not re.search(r"\d\d:\d\d:\d\d\.\d", whole)


def test_who_signs_off_has_lost_nothing() -> None:
    flow = "> REGISTER sip:example.com\n< 200\n@50 > REGISTER sip:example.com\nExpires: 0\n< 200\nContact:\n"
    assert [state for state, _, _ in pieces(flow + "@100 .")] == ["bound", "off"]
    report = analyzed(list(read_flow(flow + "@100 .")))
    span = span_of(report, CLOCK)
    assert span is not None
    seen = overview(ClientSummary(report), span, CLOCK)
    assert seen is not None
    assert [area.words for area in seen.areas] == ["can be called", "signed off"]
    assert (
        seen.words
        == "At the end 0 of 1 client can be called; by the server's own words none had lost its registration."
    )


def test_all_clients_are_counted_at_each_moment() -> None:
    flow = "".join(user(f"u{number}", at=str(number * 10), headers="Expires: 25") for number in range(4))
    report = analyzed(list(read_flow(flow + "@100 .")))
    span = span_of(report, CLOCK)
    assert span is not None
    seen = overview(ClientSummary(report), span, CLOCK)
    assert seen is not None
    assert seen.most == 4
    assert "at worst 4 had lost their registration" in seen.words
    for area in seen.areas:
        corners = [tuple(map(float, corner.split(","))) for corner in area.points.split(" ")]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in corners)


def test_a_timeline_is_said_in_few_words() -> None:
    assert "never listed" in spoken([])
    report = analyzed(list(read_flow(BOUND.format(late=120))))
    span = span_of(report, CLOCK)
    assert span is not None
    words = spoken(pieces_of(report.registrations[0], span, CLOCK))
    assert re.match(r"can be called from .* to .*; cannot be called \(.*\) from .*; can be called from .* on", words)
    assert spoken(pieces_of(report.registrations[0], span, CLOCK) * 9).startswith("23 times before; ")


def test_a_moment_has_no_timeline() -> None:
    report = analyzed([])
    assert span_of(report, CLOCK) is None
    report.sources[0].first = report.sources[0].last = SECOND
    assert span_of(report, CLOCK) is None


def test_the_pace_is_drawn_to_scale() -> None:
    items: list[Item] = []
    for number in range(120):
        at = number / 10 if number < 90 else number * 1.0
        given: dict[str, Any] = {"user": f"u{number}", "call": f"c{number}", "branch": f"z9hG4bK{number}"}
        items += [request(at, **given), answer(at + 0.01, **given)]
    for number, item in enumerate(items):
        item.place = Frame("flow", number + 1)
    report = analyzed(items)
    span = span_of(report, CLOCK)
    assert span is not None
    pace = pace_of(report, span, CLOCK)
    assert pace is not None
    assert max(bar.height for bar in pace.bars) == HEIGHT
    assert sum(report.summary.pace.values()) == 120
    assert f"At most {pace.most} REGISTERs in 10 s" in pace.words
    assert pace_of(analyzed(items[:40]), span, CLOCK) is None


def test_words_of_the_table_keep_their_style() -> None:
    canvas = PageCanvas()
    canvas.line(("bad: ", BAD), "plain ", ("dim", DIM), indent=2)
    canvas.gap()
    canvas.columns(["a", "", "b\x1b"], [1, 1, 1])
    first, second = canvas.blocks
    assert first.parts == [[Run("bad: ", "bad"), Run("plain ", ""), Run("dim", "dim")]]
    assert (first.indent, first.gap, second.gap) == (2, False, True)
    assert second.text == "a b\\x1b"
    assert runs_of(Text("")) == []


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert cut("short", 10) == "short"
    made = cut("a" * 50 + "b" * 5000 + "z" * 50, 20)
    assert len(made) == 20
    assert (made[0], made[-1]) == ("a", "z")
    assert len(cut("\x1b" * 5000, 20)) == 20


def test_the_list_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    items = list(read_flow("".join(user(f"u{number}") for number in range(40))))
    report = analyzed(items)
    monkeypatch.setattr(roster, "MOST_OCTETS", 800)
    made = roster_of(ClientSummary(report), set())
    assert 0 < len(made.rows) < 40
    assert made.left_out == 40 - len(made.rows)
    assert "clients are not in the list of clients" in words_of(drawn(shown_of(report, items)))


def test_hostile_names_by_the_thousand_keep_the_page_bounded() -> None:
    """Names, programs and reasons that are all different, and long when written out."""
    items: list[Item] = []
    for number in range(3000):
        agent, reason = f"User-Agent: {number}" + "\u202e" * 300 + "\r\n", "\x9b" * 200
        given: dict[str, Any] = {"user": f"u{number}" + "%3c" * 60, "call": f"c{number}", "branch": f"z9hG4bK{number}"}
        items.append(request(number / 100, extra=agent, **given))
        items.append(
            message(f"SIP/2.0 {400 + number % 90} {reason}", number / 100, source=SERVER, destination=PHONE, **given)
        )
    page = drawn(shown_of(analyzed(items), items))
    assert_inert(page)
    assert "3,000 clients" in words_of(page)
    assert len(page.encode()) < 10_000_000


def test_the_list_has_each_client_once_the_troubled_first() -> None:
    flow = "".join(user(f"u{number}", 403 if number == 7 else 200) for number in range(9))
    made = roster_of(ClientSummary(analyzed(list(read_flow(flow)))), {8})
    data = json.loads(made.data({}))
    names = [row[0] for row in data["rows"]]
    assert names[0] == "u7@example.com"
    assert sorted(names) == [f"u{number}@example.com" for number in range(9)]
    assert [row[6] for row in data["rows"]] == [8] + [0] * 8  # the registration that has a ladder
    assert data["head"]["states"][data["rows"][0][1]][0] == "refused"


def test_ladders_are_bounded_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MOST_OCTETS_OF_LADDERS", 9_000)
    page = page_of("".join(user(f"u{number}") for number in range(9)))
    shown = page.count('class="card"')
    assert 0 < shown < 9
    assert f"{9 - shown} more clients of these had no room" in words_of(page)
    links = set(re.findall(r'href="#(c\d+)"', page))
    assert links == set(re.findall(r'id="(c\d+)"', page))


def test_kinds_of_trouble_are_bounded_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MOST_KINDS", 2)
    monkeypatch.setattr(cards, "MOST_KINDS", 2)
    flow = "".join(user(f"u{status}", status) for status in (403, 404, 480, 500, 503))
    words = words_of(page_of(flow))
    assert "3 more kinds of trouble have no entry" in words


def test_a_fix_stands_with_the_trouble_that_it_mends() -> None:
    page = page_of(LOGIN % 403, rules=None, secrets=Secrets.of({"bob": "another"}))
    broken = page[page.index('id="broken"') : page.index('id="findings"')]
    assert "<b>Fix:</b>" in broken
    assert "<b>Fix:</b>" not in page_of(LOGIN % 403)  # nothing explains it


def test_a_picture_has_the_size_that_it_says() -> None:
    span = Span(0, 10 * SECOND, "", "")
    assert [span.x(time) for time in (-5, 0, 5 * SECOND, 10 * SECOND, 99 * SECOND)] == [0, 0, WIDTH / 2, WIDTH, WIDTH]


def test_an_interrupted_run_says_so() -> None:
    items = list(read_flow(LOGIN % 200))
    report = analyzed(items)
    report.interrupted = True
    shown = shown_of(report, items)
    excerpt = shown.excerpt
    excerpt.interrupted = True
    words = words_of(drawn(replace(shown, excerpt=excerpt)))
    assert "interrupted: this is what was read so far." in words
    assert "The reading of messages was interrupted" in words


def test_what_a_program_is_known_for_stands_beside_the_finding() -> None:
    flow = "> REGISTER sip:example.com\nUser-Agent: {}\nExpires: 60\n< 423\nMin-Expires: 120\n@120 ."
    known = "Known: as JsSIP 3.10.1 does: gives up after a 423. To live with it: accept the lifetime"
    assert known in " ".join(words_of(page_of(flow.format("JsSIP 3.10.1"), rules=None)).split())
    assert "Known:" not in words_of(page_of(flow.format("Fine/1"), rules=None))
