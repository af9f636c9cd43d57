"""Rules about all clients together, asked once when everything is read and what several workers found is one.

Such a rule sees registrations and sums (`register/fleet.py`), no message; what it needs of the coverage it decides
itself. It answers for each source, server or fleet that it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.judge.failures import failure_of
from analyzer.judge.findings import NOT_APPLICABLE, SINGLE, Answer, Finding, Profile, Rule, Violated, finding_of
from analyzer.judge.profiles import effects_of, is_silent, weighed
from analyzer.judge.tally import Tally
from analyzer.register.fleet import FleetSubject


def ask_fleet(
    rules: Sequence[Rule], subject: FleetSubject, tallies: dict[str, Tally], *, profile: Profile, doubts: int
) -> list[Finding]:
    """The findings of the rules about all clients, counted in `tallies`; `doubts` are steps of confidence that the kind
    of source takes off each."""
    found: list[Finding] = []
    for rule in rules:
        if "fleet" not in (rule.subject, *rule.also):
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
                places = [one for one in (told.at, *told.related) if one is not None]
                finding = finding_of(rule, told, told.confidence.lowered(doubts), places)
                finding.key = (rule.id, told.group_key, told.sub)
                found.append(finding)
    return found
