"""Documents that show call flows: that of the sample, whole, and as copying damages it."""

from __future__ import annotations

import html
import io
import re
import textwrap
from collections.abc import Callable

from analyzer.capture.opener import open_sources
from analyzer.evidence import FlowStep, RawMessage, Source
from tests.shared import ROOT

WHOLE = (ROOT / "samples" / "flow-text-rfc" / "input.txt").read_text(encoding="utf-8")
"""Three flows in the form of an RFC."""
SLIDES = (ROOT / "samples" / "flow-text-slides" / "input.txt").read_bytes()
"""Three flows as they are copied from slides."""


def read(text: str | bytes, dialect: str | None = None) -> tuple[list[RawMessage], Source]:
    """The messages of a text, and its source."""
    octets = text.encode() if isinstance(text, str) else text
    with open_sources([io.BytesIO(octets)], dialect=dialect) as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def codes(message: RawMessage) -> set[str]:
    """The codes of the defects of a message."""
    return {defect.code for defect in message.defects}


def step(message: RawMessage) -> FlowStep:
    """Where in its document a message stands."""
    assert message.flow_step is not None
    return message.flow_step


def message(start: str, *headers: str, number: int = 1) -> str:
    """A small message that has what it needs; a header given goes before the one that it would have."""
    names = {line.partition(":")[0] for line in headers}
    usual = [
        f"Via: SIP/2.0/UDP phone.example.com:5060;branch=z9hG4bK{number}",
        "Max-Forwards: 70",
        "From: <sip:eva@example.com>;tag=f1",
        "To: <sip:eva@example.com>" if start.startswith("REGISTER") else "To: <sip:eva@example.com>;tag=t1",
        "Call-ID: a1",
        f"CSeq: {number} REGISTER",
    ]
    kept = [line for line in usual if line.partition(":")[0] not in names]
    return "\n".join([start, *kept, *headers, "Content-Length: 0"]) + "\n"


REGISTER = "REGISTER sip:example.com SIP/2.0"
ASKED = f"F1 REGISTER Eva -> Server\n\n{message(REGISTER)}\n"
"""A step of a flow."""
ANSWERED = f"F2 200 OK Server -> Eva\n\n{message('SIP/2.0 200 OK')}\n"
"""The step that answers it."""


def _each(change: Callable[[str], str]) -> str:
    return "\n".join(change(line) for line in WHOLE.split("\n"))


def _lost() -> str:
    """Each message on one line, as a page shows it that is not told to keep lines."""
    paragraphs = re.split(r"\n\s*\n", WHOLE)
    return "\n\n".join(
        " ".join(line.strip() for line in one.split("\n")).replace(" ;", ";")
        if re.match(r"\s*(?:REGISTER sip|SIP/2\.0)", one)
        else one
        for one in paragraphs
    )


def _wrapped(width: int) -> str:
    return _each(
        lambda line: (
            "\n".join(textwrap.wrap(line.strip(), width, break_long_words=False, break_on_hyphens=False))
            if ":" in line
            else line.strip()
        )
    )


def _in_markdown() -> str:
    fenced = re.sub(r"(?m)^ *(F\d+ .*->.*)$", r"### \1\n```", _each(str.strip))
    return fenced.replace("Content-Length: 0", "Content-Length: 0\n```")


DAMAGED: dict[str, tuple[str, str | bytes]] = {
    "nothing": ("", WHOLE),
    "without indentation": ("repaired-wrapping", _each(str.strip)),
    "an empty line behind each": ("repaired-spacing", _each(lambda line: f"{line}\n")),
    "both": ("repaired-spacing", _each(lambda line: f"{line.strip()}\n")),
    "lost line ends": ("repaired-line-ends", _lost()),
    "wrapped at 60": ("repaired-wrapping", _wrapped(60)),
    "wrapped at 40": ("repaired-wrapping", _wrapped(40)),
    "entities": ("repaired-escapes", html.escape(WHOLE)),
    "line breaks of HTML": ("repaired-escapes", _each(lambda line: f"{html.escape(line.strip())}<br/>")),
    "preformatted": ("repaired-escapes", f"<html><body><pre>\n{html.escape(WHOLE)}</pre></body></html>"),
    "blanks that do not break": ("repaired-escapes", WHOLE.replace("   ", "\u00a0\u00a0 ")),
    "the same as entities": ("repaired-escapes", WHOLE.replace("   ", "&nbsp;&nbsp; ")),
    "typographic quotes": ("repaired-escapes", WHOLE.replace('"', "\u201d")),
    "dots": ("repaired-markup", _each(lambda line: f"\u2022 {line.strip()}" if line.strip() else "")),
    "stars": ("repaired-markup", _each(lambda line: f"* {line.strip()}" if line.strip() else "")),
    "dashes": ("repaired-markup", _each(lambda line: f"- {line.strip()}" if line.strip() else "")),
    "Markdown": ("repaired-wrapping", _in_markdown()),
    "bold headings": ("", re.sub(r"(?m)^ *(F\d+ .*->.*)$", r"   **\1**", WHOLE)),
    "arrows": ("", WHOLE.replace(" -> ", " \u2192 ")),
    "long arrows": ("", WHOLE.replace(" -> ", " ===> ")),
    "colons": ("", re.sub(r"(F\d+) ", r"\1: ", WHOLE)),
    "numbers alone": ("", re.sub(r"(?m)^( *)F(\d+) ", r"\1\2. ", WHOLE)),
    "numbers in brackets": ("", re.sub(r"(?m)^( *)F(\d+) ", r"\1(\2) ", WHOLE)),
    "messages by word": ("", re.sub(r"(?m)^( *)F(\d+) ", r"\1Message \2: ", WHOLE)),
    "small letters": ("", re.sub(r"F(\d+) REGISTER", r"F\1 Register", WHOLE)),
    "tabs": ("", WHOLE.replace("   ", "\t")),
    "a mail": ("repaired-quoting", _each(lambda line: f"> {line}")),
    "Windows": ("", WHOLE.replace("\n", "\r\n")),
    "an old Mac": ("", WHOLE.replace("\n", "\r")),
    "UTF-16": ("", WHOLE.encode("utf-16")),
}
"""What copying did, the repair that all but the shortest messages need, and the text."""
