"""The ladder as text: what a tired reader sees, within its columns, on any terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len

from analyzer.views import ViewOptions
from analyzer.views.ladder import text
from analyzer.views.ladder.model import Ladder
from tests.run.test_kept_conversation import item, request
from tests.views.findings import finding
from tests.views.hostile_traffic import TEXTS
from tests.views.reports import LOGIN
from tests.views.test_ladder_model import AOR, ends, ladder, of_messages


def drawn(what: Ladder, width: int = 0, *, color: bool = False, encoding: str = "utf-8") -> str:
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, encoding=encoding, newline="\n")
    text.render(what, out, ViewOptions(width, color))
    out.flush()
    return octets.getvalue().decode(encoding)


def test_a_login_to_the_letter() -> None:
    lines = drawn(ladder(LOGIN % 200)).splitlines()
    assert lines[0] == "Registration of bob@example.com"
    arrows = [line for line in lines if "├" in line or "┤" in line]
    assert [re.split(r"[│┤]  ", line)[1].split(" · ")[0].split("  ")[0] for line in arrows] == [
        "REGISTER sip:example.com",
        "401 Unauthorized",
        "REGISTER sip:example.com",
        "200 OK",
    ]
    assert "├────────────────────────>│" in arrows[0] and "│<────────────────────────┤" in arrows[1]
    assert arrows[0].rstrip()[-1].isdigit()


@pytest.mark.parametrize("width", [0, 50, 79, 80, 100, 160])
@pytest.mark.parametrize("name", ["login", "many", "hosts"])
def test_no_line_is_wider_than_asked(width: int, name: str) -> None:
    what = {
        "login": lambda: ladder(LOGIN % 403),
        "many": lambda: of_messages(*(ends(n, f"192.0.2.{n % 5}") for n in range(1, 30))),
        "hosts": lambda: of_messages(*(ends(n, f"2001:db8:1111:2222:3333:4444:5555:{n:x}") for n in range(1, 30))),
    }[name]()
    for line in drawn(what, width).splitlines():
        assert cell_len(line) <= (width or 100), line


def test_what_does_not_fit_over_its_lane_has_a_letter_and_a_line() -> None:
    out = drawn(of_messages(*(ends(n, f"2001:db8:1111:2222:3333:4444:5555:{n:x}") for n in range(1, 4))))
    assert re.search(r"^  A  \[2001:db8:1111:2222:3333:4444:5555:1\]:1001$", out, re.MULTILINE)
    assert re.search(r"^ +A +B +C +D$", out, re.MULTILINE)


@pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_hostile_text_is_drawn_and_harmless(hostile: str, encoding: str) -> None:
    octets = hostile.replace("\r", "").encode("utf-8", "surrogateescape")
    asked = request(1, more="User-Agent: x\r\n").replace(b"sip:example.com SIP", b"sip:a" + octets + b"@x SIP")
    asked = asked.replace(b"User-Agent: x", b"User-Agent: " + octets)
    one = finding(aor=AOR, detail=f"it says {hostile}", evidence=[item(1, b"").evidence])
    out = drawn(of_messages(item(1, asked), findings=[one]), encoding=encoding)
    assert "it says" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_a_finding_stands_at_its_message_and_long_words_stay_whole() -> None:
    word = "x" * 200
    one = finding(aor=AOR, detail=f"see {word}", evidence=[item(1, b"").evidence])
    lines = drawn(of_messages(item(1, request(1)), findings=[one])).splitlines()
    at = next(number for number, line in enumerate(lines) if "✗ error" in line)
    assert "REGISTER" in lines[at - 2] or "REGISTER" in lines[at - 1]
    assert "".join(re.sub(r".*│ *", "", line) for line in lines[at:]).replace(" ", "").count(word) == 1


def test_a_terminal_without_lines_gets_signs() -> None:
    out = drawn(ladder(LOGIN % 200), encoding="ascii")
    assert "+------------------------>|" in out
    assert "\\u" not in out


def test_colours_are_there_where_asked_and_nowhere_else() -> None:
    assert "\x1b[" in drawn(ladder(LOGIN % 403), color=True)
    assert "\x1b" not in drawn(ladder(LOGIN % 403))


def test_what_is_left_out_and_what_is_at_no_message_is_said() -> None:
    items = [item(n, request(n), n) for n in range(1, 60)]
    many = [finding(n, aor=AOR, evidence=[], rule=f"R{n}") for n in range(25)]
    out = drawn(of_messages(*items, most=10, findings=many))
    assert "messages left out here" in out and "--most N" in out
    assert "Findings at no message that is drawn" in out and "and 5 more" in out


def test_a_message_from_an_endpoint_to_the_same_lane_is_a_point() -> None:
    what = of_messages(*map(ends, range(1, 30)))
    what.rows[0].start = what.rows[0].end  # type: ignore[union-attr]
    assert "●" in drawn(what)
