"""Write the file of a new rule or log dialect: `python scripts/new.py rule ID`, `python scripts/new.py dialect NAME`.

A rule that the rule catalogue has begins with what its row says. The file is complete Python that the linters take, and
wrong on purpose: what is still to be said stands there as TODO, and the tests that hold every rule and dialect fail on
it until that is done. Nothing that is there is overwritten.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "templates"
CATALOGUE = ROOT / "tests" / "data" / "rules" / "rules.json"
FORCES = {"MUST": "MUST", "SHOULD": "SHOULD", "NOT RECOMMENDED": "SHOULD", "MAY": "MAY"}
"""What a card's force is, by how a row's `strength` begins."""


class Kind(NamedTuple):
    """A kind of file: the form of its id, what that is in words, the folder it lies in, and the tests that hold it."""

    form: str
    words: str
    folder: str
    tests: str


KINDS = {
    "rule": Kind(
        r"(R\d+(-\d+(\.\d+)*)?|DET|PRAC)(-[a-z0-9]+)+",
        "R and the RFC, the section, a name in small letters (R3261-10.2-callid), or DET or PRAC and a name",
        "analyzer/rules",
        "tests/rules tests/plugins",
    ),
    "dialect": Kind(
        r"[a-z][a-z0-9]*([-_][a-z0-9]+)*",
        "a name in small letters, digits, hyphens and underscores (kamailio-xlog)",
        "analyzer/capture/dialects",
        "tests/plugins tests/fuzz tests/second_opinion",
    ),
}


def module_name(name: str) -> str:
    """The file name (without `.py`) of an id or name; for rules as `analyzer.rules.module_name` says."""
    return name.lower().replace("-", "_").replace(".", "_")


def force_of(strength: str) -> str:
    """The standard's own word in a row's `strength`; what has none (stmt, heuristic) is `none`."""
    return next((force for word, force in FORCES.items() if strength.startswith(word)), "none")


def filled_in(text: str, name: str) -> str:
    """The text of a new rule with what the catalogue's row of that id says, where it has one."""
    rows = {row["id"]: row for row in json.loads(CATALOGUE.read_text(encoding="utf-8"))}
    row = rows.get(name)
    if row is None:
        return text
    for key in ("title", "clause", "severity", "at_fault", "group"):
        value = json.dumps(row[key], ensure_ascii=False)
        before, _, rest = text.partition(f"\n    {key}=")
        text = f"{before}\n    {key}={value},\n{rest.partition(chr(10))[2]}"
    return text.replace('force="none"', f'force="{force_of(row["strength"])}"')


def written(kind: str, name: str, root: Path = ROOT) -> Path:
    """Write the file; ValueError for a name of another form or one that is taken, with what to do."""
    what = KINDS[kind]
    if not re.fullmatch(what.form, name):
        raise ValueError(f"{name!r} is no id of a {kind}: it has to be {what.words}")
    text = (TEMPLATES / f"{kind}.txt").read_text(encoding="utf-8").replace("@NAME@", name)
    text = filled_in(text, name) if kind == "rule" else text
    path = root / what.folder / f"{module_name(name)}.py"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ValueError(f"{path.relative_to(root)} is there already; nothing was written") from None
    return path


def main(arguments: list[str]) -> str:
    """Write what is asked for and say what to run; SystemExit with one line where that cannot be."""
    if len(arguments) != 2 or arguments[0] not in KINDS:
        raise SystemExit("usage: make rule ID=R3261-10.2-callid, or make dialect NAME=kamailio-xlog")
    kind, name = arguments
    try:
        path = written(kind, name)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    test = f".venv/bin/python -m pytest {KINDS[kind].tests} -k '{name} or {module_name(name)}'"
    return f"{path.relative_to(ROOT)} is there, with TODO for what is to be said. It is done when this passes:\n{test}"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
