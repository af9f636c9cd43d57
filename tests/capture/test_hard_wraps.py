"""Texts of real programs that were broken at a width: what is read of them is what is read of the whole ones."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from analyzer.evidence import RawMessage
from tests.capture.test_text_wraps import REAL, cut, read, words

BROKEN = [
    # Breaks at the blank before a start line, and where ngrep had broken a row.
    ("ngrep-single.txt", cut, (60, 61, 62, 63)),
    ("ngrep-plain.txt", cut, (72, 76)),
    # Breaks within a colour, and before its end.
    ("sipgrep.txt", words, (60, 76, 78)),
    ("sipgrep.txt", cut, (60, 70, 78)),
    # A rest that looks like a date, or like the length of a piece.
    ("ngrep-tcp.txt", cut, (60, 62)),
    ("ngrep-frag.txt", cut, (60, 62)),
    ("tshark-follow-tcp.txt", words, (60, 62)),
    ("tshark-follow-tcp.txt", cut, (60, 61, 62)),
    ("tshark-follow-udp.txt", cut, (76, 78)),
    # A rest that begins with a colon.
    ("tshark-follow-udp.txt", words, (80,)),
    ("baresip-s.txt", words, (66, 76, 78)),
    # A start line twice, and a header behind a tab.
    ("tcpdump-A.txt", words, (60, 62)),
    ("tcpdump-A-n.txt", cut, (60, 62)),
    ("tcpdump-v.txt", cut, (60, 76)),
]


def told(messages: list[RawMessage]) -> list[object]:
    """What is read of each message, but for repairs."""
    return [
        (
            one.payload.rstrip(),
            one.time,
            one.source,
            one.destination,
            one.missing,
            [defect.code for defect in one.defects if not defect.code.startswith("repaired")],
        )
        for one in messages
    ]


@pytest.mark.parametrize(
    ("name", "break_", "width"),
    [(name, break_, width) for name, break_, widths in BROKEN for width in widths],
)
def test_as_if_it_were_whole(name: str, break_: Callable[[str, int], str], width: int) -> None:
    text = REAL[name].read_bytes().decode("latin-1").replace("\r", "")
    plain, broken = (read(one.encode("latin-1"))[0] for one in (text, break_(text, width)))
    assert told(broken) == told(plain)
    assert all("repaired-wraps" in [defect.code for defect in one.defects] for one in broken)


@pytest.mark.parametrize("width", [60, 64, 72])
def test_rows_keep_their_values_at_words(width: int) -> None:
    """How many blanks stood at a break is not known of each; nothing else is lost."""
    text = REAL["ngrep-single.txt"].read_text(encoding="utf-8", errors="replace")
    plain, broken = (read(one.encode())[0] for one in (text, words(text, width)))
    assert [re.sub(rb" +", b" ", one.payload) for one in broken] == [re.sub(rb" +", b" ", one.payload) for one in plain]
