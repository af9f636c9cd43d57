"""Make a release, up to the upload: `make release VERSION=0.2.0`.

In a clean checkout of the main branch: the changelog's `Unreleased` becomes the version with today's date,
`pyproject.toml` takes the number, the pages are printed anew, the wheel and the source distribution are built and
checked, and what changed is committed and tagged. What fails before that leaves no commit, and says how to go back.
Nothing leaves this machine: the last lines say what to push and upload.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
_NUMBER = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_UNRELEASED = "## [Unreleased]\n"


class NotReady(Exception):
    """Why there can be no release, in one line."""


def renumbered(pyproject: str, version: str) -> str:
    """`pyproject.toml` with the new number. Raises `NotReady` for one that is no version, or not a later one."""
    found = re.search(r'^version = "([^"]+)"$', pyproject, re.MULTILINE)
    if found is None or not _NUMBER.fullmatch(version):
        raise NotReady(f"{version} is no version: 1.2.3, or 1.2.3rc1")
    if Version(version) <= Version(found[1]):
        raise NotReady(f"{version} does not come after {found[1]}")
    return pyproject[: found.start(1)] + version + pyproject[found.end(1) :]


def dated(changelog: str, version: str, day: str) -> str:
    """The changelog with what was unreleased under the version. Raises `NotReady` where that is nothing."""
    head, found, rest = changelog.partition(_UNRELEASED)
    news = re.split(r"^## \[", rest, maxsplit=1, flags=re.MULTILINE)[0]
    if not found or not news.strip():
        raise NotReady("CHANGELOG.md has nothing under [Unreleased]")
    return f"{head}{_UNRELEASED}\n## [{version}] - {day}\n{rest}"


def run(*words: str) -> str:
    """Run a program in the checkout; what it printed. Raises `NotReady` where it fails."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{' '.join(words)} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def release(version: str) -> list[str]:
    """Do it; the lines that tell what is left to be done by hand."""
    if run("git", "status", "--porcelain").strip():
        raise NotReady("the checkout has changes that are not committed")
    if run("git", "tag", "--list", f"v{version}").strip():
        raise NotReady(f"there is a tag v{version} already")
    pyproject, changelog = ROOT / "pyproject.toml", ROOT / "CHANGELOG.md"
    texts = (
        renumbered(pyproject.read_text(encoding="utf-8"), version),
        dated(changelog.read_text(encoding="utf-8"), version, datetime.now(UTC).date().isoformat()),
    )
    for path, text in zip((pyproject, changelog), texts, strict=True):
        path.write_text(text, encoding="utf-8")
    try:
        built = _built(version)
    except NotReady as why:
        raise NotReady(f"{why}; `git restore .` undoes what was changed") from None
    run("git", "commit", "--all", "--message", f"Release {version}")
    run("git", "tag", "--annotate", f"v{version}", "--message", f"sipcheck {version}")
    return [f"built {' and '.join(built)}", f"git push --follow-tags && twine upload {' '.join(built)}"]


def _built(version: str) -> list[str]:
    """Wheel and source distribution, built and checked, with pages that have the number."""
    python = sys.executable
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-e", ".")  # the number that the pages print
    run("make", "pages")
    run(python, "-m", "build", "--outdir", "dist", ".")
    built = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "dist").glob(f"sipcheck-{version}[.-]*"))
    run(python, "-m", "twine", "check", "--strict", *built)
    return built


def main(words: Sequence[str]) -> int:
    """Release the version that is named; 1 where that cannot be."""
    try:
        if len(words) != 1:
            raise NotReady("say which version: make release VERSION=0.2.0")
        lines = release(words[0])
    except NotReady as why:
        sys.stderr.write(f"no release: {why}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
