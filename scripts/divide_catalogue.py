"""Divide docs/rule-catalogue.md into docs/rules, and have every citation name the new place.

    git show COMMIT:scripts/divide_catalogue.py | python - && make docs && ruff format .

It works on the checkout that it is started in. Where docs/rule-catalogue.md is there (a merge may bring it back, with
the changes of somebody else), its sections 0, 1, 3, 4 and 5 become pages, written anew, and it is removed; section 2 is
printed from `tests/data/rules/rules.json`. Then, and where it is not there at once, citations of it in tracked files
are changed, and lines of docstrings and comments that grew too long are wrapped anew. What has to be done by hand is
printed. It can be run again at any time.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path.cwd()
OLD = ROOT / "docs" / "rule-catalogue.md"
NEW = ROOT / "docs" / "rules"
DATA = ROOT / "tests" / "data" / "rules" / "rules.json"
WIDTH = 120
GROUPS = {
    "A": "requests",
    "B": "order",
    "C": "bindings",
    "D": "timers",
    "E": "registrar",
    "F": "digest",
    "G": "transport",
    "H": "extensions",
    "I": "storms",
}
PLACES = {
    "0.1": ("conventions", "1"),
    "0.2": ("conventions", "2"),
    "0.3": ("conventions", "3"),
    "0.4": ("conventions", "4"),
    "0.5": ("precedence", ""),
    "0.6": ("conventions", "5"),
    "0.7": ("traps", ""),
    "1": ("reconstruction", ""),
    **{f"1.{number}": ("reconstruction", str(number)) for number in range(1, 9)},
    "2": ("README", ""),
    "3": ("diagnosis", ""),
    "4": ("documents", ""),
    **{f"4.{number}": ("documents", str(number)) for number in range(1, 6)},
    "4.6": ("etsi", ""),
    "5": ("disagreements", ""),
}
"""Where each section of the old page is now: a page of the folder, and the number of its section there."""
PAGES = {
    "conventions": (
        "Conventions",
        "What the other pages and the cards of rules take for granted.",
        ["0.1", "0.2", "0.3", "0.4", "0.6"],
    ),
    "precedence": (
        "Precedence",
        "Report the root, and fold the consequence into it: a finding that another explains is not told by itself. A "
        "rule's card names what it explains (`supersedes`).",
        ["0.5"],
    ),
    "traps": (
        "Traps",
        "What looks like a fault and is none. Modules and tests name a trap by its code, wherever they avoid it.",
        ["0.7"],
    ),
    "reconstruction": (
        "Reconstruction",
        "From packets or log lines to transactions, attempts, registrations and bindings.",
        [f"1.{number}" for number in range(1, 9)],
    ),
    "diagnosis": ("Digest mismatch diagnosis", "Why a digest response does not match a known password.", ["3"]),
    "documents": (
        "Known documents, and what must be said of them",
        "",
        ["4", *(f"4.{number}" for number in range(1, 6))],
    ),
    "disagreements": (
        "Where the specifications disagree",
        "What was decided, once; the rules concerned say it on their cards (`disputed`).",
        ["5"],
    ),
}
CITED = re.compile(
    r"docs/rule-catalogue\.md(?P<close>[`)\]]*)(?P<gap>\s+(?:#\s+)?)(?:section )?"
    r"(?P<places>(?:\d+(?:\.\d+)*|(?:R\d{4}|T|DET)-[\w.-]*\w)(?:(?:,\s+|;\s+|\sand\s)(?:\d+(?:\.\d+)*|T-[A-Z0-9]+)\b)*)"
)


def link(place: str) -> str:
    """The new place of a section, as these pages name each other."""
    page, number = PLACES[place]
    return f"{page}.md {number}".strip()


def within(text: str) -> str:
    """A text of the catalogue whose sections are named by their new places."""
    text = text.replace("(sections 4.2 and 4.3)", "(documents.md 2 and 3)")
    text = re.sub(r"\b(?:the documents of )section 4\b", "the documents of documents.md", text)
    text = re.sub(r"\bsections? (\d(?:\.\d)?)\b", lambda found: link(found[1]), text)
    text = re.sub(r"\b(of|see) (4\.\d)\b", lambda found: f"{found[1]} {link(found[2])}", text)
    text = text.replace("Korean notes (4.4)", f"Korean notes ({link('4.4')})").replace(
        "table and 4.2", "table and that of 2"
    )
    text = text.replace("timeline 1.7", f"timeline, {link('1.7')}").replace("| 1.3; R4320", f"| {link('1.3')}; R4320")
    return text.replace("(0.7)", f"({link('0.7')})").replace("§Seeds", "")


def parts_of(text: str) -> dict[str, str]:
    """What stands under each numbered heading, without what stands under the headings below it."""
    found: dict[str, str] = {}
    headings = list(re.finditer(r"^#{2,3} (\d(?:\.\d)?)\.? (.*)$", text, re.MULTILINE))
    for here, after in zip(headings, [*headings[1:], None], strict=True):
        end = after.start() if after is not None else len(text)
        found[here[1]] = f"{here[2]}\n{text[here.end() : end].strip()}"
    return found


def divide() -> None:
    """Write the pages, and remove the old one."""
    parts = parts_of(OLD.read_text(encoding="utf-8"))
    NEW.mkdir(exist_ok=True)
    for name, (title, about, places) in PAGES.items():
        lines = [f"# {title}"] + (["", about] if about else [])
        for place in places:
            heading, _, body = parts[place].partition("\n")
            number = PLACES[place][1]
            shown = re.sub(r" \((?:decide once.*|cited as T-xxx|report the root.*)\)$", "", heading)
            lines += ["", f"## {number}. {shown}"] if number else []
            lines += ["", within(body)] if body else []
        (NEW / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    OLD.unlink()


def mend_data() -> None:
    """Have the rows of the catalogue name the new places."""
    octets = DATA.read_text(encoding="utf-8")
    changed = within(octets)
    json.loads(changed)
    if changed != octets:
        DATA.write_text(changed, encoding="utf-8")


def cited(match: re.Match[str], groups: dict[str, str]) -> str:
    """A citation with the new place in it. Codes of traps belong to the page of the traps, whatever stands before."""
    named: list[str] = []
    page = ""
    for place in re.split(r",\s+|;\s+|\sand\s", match["places"]):
        if place.startswith("T-"):
            at, number = "traps", place
        elif place in PLACES:
            at, number = PLACES[place]
        else:
            at, number = GROUPS[groups[place]], place
        if at == page or (named and at == "traps"):
            named.append(f", {number}" if number else "")
        else:
            start = ", " if named else ""
            gap = (match["close"] + match["gap"] if not named else " ") if number else match["close"] * (not named)
            named.append(f"{start}docs/rules/{at}.md{gap}{number}")
            page = at
    return "".join(named)


def tracked() -> Iterator[Path]:
    """Files that can cite."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in run.stdout.split("\0"):
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".toml", ".ipynb", ".sh", ".txt")
            and path.is_file()
            and path != Path(__file__)
        ):
            yield path


def rename(text: str, groups: dict[str, str]) -> str:
    """A file's text with every citation changed; what names the page alone names the list of rules."""
    text = CITED.sub(lambda match: cited(match, groups), text)
    text = text.replace("(../../docs/rule-catalogue.md", "(../../docs/rules/README.md")
    return text.replace("docs/rule-catalogue.md", "docs/rules/README.md").replace(
        "(rule-catalogue.md", "(rules/README.md"
    )


def wrapped(text: str) -> tuple[str, list[int]]:
    """Python text whose docstrings and comments keep to the width; and the lines that somebody has to look at."""
    lines = text.split("\n")
    left: list[int] = []
    strings, comments = _prose(text)
    for number in sorted((at for at, line in enumerate(lines) if len(line) > WIDTH), reverse=True):
        if number >= len(lines) or len(lines[number]) <= WIDTH:
            continue
        span = next((span for span in strings if span[0] <= number <= span[1]), None)
        if span is not None:
            if not _wrap_docstring(lines, number, span):
                left.append(number + 1)
        elif number in comments:
            _wrap_comment(lines, number, comments)
        else:
            left.append(number + 1)
    return "\n".join(lines), left


def _prose(text: str) -> tuple[list[tuple[int, int]], set[int]]:
    """First and last line of each string in three quotes, and the lines that are comments, counted from 0."""
    strings, comments = [], set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and '"""' in token.string[:5]:
            strings.append((token.start[0] - 1, token.end[0] - 1))
        elif token.type == tokenize.COMMENT and token.line.strip().startswith("#"):
            comments.add(token.start[0] - 1)
    return strings, comments


def _wrap_docstring(lines: list[str], number: int, span: tuple[int, int]) -> bool:
    first = last = number
    while first > span[0] and lines[first - 1].strip() and not lines[first].lstrip().startswith("- "):
        first -= 1
    while last < span[1] and lines[last + 1].strip() and not lines[last + 1].lstrip().startswith("- "):
        last += 1
    last -= lines[last].strip() == '"""' and last > first
    body = lines[first : last + 1]
    indents = {line[: len(line) - len(line.lstrip())] for line in body}
    if len(indents) != 1:
        return False
    (indent,) = indents
    text = " ".join(line.strip() for line in body)
    lines[first : last + 1] = _filled(text, indent)
    return True


def _wrap_comment(lines: list[str], number: int, comments: set[int]) -> None:
    first = last = number
    while first - 1 in comments:
        first -= 1
    while last + 1 in comments:
        last += 1
    indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())] + "# "
    text = " ".join(line.strip().lstrip("#").strip() for line in lines[first : last + 1])
    lines[first : last + 1] = _filled(text, indent)


def _filled(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def main() -> None:
    """Divide what is there, and change what cites it."""
    mend_data()
    if OLD.exists():
        divide()
    groups = {row["id"]: row["group"] for row in json.loads(DATA.read_text(encoding="utf-8"))}
    for path in tracked():
        before = path.read_bytes().decode("utf-8", "surrogateescape")
        if "rule-catalogue" not in before:
            continue
        after = rename(before, groups)
        left: list[int] = []
        if path.suffix == ".py":
            after, left = wrapped(after)
        if after != before:
            path.write_bytes(after.encode("utf-8", "surrogateescape"))
        for number in left:
            print(f"by hand, too long: {path.relative_to(ROOT)}:{number}")
        if "rule-catalogue" in after:
            print(f"by hand, still cited: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
