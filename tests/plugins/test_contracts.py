"""Every plug-in keeps the contract of its folder: names, arguments, types, and an example that is what it says."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer import plugins
from analyzer.capture.links import IPV4
from analyzer.capture.opener import open_sources
from analyzer.evidence import LogLines, RawMessage, Source
from analyzer.register.digest.credential_files import parse_credentials
from analyzer.sip.message import parse
from tests.plugins.folders import FOLDERS, found, labels, loaded
from tests.shared import ROOT

OPEN = ("TODO", "FIXME", "XXX")
"""What a skeleton says where something is still to be filled in."""


@pytest.mark.parametrize(("kind", "name"), found(), ids=labels())
def test_it_keeps_the_contract(kind: str, name: str) -> None:
    assert loaded(kind, name)
    assert (loaded(kind, name).__doc__ or "").strip()


@pytest.mark.parametrize(("kind", "name"), found(), ids=labels())
def test_nothing_is_left_to_be_filled_in(kind: str, name: str) -> None:
    source = Path(loaded(kind, name).__file__).read_text(encoding="utf-8")
    assert [line for line in source.splitlines() if any(word in line for word in OPEN)] == []


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_file_of_the_folder_is_found(kind: str) -> None:
    folder = FOLDERS[kind]
    files = {path.stem for path in Path(folder.package.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(folder.names()) == files
    assert len(files) > 1


@pytest.mark.parametrize(("kind", "name"), found("format", "view", "replay-view", "dialect"))
def test_the_file_is_called_by_its_name(kind: str, name: str) -> None:
    assert loaded(kind, name).NAME.replace("-", "_") == name


@pytest.mark.parametrize("kinds", [("format", "dialect"), ("view",), ("replay-view",), ("credentials",)])
def test_no_two_have_one_name(kinds: tuple[str, ...]) -> None:
    names = [loaded(*one).NAME for one in found(*kinds)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.timeout(600)
def test_mypy_holds_every_module_to_its_protocol(tmp_path: Path) -> None:
    """Argument and return types, which a check at run time does not see."""
    assert _typed(assignments(), tmp_path) == ""


def assignments() -> str:
    """A program that assigns each module to its Protocol."""
    lines = []
    for number, (kind, name) in enumerate(found()):
        folder = FOLDERS[kind]
        lines += [
            f"import {folder.package.__name__}.{name}",
            f"from {folder.home} import {folder.contract}",
            f"_{number}: {folder.contract} = {folder.package.__name__}.{name}",
        ]
    return "\n".join(lines)


def _typed(program: str, folder: Path) -> str:
    """What mypy says of a program, by the project's own settings; empty where it has nothing to say."""
    path = folder / "assignments.py"
    path.write_text(program + "\n", encoding="utf-8")
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent", "--no-error-summary"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *settings, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return run.stdout + run.stderr if run.returncode else ""


@pytest.mark.timeout(600)
def test_mypy_sees_another_type(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "from typing import BinaryIO\nfrom analyzer.evidence import Source\nNAME = TITLE = 'odd'\nEXAMPLE = b'odd'\n"
        "def looks_like(head: bytes) -> bool: return False\n"
        "def read(stream: BinaryIO, source: Source) -> list[int]: return []\n"
    )
    told = _typed("import odd\nfrom analyzer.capture.dialects import LogDialect\n_: LogDialect = odd", tmp_path)
    assert "Incompatible types in assignment" in told
    assert "def read(stream: BinaryIO, source: Source) -> list[int]" in told


@pytest.mark.parametrize(("kind", "name"), found("format", "dialect"))
def test_the_example_of_a_file_is_recognised_and_read(kind: str, name: str) -> None:
    module = loaded(kind, name)
    with open_sources([io.BytesIO(module.EXAMPLE)]) as reading:
        items = list(reading)
        assert reading.sources[0].format == module.NAME
    assert reading.sources[0].frames > 0
    assert not reading.sources[0].damaged
    assert kind == "format" or items


@pytest.mark.parametrize("name", FOLDERS["format"].names())
def test_the_example_of_a_capture_has_a_packet(name: str) -> None:
    module = loaded("format", name)
    records = list(module.records(io.BytesIO(module.EXAMPLE), Source("example")))
    assert records
    assert [record.number for record in records] == list(range(1, len(records) + 1))


@pytest.mark.parametrize("name", FOLDERS["dialect"].names())
def test_the_example_of_a_log_has_a_request_and_an_answer(name: str) -> None:
    module = loaded("dialect", name)
    source = Source("example", kind="log")
    messages = [parse(item) for item in module.read(io.BytesIO(module.EXAMPLE), source) if isinstance(item, RawMessage)]
    assert any(message.is_request for message in messages)
    assert any(message.is_response for message in messages)
    assert all(isinstance(message.raw_message.place, LogLines) for message in messages)
    assert not any(message.defects for message in messages)


@pytest.mark.parametrize("name", FOLDERS["link"].names())
def test_the_example_of_a_link_is_a_header_before_ipv4(name: str) -> None:
    module = loaded("link", name)
    assert module.DLTS
    assert module.decode(module.EXAMPLE) == (IPV4, len(module.EXAMPLE) - 1)
    assert module.EXAMPLE[-1:] == b"\x45"


@pytest.mark.parametrize("name", FOLDERS["credentials"].names())
def test_the_example_of_a_credential_file_has_a_secret(name: str) -> None:
    module = loaded("credentials", name)
    assert module.looks_like(module.EXAMPLE)
    assert [secret.username for secret in parse_credentials(module.EXAMPLE, "example")]


@pytest.mark.parametrize(("kind", "name"), found("format", "dialect", "credentials"))
@pytest.mark.parametrize("octets", [b"", b"\0", b"\xff" * 12, b"\n" * 12, b"\x80abc"])
def test_nothing_at_all_is_recognised_as_nothing(kind: str, name: str, octets: bytes) -> None:
    assert loaded(kind, name).looks_like(octets) is False


@pytest.mark.parametrize(("kind", "name"), found("format", "dialect", "credentials"))
def test_a_head_that_is_cut_anywhere_raises_nothing(kind: str, name: str) -> None:
    module: Any = loaded(kind, name)
    assert {type(module.looks_like(module.EXAMPLE[:size])) for size in range(len(module.EXAMPLE))} == {bool}


def test_hypotheses_have_ids_of_their_own() -> None:
    ids = [one.id for name in FOLDERS["hypothesis"].names() for one in loaded("hypothesis", name).HYPOTHESES]
    assert sorted(set(ids)) == sorted(ids)


def test_the_loader_is_the_one_that_the_program_uses() -> None:
    from analyzer.capture import dialects, formats

    known = {form.name for form in formats.discover()}
    assert known == {loaded(*one).NAME for one in found("format", "dialect")}
    assert plugins.names(dialects) == FOLDERS["dialect"].names()
