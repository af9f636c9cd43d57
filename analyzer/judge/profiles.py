"""Profiles (`--profile`): which documents the traffic is held to, and what that makes of a rule's findings.

A check judges by the standard alone. What a profile silences or sharpens stands on the rule's card as `InProfile`
values, and is applied here to what the check answers: in an old network without tags and cookies (`legacy2543`), in one
of today (`modern`), in a mobile operator's (`ims`). `rfc3261` is the default and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.judge.findings import NOT_APPLICABLE, Answer, InProfile, Profile, Rule, Violated


def effects_of(rule: Rule, profile: Profile) -> tuple[InProfile, ...]:
    """What a profile changes of a rule; most often nothing."""
    return tuple(effect for effect in rule.profiles if effect.profile == profile)


def is_silent(rule: Rule, profile: Profile) -> bool:
    """Whether the rule has nothing to say under a profile, whatever it looks at."""
    if rule.only_in and profile not in rule.only_in:
        return True
    return any(not effect.subs and effect.severity is None for effect in effects_of(rule, profile))


def weighed(answer: Violated, effects: Sequence[InProfile]) -> Answer:
    """A violation as a profile weighs it. Sub-codes that it silences are taken out; without any left it is none."""
    for effect in effects:
        subs = answer.sub.split(",")
        concerned = [sub for sub in subs if not effect.subs or sub in effect.subs]
        if effect.severity is not None:
            answer = replace(answer, severity=effect.severity) if concerned else answer
        elif len(concerned) == len(subs):
            return NOT_APPLICABLE
        else:
            answer = replace(answer, sub=",".join(sub for sub in subs if sub not in concerned))
    return answer
