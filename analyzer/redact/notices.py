"""A server's own line with pseudonyms: what its wording knows stays, each part that differs gets what stands for it.

    Registration from '<sip:alice@acme.de>' failed for '198.51.100.7:5060' - Wrong password
    Registration from '<sip:kqwzu@xpil.de>' failed for '203.0.113.88:5060' - Wrong password

The table of wordings (`analyzer/capture/asterisk/wordings.py`) parts a line: what is in no group of its pattern is
Asterisk's own, and nothing else is. What is in a group goes through the same mapping as the same value of a message, by
what the group holds. What no finding needs (`rest`, most fields of the security log) is left out, and so is the line
where the new one would not say the same: a sender who imitates a notice in his name gets the doubt that he had.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from analyzer.capture.asterisk.notices import FIELD, REMOTE, SEPARATORS, read_notice, worded
from analyzer.capture.asterisk.wordings import ACLS, EVENTS, REASONS, REMOVALS, SERVICES
from analyzer.evidence import LogNotice
from analyzer.redact.lexer import PORT_DIGITS, Lexer
from analyzer.sip.text import octets, text

LITERAL = frozenset(("reason", "forbidden"))
"""Groups that hold nothing but words of their pattern, and other groups."""
_NAME_ADDR = re.compile(r"([^<>]*)<(sips?:[^<>\s]*)>((?:;[^<>]*)?)\Z", re.IGNORECASE)
_URI = re.compile(r"sips?:\S*\Z", re.IGNORECASE)
_MARK = re.compile("(" + "|".join(re.escape(text(one)) for one in SEPARATORS) + ")")
_KNOWN = (*(start for start, _ in REASONS), *REMOVALS)
_CONTROL = bytes.maketrans(bytes((*range(32), 127)), b"?" * 33)
_LINE_FEED = b"#012"
"""How syslog writes the end of a line: a reader would part the line there."""
_DIGITS = 3


class Rewritten(NamedTuple):
    """The line as it is written, the module of the server that says it, and of the line what was put in for a part."""

    line: bytes
    module: str
    parts: bytes


class NoticeRewriter:
    """Rewrites the notices of one log by the words of a `lexer`."""

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._ways: dict[str, Callable[[str], str]] = {
            **dict.fromkeys(("account", "aor", "endpoint", "endpoint_of"), self._account),
            **dict.fromkeys(("peer", "hostport", "host"), lexer.host_port),
            **dict.fromkeys(("server", "contact"), self._place),
            "callid": lexer.call_id,
            "why": self._why,
            "method": lexer.phrase,
            "kind": lexer.saying,
            "status": self._number,
            "number": self._number,
            "realms": self._realms,
            "event": self._event,
            "fields": self._fields,
            "rest": lambda said: "." if said else "",  # a blank before it would go with it
        }

    def rewritten(self, line: bytes) -> Rewritten | None:
        """What stands for a line without its prefix; None where it is no notice, or would be another one."""
        found = worded(line, entry=True)
        if found is None:
            return None
        wording, match = found
        spans = [(*match.span(name), name) for name in match.groupdict() if name not in LITERAL]
        made, parts, at = [], [], 0
        for start, end, name in sorted(span for span in spans if span[0] >= 0):
            part = octets(self._ways[name](text(match.string[start:end]))).translate(_CONTROL)
            made += [match.string[at:start], part]
            parts.append(part)
            at = end
        whole = b"".join((*made, match.string[at:]))
        if _LINE_FEED in whole or not _is_same(read_notice(line, entry=True), read_notice(whole, entry=True)):
            return None
        return Rewritten(whole, wording.module, b"\n".join(parts))

    def _account(self, said: str) -> str:
        """Whom it is about. What a forger put in, so that nobody is to be blamed, stays where it is."""
        pieces = _MARK.split(said)
        return "".join(piece if at % 2 else self._name(piece) for at, piece in enumerate(pieces))

    def _name(self, said: str) -> str:
        lexer = self._lexer
        if found := _NAME_ADDR.match(said):
            return f"{lexer.strict(found[1])}<{lexer.uri(found[2])}>{lexer.general(found[3])}"
        if _URI.match(said):
            return lexer.uri(said)
        user, at, host = said.rpartition("@")
        return f"{lexer.strict(user)}{at}{lexer.host_port(host)}" if at else lexer.strict(said)

    def _place(self, said: str) -> str:
        """A server or a contact: a URI, or a host."""
        return self._name(said) if "@" in said or _URI.match(said) else self._lexer.host_port(said)

    def _why(self, said: str) -> str:
        known = next((text(one) for one in _KNOWN if said.startswith(text(one))), "")
        return known + self._lexer.saying(said[len(known) :])

    def _number(self, said: str) -> str:
        """Counts, seconds and statuses; a longer number is somebody's."""
        return said if len(said) <= PORT_DIGITS else self._lexer.strict(said)

    def _realms(self, said: str) -> str:
        """Realms, each perhaps with its algorithm behind."""
        made = []
        for one in said.split(","):
            realm, slash, algorithm = one.partition("/")
            made.append(self._lexer.host(realm) + slash + self._lexer.phrase(algorithm, digits=_DIGITS))
        return ",".join(made)

    def _event(self, said: str) -> str:
        return said if said in EVENTS else self._lexer.strict(said)

    def _fields(self, said: str) -> str:
        """Of an event of the security log what is read from it."""
        made = []
        for name, value in FIELD.findall(octets(said)):
            way = self._field_ways().get(text(name))
            if way is not None:
                made.append(f'{text(name)}="{way(text(value))}"')
        return ",".join(made)

    def _field_ways(self) -> dict[str, Callable[[str], str]]:
        strict = self._lexer.strict
        return {
            "Service": lambda value: value if value in SERVICES else strict(value),
            "ACLName": lambda value: value if value in ACLS else strict(value),
            "AccountID": self._account,
            "RemoteAddress": self._remote,
        }

    def _remote(self, said: str) -> str:
        if REMOTE.fullmatch(octets(said)) is None:
            return self._lexer.strict(said)
        family, transport, host, port = said.split("/")
        return "/".join((family, self._lexer.phrase(transport), self._lexer.host_port(host), port))


def _is_same(before: LogNotice | None, after: LogNotice | None) -> bool:
    """Whether two lines say the same of somebody."""
    return before is not None and after is not None and _said(before) == _said(after)


def _said(said: LogNotice) -> tuple[object, ...]:
    notice = said.notice
    named = map(bool, (notice.account, notice.host, notice.server, notice.contact, notice.method, said.call_id))
    return notice.cause, notice.status, said.port, *named
