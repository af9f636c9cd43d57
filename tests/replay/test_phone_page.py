"""docs/phone-test.md: every row of its matrix against phones that do it right, and what one that does not is told."""

from __future__ import annotations

import shlex
from xml.etree import ElementTree

import pytest

from replay.flow import Wish
from tests.docs.fences import fences
from tests.project.pages import code, read, rows, section
from tests.replay.playing import played, sample, statuses
from tests.replay.test_registrar_cli import TWICE, USERS, served

MATRIX = [code(row[1])[0] for row in rows(section(read("docs/phone-test.md"), "3")) if code(row[1])]
HERE = ["--credentials", str(USERS), "--realm", "lab.invalid"]
WANTED = {
    "--max-expires 60": [401, 200],
    "--algorithm SHA-256": [401, 200],
    "--algorithm SHA-256 --algorithm MD5": [401, 200],
    "--no-qop": [401, 200],
    "--min-expires 4000": [401, 423, 200],
    "--max-expires 40": [401, 200],
    "--nonce-lifetime 5 --max-expires 60": [401, 200],
    "--transport tcp": [401, 200],
}
"""What a right phone is answered at first, by the options."""


def test_the_matrix_is_the_one_that_is_tried() -> None:
    assert list(WANTED) == MATRIX
    page = read("docs/phone-test.md")
    assert all(word in page for word in ("MD5", "SHA-256", "--no-qop", "423", "stale", "--format junit"))


@pytest.mark.parametrize("options", WANTED)
def test_a_right_phone_passes(options: str) -> None:
    transport = "TCP" if "tcp" in options else "UDP"
    with served(*HERE, *shlex.split(options), "--count", "1", "--format", "junit") as (target, process):
        result = played(sample("clean-registration"), target, transport=transport)
        stdout, stderr = process.communicate(timeout=60)
    said = [status for step in statuses(result) for status in step]
    assert said[: len(WANTED[options])] == WANTED[options], stderr
    assert process.returncode == 0, stderr
    (suite,) = ElementTree.fromstring(stdout).findall("testsuite")
    assert suite.get("failures") == "0", stdout


def test_the_result_of_a_wrong_one_is_as_shown() -> None:
    (shown,) = (fence.text for fence in fences("docs/phone-test.md") if fence.mark)
    with served(*HERE, "--timeout", "4") as (target, process):
        played(TWICE, target, keep=True, repaired=False)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    printed = " ".join(stdout.split())
    for line in filter(None, (" ".join(line.removesuffix("...").split()) for line in shown.splitlines())):
        _, found, printed = printed.partition(line)
        assert found, f"not printed, or not there: {line!r}"


def test_a_nonce_has_the_lifetime_that_was_asked_for() -> None:
    """A phone that keeps its nonce refreshes after it is over: `stale=true`, and a new response lets it in."""
    kept = Wish(call_id="1-19242@127.0.0.13")
    with served(*HERE, "--nonce-lifetime", "1", "--timeout", "12", "--format", "junit") as (target, process):
        result = played(sample("wrong-password"), target, wish=kept, speed=2)
        stdout, stderr = process.communicate(timeout=60)
    assert "older than 1 s" in stdout + stderr
    assert [status for step in statuses(result) for status in step][-1] == 200
