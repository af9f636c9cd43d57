"""A file that does not keep its contract is told by its path and by what it lacks; none is passed over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analyzer import plugins
from analyzer.capture import dialects, formats, links
from analyzer.defect import ContractError
from tests.plugins.added import added
from tests.plugins.folders import FOLDERS, found

GOOD = '''"""A log of one line."""
NAME = "one-line"
TITLE = "log of one line"
EXAMPLE = b"one line"

def looks_like(head):
    return head.startswith(b"one line")

def read(stream, source):
    yield from ()
'''


def told(source: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """What discovery says where this is a dialect too."""
    with added(dialects, "one_line", source, monkeypatch, folder) as path, pytest.raises(ContractError) as error:
        formats.discover()
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value).partition(" is no ")[2]


def test_a_new_file_is_found_without_being_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with added(dialects, "one_line", GOOD, monkeypatch, tmp_path):
        assert "one-line" in {form.name for form in formats.discover()}
        assert ("dialect", "one_line") in found("dialect")
    assert ("dialect", "one_line") not in found()


@pytest.mark.parametrize("name", ["_hidden", "test_it", "with_two_words"])
def test_no_file_is_passed_over_for_its_name(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with added(links, name, '"""Nothing."""\n', monkeypatch, tmp_path), pytest.raises(ContractError, match=name):
        links.table()


@pytest.mark.parametrize("missing", ["NAME", "TITLE", "EXAMPLE"])
def test_a_missing_value_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = GOOD.replace(f"{missing} =", f"NOT_{missing} =")
    assert told(source, monkeypatch, tmp_path) == f"LogDialect: {missing} is missing"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("def read", "def write", "read() is missing"),
        ("def looks_like(head)", "def looks_like(octets)", "looks_like() takes (octets), not (head)"),
        ("def read(stream, source)", "def read(stream)", "read() takes (stream), not (stream, source)"),
        ('"one-line"', "b'one-line'", "NAME is bytes, not str"),
    ],
)
def test_what_is_otherwise_is_told(
    before: str, after: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert before in GOOD
    assert told(GOOD.replace(before, after), monkeypatch, tmp_path) == f"LogDialect: {why}"


def test_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = "NAME is missing; TITLE is missing; EXAMPLE is missing; looks_like() is missing; read() is missing"
    assert told('"""Nothing."""\n', monkeypatch, tmp_path) == f"LogDialect: {missing}"


def test_what_is_no_function_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = GOOD.partition("def read")[0] + "read = 7\n"
    assert told(source, monkeypatch, tmp_path) == "LogDialect: read is no function"


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_folder_refuses_what_declares_nothing(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = FOLDERS[kind]
    nothing = '"""Nothing."""\n'
    why = rf"empty\.py is no {folder.contract}: .* is missing"
    with added(folder.package, "empty", nothing, monkeypatch, tmp_path), pytest.raises(ContractError, match=why):
        folder.load("empty")


def test_an_import_that_fails_is_no_plugin_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = "import no_such_module_at_all\n"
    with added(dialects, "broken", source, monkeypatch, tmp_path), pytest.raises(ModuleNotFoundError, match="no_such"):
        formats.discover()


RULE = '"""A rule."""\nfrom analyzer.rules.det_weak_md5 import RULE as WEAK\nRULE = %s\n'


@pytest.mark.parametrize(
    ("card", "why"),
    [("'no card'", "RULE is str, not Rule"), ("WEAK", "the id DET-weak-md5 belongs to det_weak_md5.py")],
)
def test_a_rule_has_a_card_with_the_id_of_its_file(
    card: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from analyzer import rules

    told = rf"det_other.py is no RuleModule: {why}"
    with added(rules, "det_other", RULE % card, monkeypatch, tmp_path), pytest.raises(ContractError, match=told):
        rules.all_rules.__wrapped__()


def test_names_import_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = FOLDERS["view"].package
    with added(package, "unread", "raise RuntimeError('was imported')\n", monkeypatch, tmp_path):
        assert "unread" in plugins.names(package)
        assert f"{package.__name__}.unread" not in sys.modules
