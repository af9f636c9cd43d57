"""From what real clients sent, judged against real passwords; and from a header text to the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzer.register.digest.arithmetic import Reading, expected
from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import DigestVerdict, judge
from analyzer.sip.auth import parse_credentials
from tests.shared import LAB, SHARED

TRUTHS = sorted(LAB.glob("*/truth.json"))


def digests(path: Path) -> list[dict[str, Any]]:
    truth = json.loads(path.read_text())
    found: list[dict[str, Any]] = truth.get("digests", [])
    return found


def judged(row: dict[str, Any], secrets: Secrets) -> DigestVerdict:
    names = ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce")
    method = row.get("method", "REGISTER")
    values: dict[str, Any] = {name: row[name] or "" for name in names}
    return judge(DigestInput(**values, method=method), secrets)


def test_the_lab_has_digests_of_every_kind() -> None:
    rows = [row for path in TRUTHS for row in digests(path)]
    assert len(rows) == (165 if SHARED else 148)
    assert {row["right"] for row in rows} == {True, False, None}


@pytest.mark.parametrize("path", [p for p in TRUTHS if digests(p)], ids=lambda p: p.parent.name)
def test_lab_digests(path: Path) -> None:
    """`right` is what an independent computation said; None where the lab knows no password for that user name."""
    secrets = Secrets.of(json.loads(path.read_text())["passwords"])
    verdicts = {True: "match", False: "mismatch", None: "unknown"}
    for row in digests(path):
        found = judged(row, secrets)
        assert found.verdict == verdicts[row["right"]], row["frame"]
        if row["right"] is None:
            assert found.reason == f"no password known for {row['username']}"


HEADER = (
    'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
    'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
SECRETS = Secrets.of({"Mufasa": "Circle Of Life", "Jäsøn Doe": "Secret, or not?"})


def of_header(value: str, method: str = "GET", body: bytes = b"") -> DigestVerdict:
    return judge(from_credentials(parse_credentials("authorization", value), method, body), SECRETS)


def test_a_header_matches() -> None:
    """RFC 2617 3.5."""
    assert of_header(HEADER).verdict == "match"
    assert of_header(HEADER, "REGISTER").verdict == "mismatch"


@pytest.mark.parametrize(
    ("old", "new"),
    [("qop=auth", 'qop="auth"'), ("nc=00000001", 'nc="00000001"'), (", ", ",\t"), ("Digest", "DIGEST"), ('="', ' = "')],
)
def test_loose_spelling_does_not_matter(old: str, new: str) -> None:
    assert of_header(HEADER.replace(old, new)).verdict == "match"


def test_an_unquoted_value_is_taken_as_it_is() -> None:
    assert of_header(HEADER.replace('username="Mufasa"', "username=Mufasa")).verdict == "match"


def signed(parameters: str, hashed: DigestInput) -> str:
    """A header of these parameters with the response that `hashed` gives."""
    right = expected(Reading(hashed, (hashed.nonce, hashed.cnonce)), Secret("Circle Of Life"))
    return f'Digest {parameters}, response="{right}"'


ODD = 'username="Mufasa", realm="a\\"b", nonce="n\\\\x", uri="sip:a"'


@pytest.mark.parametrize(
    ("realm", "nonce", "verdict"),
    [
        ('a"b', "n\\x", "match"),
        ('a\\"b', "n\\\\x", "match"),
        ('a"b', "n\\\\x", "mismatch"),
        ('a\\"b', "n\\x", "mismatch"),
    ],
    ids=["unescaped", "as it stands", "nonce alone as it stands", "realm alone as it stands"],
)
def test_quoted_pairs(realm: str, nonce: str, verdict: str) -> None:
    found = of_header(signed(ODD, DigestInput("Mufasa", realm, nonce, "sip:a", "", method="GET")))
    assert found.verdict == verdict
    if verdict == "mismatch":
        assert found.diagnosis is not None
        assert found.diagnosis.hypothesis in ("D06", "D23")


def test_a_parameter_called_method_changes_nothing() -> None:
    assert of_header(HEADER + ', method="\\POST", body="\\x", scheme="\\y"').verdict == "match"


def test_userhash_with_utf8_name() -> None:
    """RFC 7616 3.9.2 with erratum 4897: the true SHA-512/256 values."""
    value = (
        'Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", realm="api@example.org", '
        'uri="/doe.json", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001, '
        'cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth, '
        'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", userhash=true'
    )
    found = of_header(value)
    assert (found.verdict, found.username) == ("match", "Jäsøn Doe")


def test_an_extended_user_name_is_decoded() -> None:
    """`username*` of RFC 7616 3.4, in the form of RFC 5987."""
    hashed = DigestInput("Jäsøn Doe", "r", "n", "sip:a", "", method="GET")
    value = signed('username*=UTF-8\'\'J%C3%A4s%C3%B8n%20Doe, realm="r", nonce="n", uri="sip:a"', hashed)
    digest = from_credentials(parse_credentials("authorization", value), "GET")
    assert digest.username == "Jäsøn Doe"
    assert judge(digest, Secrets.of({"Jäsøn Doe": "Circle Of Life"})).verdict == "match"


def test_a_header_cut_by_a_log() -> None:
    found = of_header(HEADER[: HEADER.index("response") + 20])
    assert found.verdict == "unknown"
    cut = of_header(HEADER.replace("5ccc069c403ebaf9f0171e9517f40e41", "5ccc\\").replace("6629", "7629"))
    assert cut.verdict == "unknown"
    assert "never closed" in cut.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Bearer eyJhbGciOiJub25lIn0", "scheme Bearer is not Digest"),
        (
            'Digest username="a", realm="r", nonce="", uri="sip:r", response=""',
            "no response value (initial IMS registration)",
        ),
        ("", "scheme (none) is not Digest"),
        ("Digest", "no response value"),
    ],
)
def test_headers_that_cannot_be_judged(value: str, reason: str) -> None:
    found = of_header(value)
    assert (found.verdict, found.reason) == ("unknown", reason)
