"""Which header's value is what (RFC 3261 20 and its extensions). One that is not listed is read as the strictest."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from analyzer.redact.lexer import UUID, Lexer
from analyzer.redact.vocabulary import HEADER_NAMES
from analyzer.sip.auth_headers import CHALLENGES
from analyzer.sip.grammar import LHEX

_ADDRESSES = """
    from to contact route record-route path service-route reply-to refer-to referred-by alert-info call-info error-info
    diversion history-info remote-party-id p-asserted-identity p-preferred-identity p-called-party-id p-associated-uri
    p-access-network-info p-visited-network-id p-charging-vector p-charging-function-addresses p-served-user
    p-profile-key accept-contact reject-contact request-disposition identity-info event subscription-state replaces
    in-reply-to join security-client security-server security-verify content-type content-disposition accept
    geolocation permission-missing target-dialog session-expires session-id
"""
_LISTS = """
    allow supported require proxy-require unsupported accept-encoding accept-language allow-events content-encoding
    content-language mime-version privacy priority p-early-media recv-info
"""
_NUMBERS = """
    cseq expires max-forwards content-length min-expires min-se rseq rack timestamp flow-timer retry-after
    max-breadth
"""
_AUTH = """
    authorization proxy-authorization www-authenticate proxy-authenticate authentication-info proxy-authentication-info
"""
_SCHEMES = frozenset(("digest", "basic", "bearer", "negotiate", "ntlm", "kerberos"))
_VIA = re.compile(r"(\bSIP\s*+/\s*+[0-9.]++\s*+/\s*+[\w-]++\s++)([^;,\s]++)([^,]*+,?)", re.IGNORECASE)
_WARNING = re.compile(r'(\b[0-9]{3}\s++)([^\s"]++)(\s*+)("(?:[^"\\]|\\.)*"?)')
_ENDS = r"(?=\s*(?:,\s*(?:[\w-]+\s+)?[\w-]+\s*=|,?\s*\Z))"
_AUTH_VALUE = rf'("[^\r\n]{{0,512}}?"{_ENDS}|"(?:[^"\\]|\\.)*"?|[^\s,"]*)'
"""A quoted string ends where a parameter or the end follows, though there is a quote in it, or a backslash before."""
_AUTH_PARAM = re.compile(rf"([\w-]++)(\s*+=\s*+){_AUTH_VALUE}|([^\s,=]+)")
_RUN_ON = re.compile(
    r",[\s\0-\x1f]*+(?:username|realm|nonce|uri|response|cnonce|opaque|qop|nc|algorithm|stale|domain|charset|userhash)\s*+=",
    re.IGNORECASE,
)
"""The next parameter, within one whose quote is not closed."""
_COUNT = re.compile(r"[0-9A-Fa-f]{1,10}\Z")
_PIECE = re.compile(r"\S++")
_COMMENT = re.compile(r"\(([^()]*)\)")
_VERSIONED = re.compile(r"[A-Za-z][\w+-]*/v?[0-9][\w.~+-]*|v?[0-9]+(?:\.[0-9]+)+[\w.~+-]*|[0-9]{1,4}")
_MAC_LIKE = re.compile(
    rf"(?<!{LHEX})(?:{UUID}|{LHEX}{{12}}|{LHEX}{{2}}(?:[:-]{LHEX}{{2}}){{5}}|{LHEX}{{4}}\.{LHEX}{{4}}\.{LHEX}{{4}})(?![0-9A-Za-z])"
)

_REALM = re.compile(r'\brealm\s*+=\s*+"?([^",]*)', re.IGNORECASE)
_NONCE = re.compile(r'\bnonce\s*+=\s*+"?([^",\s]*)', re.IGNORECASE)
_TIMED_NONCE = re.compile(r"([1-9][0-9]{8,9})(/[0-9a-f]{32})\Z")

_KEPT = 32768
_FEW, _MANY = 4, 10
"""Digits of numbers that stay: of versions and years, and of seconds and sequence numbers."""
Rewrite = Callable[[str], str]


class Headers:
    """Rewrites header values; `keep_agents`: what programs call themselves stays, but for what names a device.
    `span` are the seconds between which a number in a nonce is a time."""

    def __init__(self, lexer: Lexer, *, keep_agents: bool) -> None:
        self._lexer = lexer
        self._keeps_agents = keep_agents
        self.span = 0, -1
        self._shift = timedelta()
        self._known = lru_cache(maxsize=_KEPT)(self._value)
        self._ways: dict[str, Rewrite] = {
            **dict.fromkeys(_ADDRESSES.split(), lexer.general),
            **dict.fromkeys(_LISTS.split(), self._listed),
            **dict.fromkeys(_NUMBERS.split(), self._numbers),
            **dict.fromkeys(_AUTH.split(), self._auth),
            **dict.fromkeys(CHALLENGES, self._challenge),
            "via": self._via,
            "call-id": self._call_id,
            "user-agent": self._agent,
            "server": self._agent,
            "warning": self._warning,
            "reason": self._reason,
            "date": self._date,
        }

    def shift(self, shift: int) -> None:
        """Add so many nanoseconds to all times."""
        self._shift = timedelta(microseconds=shift // 1000)

    def value(self, key: str, text: str) -> str:
        """What stands for a value; `key` is the header's canonical name. Most values come more than once."""
        return self._known(key, text)

    def forget(self) -> None:
        """Words have got other pseudonyms."""
        self._known.cache_clear()

    def _value(self, key: str, text: str) -> str:
        return self._ways.get(key, self._lexer.strict)(text)

    def name(self, key: str, name: str) -> str:
        """What stands for a header's name: itself, but for words that are none of a header's."""
        if key in self._ways:
            return name
        return re.sub(
            r"\w+", lambda word: word[0] if word[0].lower() in HEADER_NAMES else self._lexer.strict(word[0]), name
        )

    def _date(self, text: str) -> str:
        """A date, as much later as all times are (RFC 3261 20.17)."""
        if not self._shift:
            return self._numbers(text)
        try:
            moment = parsedate_to_datetime(text.strip()) + self._shift
        except (ValueError, TypeError, OverflowError):
            return self._lexer.strict(text)
        return text.replace(text.strip(), f"{moment:%a, %d %b %Y %H:%M:%S} GMT", 1)

    def _listed(self, text: str) -> str:
        return self._lexer.phrase(text, digits=_FEW)

    def _numbers(self, text: str) -> str:
        """A number of the protocol; what stands in brackets behind it is somebody's comment."""
        number, bracket, comment = text.partition("(")
        return self._lexer.phrase(number, digits=_MANY) + bracket + self._lexer.saying(comment)

    def _call_id(self, text: str) -> str:
        body = text.strip()
        return text.replace(body, self._lexer.call_id(body), 1) if body else text

    def _via(self, text: str) -> str:
        """Protocol, sent-by, parameters, for each of a list; what is none is read as any value."""
        made, at = [], 0
        for found in _VIA.finditer(text):
            made += [self._lexer.general(text[at : found.start()]), self._lexer.phrase(found[1], digits=_FEW)]
            made += [self._lexer.host_port(found[2]), self._lexer.general(found[3])]
            at = found.end()
        return "".join((*made, self._lexer.general(text[at:])))

    def _warning(self, text: str) -> str:
        """Code, agent, text (RFC 3261 20.43)."""

        def one(found: re.Match[str]) -> str:
            return f"{found[1]}{self._lexer.host_port(found[2])}{found[3]}{self._lexer.saying(found[4])}"

        made, at = [], 0
        for found in _WARNING.finditer(text):
            made += [self._lexer.phrase(text[at : found.start()]), one(found)]
            at = found.end()
        return "".join((*made, self._lexer.phrase(text[at:])))

    def _reason(self, text: str) -> str:
        """RFC 3326: a protocol with its cause, and a text."""
        made = re.split(r'("(?:[^"\\]|\\.)*"?)', text)
        return "".join(self._lexer.saying(one, digits=0 if at % 2 else _FEW) for at, one in enumerate(made))

    def _agent(self, text: str) -> str:
        """A program's own name. In brackets stands what it likes, a device's name among others."""
        if not self._keeps_agents:
            return self._lexer.strict(text)

        def comment(found: re.Match[str]) -> str:
            made, at = [], 0
            for kept in _VERSIONED.finditer(found[1]):
                made += [self._lexer.phrase(found[1][at : kept.start()]), kept[0]]
                at = kept.end()
            return f"({''.join(made)}{self._lexer.saying(found[1][at:])})"

        text = _MAC_LIKE.sub(lambda found: self._lexer.strict(found[0]), text)
        text = _PIECE.sub(lambda found: self._lexer.identity(found[0]) if "@" in found[0] else found[0], text)
        return self._lexer.known(_COMMENT.sub(comment, text))

    def _auth(self, text: str) -> str:
        """A scheme with parameters (RFC 7616 3.3, 3.4, 3.5)."""
        return _AUTH_PARAM.sub(self._auth_part, text)

    def _challenge(self, text: str) -> str:
        """As `_auth`; which nonces a realm gives out, and in which order, is noted."""
        realm, nonce = _REALM.search(text), _NONCE.search(text)
        if nonce is not None:
            self._lexer.note_nonce(realm[1] if realm is not None else "", nonce[1])
        return self._auth(text)

    def _auth_part(self, found: re.Match[str]) -> str:
        name, equals, value, word = found.groups()
        lexer = self._lexer
        if word is not None:
            return str(word) if word.lower().strip('"') in _SCHEMES else lexer.drawn(word)
        low, quote = name.lower(), '"' if value.startswith('"') else ""
        ends = bool(quote) and len(value) > 1 and value.endswith('"')
        inner = value[len(quote) : len(value) - ends]
        ways: dict[str, Rewrite] = {
            "username": lexer.identity,
            "realm": lexer.host,
            "uri": lexer.uri,
            "domain": lexer.general,
            "nc": lambda text: text if _COUNT.match(text) else lexer.strict(text),
            **dict.fromkeys(("algorithm", "qop", "stale", "userhash", "charset", "integrity-protected"), self._token),
            **dict.fromkeys(("nonce", "nextnonce"), self._nonce),
            **dict.fromkeys(("cnonce", "opaque", "response", "rspauth", "auts"), lexer.drawn),
        }
        next_one = _RUN_ON.search(inner) if quote and (not ends or '"' in inner) else None
        after = value[len(value) - ends :] if ends else ""
        if next_one is not None:
            inner, after = inner[: next_one.start()], self._auth(inner[next_one.start() :] + after)
        known = low in ways
        shown = name if known or low in ("ik", "ck") else lexer.phrase(name)
        return f"{shown}{equals}{quote}{ways.get(low, lexer.strict)(inner)}{after}"

    def _nonce(self, text: str) -> str:
        """What was drawn, but for the second in which res_pjsip made it: that is a time like others, and a log without
        stamps has no other. What lies beside the times of the source is none."""
        found = _TIMED_NONCE.match(text)
        if found is None or not self.span[0] <= int(found[1]) <= self.span[1] or self._lexer.is_name(found[1]):
            return self._lexer.drawn(text)
        return f"{int(found[1]) + self._shift // timedelta(seconds=1)}{self._lexer.drawn(found[2])}"

    def _token(self, text: str) -> str:
        return self._lexer.phrase(text, digits=_FEW)
