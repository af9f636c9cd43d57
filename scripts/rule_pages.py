"""Print the pages of the rules into `docs/rules`: `python -m scripts.rule_pages` (`make docs`).

A page for each group, the list of all in `README.md`, the test purposes in `etsi.md`, and which rule explains which in
`precedence.md` (their prose is in `scripts/pages`). A rule's part of a page is made of its card and teaching text
(`analyzer/rules`) and of how it is decided (`tests/data/rules/rules.json`); a row of that file without a rule is shown
as one that is not asked. The other pages of the folder are written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from analyzer.judge.conformance.purposes import PURPOSES
from analyzer.judge.findings import Example, Rule
from analyzer.rules import all_rules, module_name, rule_text
from analyzer.views.catalogue import GROUPS, flow_of, looks_at, missing_words, profile_words
from analyzer.views.words import capital, clause_words, listed, party, sentence

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "rules"
DATA = ROOT / "tests" / "data" / "rules" / "rules.json"
HAND = ROOT / "scripts" / "pages"
NAMES = {
    "A": "requests",
    "B": "order",
    "C": "bindings",
    "D": "timers",
    "E": "registrar",
    "F": "digest",
    "G": "transport",
    "H": "extensions",
    "I": "storms",
}
"""The page of each group."""
MOST_LINES = 40
"""Lines of an example that are shown."""
_PRINTED = "Printed by `make docs`"
_FENCE = ("```flow", "```")

Row = dict[str, Any]


def rows() -> list[Row]:
    """The rows of the catalogue, in their order."""
    found: list[Row] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def page_of(rule: str, group: str) -> str:
    """A link from a page of the folder to the part about a rule."""
    return f"[{rule}]({NAMES[group]}.md#{rule.lower().replace('.', '')})"


def as_pages() -> dict[str, str]:
    """The text of every page that is printed, by its name."""
    catalogue, cards = rows(), {rule.id: rule for rule in all_rules()}
    pages = {
        "README.md": _index(catalogue, cards),
        "etsi.md": _purposes(cards),
        "precedence.md": _precedence(cards),
    }
    for letter, name in NAMES.items():
        part = [row for row in catalogue if row["group"] == letter]
        known = {row["id"] for row in part}
        alone = [rule for rule in cards.values() if rule.group == letter and rule.id not in known]
        pages[f"{name}.md"] = _group(letter, part, alone, cards)
    return pages


def _index(catalogue: Sequence[Row], cards: dict[str, Rule]) -> str:
    lines = [_by_hand("README")]
    for letter, name in NAMES.items():
        lines += ["", f"### {GROUPS[letter]}", "", f"[{name}.md]({name}.md)", ""]
        lines += ["| rule | what | clause | severity | at fault |", "| --- | --- | --- | --- | --- |"]
        several = [row for row in catalogue if row["group"] == letter]
        known = {row["id"] for row in several}
        for row in several:
            asked = "" if row["id"] in cards else " (not asked)"
            lines.append(
                _line(row["id"], letter, row["title"] + asked, row["clause"], row["severity"], row["at_fault"])
            )
        for rule in cards.values():
            if rule.group == letter and rule.id not in known:
                lines.append(_line(rule.id, letter, rule.title, rule.clause, rule.severity, rule.at_fault))
    return "\n".join(lines) + "\n"


def _line(name: str, group: str, title: str, clause: str, severity: str, at_fault: str) -> str:
    cells = (page_of(name, group), title, clause_words(clause), severity, party(at_fault))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _group(letter: str, part: Sequence[Row], alone: Sequence[Rule], cards: dict[str, Rule]) -> str:
    lines = [
        f"# {GROUPS[letter]}",
        "",
        f"{_PRINTED} from `analyzer/rules` and `tests/data/rules/rules.json`; see [README.md](README.md).",
    ]
    for row in part:
        rule = cards.get(row["id"])
        lines += ["", *(_rule(rule, row) if rule is not None else _fact(row))]
    for rule in alone:
        lines += ["", *_rule(rule, None)]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule, row: Row | None) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield sentence(f"**{rule.title}**")
    yield ""
    says = rule.force if rule.force != "none" else "nothing binding"
    card = (
        ("clause", clause_words(rule.clause, whole=True)),
        ("force, severity", f"{says}, {rule.severity}"),
        ("at fault", party(rule.at_fault)),
        ("looks at", looks_at(rule)),
        ("not judged", missing_words(rule)),
        ("profiles", profile_words(rule)),
        ("explains", listed(rule.supersedes)),
        ("ETSI TS 102 027", listed(rule.etsi)),
        ("file", f"`analyzer/rules/{module_name(rule.id)}.py`"),
    )
    yield from (f"- {name}: {value}" for name, value in card if value)
    yield ""
    yield rule_text(rule)
    yield ""
    yield f"**Why.** {sentence(capital(rule.why))} **Fix.** {sentence(capital(rule.fix))}"
    if row is not None:
        yield from _decided(row)
    yield from _examples(rule)
    if rule.stacks:
        yield from ("", "**Seen.**", "")
        yield from (f"- {sentence(stack)}" for stack in rule.stacks)
    if rule.disputed:
        yield from ("", f"**Disputed.** {sentence(capital(rule.disputed))}")


def _decided(row: Row) -> Iterator[str]:
    yield from ("", f"**How it is decided** (evidence {row['view']}; one finding for: {row['key']}). {row['proc']}")
    yield from ("", f"**What misleads.** {row['traps']}")


def _examples(rule: Rule) -> Iterator[str]:
    bad = [example for example in rule.examples if example.expect or example.facts]
    good = [example for example in rule.examples if not (example.expect or example.facts)]
    for word, several in (("Example", bad), ("Near miss", good)):
        if several:
            yield from ("", f"**{word}**{_titled(several[0])}", "", _FENCE[0], *_shortened(several[0]), _FENCE[1])


def _shortened(example: Example) -> list[str]:
    """The lines of a flow; of one that goes on and on, its beginning."""
    lines = flow_of(example).splitlines()
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"... and {more} lines more"]


def _titled(example: Example) -> str:
    subs = ", ".join(f"`{sub}`" for sub in dict.fromkeys(example.expect) if sub)
    words = f": {example.title}" if example.title else ""
    return f"{words} ({subs})" if subs else words


def _fact(row: Row) -> Iterator[str]:
    """A row of the catalogue that no rule asks."""
    yield f"### {row['id']}"
    yield ""
    yield f"**{row['title']}.** Not asked: {'a fact, no fault' if row['kind'] == 'fact' else 'not written yet'}."
    yield ""
    yield f"- clause: {clause_words(row['clause'], whole=True)}"
    yield f"- at fault: {party(row['at_fault'])}"
    yield ""
    yield f"**Why.** {sentence(row['why'])}"
    yield from _decided(row)
    yield from ("", f"**Example.** {row['bad']}", "", f"**Near miss.** {row['ok']}")


def _by_hand(name: str) -> str:
    """The part of a page that is written by hand."""
    return (HAND / f"{name}.md").read_text(encoding="utf-8").rstrip()


def _precedence(cards: dict[str, Rule]) -> str:
    lines = [_by_hand("precedence"), "", "| rule | explains |", "| --- | --- |"]
    for rule in cards.values():
        if rule.supersedes:
            folded = [page_of(name, cards[name].group) for name in rule.supersedes]
            lines.append(f"| {page_of(rule.id, rule.group)} | {', '.join(folded)} |")
    return "\n".join(lines) + "\n"


def _purposes(cards: dict[str, Rule]) -> str:
    lines = [
        "# ETSI TS 102 027: registration purposes",
        "",
        f"{_PRINTED} from `analyzer/judge/conformance` and the cards. `sipcheck rules --etsi FILE...` says how traffic",
        "answers them. RG_RT asks who registers, RG_RR the registrar. The words are ours; ETSI's own text decides.",
        "",
        "| purpose | what it asks | what has to be seen | rules |",
        "| --- | --- | --- | --- |",
    ]
    for purpose in PURPOSES:
        named = [page_of(rule.id, rule.group) for rule in cards.values() if purpose.id in rule.etsi]
        rules = ", ".join(named) or f"none: {purpose.limit or 'not read'}"
        lines.append(f"| {purpose.id} | {purpose.text} | {purpose.needs} | {rules} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write every page anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in as_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/rules/{name}\n")


if __name__ == "__main__":
    main()
