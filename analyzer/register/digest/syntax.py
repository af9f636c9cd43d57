"""Where an authentication header leaves the grammar (RFC 3261 25.1: credentials, challenge; RFC 7616 3.3, 3.4).

Readers cope with most of it, each in its own way; a strict one refuses the request, or misses a parameter. What an
extension may add is no deviation: unknown parameters are ignored (RFC 7616 3.3), other schemes have other grammars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from analyzer.defect import Defect
from analyzer.sip.auth import AuthValue, Credentials
from analyzer.sip.auth_headers import HEADER_NAMES
from analyzer.sip.auth_recovery import NEEDED
from analyzer.sip.text import clip

Kind = Literal[
    "malformed",
    "lost-value",
    "no-comma",
    "dup-param",
    "trailing-comma",
    "unquoted",
    "quoted",
    "combined",
    "both-usernames",
]
_TOKENS = ("algorithm", "qop", "nc")
"""Parameters of credentials that are no quoted strings (RFC 7616 3.4)."""
_TOKENS_OF_CHALLENGES = ("algorithm", "stale")
"""Those of challenges (RFC 7616 3.3), where qop is a quoted string."""
_QUOTED = ("uri", "username", "realm", "nonce", "response", "cnonce", "opaque")


class Deviation(NamedTuple):
    """One deviation; `name` is the parameter that it is about, if it is one, `text` a sentence about the header."""

    kind: Kind
    text: str
    name: str = ""


NO_DEVIATIONS: tuple[Deviation, ...] = ()


def is_suspicious(value: AuthValue) -> bool:
    """Whether there may be deviations in a value; of nearly all, one look tells that there are none."""
    raw = value.raw
    if not value.is_plain or 'algorithm="' in raw:
        return True
    return 'qop="' in raw or 'nc="' in raw if isinstance(value, Credentials) else 'stale="' in raw


def deviations(value: AuthValue) -> tuple[Deviation, ...]:
    """How one value leaves the grammar of a Digest; nothing for nearly all, which takes one look."""
    if not is_suspicious(value) or (value.scheme and not value.is_digest):
        return NO_DEVIATIONS
    return tuple(_found(value, _TOKENS if isinstance(value, Credentials) else _TOKENS_OF_CHALLENGES))


def _found(value: AuthValue, tokens: Sequence[str]) -> Iterator[Deviation]:
    defects = {defect.code: defect for defect in value.defects}
    yield from _malformed(value, defects)
    for code, kind in (("missing-comma", "no-comma"), ("duplicate-parameter", "dup-param")):
        if code in defects:
            yield Deviation(kind, defects[code].text)  # type: ignore[arg-type]
    if "empty-list-element" in defects:
        yield Deviation("trailing-comma", defects["empty-list-element"].text)
    if "unquoted-value" in defects:
        bare = {param.name.lower() for param in value.params if not param.quoted}
        names = [name for name in _QUOTED if name in bare] or ["qop"]
        what = "is no quoted string" if len(names) == 1 else "are no quoted strings"
        yield Deviation("unquoted", f"{', '.join(names)} {what}", names[0])
    quoted = [name for name in tokens if value.is_quoted(name)]
    if quoted:
        verb = "is a quoted string" if len(quoted) == 1 else "are quoted strings"
        yield Deviation("quoted", f"{', '.join(quoted)} {verb}", "qop" if "qop" in quoted else quoted[0])
    if isinstance(value, Credentials) and value.get("username") is not None and value.get("username*") is not None:
        yield Deviation("both-usernames", "there is a username and a username* (RFC 7616 3.4)")


def _malformed(value: AuthValue, defects: dict[str, Defect]) -> Iterator[Deviation]:
    """Quotes that do not close, words that are no parameter: whether it costs a value that is needed is told apart."""
    found = next(
        (code for code in ("broken-value", "cut-value", "auth-junk", "bad-auth-scheme") if code in defects), ""
    )
    if found == "auth-junk" and defects[found].text.lower().startswith("'digest'"):
        yield Deviation("combined", "two values stand in one row")
    elif found:
        needed = NEEDED if isinstance(value, Credentials) else ("realm", "nonce")
        lost = found in ("broken-value", "cut-value") or any(value.get(name) is None for name in needed)
        yield Deviation("lost-value" if lost else "malformed", defects[found].text)


def combined(rows: Sequence[str], values: Sequence[AuthValue]) -> Deviation | None:
    """Several values in one header row, which RFC 3261 7.3.1 forbids for these headers; `rows` as they stood."""
    if len(values) <= len(rows):
        return None
    return Deviation("combined", f"{len(values)} values stand in {len(rows)} row{'s'[: len(rows) > 1]}")


def named(value: AuthValue) -> str:
    """The header and whose it is: `the Authorization header of u`, `the WWW-Authenticate header for realm r`."""
    header = HEADER_NAMES.get(value.header, value.header)
    if isinstance(value, Credentials):
        return f"the {header} header" + (f" of {clip(value.username)}" if value.username else "")
    return f"the {header} header" + (f" for realm {clip(value.realm)}" if value.realm else "")
