"""With passwords: responses of ordinary clients are computed, and told as the object path tells them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from analyzer.columnar.partial import capture_of
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze
from benchmarks.population import name_of, password_of
from tests.columnar.captures import as_json, packets, storm, write

_USERS = 100


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    """User names and passwords of the storms."""
    return {name_of(index).decode(): password_of(index, 1).decode() for index in range(_USERS)}


def _same(path: Path, secrets: Secrets) -> tuple[int, str]:
    """How many clients are ordinary; and the report, which is the same both ways."""
    reports = [analyze(path, secrets=secrets, tables=False, columnar=how) for how in ("always", "never")]
    columnar, objects = map(as_json, reports)
    assert columnar == objects
    return int(capture_of(path, secrets=secrets).clients.ordinary.sum()), objects


def test_right_passwords(folder: Path, passwords: dict[str, str]) -> None:
    count, report = _same(storm(folder, 1600, _USERS), Secrets.of(passwords))
    assert count > _USERS // 2
    digests = json.loads(report)["summary"]["digests"]
    assert digests["match"] > 300


@pytest.mark.parametrize("realm", ["example.com", "other.example"])
def test_passwords_of_a_realm(folder: Path, passwords: dict[str, str], realm: str) -> None:
    count, _ = _same(storm(folder, 1600, _USERS), Secrets.of(passwords, realm))
    assert (count > _USERS // 2) is (realm == "example.com")


def test_who_has_another_password_is_for_the_object_path(folder: Path, passwords: dict[str, str]) -> None:
    wrong = {user: password + "x" if user.endswith("3") else password for user, password in passwords.items()}
    count, report = _same(storm(folder, 1600, _USERS), Secrets.of(wrong))
    assert 0 < count < _USERS
    assert json.loads(report)["summary"]["digests"]["mismatch"] > 0


def test_who_is_not_known_is_for_the_object_path(folder: Path, passwords: dict[str, str]) -> None:
    some = {user: password for user, password in passwords.items() if not user.endswith("7")}
    count, report = _same(storm(folder, 1600, _USERS), Secrets.of(some))
    assert 0 < count < _USERS
    assert json.loads(report)["summary"]["digests"]["unknown"] > 0


def test_one_response_that_is_wrong(folder: Path, tmp_path: Path, passwords: dict[str, str]) -> None:
    several = packets(storm(folder, 1600, _USERS))
    at = [number for number, one in enumerate(several) if b"sip:1000012@" in one.message and b"nc=" in one.message][1]
    other = re.sub(rb'response="\w', lambda found: found[0][:-1] + (b"0" if found[0][-1:] != b"0" else b"1"),
                   several[at].message)  # fmt: skip
    several[at] = several[at].saying(other)
    path = write(tmp_path / "wrong.pcap", several)
    _same(path, Secrets.of(passwords))
    clients = capture_of(path, secrets=Secrets.of(passwords)).clients
    assert "1000012" not in {one.user for one in clients.facts if one is not None}


def test_one_password_for_all_that_nobody_has(folder: Path) -> None:
    count, _ = _same(storm(folder, 800, 40), Secrets(for_all=next(iter(Secrets.of({"": "nobody's"})))))
    assert count == 0
