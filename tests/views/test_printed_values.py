"""What `print` gives of any value or exception is harmless; what it was made of is in the fields as it was sent."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import analyzer
import replay
from analyzer.capture.opener import open_sources
from analyzer.defect import Defect, SourceError
from analyzer.escape import Told, visible
from analyzer.evidence import Endpoint, RawMessage
from analyzer.judge.findings import Finding
from analyzer.register.identity import Registrar
from analyzer.run.report import Report
from analyzer.sip.message import Message, parse
from analyzer.sip.uri import Uri
from analyzer.sip.via import Via
from replay.uris import SipUri
from tests.views.hostile_traffic import EVERYTHING, TEXTS, capture, filled, log
from tests.views.test_table_hostile import hostile_report

FORBIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
ACTIVE = EVERYTHING + TEXTS["CR"]
DEPTH = 7


def assert_harmless(text: str) -> None:
    bad = [character for character in text if unicodedata.category(character) in FORBIDDEN]
    assert not bad, f"{bad!r} in {text!r}"


def printed(value: object) -> Iterator[str]:
    """All that a program prints of a value without looking into it."""
    yield from (str(value), repr(value), f"{value}", f"{value!s:>3}", f"{value!r}")


def members(value: Any) -> Iterator[Any]:
    """What a value is made of, and the values that it computes."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    names: set[str] = {one.name for one in fields(value)} if is_dataclass(value) else set()
    if isinstance(value, Message) or type(value).__module__.startswith(("analyzer.sip", "analyzer.register")):
        names |= {name for name in dir(value) if not name.startswith("_")}
    for name in sorted(names):
        found = getattr(value, name, None)
        if not callable(found):
            yield found


def values(value: Any, depth: int = DEPTH, seen: set[int] | None = None) -> Iterator[Any]:
    """The value and all that is reached from it, but texts and octets: those are what was sent."""
    seen = set() if seen is None else seen
    if depth == 0 or value is None or isinstance(value, str | bytes | int | float) or id(value) in seen:
        return
    seen.add(id(value))
    yield value
    for member in list(members(value)):
        yield from values(member, depth - 1, seen)


@pytest.fixture(scope="module", params=["pcap", "log"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("printed") / f"traffic.{request.param}"
    path.write_bytes((capture if request.param == "pcap" else log)(filled(ACTIVE)))
    return path


def test_every_value_of_a_report(source: Path) -> None:
    report = analyzer.analyze(source, credentials=())
    kept: list[object] = []  # or an id would come back
    for value in values([report, hostile_report([ACTIVE])]):
        kept.append(value)
        for text in printed(value):
            assert_harmless(text)
    kinds = {type(value) for value in kept}
    assert {Report, Finding, Endpoint} <= kinds
    assert any("\x1b" in value.detail for value in kept if isinstance(value, Finding)), "fields are raw"


def test_every_value_of_a_message(source: Path) -> None:
    kept: list[object] = []
    with open_sources([str(source)]) as opened:
        for item in opened:
            for value in values(parse(item) if isinstance(item, RawMessage) else item):
                kept.append(value)
                for text in printed(value):
                    assert_harmless(text)
    assert {Message, Uri, Via, Defect} <= {type(value) for value in kept}
    assert any(isinstance(value, Uri) and "\x1b" in value.text for value in kept), "fields are raw"


@pytest.mark.parametrize("name", TEXTS)
def test_values_that_are_made_by_hand(name: str) -> None:
    text = TEXTS[name]
    uri = SipUri("sip", text, "lab.invalid", "")
    for value in (Endpoint(text, 5060), Registrar(Endpoint(text, 0), text), uri, Uri.parse(f"sip:{text}@lab")):
        for shown in printed(value):
            assert_harmless(shown)
    assert Endpoint(text, 0).written == (f"[{text}]" if ":" in text else text)
    assert uri.text == f"sip:{text}@lab.invalid"


def exceptions() -> dict[str, type[Exception]]:
    """The exceptions that the packages define."""
    found = {}
    for package in (analyzer, replay):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for kind in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == module.name:
                    found[f"{module.name}.{kind.__name__}"] = kind
    return found


EXCEPTIONS = exceptions()
OTHERS = {"click", "builtins"}


def test_the_exceptions_are_found() -> None:
    assert {"analyzer.defect.SourceError", "replay.sipp.errors.SippError"} <= set(EXCEPTIONS)


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_every_exception_is_told_harmlessly(name: str) -> None:
    assert issubclass(EXCEPTIONS[name], Told)
    wanted = [one for one in inspect.signature(EXCEPTIONS[name].__init__).parameters.values() if one.name != "self"]
    given = [ACTIVE for one in wanted if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD] or [ACTIVE]
    try:
        raise EXCEPTIONS[name](*given)
    except Exception as error:
        assert_harmless(str(error))
        assert_harmless(repr(error))
        told = "".join(traceback.format_exception_only(error))
        assert_harmless(told.replace("\n", ""))
        if name != "replay.registrar._Refused":
            assert visible(ACTIVE) in str(error)


def test_a_source_error_keeps_what_it_quotes() -> None:
    error = SourceError(ACTIVE, "no such file", hint=ACTIVE)
    assert error.source == error.hint == ACTIVE
    assert str(error) == f"{visible(ACTIVE)}: no such file ({visible(ACTIVE)})"
    remade, arguments = error.__reduce__()[:2]
    assert callable(remade) and isinstance(arguments, tuple)
    assert str(remade(*arguments)) == str(error)
