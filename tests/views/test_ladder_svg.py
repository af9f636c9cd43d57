"""The ladder as SVG: well-formed, told to who cannot see it, with nothing active in it."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from analyzer.views.ladder import svg
from analyzer.views.ladder.model import Ladder
from tests.run.test_kept_conversation import item, request
from tests.views.findings import finding
from tests.views.hostile_traffic import TEXTS
from tests.views.reports import LOGIN
from tests.views.test_ladder_model import AOR, ends, ladder, of_messages

NAME = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "rect", "g", "line", "text", "polygon", "circle"}
ATTRIBUTES = {
    "role", "aria-labelledby", "viewBox", "width", "height", "id", "class", "x", "y", "x1", "x2", "y1", "y2", "rx",
    "text-anchor", "points", "cx", "cy", "r",
}  # fmt: skip


def drawn(what: Ladder) -> str:
    out = io.StringIO()
    svg.render(what, out)
    return out.getvalue()


def parsed(what: Ladder) -> ET.Element:
    text = drawn(what)
    etree.fromstring(text.encode("ascii"))  # libxml2 reads it too, as browsers do
    return ET.fromstring(text)


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{NAME}text")]


def test_it_says_what_it_is_to_who_cannot_see_it() -> None:
    root = parsed(ladder(LOGIN % 200))
    assert root.get("role") == "img"
    ids = {one.get("id"): one for one in root.iter() if one.get("id")}
    title, description = (ids[name] for name in (root.get("aria-labelledby") or "").split())
    assert title.text == "Registration of bob@example.com"
    told = description.text or ""
    assert told.index("REGISTER sip:example.com.") < told.index("401 Unauthorized.") < told.index("200 OK.")


def test_every_message_and_finding_is_drawn() -> None:
    one = finding(aor=AOR, evidence=[item(2, b"").evidence])
    found = texts(parsed(of_messages(item(1, request(1)), item(2, request(2), 60), findings=[one])))
    assert found.count("REGISTER sip:example.com") == 2
    assert {"frame 1", "frame 2", "⋮ 1 min later" if "⋮ 1 min later" in found else "⋮ 60 s later"} <= set(found)
    assert any(line.startswith("✗ error: Userinfo in the Request-URI") for line in found)


@pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
def test_hostile_octets_are_inert(hostile: str) -> None:
    octets = (hostile + "</text><script>alert(1)</script>").replace("\r", "").encode("utf-8", "surrogateescape")
    asked = request(1, more="User-Agent: x\r\n").replace(b"sip:example.com SIP", b"sip:" + octets + b"@x SIP")
    asked = asked.replace(b"User-Agent: x", b"User-Agent: " + octets)
    one = finding(aor=AOR, detail=f"it says {hostile}", evidence=[item(1, b"").evidence])
    root = parsed(of_messages(item(1, asked), findings=[one]))
    assert {one.tag.removeprefix(NAME) for one in root.iter()} <= ELEMENTS
    assert {name for one in root.iter() for name in one.attrib} <= ATTRIBUTES
    assert all((one.text or "").isprintable() for one in root.iter() if one.tag != f"{NAME}style")
    values = " ".join(value for one in root.iter() for value in one.attrib.values())
    assert not re.search(r"alert|url|http|[<>\\]", values.replace("http://www.w3.org/2000/svg", ""))


def test_nothing_from_elsewhere_is_asked_for() -> None:
    text = drawn(ladder(LOGIN % 200)).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|href|<script|\son[a-z]+=", text)
    assert text.isascii()


@pytest.mark.parametrize("lanes", [1, 2, 4, 40])
def test_everything_lies_within_the_picture(lanes: int) -> None:
    one = finding(aor=AOR, detail="long " * 60, evidence=[ends(1).evidence])
    messages = [ends(n, f"192.0.2.{n % lanes}") for n in range(1, 50)]
    root = parsed(of_messages(*messages, findings=[one]))
    width, height = (float(root.get(name) or 0) for name in ("width", "height"))
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    for one_rect in root.iter(f"{NAME}rect"):
        if one_rect.get("class") == "back":
            continue
        x, y, w, h = (float(one_rect.get(name) or 0) for name in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height
    for text in root.iter(f"{NAME}text"):
        x, y, letters = float(text.get("x") or 0), float(text.get("y") or 0), len(text.text or "")
        room = letters * 7.3 / (2 if text.get("text-anchor") else 1)
        assert x + room <= width + 8 and y <= height, text.text


def test_what_is_left_out_is_said() -> None:
    many = [finding(n, aor=AOR, evidence=[], rule=f"R{n}") for n in range(25)]
    found = texts(parsed(of_messages(*(item(n, request(n), n) for n in range(1, 60)), most=10, findings=many)))
    assert any("messages left out here" in one for one in found)
    assert any("--most N" in one for one in found)
    assert "and 5 more" in found


def test_the_description_of_a_long_ladder_is_bounded() -> None:
    root = parsed(of_messages(*(item(n, request(n), n) for n in range(1, 400))))
    told = next(root.iter(f"{NAME}desc")).text or ""
    assert told.endswith("And 339 more rows.")


def test_light_and_dark() -> None:
    assert "prefers-color-scheme:dark" in drawn(ladder(LOGIN % 200))
