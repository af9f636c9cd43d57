"""`--format sarif`: SARIF 2.1.0 (OASIS), for code scanning and for editors that list results beside a file.

A place in a log is a region of lines. A frame of a capture is no line, and none is made up: it is a logical location
(`frame 12`), with its number among the properties. Of findings that are alike in rule, sub-code and severity the first
hundred are results of their own; one more result stands for the others and has their number (`occurrenceCount`), so a
capture of ten thousand phones fits what readers take. `partialFingerprints` is made of what a baseline knows a finding
by, so a reader tells old from new though frames and Call-IDs are others.

Messages are plain text in which SARIF finds placeholders and links (3.11.5, 3.11.6); what a sender wrote becomes none.
It is made of plain objects, as the other JSON is: the classes that packages offer (sarif-om, unchanged since 2019;
sarif-pydantic, which needs pydantic) would check nothing that the published schema does not check in the tests.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import PurePath
from typing import IO, Any
from urllib.parse import quote

from analyzer.escape import visible
from analyzer.evidence import Evidence, LogLines
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import Finding, Rule
from analyzer.run.baseline import keys_of
from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.gathered import Alike, gathered, told
from analyzer.views.schema import dumped
from analyzer.views.times import iso
from analyzer.views.words import capital, count, sentence

NAME = "sarif"
DETAIL = False
VERSION = "2.1.0"
SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_ALIKE = 100
"""Findings alike that are results of their own."""
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_PROBLEMS = {"error": "error", "warning": "warning", "info": "recommendation"}
_LINK = re.compile(r"\[(?=[^\]]*\]\()")
Record = dict[str, Any]


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write the log: one run, a result a line."""
    del options  # a machine's format has no taste
    ids = list(dict.fromkeys([*report.outcomes, *(one.rule for one in report.findings if one.rule != INTERNAL)]))
    index = {name: number for number, name in enumerate(ids)}
    sources = {source.name: number for number, source in enumerate(report.sources)}
    out.write(f'{{"$schema": "{SCHEMA_URI}", "version": "{VERSION}", "runs": [{{\n"tool": {{"driver": ')
    out.write(_driver(ids))
    out.write(f'}},\n"invocations": [{dumped(_invocation(report))}],\n"columnKind": "utf16CodeUnits",\n"artifacts": [')
    artifacts = ({"location": _artifact(name, sources), "roles": ["analysisTarget"]} for name in sources)
    out.write(",".join("\n " + dumped(one) for one in artifacts))
    out.write('],\n"results": [')
    for number, result in enumerate(_results(report, index, sources)):
        out.write(("," if number else "") + "\n " + dumped(result))
    out.write("]}]}\n")


def _driver(ids: list[str]) -> str:
    """The tool, with the rules that were asked. Their texts are ours, and keep their lines."""
    from importlib.metadata import PackageNotFoundError, version

    from analyzer.rules import all_rules

    cards = {rule.id: rule for rule in all_rules()}
    try:
        driver: Record = {"name": "sipcheck", "version": version("sipcheck")}
    except PackageNotFoundError:  # run from a checkout that was not installed
        driver = {"name": "sipcheck"}
    driver["rules"] = [_descriptor(cards[name]) if name in cards else {"id": visible(name)} for name in ids]
    return json.dumps(driver)


def _descriptor(rule: Rule) -> Record:
    from analyzer.rules import rule_text

    text = f"{rule_text(rule)}\n\nWhy: {sentence(capital(rule.why))}\nFix: {sentence(capital(rule.fix))}"
    return {
        "id": rule.id,
        "shortDescription": {"text": _plain(rule.title)},
        "fullDescription": {"text": _plain(sentence(capital(rule.why)))},
        "help": {"text": _plain(text)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "clause": rule.clause,
            "force": rule.force,
            "group": rule.group,
            "problem.severity": _PROBLEMS[rule.severity],
            "tags": ["sip", "registration"],
        },
    }


def _invocation(report: Report) -> Record:
    """Whether all went well, and what did not: rules that failed to run, sources that show less than all."""
    failures = [(finding.detail, "error") for finding in report.findings if finding.rule == INTERNAL]
    notes = [f"{source.name}: {line}" for source in report.sources for line in source.quality] + report.notes
    if report.interrupted:
        failures.append(("interrupted: what is told here is what was read so far", "error"))
    if report.known is not None and report.known.findings:
        notes.append(f"{count(report.known.findings.total(), 'known finding')} of the baseline not shown")
    said = [*failures, *((note, "note") for note in notes)]
    return {
        "executionSuccessful": not failures,
        "toolExecutionNotifications": [{"message": {"text": _plain(text)}, "level": level} for text, level in said],
    }


def _results(report: Report, index: dict[str, int], sources: dict[str, int]) -> Iterator[Record]:
    findings = [finding for finding in report.findings if finding.rule != INTERNAL]
    for alike in gathered(findings, MOST_ALIKE):
        for finding in alike.listed:
            yield _result(finding, index, sources)
        if alike.next is not None:
            yield _rest(alike, alike.next, index, sources)


def _result(finding: Finding, index: dict[str, int], sources: dict[str, int]) -> Record:
    first, others = (finding.evidence[0] if finding.evidence else None), finding.evidence[1:]
    result: Record = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": _plain(sentence(told(finding)))},
        "locations": [_location(first, sources)] if sources else [],
        "occurrenceCount": finding.count,
        "partialFingerprints": {"sipcheckFinding/v1": _fingerprint(finding)},
        "properties": _properties(finding),
    }
    if others:
        result["relatedLocations"] = [_location(one, sources) for one in others]
    return result


def _rest(alike: Alike, example: Finding, index: dict[str, int], sources: dict[str, int]) -> Record:
    """One result for all that are not listed."""
    text = f"{count(alike.more, 'more finding')} like the {MOST_ALIKE} before; the first of them: {told(example)}"
    words = f"{alike.rule} {alike.sub} {alike.severity} and more"
    return {
        "ruleId": alike.rule,
        "ruleIndex": index[alike.rule],
        "level": _LEVELS[alike.severity],
        "message": {"text": _plain(sentence(text))},
        "locations": [_location(example.evidence[0] if example.evidence else None, sources)] if sources else [],
        "occurrenceCount": max(1, alike.more_count),
        "partialFingerprints": {"sipcheckFinding/v1": sha256(words.encode()).hexdigest()},
        "properties": {"findings": alike.more, "sub": alike.sub},
    }


def _properties(finding: Finding) -> Record:
    named = {
        "sub": finding.sub,
        "confidence": finding.confidence.word,
        "at_fault": finding.at_fault,
        "clause": finding.clause,
        "force": finding.force,
        "fix": finding.fix,
        "observed": finding.observed,
        "expected": finding.expected,
        "aor": finding.aor,
        "call_id": finding.call_id,
    }
    return {name: value for name, value in named.items() if value} | {"explains": finding.explained}


def _fingerprint(finding: Finding) -> str:
    return sha256(json.dumps(keys_of(finding)).encode()).hexdigest()


def _location(evidence: Evidence | None, sources: dict[str, int]) -> Record:
    """A place; of what was seen nowhere in particular, the first source."""
    if evidence is None:
        return {"physicalLocation": {"artifactLocation": _artifact(next(iter(sources)), sources)}}
    place, time = evidence
    location: Record = {"physicalLocation": {"artifactLocation": _artifact(place.source, sources)}}
    properties: Record = {"time": iso(time)} if iso(time) else {}
    if isinstance(place, LogLines):
        location["physicalLocation"]["region"] = {"startLine": place.first, "endLine": max(place.first, place.last)}
    else:
        name = f"frame {place.number}"
        whole = f"{_uri(place.source)}#frame={place.number}"
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": whole, "kind": "frame"}]
        properties["frame"] = place.number
    if properties:
        location["properties"] = properties
    return location


def _artifact(name: str, sources: dict[str, int]) -> Record:
    location: Record = {"uri": _uri(name)}
    if name in sources:
        location["index"] = sources[name]
    return location


def _uri(name: str) -> str:
    """A file's name as a URI reference: relative as it was given, or `file:`. Whatever octets it has are encoded."""
    path = quote(os.fsencode(name) if _is_file_name(name) else name.encode("utf-8", "backslashreplace"))
    return f"file://{path}" if PurePath(name).is_absolute() else path or "."


def _is_file_name(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _plain(text: str) -> str:
    """Text as a message of SARIF: braces are no placeholder, brackets no link."""
    return _LINK.sub(r"\\[", text.replace("{", "{{").replace("}", "}}"))
