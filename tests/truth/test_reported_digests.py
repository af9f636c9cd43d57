"""Cases from public reports, rebuilt: what a right answer says of the digests in them, and what it must not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from tests.shared import needs_shared, shared

pytestmark = needs_shared


def asked(case: str, *more: str) -> str:
    """What the case's own command prints."""
    folder = shared("cases", "reports", case)
    words = (folder / "run").read_text().split()[1:]
    arguments = [str(folder / word) if (folder / word).is_file() else word for word in words]
    return CliRunner().invoke(sipcheck, [*arguments, *more]).stdout


def story(case: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The report as JSON, and its findings by rule."""
    report = json.loads(asked(case, "--format", "json"))
    return report, {finding["rule"]: finding for finding in report["findings"]}


def flat(case: str) -> str:
    return " ".join(asked(case).split())


def test_a_qop_that_nobody_offered_is_the_phones_fault() -> None:
    report, by_rule = story("qop-nobody-offered")
    assert [(one["verdict"], one["form"]) for one in report["digests"]] == [("match", "other-form")] * 4
    differs = "qop=auth, nc and cnonce although the challenge offers no qop"
    assert {one["form_reason"] for one in report["digests"]} == {differs}
    finding = by_rule["R3261-22.4-qop-returned"]
    assert (finding["sub"], finding["at_fault"], finding["severity"]) == ("uninvited", "UAC", "error")
    assert "R7616-digest-outcome" not in by_rule
    text = flat("qop-nobody-offered")
    assert text.count("in a form that was not asked for") >= 3
    assert "database" not in text
    assert "refused all the same" not in text


def test_a_network_that_sees_an_empty_nonce_sees_no_invented_one() -> None:
    report, by_rule = story("ims-refresh-after-days")
    assert "R7616-3.4-nonce-current" not in by_rule
    assert {one["verdict"] for one in report["digests"]} == {"unknown"}
    text = flat("ims-refresh-after-days")
    assert "password given" not in text
    assert "--credentials" not in text


def test_a_loop_in_spite_of_stale_is_told_without_claims_about_what_was_not_seen() -> None:
    report, by_rule = story("chan-sip-old-nonce-again")
    assert report["summary"]["digests"] == {"match": 4, "mismatch": 0, "unknown": 0}
    assert {one["form"] for one in report["digests"]} == {"unknown"}, "the challenge of its nonce is not in the log"
    nonce = by_rule["R7616-3.4-nonce-current"]
    assert (nonce["sub"], nonce["count"], nonce["at_fault"]) == ("", 3, "UAC")
    assert nonce["detail"].startswith(
        "kiosk4 goes on with an old nonce, older than the challenge at line 23, which says"
    )
    uri = by_rule["R3261-22.4-digest-uri"]["detail"]
    assert "sip:198.51.100.20:5071" in uri
    assert "sip:192.168.15.53:5060" in uri
    assert "R7616-digest-outcome" not in by_rule
    text = flat("chan-sip-old-nonce-again")
    assert "never gave out" not in text
    assert "wrong" not in text


@pytest.mark.parametrize("case", ["qop-nobody-offered", "chan-sip-old-nonce-again"])
def test_verify_digest_tells_the_rest_of_what_the_digests_show(case: str) -> None:
    """Whoever checks passwords is told why a right one is refused, and nothing that is about other things."""
    folder = shared("cases", "reports", case)
    (source,) = [path for path in folder.iterdir() if path.name.startswith("input.")]
    arguments = ["verify-digest", str(source), "--credentials", str(folder / "users.csv"), "--format", "json"]
    result = CliRunner().invoke(sipcheck, arguments)
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    rules = {finding["rule"] for finding in report["findings"]}
    assert rules & {"R3261-22.4-qop-returned", "R7616-3.4-nonce-current"}
    assert not rules & {"R3261-10.2-callid", "R3261-22.4-qop-offered", "DET-weak-md5"}
