"""Which rules are asked: by id, group, section or sub-code (`--select`, `--ignore`, the configuration, a baseline).

A name is, in whatever case, one of

- a rule's id, `R3261-10.2-callid`, or any part that only one id has, `callid`;
- a group of the catalogue by its letter, `F`;
- the beginning of ids up to a dot or hyphen: a document or a section of it, `R7616`, `R3261-10.3`, or `DET`;
- any that names one rule, a colon and one of its sub-codes: `R7616-3.3-challenge-quality:nonce-short`.

Where a rule is narrowed to some of its sub-codes, or some of them are left out, its check is asked as ever, and what it
answers with others counts as not applicable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from analyzer.escape import Told
from analyzer.judge.findings import NOT_APPLICABLE, SINGLE, Answer, Check, Rule, Violated

MOST_NAMED = 8
"""Rules that one line names where a name could mean several."""


class UnknownRule(Told):
    """A name that is no rule's, or that of several where one is asked for; the text is one line, with the nearest."""


def one_rule(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule of this id, or of a part of it that no other id has. Raises `UnknownRule`."""
    exact = [rule for rule in rules if rule.id.lower() == name.lower()]
    near = exact or [rule for rule in rules if name and name.lower() in rule.id.lower()]
    if len(near) == 1:
        return near[0]
    if not near:
        raise UnknownRule(f"no rule is called {name}{_nearest(name, [rule.id for rule in rules])}")
    more = f" and {len(near) - MOST_NAMED} more" if len(near) > MOST_NAMED else ""
    raise UnknownRule(f"several rules are called {name}: {', '.join(rule.id for rule in near[:MOST_NAMED])}{more}")


def sub_codes(rule: Rule) -> tuple[str, ...]:
    """The sub-codes of a rule's findings, which its examples show (but for `Rule.more_subs`)."""
    shown = (part for example in rule.examples for sub in example.expect for part in sub.split(","))
    return tuple(dict.fromkeys(part for part in (*shown, *rule.sub_titles) if part))


def has_sub_code(rule: Rule, sub: str) -> bool:
    """Whether a rule's finding may have this sub-code."""
    return sub in sub_codes(rule) or bool(rule.more_subs and re.fullmatch(rule.more_subs, sub))


def named_rules(name: str, rules: Sequence[Rule]) -> list[tuple[Rule, str]]:
    """The rules that a name means, each with the sub-code that it is narrowed to (empty: all). Raises `UnknownRule`."""
    plain, colon, sub = name.partition(":")
    if colon:
        rule = one_rule(plain, rules)
        codes = sub_codes(rule)
        found = next((code for code in codes if code.lower() == sub.lower()), None)
        if found is None and rule.more_subs and re.fullmatch(rule.more_subs, sub, re.IGNORECASE):
            found = sub.upper()
        if found is None:
            raise UnknownRule(f"{rule.id} has no sub-code {sub}{_nearest(sub, codes) if codes else ', nor any other'}")
        return [(rule, found)]
    wanted = plain.lower()
    if not any(rule.id.lower() == wanted for rule in rules):
        several = [rule for rule in rules if rule.group.lower() == wanted or _begins(rule.id.lower(), wanted)]
        if wanted and several:
            return [(rule, "") for rule in several]
    return [(one_rule(plain, rules), "")]


def chosen(rules: Sequence[Rule], select: Iterable[str], ignore: Iterable[str]) -> list[Rule]:
    """The rules that `select` names (none named: all) without those that `ignore` names, in their order; those of which
    sub-codes are named have the others, or these, no more. Raises `UnknownRule`."""
    wanted, unwanted = _by_id(select, rules), _by_id(ignore, rules)
    kept = []
    for rule in rules:
        only, without = wanted.get(rule.id, set()) if wanted else {""}, unwanted.get(rule.id, set())
        if not only or "" in without:
            continue
        if "" not in only or without:
            rule = replace(rule, check=_narrowed(rule.check, set() if "" in only else only, without))
        kept.append(rule)
    return kept


def _narrowed(check: Check, only: set[str], without: set[str]) -> Check:
    """A check whose violations have none but these sub-codes (`only` empty: all but those of `without`)."""

    def kept(answer: Answer) -> Answer:
        if not isinstance(answer, Violated):
            return answer
        subs = answer.sub.split(",")
        rest = [sub for sub in subs if (not only or sub in only) and sub not in without]
        if len(rest) == len(subs):
            return answer
        return replace(answer, sub=",".join(rest)) if rest else NOT_APPLICABLE

    def narrowed(subject: Any, context: Any) -> Answer | Iterable[Answer]:
        answers = check(subject, context)
        return kept(answers) if isinstance(answers, SINGLE) else tuple(map(kept, answers))

    return narrowed


def _by_id(names: Iterable[str], rules: Sequence[Rule]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        for rule, sub in named_rules(name, rules):
            found.setdefault(rule.id, set()).add(sub)
    return found


def _begins(rule_id: str, start: str) -> bool:
    rest = rule_id[len(start) :]
    return rule_id.startswith(start) and rest[:1] in ("-", ".") and not start.endswith(("-", "."))


def _nearest(name: str, known: Sequence[str]) -> str:
    """`; the nearest is ...`: by the letters, those of an id's last words counting as the whole."""
    from difflib import SequenceMatcher, get_close_matches  # late: a name that is known costs nothing

    lower = name.lower()
    by_word = {word: whole for whole in known for word in (whole.lower().split("-", 2)[-1], whole.lower())}
    close = get_close_matches(lower, by_word, n=1, cutoff=0.5)
    best = by_word[close[0]] if close else max(known, key=lambda one: SequenceMatcher(None, one.lower(), lower).ratio())
    return f"; the nearest is {best} (sipcheck rules lists them)"
