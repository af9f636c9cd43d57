"""SIP and SIPS URIs (RFC 3261 19.1), their comparison (19.1.4), and the address-of-record (10.3 step 5).

    sip:user:password@host:port;uri-parameters?headers

The `@` ends the userinfo, whatever stands before it: `;`, `?` and `/` are legal in a user part (RFC 4475 3.1.1.2).
Equality is no equivalence: `sip:c@h;x=1` equals `sip:c@h` equals `sip:c@h;x=2`, yet the first does not equal the last.
So `uri_equal` is a predicate over pairs and there is no canonical key; only the address-of-record has one.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip import grammar
from analyzer.sip.grammar import LWS
from analyzer.sip.params import NO_PARAMS, Params, parse_uri_params
from analyzer.sip.text import clip, unescape
from analyzer.sip.transports import SIP_PORT, SIPS_PORT

SIP_SCHEMES = frozenset(("sip", "sips"))
# A parameter in one URI only: these never match (RFC 3261 19.1.4); `transport` by the default-value sentence there,
# against the bullet that says ignored: the RFC's own example decides.
_ONE_SIDED = frozenset(("transport", "user", "ttl", "method", "maddr"))

_SCHEME = re.compile(grammar.SCHEME)
_USER = re.compile(f"{grammar.USER_CHARACTER}++")
_PASSWORD = re.compile(f"{grammar.PASSWORD_CHARACTER}*+")
_HOST = re.compile(f"{grammar.HOST_CHARACTER}++")
# A URI that needs no second look, as nearly all are: no password, no escapes, no headers, nothing malformed, at most
# one parameter.
_COMMON_FORM = re.compile(
    rf"(sips?):(?:({grammar.PLAIN_USER_CHARACTER}++)@)?({grammar.HOST_CHARACTER}++)(?::({grammar.PLAIN_PORT}))?"
    r"(|;[A-Za-z0-9\-.=]++)"
)
_IPV6 = re.compile(f"{grammar.IPV6_CHARACTER}++")
_ILLEGAL = re.compile(r'[\x00-\x20\x7f"<>]')
_BAD_ESCAPE = re.compile(f"%(?!{grammar.LHEX}{{2}})")
_ESCAPED = re.compile(f"%({grammar.LHEX}{{2}})")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()")
_CACHED_LENGTH = 200


@dataclass(slots=True, unsafe_hash=True)
class Uri:
    """One URI. Parts are as written, not unescaped; `host` has no IPv6 brackets; other schemes fill only `opaque`.

    `user` None means no `@`; `headers` is what follows `?`; `defects` hold at most one per code.
    """

    text: str
    scheme: str
    user: str | None = None
    password: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = NO_PARAMS
    headers: str = ""
    opaque: str = ""
    defects: tuple[Defect, ...] = ()
    _aor: str | None = field(default=None, init=False, repr=False, compare=False)

    @staticmethod
    def parse(text: str) -> Uri:
        """Parse a URI that stands alone (no brackets around it). Never raises: what is malformed is in `defects`."""
        # Clients repeat themselves: a storm has few different URIs. Long ones stay out, so the cache stays small.
        return _cached(text) if len(text) <= _CACHED_LENGTH else _parse(text)

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is sip or sips."""
        return self.scheme in SIP_SCHEMES

    def __str__(self) -> str:
        return visible(self.text)


def _parse(text: str) -> Uri:
    plain = _COMMON_FORM.fullmatch(text)
    if plain is not None:
        scheme, user, host, port, params = plain.groups()
        return Uri(text, scheme, user, None, host, int(port) if port else None, parse_uri_params(params[1:]))
    return _parse_any(text)


def _parse_any(text: str) -> Uri:
    defects: dict[str, Defect] = {}
    if _ILLEGAL.search(text):
        _note(defects, "bad-uri", f"blank, control character, quote or bracket inside the URI {clip(text)!r}")
    trimmed = text.strip(LWS)
    scheme, colon, rest = trimmed.partition(":")
    lower = scheme.lower()
    if lower not in SIP_SCHEMES:
        if not colon or not _SCHEME.fullmatch(scheme):
            _note(defects, "bad-uri", f"{clip(text)!r} has no scheme")
            return Uri(text, "", opaque=trimmed, defects=tuple(defects.values()))
        return Uri(text, lower, opaque=rest, defects=tuple(defects.values()))
    if "%" in rest and _BAD_ESCAPE.search(rest):
        _note(defects, "bad-escape", f"a % that no two hexadecimal digits follow: {clip(text)!r}")
    user, password, rest = _userinfo(rest, defects)
    rest, _, headers = rest.partition("?")
    hostport, _, params = rest.partition(";")
    host, port = _hostport(hostport.strip(LWS), defects)
    parsed = parse_uri_params(params)
    for defect in parsed.defects:
        defects.setdefault(defect.code, defect)
    return Uri(text, lower, user, password, host, port, parsed, headers, "", tuple(defects.values()))


_cached = lru_cache(maxsize=4096)(_parse)


def _note(defects: dict[str, Defect], code: str, sentence: str) -> None:
    defects.setdefault(code, Defect(code, sentence))


def _userinfo(rest: str, defects: dict[str, Defect]) -> tuple[str | None, str | None, str]:
    at = rest.find("@")
    if at < 0:
        return None, None, rest
    # A second "@" before parameters and headers: somebody did not escape the user part (alice@realm@host).
    authority = re.split("[;?]", rest[at + 1 :], maxsplit=1)[0]
    if (second := authority.rfind("@")) >= 0:
        at += 1 + second
        _note(defects, "bad-userinfo", f"an @ in the user part is not escaped: {clip(rest)!r}")
    user, colon, password = rest[:at].partition(":")
    if not _USER.fullmatch(user) or not _PASSWORD.fullmatch(password):
        _note(defects, "bad-userinfo", f"the user part {clip(rest[:at])!r} is empty or has characters to be escaped")
    return user, password if colon else None, rest[at + 1 :]


def _hostport(hostport: str, defects: dict[str, Defect]) -> tuple[str, int | None]:
    host, port = split_hostport(hostport)
    legal = _IPV6 if hostport.startswith("[") and "]" in hostport else _HOST
    if not legal.fullmatch(host):
        _note(defects, "bad-host", f"{clip(host)!r} is no host name and no address")
    if port is None:
        return host, None
    number = port_number(port)
    if number is None:
        _note(defects, "bad-port", f"{clip(port)!r} is no port")
    return host, number


def split_hostport(hostport: str) -> tuple[str, str | None]:
    """Cut `host`, `host:port`, `[v6]:port` into host (no brackets) and port text. A bare IPv6 address has no port."""
    if hostport.startswith("[") and (end := hostport.find("]")) > 0:
        tail = hostport[end + 1 :].strip(LWS)
        return hostport[1:end], (tail[1:].strip(LWS) if tail.startswith(":") else tail) if tail else None
    if hostport.count(":") > 1:
        return hostport, None
    host, colon, port = hostport.partition(":")
    return host.strip(LWS), port.strip(LWS) if colon else None


def port_number(port: str) -> int | None:
    """The port that the digits spell, or None (RFC 3261 25.1: 1*DIGIT, and no more than 65535)."""
    digits = port.lstrip("0") or port[:1]
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 5 or int(digits) > 65535:
        return None
    return int(digits)


def canonical_host(host: str) -> str:
    """Lower-case host name, or the one spelling of an IPv6 address (RFC 5954 4.2: compared as numbers)."""
    if ":" in host and len(host) <= 45:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            pass
    return host.lower()


def _canonical_escapes(part: str) -> str:
    """Resolve escapes of unreserved characters only; %2f and %2F are one (RFC 3261 19.1.4, 19.1.2)."""
    if "%" not in part:
        return part
    return _ESCAPED.sub(_canonical_escape, part)


def _canonical_escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def uri_equal(a: Uri, b: Uri) -> bool:
    """Compare two URIs by RFC 3261 19.1.4. Symmetric and not transitive. Other schemes: same scheme, same text."""
    if a.scheme != b.scheme:
        return False
    if not a.is_sip:
        return a.opaque == b.opaque
    if a.text == b.text:
        return True
    return (
        _userinfo_key(a) == _userinfo_key(b)
        and a.port == b.port  # an omitted port does not match the explicit default
        and not (_unreadable_port(a) or _unreadable_port(b))
        and canonical_host(_canonical_escapes(a.host)) == canonical_host(_canonical_escapes(b.host))
        and _params_equal(a.params, b.params)
        and _header_components(a.headers) == _header_components(b.headers)
    )


def _unreadable_port(uri: Uri) -> bool:
    return any(defect.code == "bad-port" for defect in uri.defects)


def _userinfo_key(uri: Uri) -> tuple[str | None, str | None]:
    """Userinfo is compared case-sensitively; no user is not the empty user."""
    user = None if uri.user is None else _canonical_escapes(uri.user)
    return user, None if uri.password is None else _canonical_escapes(uri.password)


def _params_equal(a: Params, b: Params) -> bool:
    if not a and not b:
        return True
    left, right = _comparable(a), _comparable(b)
    if any((name in left) != (name in right) for name in _ONE_SIDED):
        return False
    return all(left[name] == right[name] for name in left.keys() & right.keys())


def _comparable(params: Params) -> dict[str, str]:
    return {_canonical_escapes(n).lower(): _canonical_escapes(v or "").lower() for n, v in params.items()}


def _header_components(headers: str) -> list[tuple[str, str]]:
    """Header components are never ignored; their order has no meaning."""
    if not headers:
        return []
    pairs = (component.partition("=") for component in headers.split("&"))
    return sorted((_canonical_escapes(n).lower(), _canonical_escapes(v).lower()) for n, _, v in pairs)


def aor(uri: Uri) -> str:
    """The canonical address-of-record: `sip:user@host` (RFC 3261 10.3 step 5; rules 1.7).

    Parameters, headers and password go, escapes are resolved, the host is lower-case, sips reads as sip. A port has
    no place in an AOR (19.1.1 table 1): the default ones are dropped, another one names another domain and stays.
    """
    known = uri._aor
    if known is None:  # it is asked for with each message of a client, and equal URIs are one object
        known = uri._aor = _aor(uri)
    return known


def _aor(uri: Uri) -> str:
    if not uri.is_sip:
        return f"{uri.scheme}:{uri.opaque}" if uri.scheme else uri.opaque
    user = "" if uri.user is None else unescape(uri.user) + "@"
    host = canonical_host(uri.host)
    shown = f"[{host}]" if ":" in host else host
    port = "" if uri.port in (None, SIP_PORT, SIPS_PORT) else f":{uri.port}"
    return f"sip:{user}{shown}{port}"


def same_aor(a: Uri, b: Uri) -> bool:
    """Whether two URIs name the same address-of-record."""
    return aor(a) == aor(b)
