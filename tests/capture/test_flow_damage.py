"""Whatever copying did to a document, its messages are those of the document, and say what was put right."""

from __future__ import annotations

import pytest

from tests.capture.call_flows import DAMAGED, SLIDES, WHOLE, codes, read, step


@pytest.mark.parametrize("how", DAMAGED)
def test_the_messages_are_those_of_the_document(how: str) -> None:
    wanted, _ = read(WHOLE)
    code, text = DAMAGED[how]
    messages, source = read(text)
    assert source.format == "flow-text"
    assert [one.payload for one in messages] == [one.payload for one in wanted]
    assert [step(one) for one in messages] == [step(one) for one in wanted]
    assert [(one.source, one.destination) for one in messages] == [(one.source, one.destination) for one in wanted]
    assert all(one.time is None for one in messages)
    repaired = [one for one in messages if code in codes(one)]
    assert len(repaired) > 5 or not code


@pytest.mark.parametrize("how", DAMAGED)
def test_what_is_put_right_is_told_of_the_source(how: str) -> None:
    messages, source = read(DAMAGED[how][1])
    said = " ".join(source.quality)
    assert "The text shows 3 flows, each judged as a capture of its own. It has no clock" in said
    assert ("The lines were" in said) is any(one.is_repaired for one in messages)
    assert all(one.is_repaired is any(code.startswith("repaired-") for code in codes(one)) for one in messages)


def test_a_whole_document_needs_one_repair() -> None:
    """A page ends within one of its messages; folded headers and the indentation are as they may be."""
    messages, _ = read(WHOLE)
    assert [codes(one) for one in messages].count({"repaired-page-break"}) == 1
    assert sum(bool(codes(one)) for one in messages) == 1
    assert not any(b"Page" in one.payload or b"RFC" in one.payload for one in messages)


def test_places_are_the_lines_of_the_file() -> None:
    lines = WHOLE.split("\n")
    for one in read(WHOLE)[0]:
        start = one.payload.split(b"\r\n")[0].decode()
        assert lines[one.place[1] - 1].strip() == start
        assert lines[one.place[2] - 1].strip() == "Content-Length: 0"


def test_slides_tell_each_repair_and_how_often() -> None:
    messages, source = read(SLIDES)
    assert [(step(one).flow, step(one).step) for one in messages] == [
        (1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (3, 1), (3, 2),
    ]  # fmt: skip
    first, second, third, last = (one.place[1] for one in messages[:4])
    assert second < third < first < last, "in the text F1 stands behind F3"
    told = {line.partition(", in ")[0]: line.partition(", in ")[2] for line in source.quality if ", in " in line}
    assert told["The lines were completed by the legend of the document"] == "8 of 8 messages."
    assert told["The lines were ordered by the numbers of the flow"] == "3 of 8 messages."
    assert told["The lines were parted where they had lost their line ends"] == "1 of 8 messages."
    assert not any(b"*" in one.payload or b"Porto" in one.payload for one in messages)
    assert all(b"porto.example" in one.payload for one in messages)


@pytest.mark.parametrize("at", range(1994, len(WHOLE), 997))
def test_a_document_that_ends_anywhere(at: int) -> None:
    wanted, _ = read(WHOLE)
    messages, _ = read(WHOLE[:at], "flow-text")
    assert [one.payload for one in messages[:-1]] == [one.payload for one in wanted[: len(messages) - 1]]
    for last in messages[-1:]:
        assert wanted[len(messages) - 1].payload.startswith(last.payload[:20])
