"""Faults in who and where: realm, user name, quotes and escapes around them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import HASH_TITLES, HASHES, Recipe
from analyzer.register.digest.diagnosis.uris import host_of, octets, user_of


def _wrong_realm(recipe: Recipe, case: Case) -> Iterator[Trial]:
    realm = recipe.realm
    uris = (*case.context.uris, case.context.request_uri, case.digest.uri)
    escaped = [octets(text) for name, text in case.digest.escaped if name == "realm"]
    candidates = [
        *(octets(other) for other in case.context.realms),
        *(octets(host_of(uri)) for uri in uris),
        *escaped,
        octets(case.secret.realm),
        b"asterisk",
        b"",
        realm.lower(),
        realm.strip(),
    ]
    for other in dict.fromkeys(candidates):
        if other != realm:
            yield Trial(recipe._replace(realm=other), "computed with realm {}", other)


def _quotes_kept(recipe: Recipe, case: Case) -> Iterator[Trial]:
    names = ("username", "realm", "nonce", "uri", "cnonce")
    quoted = {name: b'"%s"' % getattr(recipe, name) for name in names}
    for name in names:
        changed = recipe._replace(**{name: quoted[name]})  # type: ignore[arg-type]
        yield Trial(changed, f"computed with the quotes around {name} hashed")
    yield Trial(recipe._replace(**quoted), "computed with the quotes around every value hashed")  # type: ignore[arg-type]
    three = {name: quoted[name] for name in ("username", "realm")}
    yield Trial(recipe._replace(**three), "computed with the quotes around username and realm hashed")  # type: ignore[arg-type]


def _username_variant(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for name in dict.fromkeys(_usernames(recipe, case)):
        if name != recipe.username:
            yield Trial(recipe._replace(username=name), "computed with user name {}", name)


def _usernames(recipe: Recipe, case: Case) -> Iterator[bytes]:
    sent = recipe.username
    bare = sent.removeprefix(b"sip:").removeprefix(b"sips:").partition(b"@")[0]
    hosts = dict.fromkeys(
        octets(host_of(uri)) for uri in (*case.context.uris, case.context.request_uri, case.digest.uri)
    )
    domains = [domain for domain in dict.fromkeys((recipe.realm, *hosts)) if domain]
    yield from (sent + b"@" + domain for domain in domains)
    yield from (b"sip:" + sent + b"@" + domain for domain in domains)
    yield bare
    yield from (octets(user) for user in case.context.users)
    yield from (octets(user_of(uri)) for uri in case.context.uris)
    yield sent[1:] if sent.startswith(b"+") else b"+" + sent
    yield from (sent.lower(), sent.upper(), sent.strip(), sent.rpartition(b"\\")[2])
    yield from (domain + b"\\" + sent for domain in domains)
    yield from (octets(text) for name, text in case.digest.escaped if name == "username")


def _username_escapes(recipe: Recipe, case: Case) -> Iterator[Trial]:
    decoded = unquote_to_bytes(recipe.username)
    if decoded != recipe.username:
        yield Trial(recipe._replace(username=decoded), "computed with the user name percent-decoded, {}", decoded)
    encoded = quote_from_bytes(recipe.username, safe="").encode()
    for form in dict.fromkeys((encoded, encoded.lower(), quote_from_bytes(recipe.username, safe="@:;=+$,/").encode())):
        if form != recipe.username:
            yield Trial(recipe._replace(username=form), "computed with the user name percent-encoded, {}", form)


def _hashed_username(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for name in dict.fromkeys((recipe.hash_name, *HASHES)):
        hashed = HASHES[name](recipe.username + b":" + recipe.realm).hex().encode()
        text = f"computed with the hashed user name ({HASH_TITLES[name]}) inside HA1"
        yield Trial(recipe._replace(username=hashed), text)


HYPOTHESES = (
    Hypothesis("D06", "wrong realm", _wrong_realm),
    Hypothesis("D07", "quotes kept", _quotes_kept),
    Hypothesis("D10", "user name variant", _username_variant, cheap=True),
    Hypothesis("D11", "URL-escaped or unescaped user name", _username_escapes),
    Hypothesis("D30", "userhash", _hashed_username),
)
