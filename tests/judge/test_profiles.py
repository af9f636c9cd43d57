"""Profiles: what a rule's card says of them is what happens, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest

from analyzer.cli import sipcheck
from analyzer.judge.findings import NOT_APPLICABLE, PROFILES, InProfile, Profile, Rule, Violated
from analyzer.judge.profiles import effects_of, is_silent, weighed
from analyzer.rules import all_rules
from analyzer.run.report import Report
from tests.rules.cases import judged, rule_of, run, subs

_MD5 = '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n", algorithm=MD5{qop}'
_WITH_PROFILES = [rule for rule in all_rules() if rule.profiles or rule.only_in]


def weights(report: Report) -> list[tuple[str, str, str]]:
    """What was found, and how much it weighs."""
    return [(one.sub, one.severity, one.detail) for one in report.findings]


@pytest.mark.parametrize(
    ("rule", "profile", "severity"),
    [
        ("DET-weak-md5", "rfc3261", "info"),
        ("DET-weak-md5", "modern", "warning"),
        ("DET-weak-md5", "ims", None),
        ("R3261-22.4-qop-offered", "rfc3261", "warning"),
        ("R3261-22.4-qop-offered", "modern", "error"),
        ("R3261-22.4-qop-offered", "ims", "warning"),
    ],
)
def test_a_profile_changes_what_a_finding_weighs(rule: str, profile: Profile, severity: str | None) -> None:
    findings = run(rule, _MD5.format(qop=""), profile=profile).findings
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_the_command_offers_the_profiles_that_there_are() -> None:
    """They stand there a second time because help is printed without the rules."""
    option = next(one for one in sipcheck.commands["pcap"].params if one.name == "profile")
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == PROFILES


@pytest.mark.parametrize("profile", PROFILES[1:])
def test_each_profile_changes_some_verdict(profile: Profile) -> None:
    changed = set()
    for rule in _WITH_PROFILES:
        for example in rule.examples:
            usual, other = judged(rule, example), judged(rule, example, profile)
            if [(one.sub, one.severity) for one in usual.findings] != [
                (one.sub, one.severity) for one in other.findings
            ]:
                changed.add(rule.id)
    assert changed == {rule.id for rule in _WITH_PROFILES if effects_of(rule, profile) or is_silent(rule, profile)}
    assert changed


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule not in _WITH_PROFILES], ids=lambda rule: rule.id)
def test_a_rule_without_profiles_is_the_same_in_all(rule: Rule) -> None:
    for example in rule.examples:
        usual = judged(rule, example)
        for profile in PROFILES[1:]:
            other = judged(rule, example, profile)
            assert weights(other) == weights(usual)
            assert other.outcomes[rule.id] == usual.outcomes[rule.id]


def test_what_is_silent_is_not_applicable_and_tallied_so() -> None:
    tally = run("R3261-8.1.1.2-to-tag", "> REGISTER sip:h\nTo: <sip:b@h>;tag=1\n< 200", profile="legacy2543").outcomes
    assert (tally["R3261-8.1.1.2-to-tag"].violated, tally["R3261-8.1.1.2-to-tag"].passed) == (0, 0)
    assert tally["R3261-8.1.1.2-to-tag"].not_applicable > 0


def test_a_rule_of_some_profiles_alone() -> None:
    rule = replace(rule_of("R3261-8.1.1.2-to-tag"), profiles=(), only_in=("modern",))
    example = next(one for one in rule.examples if one.expect)
    assert [len(judged(rule, example, profile).findings) for profile in PROFILES] == [0, 1, 0, 0]


def test_sub_codes_that_are_silenced_leave_the_others() -> None:
    effects = (InProfile("legacy2543", ("b", "d")),)
    assert weighed(Violated("x", sub="a,b,c"), effects) == Violated("x", sub="a,c")
    assert weighed(Violated("x", sub="b,d"), effects) is NOT_APPLICABLE
    assert weighed(Violated("x", sub="a"), effects) == Violated("x", sub="a")


def test_a_severity_holds_for_its_sub_codes() -> None:
    effects = (InProfile("modern", ("b",), "error"),)
    assert weighed(Violated("x", sub="a,b", severity="info"), effects) == Violated("x", sub="a,b", severity="error")
    assert weighed(Violated("x", sub="a", severity="info"), effects) == Violated("x", sub="a", severity="info")


def test_no_check_asks_for_the_profile() -> None:
    """Or what a card says of profiles would not be all that there is to know."""
    assert subs(run("R3261-8.1.1-mandatory", "> REGISTER sip:h\n-To\n-Max-Forwards", profile="legacy2543")) == ["to"]
    from analyzer.judge.context import CaptureContext

    assert not hasattr(CaptureContext, "profile")
