"""Pages to test: of samples, by the command; of flow text, without files; and what every page must keep to."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from analyzer.evidence import Item, Source
from analyzer.judge.findings import Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.run.excerpt import Excerpt, Gatherer
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from analyzer.storm.values import StormReport
from analyzer.views.page.chosen import chosen, lines_and_entries, places_told
from analyzer.views.page.render import Shown, render_page
from analyzer.views.states import ClientSummary
from tests.cli.test_cli import run
from tests.shared import ROOT

SAMPLES = ROOT / "samples"
ACTIVE = {"img", "iframe", "object", "embed", "base", "video", "audio", "image", "foreignobject"}
VOID = {"meta", "link", "input", "br", "hr", "img"}
FORBIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class Again:
    """A second reading of items at hand, as `Reading` is one of files."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def position(self) -> int:
        return 0

    def total(self) -> int | None:
        return None


def analyzed(items: Sequence[Item], *, rules: Sequence[Rule] | None = (), secrets: Secrets | None = None) -> Report:
    """The report on items, with all that a page needs."""
    analysis = Analysis([Source("flow")], rules=rules, secrets=secrets, tables=True)
    for item in items:
        analysis.feed(item)
    return analysis.finish()


def excerpt_of(report: Report, ids: Sequence[int], items: Iterable[Item]) -> Excerpt:
    """The messages of some registrations."""
    gatherer = Gatherer(report, ids, places_told(report, ids))
    gatherer.read(Again(items))  # type: ignore[arg-type]
    return gatherer.excerpt()


def shown_of(report: Report, items: Iterable[Item], storms: StormReport | None = None) -> Shown:
    """What a page shows of a report."""
    clients = ClientSummary(report)
    lines, entries = lines_and_entries(clients)
    ids = chosen(lines, entries)
    return Shown(clients, lines, entries, ids, excerpt_of(report, ids, items), storms)


def drawn(shown: Shown) -> str:
    """The page."""
    out = io.StringIO()
    render_page(shown, out)
    return out.getvalue()


def page_of(flow: str, *, rules: Sequence[Rule] | None = (), secrets: Secrets | None = None, log: bool = False) -> str:
    """The page on flow text."""
    items = list(read_flow(flow, log=log))
    return drawn(shown_of(analyzed(items, rules=rules, secrets=secrets), items))


def sample_page(folder: Path, name: str, *options: str) -> Path:
    """The page on a sample, by the command, in `folder`."""
    source = next(path for path in sorted((SAMPLES / name).iterdir()) if path.name.startswith("input."))
    users = SAMPLES / name / "users.csv"
    credentials = ("--credentials", str(users)) if users.exists() else ()
    out = folder / f"{name}.html"
    done = run("report", str(source), *credentials, *options, "-o", str(out))
    assert done.exit_code in (0, 1), done.output
    return out


@dataclass
class Found:
    """What is in a page: its tags, attributes by tag, and text by tag."""

    tags: list[str] = field(default_factory=list)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    values: list[tuple[str, str]] = field(default_factory=list)
    text: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Found()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.tags.append(tag)
        for name, value in attrs:
            self.found.attributes.add((tag, name))
            self.found.values.append((name, value or ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.found.text.append((self.open[-1] if self.open else "", data))


def read_page(page: str) -> Found:
    """The elements of a page; they must fit into one another."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.found


def words_of(page: str) -> str:
    """What is read on a page, without style sheet, script and data."""
    texts = (text for tag, text in read_page(page).text if tag not in ("style", "script"))
    return re.sub(r"\s+", " ", "".join(texts))


def assert_inert(page: str) -> None:
    """Nothing invisible is in a page, nothing is loaded by it, and nothing runs but what its policy names."""
    bad = {one for one in page if unicodedata.category(one) in FORBIDDEN and one != "\n"}
    assert not bad, bad
    found = read_page(page)
    assert found.tags.count("script") == 2
    assert found.tags.count("style") == 1
    assert not ACTIVE & set(found.tags)
    assert not [name for _, name in found.attributes if name.startswith("on") or name == "style"]
    for name, value in found.values:
        if name == "href":
            assert re.fullmatch(r"#[a-z]+|#c\d+|data:,", value), value
        assert name not in ("src", "action", "formaction", "xlink:href", "srcdoc")
    policy = next(value for name, value in found.values if name == "content" and value.startswith("default-src 'none'"))
    for tag in ("style", "script"):
        texts = [text for own, text in found.text if own == tag]
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]
        assert any(f"{tag}-src {one};" in policy for one in hashes)
