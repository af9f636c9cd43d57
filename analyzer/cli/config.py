"""The configuration: options that a project always wants, in `sipcheck.toml` or `[tool.sipcheck]` of `pyproject.toml`.

The nearest of them counts, from the working directory upward; a `pyproject.toml` without that table is none, and
`sipcheck.toml` comes before a `pyproject.toml` beside it. What the command line says wins. Keys are names of options
without their hyphens; passwords and names of results are not among them. A relative path starts at the file's folder.

An unknown key, rule or value ends the command with 2 and one line: file, place, reason. It is read as an eager option,
so that click takes its other defaults from it, and knows who said what (`ParameterSource.DEFAULT_MAP`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
from click.core import ParameterSource

from analyzer.cli.options import LEVELS
from analyzer.cli.run import die
from analyzer.escape import Told
from analyzer.judge.findings import PROFILES
from analyzer.views import view_names

NAMES = ("sipcheck.toml", "pyproject.toml")
_META = "sipcheck.config"
MOST_OCTETS = 1 << 24
"""Octets of a configuration that are looked at: a longer file is none."""


class Key(NamedTuple):
    """A key of the configuration: the parameter that it is the default of, and what says of a value what it is (or
    raises `_BadValue` with the reason)."""

    parameter: str
    value: Callable[[Any, Path], Any]


class InUse(NamedTuple):
    """A configuration that was read, and its keys."""

    path: Path
    keys: tuple[str, ...]


class _BadValue(Told):
    """A value that a key cannot have; `within` is the place in it."""

    def __init__(self, reason: str, within: str = "") -> None:
        super().__init__(reason)
        self.within = within


def configure(context: click.Context, given: str | None) -> None:
    """What `--config` does: find and read the file, and make it the defaults of this command."""
    path = Path(given) if given is not None else nearest(Path(os.path.abspath(os.curdir)))
    if path is None:
        return
    settings = _read(path)
    known = {parameter.name: parameter for parameter in context.command.params}
    defaults: dict[str, Any] = {}
    for key, value in settings.items():
        parameter = known.get(KEYS[key].parameter)
        if parameter is not None and _takes(parameter, value):
            defaults[KEYS[key].parameter] = value
    context.default_map = {**(context.default_map or {}), **defaults}
    context.meta[_META] = InUse(path, tuple(settings))


def nearest(folder: Path) -> Path | None:
    """The configuration of the nearest folder that has one, from this one upward."""
    for place in (folder, *folder.parents):
        for name in NAMES:
            path = place / name
            if os.path.isfile(path) and (name == NAMES[0] or _has_table(path)):
                return path
    return None


def note(context: click.Context | None) -> str:
    """What a configuration changed of the judgement, as a sentence; empty where the command line, or nobody, did."""
    used = context.meta.get(_META) if context is not None else None
    if context is None or used is None:
        return ""
    judging = [key for key in ("select", "ignore", "profile") if key in used.keys]
    counted = [key for key in judging if context.get_parameter_source(key) is ParameterSource.DEFAULT_MAP]
    return f"{', '.join(counted)} {'are' if len(counted) > 1 else 'is'} set by {_shown(used.path)}" if counted else ""


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _takes(parameter: click.Parameter, value: Any) -> bool:
    """Whether this command's option has that value: `storm` has fewer formats."""
    return not isinstance(parameter.type, click.Choice) or value in parameter.type.choices


def _has_table(path: Path) -> bool:
    return b"[tool.sipcheck" in _octets(path)  # only then is it worth to be parsed


def _octets(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        _fail(path, "", f"cannot be read: {error.strerror}")
    if len(octets) > MOST_OCTETS:
        _fail(path, "", "too long for a configuration")
    return octets


def _read(path: Path) -> dict[str, Any]:
    """The settings of a file, each made what its option takes."""
    import tomllib  # late: most runs have no configuration

    try:
        whole = tomllib.loads(_octets(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        _fail(path, "", f"octet {error.start} is no UTF-8")
    except tomllib.TOMLDecodeError as error:  # the text names line and column
        _fail(path, "", str(error))
    except RecursionError:
        _fail(path, "", "nested too deeply")
    except ValueError:  # Python converts no number of more than 4300 digits
        _fail(path, "", "a number is too long")
    prefix, table = "", whole
    if path.name == NAMES[1]:
        prefix, table = "tool.sipcheck.", _table(path, whole)
    settings = {}
    for key, value in table.items():
        if key not in KEYS:
            _fail(path, f"{prefix}{key}", f"no such key{_nearest(key)}")
        try:
            settings[key] = KEYS[key].value(value, path)
        except _BadValue as error:
            _fail(path, f"{prefix}{key}{error.within}", str(error))
    return settings


def _table(path: Path, whole: dict[str, Any]) -> dict[str, Any]:
    tools = whole.get("tool", {})
    table = tools.get("sipcheck", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        _fail(path, "tool.sipcheck", "no table")
    return table


def _nearest(key: str) -> str:
    from difflib import get_close_matches  # late: hardly anybody mistypes one

    close = get_close_matches(key, KEYS, n=1, cutoff=0.5)
    return f"; the nearest is {close[0]}" if close else f"; known are {', '.join(KEYS)}"


def _fail(path: Path, place: str, reason: str) -> NoReturn:
    die(": ".join(filter(None, (_shown(path), place, reason))), 2)


def _one_of(*words: str) -> Callable[[Any, Path], str]:
    def value(given: Any, path: Path) -> str:
        del path
        if given not in words:
            raise _BadValue(f"{_quoted(given)} is not one of {', '.join(words)}")
        return str(given)

    return value


def _rules(given: Any, path: Path) -> list[str]:
    """Names of rules: a list of texts, or one text with commas."""
    del path
    from analyzer.judge.selection import UnknownRule, named_rules
    from analyzer.rules import all_rules

    listed = isinstance(given, list)
    names = given if listed else str(given).split(",") if isinstance(given, str) else None
    if names is None:
        raise _BadValue(f"{_quoted(given)} is no list of rules")
    for number, name in enumerate(names):
        within = f"[{number}]" if listed else ""
        if not isinstance(name, str):
            raise _BadValue(f"{_quoted(name)} is no text", within)
        try:
            named_rules(name.strip(), all_rules())
        except UnknownRule as error:
            raise _BadValue(str(error), within) from None
    return [name.strip() for name in names]


def _jobs(given: Any, path: Path) -> int:
    del path
    if type(given) is not int or not 0 <= given <= 256:
        raise _BadValue(f"{_quoted(given)} is no number from 0 to 256")
    return given


def _file(given: Any, path: Path) -> str:
    if not isinstance(given, str) or not given or "\0" in given:
        raise _BadValue(f"{_quoted(given)} is no path")
    return os.path.relpath(path.parent / given)


def _quoted(given: Any) -> str:
    return repr(given)[:60]


KEYS = {
    "select": Key("select", _rules),
    "ignore": Key("ignore", _rules),
    "profile": Key("profile", _one_of(*PROFILES)),
    "fail-on": Key("fail_on", _one_of(*LEVELS)),
    "baseline": Key("baseline", _file),
    "format": Key("view", _one_of(*view_names())),
    "color": Key("color", _one_of("auto", "always", "never")),
    "engine": Key("engine", _one_of("auto", "native", "tshark")),
    "jobs": Key("jobs", _jobs),
}
"""What a configuration may hold."""
