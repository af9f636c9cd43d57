"""Print docs/checklists.md: what people write down of registration, the rule that holds each line, and where to see it.

`docs/rules/documents.md` 1 and 4 have the lines: those of a checklist of RFC 3261 10 for a client, and of a person's
notes on SIP. Here each gets its rules as they are today, and for each of these a sample that shows it, or else an
example of its card, on which the tests hold it. `python -m scripts.checklist >docs/checklists.md` (`make docs`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from analyzer.judge.findings import Rule
from analyzer.rules import all_rules

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "docs" / "rules" / "documents.md"
ROWS = ROOT / "tests" / "data" / "rules" / "rules.json"
_HEAD = """# Checklists, and the rules that hold them

Printed by `make docs` from [a page of the rule catalogue](rules/documents.md), the cards of
`analyzer/rules/` and the findings in `samples/`. `sipcheck explain RULE` says what a rule demands, with its examples.

Where no sample shows a violation, an example of the rule does, which the tests run. A permission, and what is hardly to
be seen in traffic, give no finding.
"""
_CLIENT = """
## RFC 3261 10, for who writes a client

Every line of a checklist in Japanese, in its order: C for a requirement, H for a heading that it leaves open.

| # | section | what it demands | rule | shown by |
| --- | --- | --- | --- | --- |
"""
_NOTES = """
## What registration is, in notes

Statements of notes in Korean on SIP, each with what sipcheck makes of it.

| statement | rule or behaviour | shown by |
| --- | --- | --- |
"""
_ID = r"(?:R\d{4}|DET|PRAC)(?:-[A-Za-z0-9.]+)+"
_NAMED = re.compile(rf"({_ID}-\*|{_ID}|R\d{{4}}-\.\.\.)|(?<=[ ,])(-[a-z][a-z-]+)|whole group ([A-Z])")
_SECTION = re.compile(r"(R\d{4}(?:-\d[\d.]*(?:-\d+)?)?)-")
_MOST_SAMPLES = 2
_LONGEST = 72
_BESIDE = {
    "binds AOR to Contact": ("samples/clean-registration", "docs/tables.md"),
    "401 **or 407**": ("samples/flow-text-rfc",),
    "nonce and own data": ("samples/clean-registration", "samples/wrong-password"),
    "several proxies": ("samples/flow-text-rfc",),
    "adds to Via": ("samples/flow-text-rfc",),
    "final responses": ("samples/server-down",),
    "init/active/terminated": ("docs/tables.md",),
}
"""What shows a statement that is kept: words of it, and where."""


class Entry(NamedTuple):
    """A line of a table of the catalogue: its cells, and the ids of the rules that it names."""

    cells: list[str]
    rules: list[str]


def entries(number: str) -> Iterator[Entry]:
    """The lines of the first table of a section of the catalogue, in its order."""
    text = CATALOGUE.read_text(encoding="utf-8").partition(f"\n## {number}. ")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        yield Entry(cells, named(cells[-1]))


def named(text: str) -> list[str]:
    """The ids of the rules that a cell names: `-cseq-gap` goes with the section of the one before, `R3261-10.2.4-*`
    is all of a section, `R5630-...` all of a standard, `whole group E` all of a group."""
    known = {row["id"]: row["group"] for row in json.loads(ROWS.read_text(encoding="utf-8"))}
    found: list[str] = []
    for match in _NAMED.finditer(text):
        whole, short, group = match.groups()
        if group:
            found += [name for name, its in known.items() if its == group]
        elif short:
            begins = _SECTION.match(found[-1])
            found.append(f"{begins[1] if begins else ''}{short}")
        elif whole.endswith(("*", "...")):
            found += [name for name in known if name.startswith(whole.rstrip("*."))]
        else:
            found.append(whole)
    return list(dict.fromkeys(found))


def samples_of(rule: str) -> list[str]:
    """The samples with a finding of a rule, in name order."""
    files = sorted((ROOT / "samples").glob("*/findings.txt"))
    return [file.parent.name for file in files if f" {rule} " in file.read_text(encoding="utf-8")]


def example_of(rule: Rule) -> str:
    """The first example of a card that violates it: its title, or the sub-code that it is one of, or its beginning."""
    one = next(example for example in rule.examples if example.expect or example.facts)
    sub = next((sub for sub in one.expect if sub), "")
    flow = " / ".join(line.strip() for line in one.flow.strip().splitlines())
    short = flow if len(flow) <= _LONGEST else flow[:_LONGEST].rstrip() + " ..."
    return one.title or f"`{sub or short}`"


def _status(row: dict[str, str]) -> str:
    """What a rule is that never is a finding."""
    return "a permission" if row["strength"].startswith("MAY") else "hardly to be seen in traffic"


def _link(path: str) -> str:
    """A path of the repository as the page has to name it."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _shown(names: Sequence[str], beside: Sequence[str] = ()) -> str:
    """Where the rules are to be seen: a sample for all of them, or an example for each."""
    known = {row["id"]: row for row in json.loads(ROWS.read_text(encoding="utf-8"))}
    cards = {rule.id: rule for rule in all_rules()}
    parts = [f"[{one.rpartition('/')[2]}]({_link(one)})" for one in beside]
    for name in names:
        if cards[name].is_fact:
            parts.append(f"`{name}`: {_status(known[name])}; counted where it is seen, as in {example_of(cards[name])}")
            continue
        seen = samples_of(name)[:_MOST_SAMPLES]
        where = ", ".join(f"[{sample}](../samples/{sample})" for sample in seen)
        parts.append(where or f"`{name}`: {example_of(cards[name])}")
    return "; ".join(dict.fromkeys(parts)).replace("|", "\\|")


def _ids(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def as_markdown() -> str:
    """The whole page."""
    page = [_HEAD, _CLIENT]
    for (number, section, _, demand, _), names in entries("1"):
        page.append(f"| {number} | {section} | {demand} | {_ids(names)} | {_shown(names)} |\n")
    page.append(_NOTES)
    for (statement, behaviour), names in entries("4"):
        beside = [one for words, places in _BESIDE.items() if words in statement for one in places]
        page.append(f"| {statement} | {behaviour} | {_shown(names, beside)} |\n")
    return "".join(page)


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
