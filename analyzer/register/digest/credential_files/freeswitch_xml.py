"""FreeSWITCH directory XML: `<user id="1000"><params><param name="password" value="..."/>`, or `a1-hash`.

The realm of a password is left open, that of an HA1 is the enclosing `<domain name="...">`. Variables `$${name}` are
those that `<X-PRE-PROCESS cmd="set" data="name=value"/>` set above in the same file; a password made of an unknown one
is passed over. A document type is refused, with the entities that it could declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from analyzer.register.digest.credential_lines import HA1
from analyzer.register.digest.credential_source import MOST_ENTRIES
from analyzer.register.digest.secret import CredentialsError, Secret

NAME = "freeswitch"
EXAMPLE = b"""<include><domain name="example.com"><user id="bob">
<params><param name="password" value="secret"/></params>
</user></domain></include>
"""
MOST_ELEMENTS = 20_000_000
"""Of one file; each is a call, and a directory has some ten for each user."""
MOST_DEPTH = 100_000
"""Elements within elements, of each of which the parser keeps some 200 octets; a directory has some ten."""
LONGEST_VALUE = 65_536
"""Characters of a value with its variables in place: a long variable that is named a thousand times is a bomb."""

# No possessive groups: Python before 3.11.5 matches them wrongly where they hold alternatives or look-aheads.
_TAG = re.compile(rb"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:(?!-->).)*-->\s*+)*<[A-Za-z!]", re.DOTALL)
_VARIABLE = re.compile(r"\$\$\{([^}$]*)\}")


def looks_like(octets: bytes) -> bool:
    """It begins with a tag."""
    return _TAG.match(octets) is not None


def read(octets: bytes, name: str) -> Iterator[Secret]:
    """The passwords and hashes of all users; raises `CredentialsError` where it is no well-formed XML, or has a DTD."""
    directory = _Directory(name)
    try:
        directory.parser.Parse(octets, True)
    except expat.ExpatError as error:
        raise CredentialsError(name, "is not well-formed XML", line=error.lineno) from None
    except (LookupError, ValueError):  # of the encoding that the XML declaration names
        raise CredentialsError(name, "is in an encoding that is not read", line=1) from None
    yield from directory.secrets


class _Directory:
    """The state while the elements go by: nothing nests on the call stack, whatever the depth of the document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.secrets: list[Secret] = []
        self.variables: dict[str, str] = {}
        self.domain = ""
        self.users: list[str] = []
        self.depth = self.elements = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype

    def doctype(self, *_: object) -> None:
        self.refuse("has a document type declaration")

    def refuse(self, reason: str) -> NoReturn:
        raise CredentialsError(self.name, reason, line=self.parser.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MOST_DEPTH:
            self.refuse(f"has elements nested deeper than {MOST_DEPTH}")
        if self.elements > MOST_ELEMENTS:
            self.refuse(f"has more than {MOST_ELEMENTS} elements")
        if tag == "X-PRE-PROCESS" and attributes.get("cmd") == "set":
            variable, _, value = attributes.get("data", "").partition("=")
            self.variables[variable.strip()] = value
        elif tag == "domain":
            self.domain = self.expanded(attributes.get("name", "")) or ""
        elif tag == "user":
            self.users.append(attributes.get("id", ""))
        elif tag == "param" and self.users:
            self.param(attributes.get("name", ""), attributes.get("value", ""))

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag == "user":
            self.users.pop()
        elif tag == "domain":
            self.domain = ""

    def param(self, param: str, written: str) -> None:
        line = self.parser.CurrentLineNumber
        origin = f"{self.name}:{line}"
        value = self.expanded(written) if param in ("password", "a1-hash") else None
        if not value or not self.users[-1]:
            return
        if len(self.secrets) >= MOST_ENTRIES:
            self.refuse(f"holds more than {MOST_ENTRIES} secrets")
        if param == "password":
            self.secrets.append(Secret(value, username=self.users[-1], kind="password", origin=origin))
        elif param == "a1-hash":
            if not HA1.fullmatch(value):
                raise CredentialsError(self.name, "is not an HA1 of 32 or 64 hex digits", line=line)
            self.secrets.append(Secret(value, username=self.users[-1], realm=self.domain, kind="ha1", origin=origin))

    def expanded(self, value: str) -> str | None:
        """The value with its variables, or None where one is not known. One pass: a value cannot grow by nesting."""
        names = _VARIABLE.findall(value) if len(value) <= LONGEST_VALUE else []
        if any(name not in self.variables for name in names):
            return None
        if len(value) + sum(len(self.variables[name]) for name in names) > LONGEST_VALUE:
            self.refuse(f"has a value of more than {LONGEST_VALUE} characters")
        return _VARIABLE.sub(lambda found: self.variables[found[1]], value)
