"""`--format junit`: a test report for a CI server, by the schema of Jenkins (junit-10.xsd), which others read too.

A test case is a rule, not a client: so the list of cases is the same from run to run, a server can tell which rule
failed since when, and a rule that looked and found nothing shows as passed, where one that could not judge is skipped
with the reason. A capture of ten thousand phones has as many cases as one of a single phone. Groups of the catalogue
are the suites; a suite of its own says whether all was read, and whether the digests match.

A case fails where the exit code would be 1 for it: at a finding of the severity that `--fail-on` names, or above.
Lesser findings, those that RFC 3665 prints itself, and how many a baseline knows, stand in its output.

It is written with the standard library: junitparser (5.0), the package for it that is best kept, gives `testsuites` an
attribute `skipped` that the schema does not have, and what it would take over is a dozen lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO
from xml.etree import ElementTree

from analyzer.escape import visible
from analyzer.judge.copied_text import is_known
from analyzer.judge.findings import Finding, Rule
from analyzer.judge.tally import Tally
from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.gathered import place_of, told
from analyzer.views.junit_document import write_suites
from analyzer.views.words import count

NAME = "junit"
DETAIL = False
MOST_TOLD = 20
"""Findings that a case quotes; the others are counted."""
_COUNTS = ("failures", "errors", "skipped")


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write the suites."""
    root = ElementTree.Element("testsuites", name="sipcheck")
    root.append(_suite("sipcheck", "run", _run_cases(report, options)))
    cards = _cards()
    by_group: dict[str, list[str]] = defaultdict(list)
    for rule in report.outcomes:
        by_group[cards[rule].group if rule in cards else ""].append(rule)
    findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        findings[finding.rule].append(finding)
    for group in sorted(by_group):
        cases = (_rule_case(report, rule, cards.get(rule), findings[rule], options) for rule in by_group[group])
        root.append(_suite(_title(group), group or "others", cases))
    write_suites(root, out)


def _cards() -> dict[str, Rule]:
    from analyzer.rules import all_rules

    return {rule.id: rule for rule in all_rules()}


def _title(group: str) -> str:
    from analyzer.views.catalogue import GROUPS

    return f"{group} {GROUPS[group]}" if group in GROUPS else "Others"


def _suite(name: str, classname: str, cases: Iterable[ElementTree.Element]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=name)
    for case in cases:
        case.set("classname", f"sipcheck.{classname}")
        suite.append(case)
    suite.set("tests", str(len(suite)))
    for kind, tag in zip(_COUNTS, ("failure", "error", "skipped"), strict=True):
        suite.set(kind, str(sum(1 for case in suite if case.find(tag) is not None)))
    return suite


def _run_cases(report: Report, options: ViewOptions) -> Iterator[ElementTree.Element]:
    """Whether all was read, and whether the digests match: what the exit code tells of beside the rules."""
    read = ElementTree.Element("testcase", name="the sources were read to their end")
    if report.interrupted:
        _add(read, "error", "interrupted: what is told here is what was read so far")
    _add_output(read, [*(line for source in report.sources for line in source.quality), *report.notes])
    yield read
    match = ElementTree.Element("testcase", name="the digest responses match the passwords")
    wrong = report.summary.digests.get("mismatch", 0)
    known = report.known.digests if report.known is not None else 0
    whole = sum(report.summary.digests.values())
    if not wrong and not report.summary.digests.get("match", 0):
        _add(match, "skipped", "there was none that could be checked")
    elif wrong > known and options.fail_on:
        _add(match, "failure", f"wrong: {wrong - known:,} of {count(whole, 'response')}", list(_wrong(report)))
    yield match


def _wrong(report: Report) -> Iterator[str]:
    """The first of the responses that do not match and are not known."""
    known = report.known.accounts if report.known is not None else frozenset()
    bad = (record for record in report.digests if record.verdict == "mismatch")
    new = (one for one in bad if (visible(one.username), visible(one.realm)) not in known)
    return (f"{one.username} in {one.realm}: {one.judged.reason}" for one in islice(new, MOST_TOLD))


def _rule_case(
    report: Report, name: str, rule: Rule | None, findings: list[Finding], options: ViewOptions
) -> ElementTree.Element:
    case, tally = ElementTree.Element("testcase", name=visible(name)), report.outcomes[name]
    failing = [finding for finding in findings if finding.severity in options.fail_on and not is_known(finding)]
    known = report.known.rules[name] if report.known is not None else 0
    if tally.failed:
        _add(case, "error", f"the rule failed to run {count(tally.failed, 'time')}")
    elif failing:
        title = (rule.short_title or rule.title) if rule is not None else name
        _add(case, "failure", f"{count(len(failing), 'finding')}: {title}", list(_lines(failing)), failing[0].severity)
    elif not (tally.passed or tally.violated):
        _add(case, "skipped", _unjudged(tally))
    rest = [finding for finding in findings if finding not in failing]
    lines = list(_lines(rest))
    if known:
        lines.append(f"{count(known, 'known finding')} of the baseline not shown")
    elif tally.violated and not findings:
        lines.append("what breaks it here is a consequence of what other rules have found")
    _add_output(case, lines)
    return case


def _unjudged(tally: Tally) -> str:
    reasons = sorted(tally.not_judged.items(), key=lambda item: -item[1])
    if not reasons:
        return "nothing here is what the rule looks at"
    return "not judged: " + "; ".join(f"{reason} ({number:,})" for reason, number in reasons[:MOST_TOLD])


def _lines(findings: list[Finding]) -> Iterator[str]:
    """A line for each finding up to a number, and the sum of the others."""
    for finding in findings[:MOST_TOLD]:
        whose = f" [{finding.aor}]" if finding.aor else ""
        where = f" ({place_of(finding.evidence[0])})" if finding.evidence else ""
        often = f", {finding.count} times" if finding.count > 1 else ""
        yield f"{finding.severity}: {told(finding)}{whose}{where}{often}; fix: {finding.fix}"
    more = findings[MOST_TOLD:]
    if more:
        yield f"and {count(len(more), 'more finding')}, seen {count(sum(one.count for one in more), 'time')}"


def _add(case: ElementTree.Element, tag: str, message: str, lines: Iterable[str] = (), kind: str = "") -> None:
    element = ElementTree.SubElement(case, tag, message=visible(message))
    if kind:
        element.set("type", kind)
    element.text = "\n".join(map(visible, lines)) or None


def _add_output(case: ElementTree.Element, lines: Iterable[str]) -> None:
    text = "\n".join(map(visible, lines))
    if text:
        ElementTree.SubElement(case, "system-out").text = text
