"""`--format junit` of a played registrar: a test suite for each phone that came.

Its cases are what a tester asks of a phone: whether it stands in the end as it should (the measure of the exit code),
each of its requests, which fails where the digest does not match, and each rule that it broke (docs/interface.md 3.4),
which fails at an error or a warning. What a registrar is at fault for is nothing that a phone is tested for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

from analyzer.escape import visible
from analyzer.judge.findings import Finding
from analyzer.views import ViewOptions
from analyzer.views.junit_document import write_suites
from replay.known_clients import Client, Round
from replay.registrar_app import ServingResult

_FAILING = ("error", "warning")
_WRONG = "mismatch"


def render_junit(result: ServingResult, out: IO[str], options: ViewOptions) -> None:
    """Write the XML document; without any phone, one suite that fails."""
    del options
    root = ElementTree.Element("testsuites", name="sipcheck replay registrar")
    broken = _by_client(result)
    for client in result.clients:
        _suite(root, f"{client.number} {client.aor} at {client.peer}", _cases(result, client, broken[client.number]))
    if not result.clients:
        _suite(root, "nobody", [("a phone came", f"{result.ended}", [])])
    write_suites(root, out)


Case = tuple[str, str | None, list[str]]
"""Its name, why it fails (None: it does not), and what is told."""


def _suite(root: ElementTree.Element, name: str, cases: list[Case]) -> None:
    suite = ElementTree.SubElement(
        root, "testsuite", name=visible(name), tests=str(len(cases)), errors="0", skipped="0"
    )
    suite.set("failures", str(sum(why is not None for _, why, _ in cases)))
    for what, why, lines in cases:
        case = ElementTree.SubElement(suite, "testcase", classname="replay.registrar", name=visible(what))
        told = "\n".join(map(visible, lines))
        if why is not None:
            ElementTree.SubElement(case, "failure", message=visible(why)).text = told
        elif told:
            ElementTree.SubElement(case, "system-out").text = told


def _cases(result: ServingResult, client: Client, broken: list[Finding]) -> list[Case]:
    outcome = result.outcome_of(client)
    wanted = f"it ends as captured: {result.then}" if result.then is not None else "it has what it asked for"
    found: list[Case] = [(wanted, None if result.is_right(client) else f"in the end: {outcome}", [])]
    found += [_step(number, one) for number, one in enumerate(client.rounds, start=1)]
    return [*found, *_rules(broken)]


def _step(number: int, one: Round) -> Case:
    """A request of the phone: a wrong digest fails it; what differs from the captured one is told."""
    lines = list(one.differences)
    now = f"answered {one.now}" if one.now is not None else "not answered"
    lines.append(now if one.then is None else f"{now}, {one.then or 'nothing'} then")
    if one.verdict:
        lines.append(f"digest: {one.reason or one.verdict}")
    return f"request {number}: {one.request}", one.reason if one.verdict == _WRONG else None, lines


def _rules(broken: list[Finding]) -> Iterator[Case]:
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in broken:
        by_rule[finding.rule].append(finding)
    for rule in sorted(by_rule):
        findings = by_rule[rule]
        lines = [f"{one.severity}: {one.detail} ({one.clause})" for one in findings]
        lines += dict.fromkeys(f"fix: {one.fix}" for one in findings if one.fix)
        failing = next((one for one in findings if one.severity in _FAILING), None)
        yield rule, None if failing is None else failing.short_title or failing.title, lines


def _by_client(result: ServingResult) -> dict[int, list[Finding]]:
    """The findings at the fault of each phone, by its number."""
    owner = {(client.aor, call_id): client.number for client in result.clients for call_id in client.call_ids}
    found: dict[int, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        number = owner.get((finding.aor, finding.call_id))
        if number is not None and "UAC" in finding.at_fault:
            found[number].append(finding)
    return found
