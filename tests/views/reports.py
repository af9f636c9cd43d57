"""Reports to draw: flow text through the real pipeline, and the drawing of them as a string."""

from __future__ import annotations

import io
from collections.abc import Sequence

from analyzer.judge.findings import Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views import LeadsWith, ViewOptions
from analyzer.views.formats.table import render

REGISTERED = """
> REGISTER sip:example.com
< 200
"""
REFUSED = """
> REGISTER sip:example.com
< 403
"""
LOGIN = """
> REGISTER sip:example.com
< 401
> REGISTER sip:example.com
Authorization: {bob secret}
< %d
"""


def user(name: str, status: int | str = 200, headers: str = "", *, at: str = "") -> str:
    """One REGISTER of a user of its own, and the answer (none for an empty status)."""
    lines = [
        f"{f'@{at} ' if at else ''}> REGISTER sip:example.com",
        f"To: <sip:{name}@example.com>",
        f"From: <sip:{name}@example.com>;tag=f-{name}",
        f"Call-ID: call-{name}",
        f"Contact: <sip:{name}@192.0.2.10:5060>",
    ]
    lines += [line for line in headers.splitlines() if line]
    return "\n".join([*lines, f"< {status}" if status else "", ""])


def report_of(
    flow: str,
    *,
    rules: Sequence[Rule] = (),
    tail: float = 0.0,
    log: bool = False,
    passwords: dict[str, str] | None = None,
    detail: bool = False,
) -> Report:
    """The report on a flow, by no rules unless some are given."""
    secrets = Secrets.of(passwords) if passwords is not None else None
    return analyze_items(read_flow(flow, tail=tail, log=log), rules=list(rules), secrets=secrets, detail=detail)


def drawn(
    report: Report,
    width: int = 80,
    *,
    color: bool = False,
    all: bool = False,
    leads_with: LeadsWith = "clients",
    encoding: str = "utf-8",
) -> str:
    """The table of a report, as `encoding` lets it be written."""
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, encoding=encoding, newline="")
    render(report, out, ViewOptions(width=width, color=color, all=all, leads_with=leads_with))
    out.flush()
    return octets.getvalue().decode(encoding)


def lines_with(text: str, word: str) -> list[str]:
    """The lines that hold a word, without the blanks around."""
    return [line.strip() for line in text.splitlines() if word in line]
