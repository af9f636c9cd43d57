"""Test purposes: each is exercised by what it names, passes and fails by the rules that name it, and by no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.judge.conformance import verdicts as held
from analyzer.judge.conformance.purposes import PURPOSES
from analyzer.judge.conformance.verdicts import Observer, Verdict, counts_of
from analyzer.judge.findings import Answer, Example, Profile, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.judge.verdict_flows import AT, CLIENT_CASES, IN, REGISTRAR_CASES, Case
from tests.rules.cases import examples, label

_CASES = [*CLIENT_CASES, *REGISTRAR_CASES]
_TAIL = 120.0


def observed(flow: str, *, profile: Profile = "rfc3261", log: bool = False) -> tuple[Observer, Report]:
    """A flow, looked at by all rules, with the one password that it may need."""
    observer = Observer(all_rules(), profile)
    secrets = Secrets.of({"bob": "secret"})
    items = read_flow(flow, tail=_TAIL, log=log)
    return observer, analyze_items(items, rules=observer.rules, secrets=secrets, profile=profile)


def verdicts(flow: str, *, log: bool = False) -> dict[str, Verdict]:
    """The verdict for each purpose."""
    observer, report = observed(flow, log=log)
    found = {finding.rule for finding in report.findings}
    return {verdict.purpose.id: verdict for verdict in observer.verdicts(found)}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case.purpose}-{case.outcome}")
def test_what_comes_of_a_flow(case: Case) -> None:
    verdict = verdicts(case.flow)[case.purpose]
    assert verdict.outcome == case.outcome, verdict.reason
    assert case.reason in verdict.reason
    assert (verdict.exercised == 0) == (case.outcome == "not exercised")
    assert (verdict.reason == "") == (case.outcome == "pass")


def test_every_purpose_is_listed_once_and_has_a_flow() -> None:
    ids = [purpose.id for purpose in PURPOSES]
    assert len(set(ids)) == len(ids) == 56
    numbers = {"RG_RT_V": 20, "RG_RT_TI": 7, "RG_RR_V": 22, "RG_RR_I": 4, "RG_RR_O": 3}
    assert sorted(ids) == sorted(f"{kind}_{n:03}" for kind, most in numbers.items() for n in range(1, most + 1))
    assert {case.purpose for case in _CASES} == set(ids) - {"RG_RT_V_006"}


def test_rules_name_purposes_that_are_there_and_those_without_a_rule_are_known() -> None:
    named = {purpose for rule in all_rules() for purpose in rule.etsi}
    ids = {purpose.id for purpose in PURPOSES}
    assert named <= ids
    assert ids - named == {"RG_RT_V_005", "RG_RR_V_017", "RG_RR_I_002"}


def test_only_sub_codes_that_a_rule_has_decide() -> None:
    for purpose in PURPOSES:
        shown = {
            sub
            for rule in all_rules()
            if purpose.id in rule.etsi
            for example in rule.examples
            for joined in example.expect
            for sub in joined.split(",")
        }
        assert set(purpose.only) <= shown, purpose.id


def test_words_of_a_purpose() -> None:
    for purpose in PURPOSES:
        assert purpose.text.endswith(".")
        assert not purpose.needs.endswith(".")
        assert purpose.side == ("UAC" if "RG_RT" in purpose.id else "registrar")


@pytest.mark.parametrize(
    ("rule", "example"), [pytest.param(*pair, id=label(*pair)) for pair in examples() if pair[0].etsi]
)
def test_who_listens_changes_no_tally(rule: Rule, example: Example) -> None:
    """The rules are asked always, and what the coverage lacks is looked up beside them: they answer the same."""
    given = {"secrets": Secrets.of(example.passwords), "profile": (rule.only_in or ("rfc3261",))[0]}

    def tally(rules: list[Rule]) -> object:
        items = read_flow(example.flow, tail=example.tail, log=example.log)
        return analyze_items(items, rules=rules, **given).outcomes

    assert tally(Observer([rule]).rules) == tally([rule])


def test_a_finding_that_another_explains_is_no_failure() -> None:
    observer, report = observed("> REGISTER sip:bob@example.com\n< 200\n")
    assert "R3261-10.2-ruri-userinfo" in {finding.rule for finding in report.findings}
    found = {verdict.purpose.id: verdict for verdict in observer.verdicts(set())}
    assert found["RG_RT_V_001"].outcome == "inconclusive"
    assert "another finding explains" in found["RG_RT_V_001"].reason


def test_a_log_cannot_answer_what_octets_decide() -> None:
    flow = f"@0 {AT}@0.5 > again\n@1 < 200\n"
    assert verdicts(flow, log=True)["RG_RT_TI_001"].outcome in ("inconclusive", "not exercised")


def test_a_rule_that_breaks_is_told() -> None:
    def broken(subject: object, context: object) -> Answer:
        raise RuntimeError("no")

    rules = [replace(rule, check=broken) if rule.id == "R3261-10.2-to-aor" else rule for rule in all_rules()]
    observer = Observer(rules)
    report = analyze_items(read_flow(IN), rules=observer.rules)
    assert report.failed
    found = {verdict.purpose.id: verdict for verdict in observer.verdicts(set())}
    assert found["RG_RT_V_008"].outcome == "inconclusive"
    assert found["RG_RT_V_008"].reason == "R3261-10.2-to-aor failed to run"


def test_a_profile_weighs_what_rules_say() -> None:
    flow = f"{AT}-Contact\n-Max-Forwards\n< 200\n"
    for profile, outcome in (("rfc3261", "fail"), ("legacy2543", "inconclusive")):
        observer, report = observed(flow, profile=profile)  # type: ignore[arg-type]
        found = {one.purpose.id: one for one in observer.verdicts({finding.rule for finding in report.findings})}
        assert found["RG_RT_V_014"].outcome == outcome


def test_many_transactions_are_counted_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_TRANSACTIONS", 2)
    observer, report = observed("".join(f"@{600 * turn} {IN}" for turn in range(4)))
    found = observer.verdicts({finding.rule for finding in report.findings})
    assert len(observer.left_out) == 2
    assert max(verdict.exercised for verdict in found) == 2


def test_a_failure_has_its_places() -> None:
    verdict = verdicts("> REGISTER sip:bob@example.com\n< 200\n")["RG_RT_V_001"]
    assert [place.place.number for place in verdict.evidence] == [1]  # type: ignore[union-attr]
    assert verdict.rules["R3261-10.2-ruri-userinfo"]["violated"] == 1


def test_a_path_is_judged_at_its_ends() -> None:
    """T-FORK (docs/rules/traps.md T-FORK): one request on two hops is one exchange for either side."""
    via = "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa\n"
    hop = f"src=192.0.2.20:5060 dst=198.51.100.1:5060 {AT}Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKb\n{via}"
    flow = f"dst=192.0.2.20:5060 {AT}{via}{hop}CSeq: 1\nMax-Forwards: 69\n< 200\n"
    found = verdicts(flow)
    assert found["RG_RT_V_001"].exercised == 1
    assert found["RG_RR_V_001"].exercised == 1


def test_counts_name_every_outcome() -> None:
    assert counts_of([]) == {"fail": 0, "inconclusive": 0, "pass": 0, "not exercised": 0}
    assert sum(counts_of(verdicts(IN).values()).values()) == 56


def test_a_flood_of_contacts_is_accepted_without_being_remembered() -> None:
    contacts = ", ".join(f"<sip:u{number}@h>" for number in range(1000))
    flow = f"{AT}Contact: {contacts}\n< 200\n@9 {AT}Contact: <sip:u999@h>\n< 200\n"
    assert verdicts(flow)["RG_RT_V_012"].outcome == "not exercised"
