"""The splitter of header rows: which path is taken, what is learnt, what is kept within bounds."""

from __future__ import annotations

import pytest

from analyzer.defect import Defect
from analyzer.sip import headers
from analyzer.sip.headers import COMPACT, MAX_DEFECTS, SINGLE, Section, canonical, split_headers
from analyzer.sip.lazy import lazy


def split(raw: bytes, *, wire: bool = True) -> tuple[Section, list[str]]:
    """Split the rows of `raw`, and the codes of what was found wrong."""
    defects: list[Defect] = []
    return split_headers(raw, 0, defects, wire=wire), [defect.code for defect in defects]


def test_the_plain_path() -> None:
    section, codes = split(b"To: a\r\nX-Y :b \r\nEmpty:\r\n\r\nbody")
    assert [(h.name, h.key, h.value, h.start, h.end) for h in section.headers] == [
        (b"To", "to", b"a", 0, 7),
        (b"X-Y", "x-y", b"b", 7, 16),
        (b"Empty", "empty", b"", 16, 24),
    ]
    assert (section.end, section.body, section.complete, codes) == (24, 26, True, [])


@pytest.mark.parametrize("spelled", [b"X-Trailing ", b"X-Trailing\t ", b"X-Trailing"])
def test_blanks_before_the_colon_are_no_part_of_the_name(spelled: bytes) -> None:
    for _ in range(2):  # the second time the spelling is known
        section, codes = split(spelled + b": v\r\n\r\n")
        assert section.headers[0].name == b"X-Trailing" and section.headers[0].key == "x-trailing" and not codes


def test_the_line_by_line_path_tells_the_same() -> None:
    plain, _ = split(b"To: a\r\nX-Y: b\r\n\r\nbody")
    loose, codes = split(b"To: a\nX-Y: b\n\nbody")
    assert [h[:3] for h in plain.headers] == [h[:3] for h in loose.headers] and codes == ["bare-lf"]
    assert split(b"To: a\nX-Y: b\n\nbody", wire=False)[1] == []


def test_folding_becomes_one_blank() -> None:
    section, codes = split(b"A: 1  \r\n \t 2\r\n\t3 \r\nB:\r\n 4\r\n\r\n")
    assert [h.value for h in section.headers] == [b"1 2 3", b"4"] and not codes
    assert [(h.start, h.end) for h in section.headers] == [(0, 19), (19, 27)]


def test_a_line_of_blanks_is_folding_and_no_end() -> None:
    section, _ = split(b"A: 1\r\n  \r\nB: 2\r\n\r\n")
    assert [h.value for h in section.headers] == [b"1", b"2"]


def test_no_end() -> None:
    section, codes = split(b"A: 1\r\nB: 2")
    assert not section.complete and section.end == section.body == 10 and len(section.headers) == 2 and not codes


def test_a_cut_inside_crlf_is_no_bare_cr() -> None:
    assert split(b"A: 1\r\nB: 2\r")[1] == []


@pytest.mark.parametrize(("short", "long"), COMPACT.items())
def test_compact_forms(short: str, long: str) -> None:
    assert canonical(short) == canonical(short.upper() + " ") == canonical(long.title()) == long


def test_lists_may_be_repeated() -> None:
    assert not SINGLE & {
        "via",
        "contact",
        "route",
        "allow",
        "supported",
        "www-authenticate",
        "authorization",
        "warning",
    }


def test_a_hostile_message_teaches_and_complains_within_bounds() -> None:
    names = b"".join(b"X-%d: 1\r\n" % number for number in range(10_000))
    section, codes = split(names + b"junk\r\n" * 10_000 + b"\r\n")
    assert len(section.headers) == 20_000 and codes == ["not-a-header"] * MAX_DEFECTS
    assert len(headers._keys) <= headers._KEPT_NAMES
    late, _ = split(b"X-9999: 1\r\n\r\n")
    assert late.headers[0].key == "x-9999"


def test_lazy_computes_once() -> None:
    class Counter:
        """Counts how often its value is computed."""

        computed = 0

        @lazy
        def value(self) -> int:
            """The value."""
            self.computed += 1
            return self.computed

    counter = Counter()
    assert counter.value == counter.value == 1 and counter.computed == 1
    assert Counter.value.__doc__ == "The value."
