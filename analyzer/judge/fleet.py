"""Rules about all clients together, asked once when everything is read and what several workers found is one.

Such a rule sees registrations and sums (`register/fleet.py`), no message; what it needs of the coverage it decides
itself. It answers for each source, server or fleet that it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.judge.failures import failure_of
from analyzer.judge.findings import NOT_APPLICABLE, SINGLE, Answer, Confidence, Finding, Profile, Rule, Tally, Violated
from analyzer.judge.profiles import effects_of, is_silent, weighed
from analyzer.register.fleet import FleetSubject


def ask_fleet(
    rules: Sequence[Rule], subject: FleetSubject, tallies: dict[str, Tally], *, profile: Profile, doubts: int
) -> list[Finding]:
    """The findings of the rules about all clients, counted in `tallies`; `doubts` are steps of confidence that the kind
    of source takes off each."""
    found: list[Finding] = []
    for rule in rules:
        if rule.subject != "fleet":
            continue
        tally = tallies.setdefault(rule.id, Tally())
        effects = effects_of(rule, profile)
        try:
            answers = NOT_APPLICABLE if is_silent(rule, profile) else rule.check(subject, None)
            several: tuple[Answer, ...] = (answers,) if isinstance(answers, SINGLE) else tuple(answers)
        except Exception as error:  # as in the judge: a rule's bug must not end the run
            tally.failed += 1
            found.append(failure_of(rule, error))
            continue
        for answer in several:
            told = weighed(answer, effects) if isinstance(answer, Violated) else answer
            tally.add(told)
            if isinstance(told, Violated):
                found.append(_finding(rule, told, doubts))
    return found


def _finding(rule: Rule, answer: Violated, doubts: int) -> Finding:
    title, short_title = rule.titles(answer.sub)
    return Finding(
        rule=rule.id,
        sub=answer.sub,
        title=title,
        short_title=short_title,
        clause=rule.clause,
        force=answer.force or rule.force,
        proven_severity=answer.severity or rule.severity,
        confidence=Confidence(answer.confidence).lowered(doubts),
        at_fault=answer.at_fault or rule.at_fault,
        detail=answer.detail,
        fix=answer.fix or rule.fix,
        aor="",
        call_id="",
        registration=None,
        transaction=None,
        evidence=[one for one in (answer.at, *answer.related) if one is not None],
        count=answer.count or 1,
        key=(rule.id, answer.group_key, answer.sub),
    )
