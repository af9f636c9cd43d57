"""Texts whose lines a terminal or a mail program broke to a width, and what a report says of them, to be compared.

`python -m tests.capture.broken_lines [WORD ...]` reads every text of the repository, or those with one of the words in
their path, at each width from 60 to 80, and prints what differs from the text as it was.
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from analyzer.defect import SourceError
from analyzer.run.pipeline import analyze
from tests.shared import DATA, ROOT

WIDTHS = range(60, 81)
SUFFIXES = frozenset((".txt", ".log", ".ansi", ".data"))


class Outline(NamedTuple):
    """What a report says: how many messages, which transactions and verdicts, and which findings."""

    messages: int
    transactions: list[tuple[str, str, int, int]]
    digests: list[tuple[str, str]]
    findings: list[tuple[str, str]]


def cut(text: bytes, width: int) -> bytes:
    """Broken anywhere, as a terminal does."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    return b"\n".join(line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width))


def words(text: bytes, width: int) -> bytes:
    """Broken at blanks, and within words that are longer, as a mail program does."""
    lines = text.decode("latin-1").split("\n")
    broken = (textwrap.wrap(line, width, break_on_hyphens=False) or [""] for line in lines)
    return "\n".join(part for parts in broken for part in parts).encode("latin-1")


WAYS: dict[str, Callable[[bytes, int], bytes]] = {"cut": cut, "words": words}


def texts() -> list[Path]:
    """The texts of the repository that hold messages; documents have a mending of their own."""
    samples = (path for path in ROOT.glob("samples/*/input.*") if not path.parent.name.startswith("flow-text"))
    real = (path for path in (DATA / "texts").iterdir() if path.name != "sipp-trace_shortmsg.txt")
    return sorted(path for path in (*samples, *real) if path.suffix in SUFFIXES)


def name_of(path: Path) -> str:
    """What tells a text from the others."""
    return path.parent.name if path.stem == "input" else path.name


def outline(path: Path, users: Path) -> Outline | None:
    """What a report says of a text; `users` is a file of passwords, which may not be there. None for a text that is not
    told apart from others."""
    try:
        report = analyze(str(path), tables=False, credentials=[users] if users.exists() else [])
    except SourceError:
        return None
    return Outline(
        report.summary.messages,
        sorted((row.method, row.call_id, row.cseq, row.status) for row in report.transactions),
        sorted((one.username, str(one.verdict)) for one in report.digests),
        sorted((one.rule, one.sub) for one in report.findings),
    )


def pairs(path: Path, widths: Iterator[tuple[str, int]], folder: Path) -> Iterator[tuple[str, int, Outline | None]]:
    """What is said of a text that is broken in several ways."""
    text, broken = path.read_bytes(), folder / "broken.log"
    for way, width in widths:
        broken.write_bytes(WAYS[way](text, width))
        yield way, width, outline(broken, path.parent / "users.csv")


def _main(wanted: list[str]) -> None:
    count = differing = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in texts():
            if wanted and not any(word in str(path) for word in wanted):
                continue
            plain = outline(path, path.parent / "users.csv")
            assert plain is not None
            for way, width, told in pairs(path, ((way, width) for way in WAYS for width in WIDTHS), Path(folder)):
                count += 1
                differing += told != plain
                if told != plain:
                    fields = [name for name in Outline._fields if getattr(told, name, None) != getattr(plain, name)]
                    sys.stdout.write(f"{name_of(path)} {way} {width}: {', '.join(fields)}\n")
    sys.stdout.write(f"{differing} of {count} differ\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
