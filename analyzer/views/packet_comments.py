"""Findings as comments on packets: what each comment says, and how Wireshark selects and colours what has one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.evidence import Frame
from analyzer.judge.findings import SEVERITIES, Finding, Severity
from analyzer.run.report import Report
from analyzer.views.words import SEVERITY_WORD, clause_words, count, listed, party, sentence

MOST_ON_ONE = 50
"""Comments on one packet; the last says how many more there are."""
MOST_LETTERS = 1200
"""Characters of a comment's detail, and of its fix."""
MARK = "sipcheck"
"""How every comment begins, followed by the severity: what the filters look for."""
_COLOURS: dict[Severity, str] = {
    "error": "[65535,52428,52428][39321,0,0]",
    "warning": "[65535,61166,49151][26214,17476,0]",
    "info": "[56797,60652,65535][0,13107,39321]",
}
"""Background and foreground, 16 bits each of red, green and blue: dark on pale."""


class Comments(NamedTuple):
    """What is to be said: `on` packets by the number of their frame, `general` of the whole capture."""

    on: dict[int, list[str]]
    general: list[str]


def comments_of(report: Report) -> Comments:
    """The comments for a report of one capture: each finding on each packet that shows it, in full on the first."""
    on: dict[int, list[str]] = defaultdict(list)
    general = []
    for finding in sorted(report.findings, key=lambda one: -SEVERITIES.index(one.severity)):
        frames = list(dict.fromkeys(place.number for place, _ in finding.evidence if isinstance(place, Frame)))
        if not frames:
            general.append(comment_of(finding))
        for number in frames:
            others = [frame for frame in frames if frame != number]
            on[number].append(comment_of(finding, others) if number == frames[0] else _short(finding, frames[0]))
    return Comments({number: _bounded(texts) for number, texts in sorted(on.items())}, general)


def comment_of(finding: Finding, others: Sequence[int] = ()) -> str:
    """A finding in full: what is wrong, how to mend it, whose it is, where else it shows, rule and clause."""
    title = finding.short_title or finding.title
    parts = [f"{_lead(finding)}: {sentence(f'{title}: {_cut(finding.detail)}' if finding.detail else title)}"]
    if finding.fix:
        parts.append(f"Fix: {sentence(_cut(finding.fix))}")
    about = [party(finding.at_fault), finding.aor.removeprefix("sip:"), _where(finding, others)]
    about += [finding.rule + (f"/{finding.sub}" if finding.sub else ""), clause_words(finding.clause)]
    parts.append(f"[{'; '.join(part for part in about if part)}]")
    return visible(" ".join(parts))


def _short(finding: Finding, first: int) -> str:
    title = finding.short_title or finding.title
    return visible(f"{_lead(finding)}: {sentence(title)} More in the comment on frame {first}. [{finding.rule}]")


def _lead(finding: Finding) -> str:
    return f"{MARK} {SEVERITY_WORD[finding.severity]}"


def _where(finding: Finding, others: Sequence[int]) -> str:
    """`frames 12 and 19 too, 27 times in all`."""
    words = []
    if others:
        words.append(f"frame{'s' * (len(others) > 1)} {listed([str(number) for number in others])} too")
    if finding.count > 1 + len(others):
        words.append(f"seen {finding.count:,} times")
    return ", ".join(words)


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= MOST_LETTERS else f"{shown[:MOST_LETTERS]}…"


def _bounded(texts: list[str]) -> list[str]:
    if len(texts) <= MOST_ON_ONE:
        return texts
    return [*texts[: MOST_ON_ONE - 1], f"{MARK}: and {count(len(texts) - MOST_ON_ONE + 1, 'more comment')}."]


def filter_of(severity: Severity | None = None) -> str:
    """The display filter that selects packets with a comment of ours, of one severity or of any."""
    mark = MARK if severity is None else f"{MARK} {SEVERITY_WORD[severity]}:"
    return f'frame.comment contains "{mark}"'


def colouring_rules() -> list[str]:
    """The rules that colour them, a line each of Wireshark's file `colorfilters`; of several the first counts."""
    return [
        f"@{MARK} {SEVERITY_WORD[severity]}@{filter_of(severity)}@{_COLOURS[severity]}"
        for severity in reversed(SEVERITIES)
    ]


def how_to_see(report: Report) -> list[str]:
    """Lines that say how to find the comments in Wireshark."""
    there = {finding.severity for finding in report.findings}
    if not there:
        return ["No finding, so there is no comment: the packets are as they were."]
    filters = [("all", filter_of())]
    if len(there) > 1:
        filters += [(f"{SEVERITY_WORD[one]}s", filter_of(one)) for one in reversed(SEVERITIES) if one in there]
    return [
        "Display filter, in Wireshark's filter bar or behind `tshark -Y`:",
        *(f"  {name:8}  {text}" for name, text in filters),
        "",
        "Colouring rules, for View > Coloring Rules > Import from a file of these lines:",
        *colouring_rules(),
    ]
