"""Credentials and challenges (RFC 3261 20.7, 20.28, 20.44, 22; RFC 7616 3.3-3.4; RFC 8760).

    Digest username="bob", realm="biloxi.com", nonce="...", qop=auth, nc=00000001

The field writes this loosely: blanks around `=`, no quotes, no commas, values cut short by a log. The reader takes
each `name=value` where it stands and notes what the grammar does not allow. One header value may hold several
challenges; a new one begins with a word that a blank, not `=`, separates from the next word.

Nearly every value is one Digest as the grammar has it: one pattern recognises it and a second takes it apart. Any other
goes parameter by parameter.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip.auth_recovery import lacks, pieces
from analyzer.sip.grammar import LWS, LWS_CHARACTER, QDTEXT, QUOTED_TEXT, TOKEN68
from analyzer.sip.text import clip, unpair

# RFC 7616 3.3, 3.4 and RFC 3261 25.1: these values are quoted-strings.
_QUOTED_PARAMS = frozenset(("username", "realm", "nonce", "uri", "response", "cnonce", "opaque", "domain"))
_SCHEMES = frozenset(("digest", "basic", "bearer", "negotiate", "ntlm", "kerberos"))
_COSTLY = ("broken-value", "cut-value", "auth-junk", "duplicate-parameter", "missing-comma", "bad-auth-scheme")
"""Defects by which a reader may lose a value, the worst first."""
_QOP_TOKENS = frozenset(("auth", "auth-int", "auth-conf"))

_SCHEME = re.compile(r'[ \t\r\n,]*+([^\s=,"]++)(?=[\s,]|\Z)(?!\s*+=)')
_SEPARATOR = re.compile(r"[\s,]+")
_GAP = re.compile(r"[\s,]*+")
_PARAM = re.compile(rf'([^\s=,"]*+)\s*+=\s*+(?:"({QUOTED_TEXT})("?)|([^\s,"]*+))', re.DOTALL)
# A parameter as the grammar has it, with the comma behind it: most are.
_CLEAN = re.compile(rf'\s*+(([^\s=,"]++)=(?:"({QDTEXT})"|([^\s,"]++)))\s*+(?:,(?=\s*+[^,\s])|\Z)')
# A whole value that needs no second look, in the spelling of the standards, and one of its parameters.
_QUOTED = "username|realm|nonce|uri|response|cnonce|opaque|domain"
_EITHER = "algorithm|qop|nc|stale|userhash|charset|auts"
_PAIR = re.compile(rf'({_QUOTED}|{_EITHER})=(?:"([^"]*+)"|([A-Za-z0-9\-]++))')
_COMMON_FORM = re.compile(
    rf'Digest (?:(?:(?:{_QUOTED})="{QDTEXT}"|(?:{_EITHER})=(?:"{QDTEXT}"|[A-Za-z0-9\-]++))(?:, *(?=[a-z])|\Z))+'
)
_WORD = re.compile(rf'"{QUOTED_TEXT}[\\"]?+|[^\s,"]++', re.DOTALL)
_NEXT_SCHEME = re.compile(rf'[^\s=,"]++{LWS_CHARACTER}++[^\s=,"]++\s*+=')
# credentials of other schemes may be one token68 (RFC 7235 2.1), as Bearer is (RFC 8898)
_TOKEN68 = re.compile(rf"\s*+({TOKEN68})\s*+(?=,|\Z)")


class AuthParam(NamedTuple):
    """One parameter: `name` and `raw` (`name="value"`) as written, `value` without quotes and escapes.

    A token68 has the name "".
    """

    name: str
    value: str
    quoted: bool
    raw: str


class AuthValue:
    """What credentials and challenges share. `header` is the canonical header name, `scheme` as written ("" if none).

    The properties are None where the parameter is absent, which an empty value is not; the first of a name counts.
    `is_plain`: it is a Digest in the common form.
    """

    __slots__ = ("_params", "_values", "defects", "header", "is_plain", "raw", "scheme")

    def __init__(
        self,
        header: str,
        scheme: str,
        raw: str,
        params: tuple[AuthParam, ...] | None,
        values: dict[str, str] | None = None,
        defects: tuple[Defect, ...] = (),
    ) -> None:
        self.header = header
        self.scheme = scheme
        self.raw = raw
        self.defects = defects
        self._params = params
        self.is_plain = params is None
        self._values = {param[0].lower(): param[1] for param in reversed(params or ())} if values is None else values

    @property
    def params(self) -> tuple[AuthParam, ...]:
        """The parameters as written, in order."""
        if self._params is None:
            self._params = _Reader(self.raw, several=False).section()[1]
        return self._params

    def get(self, name: str) -> str | None:
        """The value of the first parameter called `name` (lower-case), or None."""
        return self._values.get(name)

    def param(self, name: str) -> AuthParam | None:
        """The first parameter called `name` (lower-case), or None."""
        return next((param for param in self.params if param.name.lower() == name), None)

    def is_quoted(self, name: str) -> bool:
        """Whether the first parameter called `name` (lower-case) is there and in quotes."""
        if self._params is None:  # one of the plain values, in which names are in lower case and come once
            return f'{name}="' in self.raw
        param = self.param(name)
        return param is not None and param.quoted

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AuthValue) and (self.header, self.raw) == (other.header, other.raw)

    def __hash__(self) -> int:
        return hash((self.header, self.raw))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {clip(self.raw)!r}>"

    @property
    def malformed(self) -> str:
        """What is wrong with it in a way that may cost a reader a value, as a sentence; empty if nothing is."""
        if not self.defects:
            return ""
        found = {defect.code: defect.text for defect in self.defects}
        return next((found[code] for code in _COSTLY if code in found), "")

    @property
    def is_digest(self) -> bool:
        """Whether the scheme is Digest (case-insensitive)."""
        return self.is_plain or self.scheme.lower() == "digest"

    @property
    def realm(self) -> str | None:
        """The protection domain; case-sensitive."""
        return self._values.get("realm")

    @property
    def nonce(self) -> str | None:
        """The server's nonce; case-sensitive."""
        return self._values.get("nonce")

    @property
    def algorithm(self) -> str | None:
        """The algorithm as written; None means MD5 (RFC 7616 3.3)."""
        return self._values.get("algorithm")

    @property
    def opaque(self) -> str | None:
        """What the client has to give back."""
        return self._values.get("opaque")

    @property
    def qop(self) -> str | None:
        """The qop parameter as written: one token in credentials, a list in challenges."""
        return self._values.get("qop")

    @property
    def userhash(self) -> bool:
        """Whether the username is hashed, or may be (RFC 7616 3.4.4)."""
        return (self.get("userhash") or "").lower() == "true"

    def __str__(self) -> str:
        return visible(self.raw)


class Credentials(AuthValue):
    """The value of one Authorization or Proxy-Authorization header."""

    __slots__ = ()

    @property
    def username(self) -> str | None:
        """The user; case-sensitive. `username*` (RFC 7616 3.4) is not decoded."""
        return self._values.get("username")

    @property
    def uri(self) -> str | None:
        """The digest-uri as text."""
        return self._values.get("uri")

    @property
    def response(self) -> str | None:
        """The digest as written."""
        return self._values.get("response")

    @property
    def nc(self) -> str | None:
        """The nonce count as written: eight hexadecimal digits, if well formed."""
        return self._values.get("nc")

    @property
    def cnonce(self) -> str | None:
        """The client's nonce."""
        return self._values.get("cnonce")

    @property
    def is_empty(self) -> bool:
        """Whether they answer no challenge: there is neither nonce nor response."""
        is_blank = not (self.response or "").strip() and not (self.nonce or "").strip()
        return is_blank and self.is_digest and not self.malformed

    @property
    def is_void(self) -> bool:
        """Whether nonce and response are there, and empty: so a mobile phone names its user in its first REGISTER (3GPP
        TS 24.229 5.1.1.2; RFC 8760 2.7)."""
        return self.is_empty and self.nonce is not None and self.response is not None


class Challenge(AuthValue):
    """One challenge of a WWW-Authenticate or Proxy-Authenticate header."""

    __slots__ = ()

    @property
    def stale(self) -> bool:
        """Whether only the nonce was wrong (RFC 7616 3.3)."""
        return (self.get("stale") or "").lower() == "true"

    @property
    def qop_options(self) -> list[str]:
        """The offered qop values, lower-case; empty where none is offered."""
        offered = (self._values.get("qop") or "").lower()
        return [offered] if offered.isalpha() else [token for token in _SEPARATOR.split(offered) if token]

    @property
    def domain(self) -> str | None:
        """The list of URIs of the protection space."""
        return self.get("domain")


class _Reader:
    """Reads one header value from left to right. `position` only grows, so the time is linear."""

    def __init__(self, value: str, *, several: bool) -> None:
        self.value = value
        self.several = several
        self.position = 0
        self.digest = True
        self.params: list[AuthParam] = []
        self.names: set[str] = set()
        self.defects: dict[str, Defect] = {}
        self.before = ""
        """What stood before: "param", "comma" (taken already), "junk", or "" at the beginning of a section."""

    def section(self, *, bare: bool = False) -> tuple[str, tuple[AuthParam, ...], str, tuple[Defect, ...]]:
        """Read one scheme (`bare`: none) with its parameters, up to the next scheme or the end."""
        start = self.position = self._gap()
        self.params, self.names, self.defects, self.before = [], set(), {}, ""
        found = None if bare else _SCHEME.match(self.value, self.position)
        scheme = found[1] if found else ""
        self.digest = scheme.lower() in ("digest", "")
        if found:
            self.position = found.end()
            self._token68()
        elif not bare:
            self._note("bad-auth-scheme", "no scheme stands before the parameters")
        while self._clean() or self._step():
            pass
        raw = self.value[start : self.position].rstrip(LWS + ",")
        return scheme, tuple(self.params), raw, tuple(self.defects.values())

    def _token68(self) -> None:
        found = None if self.digest else _TOKEN68.match(self.value, self.position)
        if found and not (self.several and found[1].lower() in _SCHEMES):
            self.params.append(AuthParam("", found[1], False, found[1]))
            self.position = found.end()

    def _clean(self) -> bool:
        """Take one well-formed parameter and the comma behind it; False if none stands here."""
        found = _CLEAN.match(self.value, self.position)
        if found is None:
            return False
        raw, name, inside, bare = found.groups()
        if self.before == "param":
            self._note("missing-comma", f"no comma before {clip(name)}")
        self._keep(name, bare if inside is None else inside, inside is not None, raw)
        self.position, self.before = found.end(), "comma"
        return True

    def _gap(self) -> int:
        """Where the blanks and commas end that stand at `position`."""
        gap = _GAP.match(self.value, self.position)
        return gap.end() if gap else self.position

    def _step(self) -> bool:
        """Take one parameter or one word of junk; False at the end of the section."""
        begin = self._gap()
        commas = self.value.count(",", self.position, begin)
        at_end = begin == len(self.value)
        if not at_end and (self.params or commas) and self._scheme_ahead(begin):
            return False
        if commas > 1 or (commas and (at_end or not self.before)):
            self._note("empty-list-element", "a comma with no parameter before or after it")
        if at_end:
            self.position = begin
            return False
        found = _PARAM.match(self.value, begin)
        if found is None:
            return self._word(begin)
        if self.before == "param" and not commas:
            self._note("missing-comma", f"no comma before {clip(found[1])}")
        self._param(found)
        self.before = "param"
        return True

    def _scheme_ahead(self, begin: int) -> bool:
        if not self.several or _PARAM.match(self.value, begin):
            return False
        if _NEXT_SCHEME.match(self.value, begin):
            return True
        word = _WORD.match(self.value, begin)
        return word is not None and word[0].lower() in _SCHEMES

    def _param(self, found: re.Match[str]) -> None:
        name, inside, closing, bare = found.groups()
        quoted = inside is not None
        if quoted and not closing:
            self._note("cut-value", f"the quoted value of {clip(name)} is never closed")
        if not name:
            self._note("auth-junk", f"a value without a name: {clip(found[0])!r}")
        self._keep(name, unpair(inside) if quoted else bare, quoted, found[0])
        self.position = found.end()

    def _keep(self, name: str, value: str, quoted: bool, raw: str) -> None:
        lower = name.lower()
        if not quoted and self.digest and lower in _QUOTED_PARAMS:
            self._note("unquoted-value", f"the value of {clip(name)} must be a quoted string")
        if lower in self.names and name:
            self._note("duplicate-parameter", f"{clip(name)} is given twice")
        self.names.add(lower)
        self.params.append(AuthParam(name, value, quoted, raw))

    def _word(self, begin: int) -> bool:
        """A word without `=`: the rest of an unquoted qop list, or junk."""
        word = _WORD.match(self.value, begin)
        self.position = word.end() if word else begin + 1
        junk = self.value[begin : self.position]
        last = self.params[-1] if self.params else None
        if last and last.name.lower() == "qop" and junk.lower() in _QOP_TOKENS and len(last.value) < 40:
            self.params[-1] = AuthParam(last.name, f"{last.value},{junk}", False, f"{last.raw},{junk}")
            self._note("unquoted-value", "a list of qop values must be a quoted string")
        else:
            self._note("auth-junk", f"{clip(junk)!r} is no parameter")
            self.before = "junk"
        return True

    def _note(self, code: str, sentence: str) -> None:
        self.defects.setdefault(code, Defect(code, sentence))


def _plain(value: str) -> dict[str, str] | None:
    """The values of one Digest that is as the grammar has it and names nothing twice; None for any other."""
    if _COMMON_FORM.fullmatch(value) is None:
        return None
    pairs = _PAIR.findall(value, 7)
    values = {name: inside or bare for name, inside, bare in pairs}
    return values if len(values) == len(pairs) else None


def parse_credentials(header_key: str, value: str) -> Credentials:
    """Parse the value of one Authorization or Proxy-Authorization header. Never raises."""
    plain = _plain(value)
    if plain is not None:
        return Credentials(header_key, "Digest", value, None, plain)
    scheme, params, _, defects = _Reader(value, several=False).section()
    if defects and scheme.lower() == "digest":
        params, defects = _recovered(value, params, defects)
    return Credentials(header_key, scheme, value, params, defects=defects)


def _recovered(
    value: str, params: tuple[AuthParam, ...], defects: tuple[Defect, ...]
) -> tuple[tuple[AuthParam, ...], tuple[Defect, ...]]:
    """The parameters by their names, where these are more of those that all credentials have than the grammar's."""
    missing = lacks(param.name.lower() for param in params)
    found = pieces(value[value.lower().index("digest") + len("digest") :]) if missing else []
    broken = next((piece for piece in found if piece.is_broken), None)
    if broken is None or lacks(piece.name.lower() for piece in found) >= missing:
        return params, defects
    sentence = f"the value of {clip(broken.name)} is no quoted string: {clip(broken.raw)}"
    again = tuple(AuthParam(name, value, quoted, raw) for name, value, quoted, raw, _ in found)
    return again, (Defect("broken-value", sentence),)


def parse_challenges(header_key: str, value: str) -> list[Challenge]:
    """Parse the challenges of one WWW-Authenticate or Proxy-Authenticate value, at least one. Never raises."""
    plain = _plain(value)
    if plain is not None:
        return [Challenge(header_key, "Digest", value, None, plain)]
    reader = _Reader(value, several=True)
    found: list[Challenge] = []
    while not found or reader.position < len(value):
        scheme, params, raw, defects = reader.section()
        found.append(Challenge(header_key, scheme, raw, params, defects=defects))
    return found


def parse_auth_params(value: str) -> tuple[AuthParam, ...]:
    """Parse the bare parameters of Authentication-Info (RFC 7616 3.5): no scheme before them."""
    return _Reader(value, several=False).section(bare=True)[1]
