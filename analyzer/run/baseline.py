"""Findings that are known already: a baseline is written by one run and taken out of the result of later ones.

What a finding is known by has to be the same in the next run, where frames, times, Call-IDs, tags, branches, ports and
the order of clients are others: its rule and sub-code, and what it is about. That is the address-of-record for what a
client did, and for what is told once of a server, a realm or a source, these names (the words of its `group_key`). A
finding that weighs more than the one that was accepted is a new one, and so is one with a further sub-code.

A digest that does not match is known by its user name and realm. A rule that failed to run is never known.

The file is JSON, an entry a line, sorted, so that a version control shows what was added:

    {"schema": "sipcheck-baseline/1",
     "findings": [
      {"rule": "R3261-10.2-callid", "sub": "", "severity": "error", "about": ["sip:bob@example.com"], "title": "..."}],
     "digests": [{"username": "bob", "realm": "example.com"}]}

`title` is for the reader, as is a `comment` that somebody adds; neither is looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from analyzer.escape import Told, visible
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import SEVERITIES, Finding, PerRun, Rule, Severity
from analyzer.judge.selection import has_sub_code
from analyzer.run.report import Known, Report

SCHEMA = "sipcheck-baseline/1"
_MISMATCH = "mismatch"


class BaselineError(Told):
    """Text that is no baseline, or has an entry that cannot be meant; the text is one line with the place in it."""


class FindingKey(NamedTuple):
    """What a finding is known by: `sub` is one sub-code, `about` the words that are the same in every run."""

    rule: str
    sub: str
    about: tuple[str, ...]


class DigestKey(NamedTuple):
    """What a digest that does not match is known by."""

    username: str
    realm: str


@dataclass(slots=True)
class Baseline:
    """What is known: findings, each with the most that it may weigh and its title, and digests."""

    findings: dict[FindingKey, tuple[Severity, str]] = field(default_factory=dict)
    digests: set[DigestKey] = field(default_factory=set)


def about(finding: Finding) -> tuple[str, ...]:
    """What a finding is about, in words that are the same in every run, as visible text."""
    per = finding.key[1] if len(finding.key) > 1 else None
    if isinstance(per, int) or per is None:
        return (visible(finding.aor),)
    parts = per if isinstance(per, tuple) else (per,)
    if parts and parts[0] == finding.call_id:  # the default of what belongs to no client: Call-ID and method
        parts = parts[1:]
    return tuple(visible(str(part)) for part in parts if isinstance(part, str) and not isinstance(part, PerRun))


def keys_of(finding: Finding) -> tuple[FindingKey, ...]:
    """What a finding is known by: a key for each of its sub-codes."""
    words = about(finding)
    return tuple(FindingKey(finding.rule, sub, words) for sub in finding.sub.split(","))


def baseline_of(report: Report) -> Baseline:
    """All that a report says: what a baseline has taken out of it is not there any more."""
    found = Baseline()
    for finding in report.findings:
        if finding.rule != INTERNAL:
            for key in keys_of(finding):
                known = found.findings.get(key)
                if known is None or _weight(finding.severity) > _weight(known[0]):
                    found.findings[key] = (finding.severity, finding.short_title or finding.title)
    found.digests.update(_digests(report))
    return found


def knows(baseline: Baseline, finding: Finding) -> bool:
    """Whether a finding is known: each of its sub-codes, and with no more weight than was accepted."""
    return all(_covers(baseline, key, finding.severity) for key in keys_of(finding))


def set_apart(report: Report, baseline: Baseline) -> None:
    """Take what is known out of the report's findings and their counts; `report.known` tells how much that was."""
    met: set[FindingKey] = set()
    known: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    fresh = []
    for finding in report.findings:
        met.update(key for key in keys_of(finding) if key in baseline.findings)
        if knows(baseline, finding):
            known[finding.severity] += 1
            rules[finding.rule] += 1
        else:
            fresh.append(finding)
    report.findings = fresh
    report.summary.findings = Counter(finding.severity for finding in fresh)
    digests = [key for key in _digests(report) if key in baseline.digests]
    unmet = len(baseline.findings) - len(met) + len(baseline.digests - set(digests))
    report.known = Known(known, len(digests), unmet, rules, frozenset(baseline.digests))


def _covers(baseline: Baseline, key: FindingKey, severity: Severity) -> bool:
    known = baseline.findings.get(key)
    return known is not None and _weight(severity) <= _weight(known[0])


def _weight(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def _digests(report: Report) -> Iterator[DigestKey]:
    for record in report.digests:
        if record.verdict == _MISMATCH:
            yield DigestKey(visible(record.username), visible(record.realm))


def dumped(baseline: Baseline) -> str:
    """The file's text: ASCII, an entry a line, in an order that does not depend on the run."""
    findings = [
        {"rule": key.rule, "sub": key.sub, "severity": severity, "about": list(key.about), "title": title}
        for key, (severity, title) in sorted(baseline.findings.items())
    ]
    digests = [key._asdict() for key in sorted(baseline.digests)]
    return f'{{"schema": "{SCHEMA}",\n "findings": {_lines(findings)},\n "digests": {_lines(digests)}}}\n'


def _lines(entries: Sequence[dict[str, Any]]) -> str:
    return "[" + ",".join(f"\n  {json.dumps(entry)}" for entry in entries) + "]"


def parsed(octets: bytes, rules: Iterable[Rule]) -> Baseline:
    """The baseline of a file's octets. Raises `BaselineError` for what is none, for a newer schema, and for an entry
    with a rule, sub-code or severity that there is not: who mistyped it would believe that it is known."""
    try:
        whole = json.loads(octets.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BaselineError(f"octet {error.start}: no UTF-8") from None
    except json.JSONDecodeError as error:
        raise BaselineError(f"line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise BaselineError("nested too deeply") from None
    except ValueError:  # Python converts no number of more than 4300 digits
        raise BaselineError("a number is too long") from None
    schema = whole.get("schema") if isinstance(whole, dict) else None
    if schema != SCHEMA:
        raise BaselineError(f"schema: {_shown(schema)} is not {SCHEMA}{_hint(schema)}")
    cards = {rule.id: rule for rule in rules}
    found = Baseline()
    for place, entry in _entries(whole, "findings"):
        key, severity, title = _finding(place, entry, cards)
        found.findings[key] = (severity, title)
    for place, entry in _entries(whole, "digests"):
        found.digests.add(DigestKey(_text(place, entry, "username"), _text(place, entry, "realm")))
    return found


def _hint(schema: object) -> str:
    is_newer = isinstance(schema, str) and schema.startswith("sipcheck-baseline/")
    return "; a newer sipcheck may have written it" if is_newer else "; --write-baseline writes one"


def _entries(whole: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    several = whole.get(name, [])
    if not isinstance(several, list):
        raise BaselineError(f"{name}: no list")
    for number, entry in enumerate(several):
        place = f"{name}[{number}]"
        if not isinstance(entry, dict):
            raise BaselineError(f"{place}: no object")
        yield place, entry


def _finding(place: str, entry: dict[str, Any], cards: dict[str, Rule]) -> tuple[FindingKey, Severity, str]:
    rule, sub = _text(place, entry, "rule"), _text(place, entry, "sub", "")
    if rule not in cards:
        raise BaselineError(f"{place}.rule: no rule is called {rule}")
    if sub and not has_sub_code(cards[rule], sub):
        raise BaselineError(f"{place}.sub: {rule} has no sub-code {sub}")
    severity = next((one for one in SEVERITIES if one == entry.get("severity")), None)
    if severity is None:
        raise BaselineError(f"{place}.severity: {_shown(entry.get('severity'))} is not one of {', '.join(SEVERITIES)}")
    words = entry.get("about")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BaselineError(f"{place}.about: no list of texts")
    return FindingKey(rule, sub, tuple(words)), severity, _text(place, entry, "title", "")


def _text(place: str, entry: dict[str, Any], name: str, default: str | None = None) -> str:
    value = entry.get(name, default)
    if not isinstance(value, str):
        raise BaselineError(f"{place}.{name}: {_shown(value)} is no text" if name in entry else f"{place}: no {name}")
    return value


def _shown(value: object) -> str:
    return json.dumps(value)[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


__all__ = [
    "SCHEMA",
    "Baseline",
    "BaselineError",
    "DigestKey",
    "FindingKey",
    "about",
    "baseline_of",
    "dumped",
    "keys_of",
    "knows",
    "parsed",
    "set_apart",
]
