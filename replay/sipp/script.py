"""The elements of a SIPp scenario, put into a document that the XML library writes.

SIPp reads XML with a reader of its own: attributes in double quotes and plain ASCII, messages in one CDATA section,
element by element in the order of the scenario, labels as numbers. Optional `<recv>` stand before the one that must
come, and the call waits at the first of them, so each has the same timeout.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.dom.minidom import Document, Element

from analyzer.sip.timers import T1, TIMER_F

_MILLISECOND = 1_000_000
RETRANS = str(T1 // _MILLISECOND)
"""T1 in milliseconds (RFC 3261 17.1.1.1); SIPp doubles it up to T2, over UDP alone."""
ANSWER_WITHIN = str(TIMER_F // _MILLISECOND)
"""64*T1 in milliseconds: timer F (RFC 3261 17.1.2.2)."""
Action = tuple[str, tuple[tuple[str, str], ...]]
"""An element of `<action>` and its attributes."""
READ_MIN_EXPIRES: Action = (
    "ereg",
    (
        ("regexp", "[0-9]+"),
        ("search_in", "hdr"),
        ("header", "Min-Expires:"),
        ("check_it", "true"),
        ("assign_to", "min_expires"),
    ),
)
"""Without the header the call fails: a 423 has one (RFC 3261 21.4.17)."""
NOTE_CHALLENGE: Action = ("assign", (("assign_to", "challenged"), ("value", "1")))
_SAFE = frozenset(range(32, 127))


class Branch(NamedTuple):
    """A response that may come: its status, the label to go to (0: go on waiting), and what is done then."""

    status: int
    next: int = 0
    action: Action | None = None


class Script:
    """A scenario in the making. Labels are numbers from 1, taken with `new_label`."""

    def __init__(self, name: str, *, explained: bool = True) -> None:
        self._explained = explained
        self._document = Document()
        self._root = self._document.createElement("scenario")
        self._root.setAttribute("name", plain(name).replace('"', "'").replace("\\", "/"))
        self._document.appendChild(self._root)
        self._labels = 0

    def new_label(self) -> int:
        """A number that no label has."""
        self._labels += 1
        return self._labels

    def comment(self, text: str) -> None:
        """A comment, unless there shall be none; what XML forbids there is taken apart."""
        if not self._explained:
            return
        text = plain(text).replace("--", "-\\x2d")
        self._root.appendChild(self._document.createComment(f" {text} "))

    def send(self, message: str, *, begins: bool = False, once: bool = False) -> None:
        """A request, replayed until it is answered (over UDP), unless `once`. `begins`: the response time counts
        from here."""
        element = self._element("send")
        if not once:
            element.setAttribute("retrans", RETRANS)
        if begins and not once:
            element.setAttribute("start_rtd", "register")
        element.appendChild(self._document.createCDATASection(f"\n{message}"))

    def receive(self, must: int, *, branches: tuple[Branch, ...] = (), next_label: int = 0) -> None:
        """Wait for `must`; each of `branches` may come instead. 401 and 407 are kept for `[authentication]`."""
        for branch in branches:
            element = self._recv(branch.status, branch.next)
            element.setAttribute("optional", "true")
            if branch.action is not None:
                tag, attributes = branch.action
                element.appendChild(self._made("action", {})).appendChild(self._made(tag, dict(attributes)))
        self._recv(must, next_label).setAttribute("rtd", "register")

    def label(self, number: int) -> None:
        """Where `next` leads."""
        self._element("label", id=str(number))

    def skip(self, label: int, variable: str) -> None:
        """Go to `label` if the variable is set."""
        self._element("nop", hide="true", next=str(label), test=variable)

    def pause(self, milliseconds: int) -> None:
        """Wait."""
        self._element("pause", milliseconds=str(milliseconds))

    def text(self) -> str:
        """The whole file."""
        return self._document.toprettyxml(indent="", encoding="us-ascii").decode("ascii")

    def _recv(self, status: int, next_label: int) -> Element:
        element = self._element("recv", response=str(status), timeout=ANSWER_WITHIN)
        if status in (401, 407):
            element.setAttribute("auth", "true")
        if next_label:
            element.setAttribute("next", str(next_label))
        return element

    def _element(self, tag: str, **attributes: str) -> Element:
        element = self._made(tag, attributes)
        self._root.appendChild(element)
        return element

    def _made(self, tag: str, attributes: dict[str, str]) -> Element:
        element = self._document.createElement(tag)
        for name, value in attributes.items():
            element.setAttribute(name, value)
        return element


def plain(text: str) -> str:
    r"""Printable ASCII; all else, and what UTF-8 could not decode, as `\xHH`."""
    octets = text.encode("utf-8", "surrogateescape")
    return "".join(chr(octet) if octet in _SAFE else f"\\x{octet:02x}" for octet in octets)
