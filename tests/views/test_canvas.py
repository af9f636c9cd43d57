"""The page: widths in cells, wrapping, cutting, the gate for hostile text, encodings, colours."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, NARROWEST, Canvas, widest
from analyzer.views.drawing.output import DEFAULT_WIDTH

ANYTHING = st.text(st.characters(codec=None), max_size=80)


def canvas(width: int = 60, *, color: bool = False) -> tuple[Canvas, io.StringIO]:
    out = io.StringIO()
    return Canvas(out, ViewOptions(width=width, color=color)), out


def encoded(encoding: str) -> tuple[Canvas, io.BytesIO, io.TextIOWrapper]:
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, encoding=encoding)
    return Canvas(out, ViewOptions(width=60)), octets, out


def is_harmless(text: str) -> bool:
    return all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text)


def test_width_defaults_and_floor() -> None:
    assert canvas(0)[0].width == DEFAULT_WIDTH
    assert canvas(20)[0].width == NARROWEST


def test_lines_wrap_between_words_and_hang() -> None:
    page, out = canvas(50)
    page.line("fix: ", "one two three four five six seven eight nine ten eleven", indent=2, hang=5)
    assert out.getvalue() == "  fix: one two three four five six seven eight\n       nine ten eleven\n"


def test_the_first_line_of_a_hanging_paragraph_uses_its_whole_width() -> None:
    page, out = canvas(50)
    page.line("x" * 20, " ", "y" * 29, hang=10)
    assert out.getvalue().splitlines() == ["x" * 20 + " " + "y" * 29]


def test_a_flow_breaks_between_parts_only() -> None:
    page, out = canvas(50)
    page.flow(["a" * 20, "b" * 20, "c d " * 5 + "e", "f"])
    assert out.getvalue().splitlines() == ["a" * 20 + " · " + "b" * 20, "  " + "c d " * 5 + "e · f"]


def test_columns_stand_under_one_another() -> None:
    page, out = canvas(50)
    page.columns(["one", "two words that wrap", "3"], [5, 9, 3], indent=1)
    assert out.getvalue().splitlines() == [" one    two words  3", "        that wrap"]


def test_columns_count_cells_not_characters() -> None:
    page, out = canvas(50)
    page.columns(["日本", "x"], [6, 3])
    page.columns(["abcd", "x"], [6, 3])
    wide, plain = out.getvalue().splitlines()
    assert cell_len(wide) == cell_len(plain) == 11


def test_gaps_are_between_things_only() -> None:
    page, out = canvas()
    page.gap()
    page.line("a")
    page.gap()
    page.gap()
    page.line("b")
    page.gap()
    assert out.getvalue() == "a\n\nb\n"


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("alice@example.com", 20, "alice@example.com"),
        ("alice@example.com", 9, "alic….com"),
        ("日本語の名前", 9, "日本…名前"),
        ("a\x1b[2Jb", 20, "a\\x1b[2Jb"),
    ],
)
def test_cuts_keep_both_ends(text: str, width: int, cut: str) -> None:
    assert canvas()[0].cut(text, width) == cut


@given(ANYTHING, st.integers(4, 40))
def test_a_cut_is_never_wider_and_never_harmful(text: str, width: int) -> None:
    cut = canvas()[0].cut(text, width)
    assert cell_len(cut) <= width
    assert len(cut) <= width
    assert is_harmless(cut)


@given(st.lists(ANYTHING, min_size=1, max_size=4), st.integers(50, 90))
def test_no_line_is_wider_than_the_page_and_none_ends_in_blanks(texts: list[str], width: int) -> None:
    page, out = canvas(width)
    page.line(*texts, indent=3, hang=4)
    page.flow(texts)
    page.columns(texts, [width // len(texts) - 2] * len(texts), indent=0)
    page.verbatim("\n".join(texts), indent=4)
    for line in out.getvalue().split("\n"):
        assert cell_len(line) <= width
        assert line == line.rstrip()
        assert is_harmless(line)


def test_markup_is_only_text() -> None:
    page, out = canvas(color=True)
    page.line("[red]x[/red] :smile: [link=http://h]y[/link]")
    assert out.getvalue() == "[red]x[/red] :smile: [link=http://h]y[/link]\n"


def test_colour_only_where_it_is_wanted() -> None:
    plain, colored = canvas(), canvas(color=True)
    for page, _ in (plain, colored):
        page.line(("bad", BAD), " rest")
    assert plain[1].getvalue() == "bad rest\n"
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored[1].getvalue()) == "bad rest\n"
    assert "\x1b[" in colored[1].getvalue()


def test_the_environment_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TERM", "dumb"), ("COLUMNS", "20"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    page, out = canvas(60, color=True)
    page.line(("x " * 28, BAD))
    assert "\x1b[" in out.getvalue()
    assert out.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "Gr\\xf6\\xdfe - \\u65e5..."), ("latin-1", "Größe · \\u65e5..."), ("utf-8", "Größe · 日…")],
)
def test_what_the_output_cannot_write_is_written_out(encoding: str, shown: str) -> None:
    page, octets, out = encoded(encoding)
    page.line("Größe · 日…")
    out.flush()
    assert octets.getvalue().decode(encoding) == shown + "\n"


def test_a_stream_without_encoding_takes_everything() -> None:
    page, out = canvas()
    page.line("✓ Größe")
    assert out.getvalue() == "✓ Größe\n"


def test_the_widest_of_a_column() -> None:
    assert (widest(["a", "日本"], 10), widest(["a" * 20], 10), widest([], 10)) == (4, 10, 0)
