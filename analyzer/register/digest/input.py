"""What the digest arithmetic takes from a header: the values of one credentials, with the request's method and body."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from analyzer.sip.auth import Credentials


class DigestInput(NamedTuple):
    """What one Authorization or Proxy-Authorization header says, with the request's method and body.

    Texts are decoded as UTF-8 with surrogateescape, without quotes, quoted-pairs resolved; absent parameters are empty.
    `escaped` holds (parameter, text between the quotes) for the values that had quoted-pairs. `auts` is that
    of RFC 3310 3.4, `body` what Content-Length delimits. `damage` says, as a sentence, what is known to be cut off the
    header or the body: then a response that does not match proves nothing. `malformed` says what is wrong with the
    header's syntax, as far as that may cost a reader a value; `is_void`: nonce and response are there, and empty.
    """

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = ""
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    opaque: str = ""
    method: str = "REGISTER"
    body: bytes = b""
    userhash: bool = False
    auts: str = ""
    scheme: str = "Digest"
    escaped: tuple[tuple[str, str], ...] = ()
    damage: str = ""
    malformed: str = ""
    is_void: bool = False

    def still_escaped(self) -> DigestInput | None:
        """The same with the text between the quotes as it stood, or None where nothing was escaped."""
        return self._replace(escaped=(), **dict(self.escaped)) if self.escaped else None  # type: ignore[arg-type]


_DAMAGES = ("cut-value", "broken-value")
"""Defects of credentials after which a value may be another than the one that was hashed."""
_HASHED = frozenset(("username", "realm", "nonce", "uri", "nc", "cnonce", "qop", "opaque"))


def from_credentials(credentials: Credentials, method: str, body: bytes = b"") -> DigestInput:
    """What the arithmetic needs of a header value, with the method and body of its request."""
    names = ("realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque", "auts")
    values = {name: credentials.get(name) or "" for name in names}
    escaped = tuple(
        (param.name.lower(), param.raw.partition('"')[2].removesuffix('"'))
        for param in credentials.params
        if param.quoted and "\\" in param.raw and param.name.lower() in _HASHED
    )
    cut = next((defect.text for defect in credentials.defects if defect.code in _DAMAGES), "")
    username = credentials.get("username")
    if username is None:
        username = _extended(credentials.get("username*") or "")
    return DigestInput(
        username,
        **values,
        method=method,
        body=body,
        userhash=credentials.userhash,
        scheme=credentials.scheme,
        escaped=escaped,
        damage=cut,
        malformed=credentials.malformed,
        is_void=credentials.is_void,
    )


def left_out(digest: DigestInput, qop_asked: bool | None) -> tuple[str, ...]:
    """The values that a response with qop hashes (RFC 7616 3.4.1) and that were not sent: then nobody can compute it.

    Empty where all that may have been hashed is there. Whether the formula with qop was used: where it was sent, and
    where it was asked for (`qop_asked`, None: its challenge was not seen), or what goes with it was sent. A `-sess`
    algorithm hashes a cnonce in any case (3.4.2).
    """
    beside = qop_asked is not False and bool(digest.nc or digest.cnonce)
    if digest.qop or qop_asked or beside:
        values = {"qop": digest.qop, "nc": digest.nc, "cnonce": digest.cnonce}
        missing = tuple(name for name, value in values.items() if not value)
        return missing if missing != ("qop",) else ()  # one of two words, both of which are tried
    session = digest.algorithm.strip().lower().endswith("-sess")
    return ("cnonce",) if session and not digest.cnonce else ()


def _extended(value: str) -> str:
    """`username*` of RFC 7616 3.4 in the form of RFC 5987: UTF-8'language'percent-encoded."""
    charset, mark, rest = value.partition("'")
    return unquote(rest.partition("'")[2], errors="surrogateescape") if mark and charset.upper() == "UTF-8" else value


def clip(value: str, length: int = 80) -> str:
    """A wire value for a sentence, the middle of a long one left out. Views escape what is hostile in it."""
    return value if len(value) <= length else f"{value[: length - 13]}...{value[-10:]}"
