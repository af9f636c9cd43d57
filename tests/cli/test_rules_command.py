"""`sipcheck rules --etsi` and `sipcheck explain`: options, exit codes, slips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.rules import all_rules
from tests.shared import ROOT

_SAMPLES = ROOT / "samples"
_WRONG = str(_SAMPLES / "wrong-password" / "input.pcapng")
_USERS = str(_SAMPLES / "wrong-password" / "users.csv")
_LOG = str(_SAMPLES / "asterisk-first-registration" / "input.txt")


def run(*words: str) -> Result:
    """The command, with these words."""
    return CliRunner().invoke(sipcheck, list(words))


def verdict(result: Result, purpose: str) -> tuple[str, str]:
    """Outcome and reason of a purpose in JSON."""
    record = next(one for one in json.loads(result.stdout)["purposes"] if one["purpose"] == purpose)
    return record["verdict"], record["reason"]


def test_a_purpose_that_fails_makes_the_exit_code_1() -> None:
    done = run("rules", "--etsi", _WRONG, "--credentials", _USERS, "--format", "json")
    assert done.exit_code == 1
    assert verdict(done, "RG_RT_V_018")[0] == "fail"


def test_without_passwords_the_digest_is_not_decided() -> None:
    done = run("rules", "--etsi", _WRONG, "--format", "json")
    assert done.exit_code == 0
    outcome, reason = verdict(done, "RG_RT_V_018")
    assert outcome == "inconclusive"
    assert "R7616-digest-verify" in reason


def test_logs_and_captures_are_told_apart_and_read_together() -> None:
    assert run("rules", "--etsi", _LOG).exit_code == 0
    assert "RG_RT_V_001" in run("rules", "--etsi", _LOG).stdout


def test_one_address_of_record_alone() -> None:
    whole = json.loads(run("rules", "--etsi", _WRONG, "--format", "json").stdout)
    one = json.loads(run("rules", "--etsi", _WRONG, "--aor", "alice@10.9.0.1", "--format", "json").stdout)
    assert 0 < one["purposes"][0]["exercised"] < whole["purposes"][0]["exercised"]


@pytest.mark.parametrize(
    "words",
    [
        ("rules", "--etsi"),
        ("rules", _LOG),
        ("rules", "--credentials", _USERS),
        ("rules", "--profile", "ims"),
        ("rules", "--etsi", _LOG, "--format", "csv"),
        ("rules", "--etsi", _LOG, "--dialect", "nonesuch"),
    ],
)
def test_usage(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_a_source_that_is_not_there_or_holds_no_sip(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("nothing here\n")
    assert run("rules", "--etsi", str(tmp_path / "missing.pcap")).exit_code == 3
    assert run("rules", "--etsi", str(tmp_path / "empty.txt")).exit_code == 3


def test_the_list_of_rules_needs_no_file() -> None:
    done = run("rules")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{len(all_rules())} rules")


@pytest.mark.parametrize(
    "name", ["R3261-10.2-callid", "r3261-10.2-callid", "10.2-CALLID", "R3261-10.3-8-contact-list", "contact-list"]
)
def test_an_id_in_any_letters_or_a_part_of_it(name: str) -> None:
    done = run("explain", name, "--format", "json")
    assert done.exit_code == 0
    assert name.lower() in json.loads(done.stdout)["rule"].lower()


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("R3261-10.2-calid", "R3261-10.2-callid"),
        ("qop-ofered", "R3261-22.4-qop-offered"),
        ("contct-list", "R3261-10.3-8-contact-list"),
        ("R3261-10.2.2-starform", "R3261-10.2.2-star-form"),
    ],
)
def test_a_slip_is_told_what_is_near_to_it(slip: str, meant: str) -> None:
    done = run("explain", slip)
    assert done.exit_code == 2
    assert f"no rule is called {slip}; the nearest is {meant}" in done.stderr


def test_a_part_that_several_ids_have_names_them() -> None:
    done = run("explain", "10.2.4")
    assert done.exit_code == 2
    assert "several rules are called 10.2.4: R3261-10.2.4-contact-mangled" in done.stderr


@pytest.mark.parametrize("name", ["\x1b[2J", "\u202ecallid", "x" * 100_000, ""])
def test_a_hostile_name_is_answered_in_one_harmless_line(name: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 2
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output


def test_an_explanation_tells_what_is_known_of_a_rule() -> None:
    text = " ".join(run("explain", "R3261-10.2-callid").stdout.split())
    assert "seen: pyVoIP 1.6.8: takes a new Call-ID for each refresh." in text
    assert "disputed: The letter of RFC 3261 10.2" in text
    assert "ETSI RG_RT_V_012" in text
