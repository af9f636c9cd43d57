"""Findings for machines that show each of them to somebody: alike ones are listed up to a number, then counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.evidence import Evidence, LogLines
from analyzer.judge.findings import Finding, Severity
from analyzer.sip.text import clip

MOST_DETAIL = 1000
"""Characters of what a finding says that are shown: a header may be as long as a datagram."""


@dataclass(slots=True)
class Alike:
    """Findings of one rule, sub-code and severity: the first ones, and how many more there are, seen how often."""

    rule: str
    sub: str
    severity: Severity
    listed: list[Finding] = field(default_factory=list)
    more: int = 0
    more_count: int = 0
    next: Finding | None = None


def gathered(findings: Iterable[Finding], most: int) -> list[Alike]:
    """The findings by what they are, in the order of the first of each; `most` of each are listed, `next` is the first
    that is not."""
    found: dict[tuple[str, str, str], Alike] = {}
    for finding in findings:
        key = (finding.rule, finding.sub, finding.severity)
        alike = found.setdefault(key, Alike(finding.rule, finding.sub, finding.severity))
        if len(alike.listed) < most:
            alike.listed.append(finding)
            continue
        alike.next = alike.next or finding
        alike.more += 1
        alike.more_count += finding.count
    return list(found.values())


def told(finding: Finding) -> str:
    """What a finding says, in one line: `Userinfo in the Request-URI: it is sip:bob@example.com`."""
    title = finding.short_title or finding.title
    return f"{title}: {clip(finding.detail, MOST_DETAIL)}" if finding.detail else title


def place_of(evidence: Evidence) -> str:
    """`frame 12 of phone.pcap`, `line 3 of asterisk.log`."""
    place = evidence.place
    number = f"line {place.first}" if isinstance(place, LogLines) else f"frame {place.number}"
    return f"{number} of {place.source}"
