"""A comparison in words and as JSON: worst first, the alike folded, every number of the values."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from analyzer.cli import sipcheck
from analyzer.compare.comparison import compared
from analyzer.compare.side import Side
from analyzer.compare.values import ClientFacts
from analyzer.register.client_state import ClientState
from analyzer.views import ViewOptions
from analyzer.views.comparison import record
from analyzer.views.comparison.record import write_json
from analyzer.views.comparison.words import MOST_LINES, write_words
from tests.compare.sides import client, of_clients
from tests.shared import ROOT
from tests.views.test_output_harmless import assert_harmless

HOSTILE = "\x1b[2J\u202e<b>\x07"


def words(before: Side, after: Side, *, width: int = 100, show_all: bool = False) -> str:
    out = io.StringIO()
    write_words(out, ViewOptions(width=width, all=show_all), before, after, compared(before, after))
    return out.getvalue()


def whole(before: Side, after: Side) -> dict[str, Any]:
    out = io.StringIO()
    write_json(out, before, after, compared(before, after))
    return dict(json.loads(out.getvalue()))


def crowd(state: ClientState, number: int) -> list[ClientFacts]:
    return [client(f"u{at:03}", state, status=403 if state == "refused" else 200) for at in range(number)]


def test_the_worst_stands_first() -> None:
    before = of_clients(client("bob"), client("carol", "refused", status=403), client("dave"), client("erin"))
    after = of_clients(client("bob", "refused", status=403), client("carol"), client("erin"), client("frank"))
    text = words(before, after)
    titles = ["Worse: 1 of 3 clients in both. Better: 1 of 3 clients in both.", "\nWorse\n", "\nBetter\n",
              "\nNew: only after\n", "\nGone: only before\n", "\nFigures "]  # fmt: skip
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)
    assert "bob@example.com  registered before, now refused (403)" in text
    assert "dave@example.com  nothing is seen of it after" in text


def test_the_alike_are_one_line_with_a_count() -> None:
    text = words(of_clients(*crowd("registered", 40)), of_clients(*crowd("refused", 40)))
    assert "u000@example.com +39" in text and "u001" not in text
    assert "Worse: 40 of 40 clients in both" in text


def test_no_difference_is_said_as_that() -> None:
    same = of_clients(*crowd("registered", 3))
    assert "Nothing got better or worse: 3 clients in both, none of them better or worse." in words(same, same)
    assert "The same in both: 3 clients, 0 findings." in words(same, same)


def test_many_lines_are_cut_and_counted_unless_all_are_asked_for() -> None:
    before = of_clients(*crowd("registered", MOST_LINES + 5))
    after = of_clients(*[one._replace(state="refused", status=400 + at) for at, one in enumerate(before.clients)])
    assert "... and 5 more lines (--all lists them)" in words(before, after)
    assert "more lines" not in words(before, after, show_all=True)


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_the_width_is_kept_and_nothing_of_the_wire_is_active(width: int) -> None:
    named = client("bob")._replace(aor=f"sip:{HOSTILE * 9}@example.com", user_agent=HOSTILE)
    text = words(of_clients(named), of_clients(named._replace(state="refused")), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert_harmless(text.encode())


def test_json_is_ascii_and_its_strings_are_harmless() -> None:
    named = client("bob")._replace(aor=f"sip:{HOSTILE}@example.com", user_agent=HOSTILE, contact=HOSTILE)
    found = whole(of_clients(named), of_clients(named._replace(state="refused")))
    (change,) = found["clients"]
    assert_harmless(change["aor"].encode())
    assert_harmless(change["before"]["user_agent"].encode())
    assert (change["verdict"], change["after"]["state"]) == ("worse", "refused")


def test_json_counts_what_it_does_not_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_CLIENTS", 5)
    found = whole(of_clients(*crowd("registered", 9)), of_clients(*crowd("refused", 9)))
    assert len(found["clients"]) == 5 and found["summary"]["left_out"] == 4
    assert found["summary"]["clients"] == {"worse": 9}


def test_redacted_captures_compare_as_the_originals_do(tmp_path: Path) -> None:
    paths = [ROOT / "samples" / name / "input.pcap.gz" for name in ("storm-none", "storm-slow-answers")]
    known: list[str] = []
    for path in paths:
        mapping = str(tmp_path / f"{path.parent.name}.json")
        words = ["redact", str(path), "-o", str(tmp_path / path.parent.name), "--mapping", mapping, "--no-check"]
        assert CliRunner().invoke(sipcheck, [*words, *known]).exit_code == 0
        known = ["--known", mapping]
    told = []
    for pair in (paths, [tmp_path / path.parent.name for path in paths]):
        done = CliRunner().invoke(sipcheck, ["compare", *map(str, pair), "--format", "json"])
        found = json.loads(done.stdout)
        told.append((done.exit_code, found["summary"], found["figures"]))
    assert told[0] == told[1]
