"""Whatever a sender writes, wherever: a page shows it as text, and obeys nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.views.page.roster import harmless
from tests.cli.test_cli import run
from tests.views.hostile_traffic import EVERYTHING, MARK, PLACES, TEXTS, capture, filled, log, shuffled
from tests.views.page.pages import analyzed, assert_inert, drawn, page_of, read_page, shown_of, words_of

KINDS: dict[str, Callable[[dict[str, str]], bytes]] = {"pcap": capture, "log": log}
ATTACKS = {
    "script": "<script>alert(1)</script>",
    "closing": "</script></style></title></textarea><script>alert(1)</script>",
    "handler": "\"><img src=x onerror=alert(1)>'onclick='alert(1)",
    "template": "{{7*7}}{% raw %}${7*7}<%= 7*7 %>",
    "comment": "<!-- --><![CDATA[]]><!DOCTYPE x>",
    "entity": "&lt;b&gt;&#x3c;script&#x3e;&amp;quot;",
    "url": "javascript:alert(1)//data:text/html,x",
}


def made(tmp_path: Path, kind: str, places: dict[str, str]) -> str:
    source, out = tmp_path / "input", tmp_path / "page.html"
    source.write_bytes(KINDS[kind](places))
    done = run("report", str(source), "--password-file", str(password(tmp_path)), "-o", str(out))
    assert done.exit_code in (0, 1, 3), done.output
    return out.read_text(encoding="utf-8") if out.exists() else ""


def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("Sesame-7\n")
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [*TEXTS.values(), EVERYTHING, *ATTACKS.values()], ids=[*TEXTS, "everything", *ATTACKS])
def test_hostile_text_in_every_place_is_inert(tmp_path: Path, kind: str, text: str) -> None:
    page = made(tmp_path, kind, filled(text))
    if kind == "pcap":  # a log may be none any more
        assert page
    if page:
        assert_inert(page)
        assert "Sesame-7" not in page


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_in_one_place_is_inert(tmp_path: Path, place: str) -> None:
    page = made(tmp_path, "pcap", filled(f"{ATTACKS['closing']}\u202e\x1b[2J", place))
    assert_inert(page)
    if place not in ("method", "body"):  # those are of another method, whose messages a page does not show
        assert MARK in words_of(page)


@pytest.mark.parametrize("seed", range(5))
def test_hostile_texts_together_are_inert(tmp_path: Path, seed: int) -> None:
    assert_inert(made(tmp_path, "pcap", shuffled(seed)))


def test_a_method_that_is_all_there_is_cannot_harm_the_verdict() -> None:
    items = [one for one in read_flow("> OPTIONS sip:example.com") if isinstance(one, RawMessage)]
    for item in items:
        item.payload = item.payload.replace(b"OPTIONS", "OP\u202e<b>\x1b[2J".encode())
    page = drawn(shown_of(analyzed(items), items))
    assert_inert(page)
    assert "OP\\u202e<b>\\x1b[2J" in words_of(page)


def test_markup_is_read_as_it_was_sent(tmp_path: Path) -> None:
    page = made(tmp_path, "pcap", filled(ATTACKS["script"], "agent", "value"))
    assert f"phone {MARK}{ATTACKS['script']}{MARK}" in words_of(page)


def test_an_empty_credential_is_no_password_shown() -> None:
    page = page_of("> REGISTER sip:example.com\nAuthorization: Basic Ym9iOnNlY3JldA==\n< 200")
    assert "Ym9iOnNlY3JldA==" not in page
    assert "not shown" in words_of(page)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
@settings(max_examples=60)
def test_data_cannot_end_its_block(value: object) -> None:
    written = harmless(value)
    assert written.isascii()
    assert not re.search(r"[<>&]", written)
    assert json.loads(written) == json.loads(json.dumps(value))


def test_the_data_block_is_read_by_no_browser() -> None:
    found = read_page(page_of("> REGISTER sip:example.com\n< 200"))
    kinds = [value for name, value in found.values if name == "type"]
    assert "application/json" in kinds
