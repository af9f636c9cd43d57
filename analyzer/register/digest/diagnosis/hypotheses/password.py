"""Faults in the password: another form of it, a piece of it, another one. No text names more than the form."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import quote_from_bytes, unquote_to_bytes

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import HASHES, Recipe
from analyzer.register.digest.diagnosis.uris import octets
from analyzer.sip.grammar import DIGEST

_HEX = re.compile(DIGEST.encode())
_LONGEST = 128
MOST_OTHERS = 400
"""Secrets of other accounts that are tried for one response, the first that were given."""


def _passwords(recipe: Recipe, forms: Iterator[tuple[bytes, str]] | list[tuple[bytes, str]]) -> Iterator[Trial]:
    """A trial per form of the password; none where only an HA1 is known."""
    if recipe.stored:
        return
    for password, text in forms:
        if password != recipe.password:
            yield Trial(recipe._replace(password=password), f"computed with {text}")


def _secret_is_ha1(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if not recipe.stored and _HEX.fullmatch(recipe.password):
        text = "right, if the secret given is an HA1 and not a password"
        yield Trial(recipe._replace(stored=recipe.password.lower()), text)


def _ha1_as_password(recipe: Recipe, case: Case) -> Iterator[Trial]:
    hashed = HASHES[recipe.hash_name]
    if recipe.stored:
        text = "computed with the HA1 used as the password"
        yield Trial(recipe._replace(password=recipe.stored, stored=b""), text)
        return
    stored = hashed(b":".join((recipe.username, recipe.realm, recipe.password))).hex().encode()
    yield Trial(recipe._replace(password=stored), "computed with the HA1 used as the password")
    bare = hashed(recipe.password).hex().encode()
    yield Trial(recipe._replace(password=bare), "computed with the hash of the password used as the password")
    for realm in dict.fromkeys(case.context.realms):
        stored = hashed(b":".join((recipe.username, octets(realm), recipe.password))).hex().encode()
        yield Trial(recipe._replace(stored=stored), "computed with the HA1 of another realm, {}", realm)


def _stray_end(recipe: Recipe, case: Case) -> Iterator[Trial]:
    ends = (
        (b"\n", "a line feed"),
        (b"\r\n", "CR LF"),
        (b"\r", "a carriage return"),
        (b" ", "a space"),
        (b"\t", "a tab"),
    )
    password = recipe.password
    forms = [(password + end, f"{name} after the password") for end, name in (*ends, (b"\0", "a NUL"))]
    forms.append((b"\xef\xbb\xbf" + password, "a byte order mark before the password"))
    forms.append((password.strip(), "the blanks around the password cut off"))
    yield from _passwords(recipe, forms)


def _truncated(recipe: Recipe, case: Case) -> Iterator[Trial]:
    password = recipe.password
    first = [k for k in (8, 12, 15, 16, 20, 32) if k < len(password)]
    lengths = dict.fromkeys([*first, *range(1, min(len(password), _LONGEST))])
    forms = [(password[:k], f"the password cut to {k} octets") for k in lengths]
    for mark, name in _MARKS:
        if mark in password:
            forms.append((password.partition(mark)[0], f"the password cut at its first {name}"))
    # A cut at a mark is the same password as a cut at its place, and says more: so it goes first.
    yield from _passwords(recipe, forms[len(lengths) :] + forms[: len(lengths)])


_MARKS = (
    (b";", "semicolon"),
    (b"#", "number sign"),
    (b'"', "double quote"),
    (b"'", "single quote"),
    (b"&", "ampersand"),
    (b"%", "percent sign"),
    (b"@", "at sign"),
    (b":", "colon"),
    (b" ", "space"),
)


def _escapes(recipe: Recipe, case: Case) -> Iterator[Trial]:
    password = recipe.password
    text = password.decode("utf-8", "surrogateescape")
    forms = [
        (quote_from_bytes(password, safe="").encode(), "the password percent-encoded"),
        (quote_from_bytes(password, safe="").lower().encode(), "the password percent-encoded in lower case"),
        (unquote_to_bytes(password), "the password percent-decoded"),
        (octets(html.escape(text, quote=False)), "the password escaped as XML"),
        (octets(html.escape(text).replace("&#x27;", "&apos;")), "the password escaped as XML"),
        (octets(html.escape(text).replace("&#x27;", "&#39;")), "the password escaped as HTML"),
        (octets(html.unescape(text)), "the password unescaped from XML"),
        (re.sub(rb"\\(.)", rb"\1", password, flags=re.S), "the backslashes in the password removed"),
        (password.replace(b"\\", b"\\\\"), "the backslashes in the password doubled"),
        (re.sub(rb'(["\\])', rb"\\\1", password), "the password escaped as a quoted string"),
        (re.sub(rb"([;#$&!'\"` ])", rb"\\\1", password), "the password escaped for a shell or a configuration file"),
        (password.replace(b"+", b" "), "the plus signs in the password turned into spaces"),
        (password.replace(b" ", b"+"), "the spaces in the password turned into plus signs"),
        (b'"%s"' % password, "quotes around the password"),
    ]
    yield from _passwords(recipe, forms)


def _letter_case(recipe: Recipe, case: Case) -> Iterator[Trial]:
    password = recipe.password
    forms = [
        (password.lower(), "the password in lower case"),
        (password.upper(), "the password in upper case"),
        (password.swapcase(), "upper and lower case swapped in the password"),
        (password.capitalize(), "the first letter of the password alone in upper case"),
        (password[:1].swapcase() + password[1:], "the case of the first letter of the password swapped"),
    ]
    yield from _passwords(recipe, forms)


def _character_set(recipe: Recipe, case: Case) -> Iterator[Trial]:
    names = ("username", "realm", "password")
    for title, convert in _CONVERSIONS:
        changed = {name: convert(getattr(recipe, name)) for name in names}
        text = f"computed with the texts in {title}"
        yield Trial(recipe._replace(**changed), text)  # type: ignore[arg-type]
        for name in names:
            yield Trial(recipe._replace(**{name: changed[name]}), f"computed with the {name} in {title}")  # type: ignore[arg-type]


def _recoded(source: str, target: str) -> Callable[[bytes], bytes]:
    def convert(value: bytes) -> bytes:
        try:
            return value.decode(source).encode(target)
        except UnicodeError:
            return value

    return convert


def _normal(form: str) -> Callable[[bytes], bytes]:
    def convert(value: bytes) -> bytes:
        try:
            text = value.decode()
        except UnicodeError:
            return value
        return unicodedata.normalize("NFC" if form == "NFC" else "NFD", text).encode()

    return convert


_CONVERSIONS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("Latin-1", _recoded("utf-8", "latin-1")),
    ("Windows-1252", _recoded("utf-8", "cp1252")),
    ("UTF-8 made twice", _recoded("latin-1", "utf-8")),
    ("UTF-16LE", _recoded("utf-8", "utf-16-le")),
    ("Unicode NFC", _normal("NFC")),
    ("Unicode NFD", _normal("NFD")),
)


def _default_password(recipe: Recipe, case: Case) -> Iterator[Trial]:
    user = recipe.username
    forms = [(b"", "an empty password"), (user, "the user name as the password")]
    forms.append((user[::-1], "the user name reversed as the password"))
    forms += [(word, "a common default password") for word in _DEFAULTS]
    forms += [(user + word, "the user name with a common ending as the password") for word in (b"123", b"1234")]
    if recipe.stored:  # an HA1 is known: the client's own password may be a default all the same
        recipe = recipe._replace(stored=b"", password=b"\0" + recipe.stored)
    yield from _passwords(recipe, forms)


_DEFAULTS = tuple(b"1234 0000 1111 12345 123456 12345678 password secret admin changeme test asterisk voip sip".split())


def _other_account(recipe: Recipe, case: Case) -> Iterator[Trial]:
    text = "computed with the secret of another account, user {}"
    for other in islice(case.secrets, MOST_OTHERS):
        if other is case.secret or other.same_as(case.secret):
            continue
        stored, password = (other.reveal(), b"") if other.is_ha1 else (b"", other.reveal())
        named = text if other.username != case.digest.username else "computed with another secret of the same user, {}"
        yield Trial(recipe._replace(stored=stored, password=password), named, other.username or "any")


HYPOTHESES = (
    Hypothesis("D08", "secret given is already HA1", _secret_is_ha1, cheap=True, keeps_password=False),
    Hypothesis("D09", "HA1 used as password", _ha1_as_password, keeps_password=False),
    Hypothesis("D12", "password with a stray end, or stripped", _stray_end, cheap=True, keeps_password=False),
    Hypothesis("D13", "password truncated", _truncated, keeps_password=False),
    Hypothesis("D14", "password escaped or unescaped", _escapes, keeps_password=False),
    Hypothesis("D15", "password case", _letter_case, keeps_password=False),
    Hypothesis("D16", "character set", _character_set, cheap=True),
    Hypothesis("D28", "empty or default password", _default_password, keeps_password=False),
    Hypothesis("D29", "other account's secret", _other_account, keeps_password=False),
)
