"""The rules for a reader: all of them in a list (`sipcheck rules`), one in full (`sipcheck explain RULE`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from analyzer.judge.findings import NEED_TEXT, Example, Rule
from analyzer.rules import all_rules, rule_text
from analyzer.views import ViewOptions
from analyzer.views.schema import SCHEMA
from analyzer.views.words import SEVERITY_WORD, capital, clause_words, count, listed, party, sentence

if TYPE_CHECKING:
    from analyzer.views.drawing.canvas import Canvas, Piece

GROUPS = {
    "A": "How a request is built",
    "B": "Order: Call-ID, CSeq, pending requests",
    "C": "Bindings, on the phone's side",
    "D": "Timers, retransmissions, retries",
    "E": "The registrar",
    "F": "Digest authentication",
    "G": "Transport",
    "H": "Outbound, GRUU, Path, Service-Route, option tags",
    "I": "Storms and abuse",
}
"""The groups of the catalogue, by the letter on a rule's card."""
_SUBJECT = {
    "message": "each message",
    "transaction": "each transaction",
    "attempt": "each attempt to register",
    "step": "each attempt beside the one before it",
    "binding": "each change of a binding",
    "closed": "each answered transaction, when no more copies of it can come",
    "end": "each client, when the capture or log ends",
    "fleet": "all clients together, when the capture or log ends",
}
_FACT = "none: it is a fact, which is counted and never a finding"
_PROSE = 92
"""Prose is no wider than this, whatever the terminal is."""


def write_catalogue(view: str, out: IO[str], options: ViewOptions, rules: Sequence[Rule] | None = None) -> None:
    """Write the rules as `view` (one of `CATALOGUE_FORMATS`): one JSON object, a record a line, or a table in groups.

    KeyError for any other name."""
    write, _ = _WRITERS[view]
    write(out, options, all_rules() if rules is None else rules)


def write_rule(rule: Rule, view: str, out: IO[str], options: ViewOptions) -> None:
    """Write one rule as `view`: what it wants and why, a bad and a good example, what to do. KeyError as above."""
    _, write = _WRITERS[view]
    write(out, options, rule)


def _catalogue_as_json(out: IO[str], options: ViewOptions, rules: Sequence[Rule]) -> None:
    del options
    rows = ",\n  ".join(json.dumps(rule_record(rule)) for rule in rules)
    out.write(f'{{"schema": "{SCHEMA}",\n "rules": [\n  {rows}\n ]}}\n')


def _catalogue_as_ndjson(out: IO[str], options: ViewOptions, rules: Sequence[Rule]) -> None:
    del options
    for rule in rules:
        out.write(json.dumps({"kind": "rule", **rule_record(rule)}) + "\n")


def _rule_as_json(out: IO[str], options: ViewOptions, rule: Rule) -> None:
    del options
    out.write(json.dumps({"schema": SCHEMA, **rule_record(rule)}, indent=1) + "\n")


def _rule_as_ndjson(out: IO[str], options: ViewOptions, rule: Rule) -> None:
    del options
    out.write(json.dumps({"kind": "rule", "schema": SCHEMA, **rule_record(rule)}) + "\n")


def rule_record(rule: Rule) -> dict[str, Any]:
    """A rule's card for a machine; `examples` in flow text, with the sub-codes that each must raise."""
    return {
        "rule": rule.id,
        "title": rule.title,
        "clause": rule.clause,
        "force": rule.force,
        "severity": rule.severity,
        "at_fault": rule.at_fault,
        "group": rule.group,
        "is_fact": rule.is_fact,
        "subject": rule.subject,
        "hop": rule.observed_at,
        "methods": list(rule.methods),
        "needs": [need.value for need in rule.needs],
        "folds": list(rule.supersedes),
        "profiles": [effect._asdict() for effect in rule.profiles],
        "only_in": list(rule.only_in),
        "why": rule.why,
        "text": rule_text(rule),
        "fix": rule.fix,
        "stacks": list(rule.stacks),
        "disputed": rule.disputed,
        "etsi": list(rule.etsi),
        "examples": [_example_record(example) for example in rule.examples],
    }


def _example_record(example: Example) -> dict[str, Any]:
    kind = "bad" if example.expect else "seen" if example.facts else "good"
    record = {"kind": kind, "title": example.title, "flow": flow_of(example), "expect": list(example.expect)}
    return record | {"facts": list(example.facts)} if example.facts else record


def flow_of(example: Example) -> str:
    """The flow text without the blanks of the file that it stands in: a step a line, its headers indented."""
    lines = [line.strip() for line in example.flow.strip().splitlines()]
    return "\n".join(f"    {line}" if _is_header(line) else line for line in lines)


def _is_header(line: str) -> bool:
    first = line.split(" ", 1)[0]
    return line.startswith("-") or (first.endswith(":") and not first.startswith(("<", ">", "@")))


def _draw_catalogue(out: IO[str], options: ViewOptions, rules: Sequence[Rule]) -> None:
    from analyzer.views.drawing.canvas import DIM, STRONG, Canvas, widest  # late: only this form pays for rich

    canvas = Canvas(out, options)
    canvas.line((f"{count(len(rules), 'rule')}", STRONG), (" (sipcheck explain RULE tells more of one)", DIM))
    name = widest([rule.id for rule in rules], 40)
    clause = widest([clause_words(rule.clause) for rule in rules], 24)
    title = canvas.width - 2 - 7 - 2 - name - 2 - (clause + 2 if canvas.width >= 100 else 0)
    for letter, several in _by_group(rules):
        canvas.gap()
        canvas.line((GROUPS.get(letter, letter or "Others"), STRONG))
        for rule in several:
            severity = ("fact" if rule.is_fact else SEVERITY_WORD[rule.severity], _style(rule))
            if canvas.width >= 100:
                cells: list[Piece] = [severity, rule.title, (clause_words(rule.clause), DIM), (rule.id, DIM)]
                canvas.columns(cells, [7, title, clause, name])
            else:
                canvas.columns([severity, rule.title, (rule.id, DIM)], [7, title, name])


def _by_group(rules: Sequence[Rule]) -> Iterator[tuple[str, list[Rule]]]:
    for letter in sorted({rule.group for rule in rules}, key=lambda letter: (not letter, letter)):
        yield letter, [rule for rule in rules if rule.group == letter]


def _style(rule: Rule) -> str:
    from analyzer.views.drawing.canvas import BAD, DIM, WARN

    return {"error": BAD, "warning": WARN}.get(rule.severity, DIM)


def _draw_rule(out: IO[str], options: ViewOptions, rule: Rule) -> None:
    from analyzer.views.drawing.canvas import DIM, HINT, STRONG, Canvas
    from analyzer.views.drawing.output import DEFAULT_WIDTH

    width = min(options.width or DEFAULT_WIDTH, _PROSE)
    canvas = Canvas(out, ViewOptions(width, options.color, options.all))
    canvas.line((rule.title, STRONG))
    canvas.line((rule.id, DIM))
    canvas.gap()
    card = (
        ("clause", clause_words(rule.clause, whole=True)),
        ("says", rule.force if rule.force != "none" else "nothing binding"),
        (
            "severity",
            "none: a fact, which is counted and never a finding" if rule.is_fact else SEVERITY_WORD[rule.severity],
        ),
        ("profiles", profile_words(rule)),
        ("at fault", party(rule.at_fault)),
        ("looks at", looks_at(rule)),
        ("skipped", missing_words(rule)),
        ("explains", listed(rule.supersedes)),
        ("ETSI", listed(rule.etsi)),
    )
    for name, value in card:
        if value:
            canvas.columns([(name, DIM), value], [9, canvas.width - 13])
    canvas.gap()
    _draw_prose(canvas, rule_text(rule))
    canvas.gap()
    canvas.line(("why: ", HINT), sentence(capital(rule.why)), hang=5)
    canvas.line(("fix: ", HINT), sentence(capital(rule.fix)), hang=5)
    for stack in rule.stacks:
        canvas.line(("seen: ", HINT), sentence(stack), hang=6)
    if rule.disputed:
        canvas.line(("disputed: ", HINT), sentence(capital(rule.disputed)), hang=10)
    _draw_examples(canvas, rule)


def profile_words(rule: Rule) -> str:
    """What other profiles than the default make of the rule."""
    words = [f"only in {listed(rule.only_in)}"] if rule.only_in else []
    for profile, subs, severity in rule.profiles:
        which = f"{listed(subs)} " if subs else ""
        words.append(f"{which}{SEVERITY_WORD[severity] if severity else 'silent'} in {profile}")
    return "; ".join(words)


def looks_at(rule: Rule) -> str:
    """What the rule is asked about, and at which hop."""
    methods = f" of {listed(rule.methods)}" if rule.methods != ("REGISTER",) and rule.methods else ""
    hop = {"first": "where the phone sent it", "last": "where the registrar got it"}.get(
        rule.observed_at, "on every hop"
    )
    return f"{_SUBJECT[rule.subject]}{methods}, {hop}"


def missing_words(rule: Rule) -> str:
    """What keeps the rule from judging."""
    return "; ".join(f"where {NEED_TEXT[need.value]}" for need in rule.needs)


def _draw_prose(canvas: Canvas, text: str) -> None:
    """Paragraphs are wrapped anew; what is indented keeps its form."""
    for paragraph in text.split("\n\n"):
        canvas.gap()
        if paragraph.startswith(" ") or "\n " in paragraph or paragraph.lstrip().startswith(("|", "- ")):
            canvas.verbatim(paragraph, indent=0)
        else:
            canvas.line(" ".join(paragraph.split()))


def _draw_examples(canvas: Canvas, rule: Rule) -> None:
    """The first bad and the first good example; the others are counted."""
    from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT

    bad = [example for example in rule.examples if example.expect]
    facts = [example for example in rule.examples if example.facts]
    good = [example for example in rule.examples if not (example.expect or example.facts)]
    shown = 0
    for label, style, several in (("bad", BAD, bad), ("seen", HINT, facts), ("good", GOOD, good)):
        if several:
            shown += 1
            title = several[0].title
            canvas.gap()
            canvas.line((label, style), f"  {title}" if title else "", (_expected(several[0]), DIM))
            canvas.verbatim(flow_of(several[0]), indent=4)
    if shown:
        more = len(rule.examples) - shown
        canvas.gap()
        rest = f" {count(more, 'more example')}: --format json." if more else ""
        canvas.line(
            (
                "> is what the phone sends, < what the registrar answers; what is not written is as it should be."
                + rest,
                DIM,
            )
        )


def _expected(example: Example) -> str:
    subs = [sub for sub in dict.fromkeys((*example.expect, *example.facts)) if sub]
    return f"  ({', '.join(subs)})" if subs else ""


_Catalogue = Callable[[IO[str], ViewOptions, Sequence[Rule]], None]
_One = Callable[[IO[str], ViewOptions, Rule], None]
_WRITERS: dict[str, tuple[_Catalogue, _One]] = {
    "json": (_catalogue_as_json, _rule_as_json),
    "ndjson": (_catalogue_as_ndjson, _rule_as_ndjson),
    "table": (_draw_catalogue, _draw_rule),
}
"""How the catalogue, and one rule, are written in each of `CATALOGUE_FORMATS`."""
