"""The report in a notebook: the verdict first, whole HTML, nothing active in it, also where an event loop runs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import lxml.html
import pandas as pd
import pytest

import analyzer
from analyzer.escape import visible
from analyzer.evidence import Frame, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views.page.notebook import MOST_ROWS
from tests.register.traffic import answer, request
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "wrong-password"
ALLOWED = {"div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """The elements, their attributes and the text of a page; closing tags must fit."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(report: Report) -> Page:
    return Page(report._repr_html_())


def test_the_verdict_comes_first_then_registrations_and_findings() -> None:
    page = page_of(analyzer.analyze(SAMPLE / "input.pcapng", credentials=SAMPLE / "users.csv"))
    assert page.text[0].startswith("13 clients: 1 registered, 2 refused, 1 not renewed in time, 1 taken away, 8 signed")
    assert "13 registrations" in page.text
    assert page.text.index("13 registrations") < next(
        at for at, text in enumerate(page.text) if text.endswith("findings")
    )
    assert page.text.index("refused") < page.text.index("registered")
    assert "R7616-digest-verify" in page.text
    assert set(page.tags) <= ALLOWED and page.attributes <= {"class", "style"}


@pytest.mark.parametrize(
    "sent", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "&lt;b&gt;", "\x1b[2J", "\u202e"]
)
def test_what_was_sent_is_text(sent: str) -> None:
    (item, reply) = read_flow("> REGISTER sip:example.com\nUser-Agent: SENT\n< 403\n")
    assert isinstance(item, RawMessage)
    payload = item.payload.replace(b"SENT", sent.encode()).replace(b"<sip:bob@", b'<sip:bo"b<i>@')
    page = page_of(analyze_items([replace(item, payload=payload), reply]))
    assert set(page.tags) <= ALLOWED and page.attributes <= {"class", "style"}
    shown = sent.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert any(shown in text for text in page.text)
    assert not any(sent in text for text in page.text if sent != shown)


HOSTILE = (
    "<script>alert(1)</script>", "</td></tr></table><img src=x onerror=alert(1)>", '" onmouseover="alert(1)" x="',
    "' style='x", "&lt;b&gt;&#60;i&#62;", "<!--", "]]>", "$x^2$", r"\\(x\\)", "$$y$$", "\x1b[2J\x07", "\u202e",
    "<svg/onload=1>", "<style>*{}</style>",
)  # fmt: skip


def reports_of(sent: str) -> Iterator[Any]:
    """What shows itself in a notebook, with `sent` in it."""
    (item, reply) = read_flow("> REGISTER sip:bob@example.com\nUser-Agent: SENT\n< 403\n")
    assert isinstance(item, RawMessage)
    octets = item.payload.replace(b"SENT", sent.encode()).replace(b"<sip:bob@", b"<sip:" + sent.encode() + b"bob@")
    named = Frame(f"{sent}.pcap", 1)
    rules = [rule for rule in all_rules() if rule.id == "R3261-10.2-ruri-userinfo"]
    report = analyze_items([replace(item, payload=octets, place=named), reply], rules=rules)
    report.notes.append(sent)
    report.findings[0].detail = report.findings[0].rule = sent
    yield report
    found = analyzer.storms(pd.read_pickle(io.BytesIO(_storm())))
    cause = replace(found.storms[0].causes[0], detail=sent)
    yield replace(found, storms=(replace(found.storms[0], causes=(cause,)),))


@cache
def _storm() -> bytes:
    """The transactions of a storm, pickled: each test gets its own."""
    out = io.BytesIO()
    report = analyzer.analyze(ROOT / "samples" / "storm-single-client" / "input.pcap.gz", rules=(), tables=True)
    analyzer.tables(report).transactions.to_pickle(out)
    return out.getvalue()


def outline(tree: Any) -> list[tuple[Any, dict[str, str]]]:
    """The elements (and comments) of a page, with their attributes."""
    return [(one.tag, dict(one.attrib)) for one in tree.iter()]


@pytest.mark.parametrize("sent", HOSTILE)
def test_no_element_and_no_attribute_comes_from_what_was_sent(sent: str) -> None:
    """Read as a browser reads it, a page of hostile rows has the elements, attributes and comments of harmless ones."""
    for hostile, harmless in zip(reports_of(sent), reports_of("plain"), strict=True):
        tree, plain = (lxml.html.document_fromstring(one._repr_html_()) for one in (hostile, harmless))
        assert visible(sent) in tree.text_content()
        assert outline(tree) == outline(plain)
        (root,) = tree.find("body")
        assert {"tex2jax_ignore", "mathjax_ignore"} <= set(root.get("class").split())
        assert not {name for one in tree.iter() for name in one.attrib} - {"class", "style"}


def test_a_long_list_is_cut_and_counted() -> None:
    items = []
    for number in range(MOST_ROWS + 7):
        given: dict[str, Any] = {
            "call": f"c{number}",
            "branch": f"z9hG4bK{number}",
            "user": f"u{number}",
            "contact": f"h{number}",
        }
        items += [request(number, **given), answer(number + 0.1, **given)]
    page = page_of(analyze_items(items, rules=()))
    assert page.tags.count("tr") == MOST_ROWS + 1
    assert "and 7 more." in page.text


def test_an_endless_text_is_cut() -> None:
    long = analyze_items(read_flow(f"> REGISTER sip:example.com\nUser-Agent: {'x' * 5000}\n< 200\n"))
    assert max(map(len, page_of(long).text)) < 400


def test_nothing_seen_is_said() -> None:
    page = page_of(analyze_items([]))
    assert page.text[0].startswith("No registration")
    assert "table" not in page.tags


def test_it_works_while_an_event_loop_runs() -> None:
    async def cell() -> tuple[str, int]:
        report = analyzer.analyze(SAMPLE / "input.pcapng")
        return report._repr_html_(), len(analyzer.tables(report).messages)

    page, messages = asyncio.run(cell())
    assert "13 clients" in page and messages == 140
