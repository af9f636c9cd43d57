"""What a release changes, and when there is none."""

from __future__ import annotations

import pytest

from scripts.release import NotReady, dated, main, renumbered

PYPROJECT = '[project]\nname = "sipcheck"\nversion = "0.1.9"\ndependencies = ["x"]\n'
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.9] - 2026-01-01\n\n- Old.\n"


@pytest.mark.parametrize("version", ["0.1.10", "0.2.0", "1.0.0", "0.2.0rc1"])
def test_a_later_version_takes_its_place(version: str) -> None:
    text = renumbered(PYPROJECT, version)
    assert f'version = "{version}"\n' in text
    assert text.replace(version, "0.1.9") == PYPROJECT


@pytest.mark.parametrize("version", ["0.1.9", "0.1.8", "0.0.99", "1", "1.0", "v1.0.0", "1.0.0-rc1", "", "1.0.0; rm"])
def test_no_earlier_one_and_no_other_text_does(version: str) -> None:
    with pytest.raises(NotReady):
        renumbered(PYPROJECT, version)


def test_the_changelog_is_dated_and_begins_anew() -> None:
    text = dated(CHANGELOG, "0.2.0", "2026-12-24")
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-12-24\n\n### Added\n\n- A thing.\n" in text
    assert text.endswith("## [0.1.9] - 2026-01-01\n\n- Old.\n")


@pytest.mark.parametrize("text", ["# Changelog\n", "## [Unreleased]\n\n## [0.1.9] - 2026-01-01\n- Old.\n", ""])
def test_without_news_there_is_no_release(text: str) -> None:
    with pytest.raises(NotReady):
        dated(text, "0.2.0", "2026-12-24")


@pytest.mark.parametrize("words", [[], ["1.0.0", "2.0.0"], [""], ["later"]])
def test_what_is_missing_is_said_in_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.err.startswith("no release: ") and said.err.count("\n") == 1 and said.out == ""
