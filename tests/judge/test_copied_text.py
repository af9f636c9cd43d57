"""Tags of findings in text that was copied: what was mended, and what RFC 3665 prints itself."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.judge.copied_text import _RFC_3665, KNOWN_IN_RFC3665, NORMALISED, is_known
from analyzer.judge.findings import Finding
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from tests.capture.call_flows import REGISTER, message

VIA = "Via: SIP/2.0/TLS client.example.com:5061;branch=z9hG4bKnashds7"
NO_FORWARDS = message(REGISTER, VIA).replace("Max-Forwards: 70\n", "")
REFUSED = message("SIP/2.0 404 Not Found", VIA)


def document(title: str, request: str = NO_FORWARDS, answer: str = REFUSED) -> str:
    return f"2.5. {title}\n\nF1 REGISTER Eva -> Server\n\n{request}\nF2 404 Not Found Server -> Eva\n\n{answer}\n"


def findings(text: str) -> list[Finding]:
    return analyze(io.BytesIO(text.encode()), dialect="flow-text").findings


def mandatory(text: str) -> Finding:
    (one,) = (finding for finding in findings(text) if finding.rule == "R3261-8.1.1-mandatory")
    return one


@pytest.mark.parametrize(
    "title", ["Unsuccessful Registration", "Unsuccessful  registration", "UNSUCCESSFUL REGISTRATION"]
)
def test_what_the_rfc_prints_is_known(title: str) -> None:
    one = mandatory(document(title))
    assert one.tags == (KNOWN_IN_RFC3665,)
    assert is_known(one)


@pytest.mark.parametrize(
    "text",
    [
        document("Another Registration"),
        document("Successful New Registration"),
        document("Unsuccessful Registration").replace("nashds7", "other"),
        document("Unsuccessful Registration").replace("F1", "F5").replace("F2", "F6"),
        document("Unsuccessful Registration", NO_FORWARDS.replace("CSeq: 1 REGISTER\n", "")),
    ],
)  # fmt: skip
def test_what_it_does_not_print_is_not(text: str) -> None:
    """Another flow, another branch, another message of the flow; and a finding that the RFC does not have."""
    one = mandatory(text)
    assert KNOWN_IN_RFC3665 not in one.tags or one.sub != "max-forwards"


def test_another_fault_of_the_same_rule_is_not_known() -> None:
    """The RFC leaves out Max-Forwards, and neither Call-ID nor CSeq."""
    whole = message(REGISTER, VIA)
    for name in ("Call-ID", "CSeq"):
        lines = [line for line in whole.splitlines(keepends=True) if not line.startswith(f"{name}:")]
        (one,) = (
            one for one in findings(document("Unsuccessful Registration", "".join(lines))) if "mandatory" in one.rule
        )
        assert one.sub == name.lower()
        assert one.tags == ()


def test_other_rules_in_that_message_are_not_known() -> None:
    text = document(
        "Unsuccessful Registration", NO_FORWARDS.replace("REGISTER sip:example.com", "REGISTER sip:eva@example.com")
    )
    tags = {finding.rule: finding.tags for finding in findings(text)}
    assert tags["R3261-10.2-ruri-userinfo"] == ()
    assert tags["R3261-8.1.1-mandatory"] == (KNOWN_IN_RFC3665,)


def test_what_was_mended_is_tagged_and_less_sure() -> None:
    whole = mandatory(document("Another"))
    copied = mandatory(document("Another", NO_FORWARDS.replace("Call-ID", "\nCall-ID")))
    assert (whole.tags, copied.tags) == ((), (NORMALISED,))
    assert copied.confidence < whole.confidence


def test_messages_of_no_document_have_no_tags() -> None:
    """Not even if their octets are those of the RFC."""
    text = NO_FORWARDS + "\n" + REFUSED
    one = next(f for f in analyze(io.BytesIO(text.encode())).findings if f.rule == "R3261-8.1.1-mandatory")
    assert (one.tags, one.flow_step) == ((), None)


def test_the_table_names_rules_that_are_there() -> None:
    known = {rule.id for rule in all_rules()}
    named = {(step, rule) for rows in _RFC_3665.values() for step, rule in rows}
    assert {rule for _, rule in named} <= known
    assert {step for step, _ in named} == {1, 2, 3, 4}
    assert len(_RFC_3665) == 5


def _exit(tmp_path: Path, text: str, *options: str) -> int:
    path = tmp_path / "flow.txt"
    path.write_text(text)
    return CliRunner().invoke(sipcheck, ["log", str(path), "--dialect", "flow-text", *options]).exit_code


CUT = (
    'Authorization: Digest username="b", realm="example.com", nonce="0123456789abcdef", uri="sip:example.com", '
    'response="0123456789"'
)


def test_what_is_known_makes_no_run_fail(tmp_path: Path) -> None:
    """A response of the wrong length is an error; in the third message of 2.1 it is the RFC's own."""
    request = message(REGISTER, VIA, CUT)
    known = document("Successful New Registration", request).replace("F1 ", "F3 ").replace("F2 ", "F4 ")
    other = document("Some New Registration", request).replace("F1 ", "F3 ").replace("F2 ", "F4 ")
    assert (_exit(tmp_path, known), _exit(tmp_path, other)) == (0, 1)
    assert _exit(tmp_path, known, "--fail-on", "never") == 0


def test_views_say_so(tmp_path: Path) -> None:
    path = tmp_path / "flow.txt"
    path.write_text(document("Unsuccessful Registration") + document("Another").replace("2.5.", "2.6."))
    run = CliRunner().invoke(sipcheck, ["log", str(path), "--all"])
    assert run.output.count("A mandatory header is missing") == 2, "what is known stands apart"
    assert " ".join(run.output.split()).count("RFC 3665 is printed so") == 1
    told = json.loads(CliRunner().invoke(sipcheck, ["log", str(path), "--format", "json"]).stdout)
    tags = sorted(one["tags"] for one in told["findings"] if one["rule"] == "R3261-8.1.1-mandatory")
    assert tags == [[], [KNOWN_IN_RFC3665]]


def test_what_has_no_headers_is_told_to_be_left_out() -> None:
    report = analyze(
        io.BytesIO(
            document(
                "Another Registration", message(REGISTER, VIA), "SIP/2.0 404 Not Found\n\n[headers omitted]"
            ).encode()
        ),
        dialect="flow-text",
    )
    assert report.summary.messages == 1
    told = "1 heading or start line has no headers below: what was shown there is not read."
    assert told in report.sources[0].quality
