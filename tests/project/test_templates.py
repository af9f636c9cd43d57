"""The forms of issues and of a pull request: well-formed, and what they tell people to type works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from tests.project.pages import code, read
from tests.shared import ROOT

yaml = pytest.importorskip("yaml")  # Dask brings it
FOLDER = ROOT / ".github"
FORMS = sorted(path for path in (FOLDER / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PULL_REQUEST = FOLDER / "PULL_REQUEST_TEMPLATE.md"
KINDS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


def form(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def test_there_are_forms_for_verdicts_texts_and_wishes() -> None:
    assert [path.stem for path in FORMS] == ["unread_text", "wish", "wrong_answer"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one(path: Path) -> None:
    """As GitHub reads forms: a name, a description, fields with an id and a label of their own."""
    found = form(path)
    assert found["name"] and len(found["description"]) > 20
    fields = [one for one in found["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in found["body"]} <= KINDS
    ids = [one["id"] for one in fields]
    assert len(set(ids)) == len(ids) and all(one["attributes"]["label"] for one in fields)
    assert any(one.get("validations", {}).get("required") for one in fields)


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "wish"], ids=lambda path: path.stem)
def test_who_sends_traffic_is_told_to_redact_it_and_asked_for_the_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "sipcheck redact" in text and "sipcheck --version" in text


@pytest.mark.parametrize("path", [*FORMS, PULL_REQUEST], ids=lambda path: path.stem)
def test_commands_and_files_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for words in (one.split() for one in code(text)):
        if words[0] == "sipcheck":
            named = words[1] if words[1].startswith("-") else [words[1], "--help"]
            assert CliRunner().invoke(sipcheck, [named] if isinstance(named, str) else named).exit_code == 0, words
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", read("Makefile"), re.MULTILINE), words
    for file in re.findall(r"\b[A-Z]+\.md\b", text):
        assert (ROOT / file).is_file(), file


def test_a_weakness_is_not_sent_to_the_issues() -> None:
    found = form(FOLDER / "ISSUE_TEMPLATE" / "config.yml")
    (link,) = found["contact_links"]
    assert link["url"].endswith("security/policy") and "SECURITY.md" in link["about"]


def test_a_pull_request_says_what_is_looked_at() -> None:
    boxes = re.findall(r"^- \[ \] (.+)$", PULL_REQUEST.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(boxes) >= 4
    assert "its template lists what is looked at" in " ".join(read("CONTRIBUTING.md").split())
