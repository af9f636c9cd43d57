"""The words of a value, each replaced where it may be a name.

Three readings, from the strictest on: `strict` replaces every word (who is meant by its place: the user of a URI, a
display name, a header that nobody knows), `host` every label but those that say only what kind of name it is,
`general` every word that is none of the protocol. Addresses, MAC addresses and UUIDs are found first in all of them,
for they are of several words. What is between words stays, so that syntax, good or bad, is what it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from analyzer.evidence import Endpoint
from analyzer.redact.addresses import Addresses
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.redact.vocabulary import LABELS, NAMESAKES, TELLING_PARAMS, TOP_LEVEL, WORDS
from analyzer.sip.grammar import LHEX

SHORTEST = 4
"""Letters of a name from which on it is looked for where words stay."""
_LETTER = r"(?:%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|[89A-Fa-f][0-9A-Fa-f])|[^\W_]|[\udc80-\udcff])"
_ESCAPE = r"(?P<escape>%[0-9A-Fa-f]{2})"
UUID = f"{LHEX}{{8}}(?:-{LHEX}{{4}}){{3}}-{LHEX}{{12}}"
_UUID = rf"(?P<uuid>\b{UUID}\b)"
_PAIR = "[0-9A-Fa-f]{2}"
_MAC = rf"(?P<mac>(?<![0-9A-Fa-f:-]){_PAIR}(?P<sep>[:-])(?:{_PAIR}(?P=sep)){{4}}{_PAIR}(?![0-9A-Fa-f:-]))"
_V4 = r"(?P<v4>(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.[0-9]))"
_V6 = r"(?P<v6>(?<![\w:.])(?=[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{2,45}(?![\w]))"
_WORD = rf"(?P<word>{_LETTER}+)"
_NAMES = re.compile("|".join((_UUID, _MAC, _V4, _V6, _WORD, _ESCAPE)))
_SCHEMES = r"sips?|tel|h323|xmpp|mailto|im|pres|urn|https?|data|cid|wss?"
_URI = rf"(?P<uri>\b(?:{_SCHEMES}):[^\s<>\",]*)"
_QUOTED = r'(?P<quoted>"(?:[^"\\]|\\.)*"?)'
_VALUE = r"(?P<value>\"(?:[^\"\\]|\\.)*\"?|\[[^\]]{0,64}\]|[^\s;,>?&\"]*)"
_TOKEN = r"[\w.!%*+`'~-]"
_PARAM = rf"(?P<param>(?<!{_TOKEN}){_TOKEN}++)(?P<equals>\s*+=\s*+){_VALUE}"
_DISPLAY = r"(?P<display>(?<![\w%])[^\s<>\",;:=@()][^<>\",;:=@()\r\n]{0,128}(?=<))"
_GENERAL = re.compile("|".join((_QUOTED, _DISPLAY, _PARAM, _URI, _UUID, _MAC, _V4, _V6, _WORD, _ESCAPE)), re.IGNORECASE)
_IN_QUOTES = re.compile(
    rf"(?<=[<\"])(?P<uri>(?:{_SCHEMES}):[^\s<>\",]*)|(?<=;){_PARAM}|(?P<flag>(?<=;)(?:lr|ob|rport)(?![\w=-])|(?<=/)(?:UDP|TCP|TLS|WSS?)\b)",
    re.IGNORECASE,
)
"""What is no name though a quote stands before it that is not closed, or closed too late."""
_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)((?::[0-9]{0,5})?)\Z")
_SIX_PORT = re.compile(
    rf"([0-9A-Fa-f:]*::[0-9A-Fa-f:]*(?=:[0-9]{{4}})|{LHEX}{{1,4}}(?::{LHEX}{{1,4}}){{7}})(:[0-9]{{1,5}})\Z"
)
"""An IPv6 address that lacks its brackets, and what is a port, or more likely one than a part of it."""
_NUMBER = re.compile(r"[0-9]{1,10}(?:\.[0-9]{0,3})?\Z")
_IDS = frozenset(("tag", "branch", "from-tag", "to-tag", "icid-value", "session-id", "flow-token", "line", "rinstance"))
_HOSTS = frozenset(("received", "maddr", "icid-generated-at", "orig-ioi", "term-ioi", "domain", "rcv", "phone-context"))
_COOKIE = "z9hg4bk"
PORT_DIGITS = 5
"""Digits of a port, which a name of digits may look like."""
_SAID = WORDS - NAMESAKES


class Lexer:
    """Replaces words by the pseudonyms of one key."""

    def __init__(self, names: Pseudonyms, addresses: Addresses) -> None:
        self._names = names
        self._addresses = addresses

    def is_name(self, word: str) -> bool:
        """Whether a word was noted as one that must not be left."""
        return self._names.has(word)

    def note_nonce(self, realm: str, nonce: str) -> None:
        """A nonce that was given out, as long as words are noted."""
        if self._names.noting:
            self._names.counters.note(realm, nonce.lower())

    def endpoint(self, endpoint: Endpoint) -> Endpoint:
        """A transport address; the port stays."""
        known = self._addresses.of(endpoint.host)
        return Endpoint(known if known is not None else self.host(endpoint.host), endpoint.port)

    def strict(self, text: str) -> str:
        """Every word replaced, and every number."""
        return _NAMES.sub(lambda found: self._named(found, self.word), text)

    def host(self, text: str) -> str:
        """A host name, a realm: its labels replaced, but for those that name nobody."""

        def label(word: str) -> str:
            low = word.lower()
            return word if low in LABELS or (low in TOP_LEVEL and text.lower().endswith(low)) else self.word(word)

        return _NAMES.sub(lambda found: self._named(found, label), text)

    def host_port(self, text: str) -> str:
        """A host with a port, which stays."""
        found = _HOST_PORT.match(text) or _SIX_PORT.match(text)
        return self.host(text) if found is None else self.host(found[1]) + found[2]

    def phrase(self, text: str, *, digits: int = 0, stays: frozenset[str] = WORDS) -> str:
        """Words of a program: those of the protocol stay, and numbers of at most so many digits."""

        def said(word: str) -> str:
            return word if word.lower() in stays or (word.isdecimal() and len(word) <= digits) else self.word(word)

        return _NAMES.sub(lambda found: self._named(found, said), text)

    def saying(self, text: str, *, digits: int = 0) -> str:
        """What a server says for people: as `phrase`, but for words that are first names too."""
        return self.phrase(text, digits=digits, stays=_SAID)

    def known(self, text: str) -> str:
        """Words that stay, but for those that are names elsewhere: a server's own, a user's in that of a phone."""

        def named(found: re.Match[str]) -> str:
            kind, word = found.lastgroup, found[0]
            if kind == "v6" or (kind == "v4" and self._addresses.has(word)):
                return self._named(found, str)
            if kind == "v4":  # what looks like an IPv4 address may be a version
                return word
            is_name = kind == "word" and len(word) >= SHORTEST and self._names.has(word)
            is_port = word.isdigit() and len(word) <= PORT_DIGITS
            return self.word(word) if is_name and not is_port and word.lower() not in WORDS else word

        return _NAMES.sub(named, text)

    def identity(self, text: str) -> str:
        """A user name, which may bring its domain."""
        user, at, host = text.rpartition("@")
        return self.strict(user) + at + self.host(host) if at else self.strict(text)

    def drawn(self, text: str) -> str:
        """What a program drew (a tag, a branch, a nonce): as a whole, so that its parts stand for nothing elsewhere."""
        if text.lower().startswith(_COOKIE):
            return text[: len(_COOKIE)] + self.drawn(text[len(_COOKIE) :])
        if text.lower() in WORDS:
            return text
        return self._names.of(text, is_drawn=True) if any(map(str.isalnum, text)) else text

    def call_id(self, text: str) -> str:
        """A Call-ID: what was drawn, and behind the @ a host."""
        drawn, at, host = text.rpartition("@")
        return self.drawn(drawn) + at + self.host_port(host) if at else self.strict_id(text)

    def strict_id(self, text: str) -> str:
        """What was drawn, which may be an address."""
        return self._addresses.of(text) or self.drawn(text)

    def uri(self, text: str) -> str:
        """A URI: user, host, parameters and headers, each as what it is."""
        scheme, colon, rest = text.partition(":")
        kind = scheme.lower()
        if not colon:
            return self.host_port(text)
        if kind in ("sip", "sips", "im", "pres", "mailto", "xmpp"):
            end = next((at for at, one in enumerate(rest) if one == "?"), len(rest))
            at = rest.rfind("@", 0, end) + 1
            host = re.search(r"[;?]", rest[at:])
            host_end = at + host.start() if host is not None else len(rest)
            user = self.strict(rest[:at])
            return f"{scheme}:{user}{self.host_port(rest[at:host_end])}{self.general(rest[host_end:])}"
        if kind in ("http", "https", "ws", "wss") and rest.startswith("//"):
            host_name, slash, path = rest[2:].partition("/")
            return f"{scheme}://{self.host_port(host_name)}{slash}{self.strict(path)}"
        if kind == "tel":
            number, semicolon, params = rest.partition(";")
            return f"{scheme}:{self.strict(number)}{semicolon}{self.general(params)}"
        return f"{scheme if kind in WORDS else self.strict(scheme)}:{self.phrase(rest)}"

    def general(self, text: str) -> str:
        """A value of names, addresses and parameters, in whatever order."""
        return _GENERAL.sub(self._part, text)

    def word(self, word: str) -> str:
        """What stands for a word; escapes in it stay escapes."""
        if "%" not in word:
            return self._names.of(word)
        units = re.findall(r"%[0-9A-Fa-f]{2}|.", word, re.DOTALL)
        found = self._names.of("".join(map(_plain, units)))
        return "".join(map(_spelled, found, units)) + found[len(units) :]

    def _part(self, found: re.Match[str]) -> str:
        kind, text = found.lastgroup, found[0]
        if kind == "value":
            return self._param(found["param"], found["equals"], found["value"])
        if kind in ("quoted", "display"):
            is_closed = kind == "display" or (len(text) > 1 and text.endswith('"') and not {"<", ">"} & {*text})
            return self.strict(text) if is_closed else self._unclosed(text)
        if kind == "uri":
            return self.uri(text)
        return self._named(found, lambda word: word if self._stays(word, found) else self.word(word))

    def _unclosed(self, text: str) -> str:
        """What stands behind a quote that is not closed, or too late: a URI in brackets, parameters; all else is a
        name."""
        made, at = [], 0
        for found in _IN_QUOTES.finditer(text):
            made += [
                self.strict(text[at : found.start()]),
                found[0] if found.lastgroup == "flag" else self._part(found),
            ]
            at = found.end()
        return "".join((*made, self.strict(text[at:])))

    def _stays(self, word: str, found: re.Match[str]) -> bool:
        before = found.string[max(0, found.start() - 1) : found.start()]
        return word.lower() in WORDS and before not in ("@", ".")

    def _param(self, name: str, equals: str, value: str) -> str:
        low, quote = name.lower(), '"' if value.startswith('"') else ""
        ends = bool(quote) and len(value) > 1 and value.endswith('"')
        inner = value[len(quote) : len(value) - ends]
        closing = value[len(quote) + len(inner) :]
        if quote and not closing and (end := inner.find(";")) > 0:
            inner, closing = inner[:end], self.general(inner[end:])
        shown = name if set(re.findall(r"[^\W_]+", low)) <= WORDS else self.phrase(name)
        if low in TELLING_PARAMS and _NUMBER.match(inner):
            made = inner
        elif low in _IDS:
            made = self.drawn(inner)
        elif low in _HOSTS:
            made = self.host_port(inner)
        elif inner.lower().startswith(("<", "sip:", "sips:", "tel:", "urn:")) or quote:
            made = self.general(inner)
        else:
            made = self.phrase(inner)
        return f"{shown}{equals}{quote}{made}{closing}"

    def _named(self, found: re.Match[str], word: Callable[[str], str]) -> str:
        kind, text = found.lastgroup, found[0]
        if kind in ("v4", "v6"):
            known = self._addresses.of(text)
            if known is None and (apart := _SIX_PORT.match(text)) is not None:
                known = self._addresses.of(apart[1])
                known = None if known is None else known + apart[2]
            return known if known is not None else _WORDS.sub(lambda one: word(one[0]), text)
        if kind == "mac" or kind == "sep":
            return self._separated(text, found["sep"])
        if kind == "uuid":
            return self._uuid(text)
        return text if kind == "escape" else word(text)

    def _separated(self, text: str, sign: str) -> str:
        """A MAC address: the same as one without separators."""
        joined = self._names.of(text.replace(sign, ""))
        return sign.join(joined[at : at + 2] for at in range(0, 12, 2))

    def _uuid(self, text: str) -> str:
        """A UUID, its version and variant kept (RFC 4122 4.1). A MAC address in it is the same as elsewhere."""
        head, mac = text.replace("-", "")[:20], text[-12:]
        drawn = self._names.digest("uuid", text.lower()).hex()[:20] if not self._names.noting else head
        made = drawn[:12] + head[12] + drawn[13:16] + head[16] + drawn[17:]
        made = made.upper() if text.isupper() else made
        return "-".join((made[:8], made[8:12], made[12:16], made[16:20], self._names.of(mac)))


_WORDS = re.compile(rf"{_LETTER}+")


def _plain(unit: str) -> str:
    """The letter that a unit of a word is; an octet beyond ASCII as it is kept in text."""
    if len(unit) == 1:
        return unit
    octet = int(unit[1:], 16)
    return chr(octet) if octet < 0x80 else chr(0xDC00 + octet)


def _spelled(letter: str, unit: str) -> str:
    """A letter as the unit was written."""
    if len(unit) == 1:
        return letter
    code = ord(letter) & 0xFF
    return f"%{code:02x}" if unit[1:].islower() else f"%{code:02X}"
