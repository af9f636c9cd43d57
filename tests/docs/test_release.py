"""What a release changes, in which order, and when there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts import release as releasing
from scripts.release import NotReady, dated, main, release, renumbered

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


@pytest.mark.parametrize(
    ("old", "new", "is_later"),
    [
        ("0.2.0rc1", "0.2.0rc2", True),
        ("0.2.0rc2", "0.2.0", True),
        ("0.2.0b9", "0.2.0rc1", True),
        ("0.2.0rc9", "0.2.0rc10", True),
        ("0.2.0", "0.2.0rc1", False),
        ("0.2.0rc2", "0.2.0rc1", False),
        ("0.10.0", "0.9.9", False),
    ],
)
def test_a_candidate_comes_before_its_version(old: str, new: str, is_later: bool) -> None:
    before = PYPROJECT.replace("0.1.9", old)
    if is_later:
        assert f'version = "{new}"' in renumbered(before, new)
    else:
        with pytest.raises(NotReady, match="does not come after"):
            renumbered(before, new)


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


class Checkout:
    """A repository with a project in it; git is real, what builds and prints is only written down."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.said, self.fails = folder, list[str](), ""
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "CHANGELOG.md").write_text(CHANGELOG)
        (folder / ".gitignore").write_text("dist\n")
        for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "Begin"]):
            self.git(*words)
        for name in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
            monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.com")
        monkeypatch.setattr(releasing, "ROOT", folder)
        monkeypatch.setattr(releasing, "run", self.run)

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
        done = subprocess.run(["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout

    def run(self, *words: str) -> str:
        step = " ".join(words[1:3] if words[0] != "make" else words)
        self.said.append(step)
        if self.fails and self.fails in step:
            raise NotReady(f"{step} failed")
        if step == "-m build":
            (self.folder / "dist").mkdir()
            for name in ("sipcheck-0.2.0.tar.gz", "sipcheck-0.2.0-py3-none-any.whl", "sipcheck-0.2.0rc1.tar.gz"):
                (self.folder / "dist" / name).touch()
        return self.git(*words[1:]) if words[0] == "git" else ""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path, monkeypatch)


def test_a_release_is_one_commit_with_a_tag_of_what_was_built_and_checked(checkout: Checkout) -> None:
    built, rest = release("0.2.0")
    assert checkout.said == [
        "status --porcelain", "tag --list",
        "-m pip", "make pages", "-m build", "-m twine",
        "commit --all", "tag --annotate",
    ]  # fmt: skip
    assert checkout.git("log", "--format=%s").splitlines() == ["Release 0.2.0", "Begin"]
    assert checkout.git("tag", "--points-at", "HEAD") == "v0.2.0\n"
    assert checkout.git("status", "--porcelain") == ""
    assert 'version = "0.2.0"' in (checkout.folder / "pyproject.toml").read_text()
    assert built == "built dist/sipcheck-0.2.0-py3-none-any.whl and dist/sipcheck-0.2.0.tar.gz"
    assert rest.startswith("git push --follow-tags && twine upload dist/sipcheck-0.2.0-py3-none-any.whl ")


@pytest.mark.parametrize("step", ["make pages", "-m build", "-m twine"])
def test_what_fails_leaves_no_commit_and_says_how_to_go_back(checkout: Checkout, step: str) -> None:
    checkout.fails = step
    with pytest.raises(NotReady, match=r"failed; `git restore \.` undoes"):
        release("0.2.0")
    assert checkout.git("log", "--format=%s").splitlines() == ["Begin"]
    checkout.git("restore", ".")
    assert (checkout.folder / "pyproject.toml").read_text() == PYPROJECT


def test_a_checkout_with_changes_or_a_tag_is_not_ready(checkout: Checkout) -> None:
    checkout.git("tag", "v0.2.0")
    with pytest.raises(NotReady, match=r"a tag v0\.2\.0 already"):
        release("0.2.0")
    (checkout.folder / "pyproject.toml").write_text(PYPROJECT + "\n")
    with pytest.raises(NotReady, match="not committed"):
        release("0.3.0")
