"""Asterisk `sip.conf` and `pjsip.conf`.

chan_sip: a section per peer with `secret` or `md5secret` (H(peer:realm:secret), realm from `[general]`, by default
`asterisk`), and `register => user:secret:authuser@host`. PJSIP: sections of `type = auth` with `username` and
`password` or `md5_cred` (with `realm`). Sections inherit from templates, `[name](template)`. A `;` begins a comment
unless escaped, `;--` to `--;` is one over lines; `=` and `=>` mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.register.digest.credential_lines import HA1, numbered, refuse_long_lines
from analyzer.register.digest.credential_source import MOST_ENTRIES
from analyzer.register.digest.secret import CredentialsError, Secret

NAME = "asterisk"
EXAMPLE = b"[bob]\ntype=friend\nsecret=secret\n"

_SECTION = re.compile(r"\[([^\]]+)\](?:\(([^)]*)\))?")
_SETTING = re.compile(r"([A-Za-z0-9_-]+)\s*=>?\s*(.*)")  # of a line without blanks at its ends
_COMMENT = re.compile(r"(?<!\\);.*")
_REGISTER = re.compile(r"(?:[^?]*\?)?(?:\w+://)?(?P<login>.+)@[^@]+")
_READ = frozenset(("type", "secret", "md5secret", "username", "password", "md5_cred", "realm"))
"""The settings that are kept: a chain of templates hands all of them on, again and again."""
_BLOCK_START, _BLOCK_END = ";--", "--;"


class _Setting(NamedTuple):
    value: str
    line: int


class _Section(NamedTuple):
    name: str
    settings: dict[str, _Setting]
    registers: list[_Setting]


def looks_like(octets: bytes) -> bool:
    """The first setting or section line is a `[section]`."""
    line = next((text for _, text in _code_lines(octets)), "")
    return _SECTION.match(line) is not None


def read(octets: bytes, name: str) -> Iterator[Secret]:
    """The secrets of peers, `auth` sections and `register` lines; sections without any are passed over."""
    refuse_long_lines(octets, name)
    sections = list(_sections(octets, name))
    general = next((one.settings for one in sections if one.name == "general"), {})
    realm = general["realm"].value if "realm" in general else "asterisk"
    for section in sections:
        kind = section.settings["type"].value.lower() if "type" in section.settings else ""
        yield from _auth(section, name) if kind == "auth" else _peer(section, realm, name)
        yield from _registers(section, name)


def _code_lines(octets: bytes) -> Iterator[tuple[int, str]]:
    """Lines without comments, block comments left out."""
    inside = False
    for number, line in numbered(octets, "#"):
        if not inside and _BLOCK_START in line and not line.lstrip().startswith(";---"):
            line, _, rest = line.partition(_BLOCK_START)
            inside = _BLOCK_END not in rest
        elif inside:
            inside = _BLOCK_END not in line
            continue
        line = _COMMENT.sub("", line).replace("\\;", ";").strip()
        if line:
            yield number, line


def _sections(octets: bytes, name: str) -> Iterator[_Section]:
    templates: dict[str, dict[str, _Setting]] = {}
    count = 0
    section: _Section | None = None
    for number, line in _code_lines(octets):
        head = _SECTION.match(line)
        if head is not None:
            count += 1
            if count > MOST_ENTRIES:
                raise CredentialsError(name, f"has more than {MOST_ENTRIES} sections", line=number)
            parents = [part.strip() for part in (head[2] or "").split(",")]
            inherited = {key: value for parent in parents for key, value in templates.get(parent, {}).items()}
            section = _Section(head[1].strip(), inherited, [])
            templates[section.name] = section.settings
            if "!" not in parents:
                yield section
            continue
        setting = _SETTING.fullmatch(line)
        if setting is None or section is None:
            raise CredentialsError(name, "is neither a section nor a setting", line=number)
        key, value = setting[1].lower(), _Setting(setting[2], number)
        if key == "register":
            section.registers.append(value)
        elif key in _READ:
            section.settings[key] = value


def _peer(section: _Section, realm: str, name: str) -> Iterator[Secret]:
    """chan_sip: the user name of the digest is that of the section (it is `remotesecret` that is sent elsewhere)."""
    for key, kind in (("secret", "password"), ("md5secret", "ha1")):
        found = section.settings.get(key)
        if found is None or not found.value:
            continue
        origin = f"{name}:{found.line}"
        if kind == "ha1":
            yield _ha1(found, section.name, realm, name)
        else:
            yield Secret(found.value, username=section.name, kind="password", origin=origin)


def _auth(section: _Section, name: str) -> Iterator[Secret]:
    user = section.settings.get("username")
    username = user.value if user is not None else section.name
    realm = section.settings["realm"].value if "realm" in section.settings else ""
    found = section.settings.get("password")
    if found is not None and found.value:
        yield Secret(found.value, username=username, realm=realm, kind="password", origin=f"{name}:{found.line}")
    found = section.settings.get("md5_cred")
    if found is not None and found.value:
        yield _ha1(found, username, realm or "asterisk", name)


def _ha1(found: _Setting, username: str, realm: str, name: str) -> Secret:
    if not HA1.fullmatch(found.value):
        raise CredentialsError(name, "is not an HA1 of 32 or 64 hex digits", line=found.line)
    return Secret(found.value, username=username, realm=realm, kind="ha1", origin=f"{name}:{found.line}")


def _registers(section: _Section, name: str) -> Iterator[Secret]:
    """`register => [peer?][transport://]user[@domain][:secret[:authuser]]@host[:port][/extension]`."""
    for found in section.registers:
        matched = _REGISTER.fullmatch(found.value)
        user, _, rest = (matched["login"] if matched else "").partition(":")
        password, _, authuser = rest.partition(":")
        if password:
            username = authuser or user.partition("@")[0]
            yield Secret(password, username=username, kind="password", origin=f"{name}:{found.line}")
