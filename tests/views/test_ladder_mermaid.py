"""The ladder for Mermaid: what it reads of it is what was meant, whatever a sender wrote.

Mermaid itself is asked where node, `mermaid` and `jsdom` are: `npm install mermaid jsdom` in any folder, and its
`node_modules` in NODE_PATH.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.views.ladder import mermaid
from analyzer.views.ladder.mermaid import inert
from analyzer.views.ladder.model import Ladder, Step
from tests.run.test_kept_conversation import item, request
from tests.tools import find_tool
from tests.views.findings import finding
from tests.views.hostile_traffic import TEXTS
from tests.views.reports import LOGIN
from tests.views.test_ladder_model import AOR, ends, ladder, of_messages

READER = Path(__file__).parent / "mermaid_read.mjs"
BREAKING = {
    "statement": "x;\nEve->>Bob: hi\n%% comment",
    "directive": "%%{init: {'securityLevel':'loose'}}%%",
    "style": "style x:#y; classDef a:#b;c",
    "formula": "$$x^2$$",
    "break": "a<br/>b\\nc",
    "codes": "#59;#quot;ﬂ°°60¶ßscriptﬂ°gt¶ß",
    "words": "end loop alt as participant wrap: nowrap:",
    "object": '@{ "type": "database" }',
    "markup": "<img src=x onerror=alert(1)>",
}


def drawn(what: Ladder) -> str:
    out = io.StringIO()
    mermaid.render(what, out)
    return out.getvalue()


def hostile_ladder(text: str) -> Ladder:
    octets = text.replace("\r", "").replace("\n", "").encode("utf-8", "surrogateescape")
    asked = request(1, more="User-Agent: x\r\n").replace(b"sip:example.com SIP", b"sip:" + octets + b"@x SIP")
    asked = asked.replace(b"User-Agent: x", b"User-Agent: " + octets)
    one = finding(aor=AOR, detail=f"it says {text}", evidence=[item(1, b"").evidence])
    return of_messages(item(1, asked), item(2, request(2), 60), findings=[one])


@cache
def can_read() -> bool:
    node = find_tool("node")
    script = "require.resolve('mermaid'); require.resolve('jsdom')"
    return node is not None and not subprocess.run([node, "-e", script], capture_output=True, check=False).returncode


def as_mermaid_reads(*diagrams: str) -> list[dict[str, Any]]:
    if not can_read():
        pytest.skip("node with mermaid and jsdom in NODE_PATH is absent")
    command = [find_tool("node") or "", str(READER)]
    done = subprocess.run(command, input=json.dumps(diagrams), capture_output=True, text=True, check=True, timeout=100)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_words_of_a_login() -> None:
    lines = drawn(ladder(LOGIN % 200)).splitlines()
    assert lines[0] == "sequenceDiagram"
    assert lines[1] == "    title Registration of bob#64;example.com" or "bob@example.com" in lines[1]
    arrows = [line.split(":")[0].strip() for line in lines if "->>" in line]
    assert arrows == ["p0->>p1", "p1-->>p0", "p0->>p1", "p1-->>p0"]


@pytest.mark.parametrize("hostile", [*TEXTS.values(), *BREAKING.values()], ids=[*TEXTS, *BREAKING])
def test_nothing_but_plain_letters_and_codes_is_written(hostile: str) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9 .,/@=_?!()\[\]-]|#\d+;)*", inert(hostile))
    out = drawn(hostile_ladder(hostile))
    assert out.isascii()
    statement = r"    (?:title |participant p\d+ as |p\d+(?:->>|-->>|-x)p\d+: |Note over [p\d,]+: ).*"
    assert all(re.fullmatch(statement, line) for line in out.splitlines()[1:])
    assert len(out.splitlines()) == 1 + 1 + 2 + 1 + 3 + 1  # title, lanes, what was read, two messages, pause, finding


def test_mermaid_reads_what_was_meant() -> None:
    what = ladder(LOGIN % 403)
    (read,) = as_mermaid_reads(drawn(what))
    arrows = [one for one in read["messages"] if one["type"] in (0, 1)]
    assert len(read["actors"]) == len(what.lanes) == 2
    assert [(one["from"], one["to"]) for one in arrows] == [(f"p{s.start}", f"p{s.end}") for s in what.steps]
    assert arrows[1]["message"].startswith("401 Unauthorized<br/>")


def test_hostile_text_does_not_break_out_of_mermaid() -> None:
    texts = [*TEXTS.values(), *BREAKING.values()]
    plain = as_mermaid_reads(drawn(hostile_ladder("plain")))[0]
    shape = [(one["from"], one["to"], one["type"]) for one in plain["messages"]]
    for text, read in zip(texts, as_mermaid_reads(*(drawn(hostile_ladder(text)) for text in texts)), strict=True):
        assert "error" not in read, (text, read)
        assert [(one["from"], one["to"], one["type"]) for one in read["messages"]] == shape
        assert len(read["actors"]) == 2


def test_every_shape_of_ladder_is_read() -> None:
    many = [finding(n, aor=AOR, evidence=[], rule=f"R{n}") for n in range(25)]
    shapes = [
        of_messages(*(ends(n, f"192.0.2.{n}") for n in range(1, 40)), findings=many, most=20),
        of_messages(item(1, request(1))),
    ]
    errors = of_messages(*(item(n, request(n), n) for n in (1, 2)))
    assert isinstance(errors.rows[0], Step)
    errors.rows[0].message.is_error = True
    for read in as_mermaid_reads(*map(drawn, [*shapes, errors])):
        assert "error" not in read


def test_long_words_are_cut() -> None:
    lines = drawn(hostile_ladder("x" * 5000)).splitlines()
    assert max(map(len, lines)) < 2000
