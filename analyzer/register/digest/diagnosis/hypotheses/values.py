"""Faults in the other values: method, uri, nonce, cnonce, and what middleboxes and replays make of them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.likely import placeholders
from analyzer.register.digest.diagnosis.recipe import Recipe
from analyzer.register.digest.diagnosis.uris import host_of, host_port_of, octets, user_of, with_host
from analyzer.sip.transports import SIP_PORT, SIPS_PORT

USERS = 20
"""Users seen that are tried before the host of the uri."""


def _wrong_method(recipe: Recipe, case: Case) -> Iterator[Trial]:
    sent = case.digest.method
    others = ("REGISTER", "INVITE", "SUBSCRIBE", "OPTIONS", "GET", "ACK", "BYE", "MESSAGE", "PUBLISH", "NOTIFY")
    for method in dict.fromkeys((sent.lower(), sent.capitalize(), *others, "")):
        if method != sent:
            yield Trial(recipe._replace(method=octets(method)), "computed with method {}", method)


def _uri_variant(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for uri in dict.fromkeys(_uris(case)):
        if uri != case.digest.uri:
            yield Trial(recipe._replace(uri=octets(uri)), "computed with uri {}", uri)


def _uris(case: Case) -> Iterator[str]:
    sent, seen = case.digest.uri, case.context
    others = tuple(uri for uri in (seen.request_uri, *seen.uris) if uri)
    yield from others
    yield from (text for name, text in case.digest.escaped if name == "uri")
    yield from (f"sip:{user}@{host_of(sent)}" for user in (case.digest.username, *seen.users[:USERS]))
    for uri in dict.fromkeys((sent, *others)):
        yield from _forms(uri)


def _forms(uri: str) -> Iterator[str]:
    """One URI in the forms that stacks confuse: ports, parameters, scheme, parts, brackets, case, loose ends."""
    bare = re.split("[;?]", uri, maxsplit=1)[0]
    host, port = host_of(uri), host_port_of(uri)
    yield from (bare, with_host(uri, host), with_host(bare, host), with_host(uri, f"{host}:{SIP_PORT}"))
    yield from (with_host(uri, f"{host}:{SIPS_PORT}"), with_host(bare, f"{host}:{SIP_PORT}"))
    yield from (f"{uri};transport={name}" for name in ("udp", "UDP", "tcp", "TCP", "tls", "TLS"))
    yield from (f"{bare};transport={name}" for name in ("udp", "tcp", "tls"))
    yield from (f"{uri};lr", uri.replace(";lr", ""))
    if uri.startswith("sips:"):
        yield "sip:" + uri[5:]
    elif uri.startswith("sip:"):
        yield "sips:" + uri[4:]
    yield from (f"sip:{port}", f"sip:{host}", host, port, uri.partition(":")[2], f"<{uri}>", uri.lower(), uri.upper())
    yield from (f"{uri};", f"{uri} ", f" {uri}", user_of(uri), f"sip:{user_of(uri)}@{host}")


def _nonce_variant(recipe: Recipe, case: Case) -> Iterator[Trial]:
    sent = recipe.nonce
    for nonce in case.context.nonces:
        yield Trial(_with_nonce(recipe, octets(nonce)), "computed with another nonce of the session, {}", nonce)
    escaped = [octets(text) for name, text in case.digest.escaped if name == "nonce"]
    forms = [
        *escaped,
        _decoded(sent),
        sent.rstrip(b"="),
        sent[:32],
        sent[:64],
        sent.upper(),
        sent.lower(),
        sent.strip(),
    ]
    for form in dict.fromkeys(forms):
        if form != sent:
            yield Trial(_with_nonce(recipe, form), "computed with the nonce in another form")


def _with_nonce(recipe: Recipe, nonce: bytes) -> Recipe:
    """A -sess HA1 made with the nonce sent follows it."""
    follows = recipe.session_nonce == recipe.nonce
    return recipe._replace(nonce=nonce, session_nonce=nonce if follows else recipe.session_nonce)


def _decoded(nonce: bytes) -> bytes:
    try:
        return base64.b64decode(nonce.rstrip(b"=") + b"=" * (-len(nonce.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        return nonce


def _cnonce_variant(recipe: Recipe, case: Case) -> Iterator[Trial]:
    first = (case.context.first or ("", ""))[1]
    forms = [(b"", "an empty cnonce"), (octets(first), "the cnonce of the session's first request")]
    forms += [(b'"%s"' % recipe.cnonce, "the quotes around cnonce hashed"), (recipe.nonce, "nonce used as cnonce")]
    forms += [(octets(text), "the cnonce still escaped") for name, text in case.digest.escaped if name == "cnonce"]
    forms += [(recipe.cnonce.lower(), "cnonce in lower case"), (recipe.cnonce.upper(), "cnonce in upper case")]
    for form, name in forms:
        if form != recipe.cnonce:
            follows = recipe.session_cnonce == recipe.cnonce
            session = form if follows else recipe.session_cnonce
            yield Trial(recipe._replace(cnonce=form, session_cnonce=session), f"computed with {name}")
    for word in placeholders(case.digest.cnonce):
        changed = recipe._replace(cnonce=octets(word), session_cnonce=octets(word))
        yield Trial(changed, "computed with {} in place of the cnonce", word)


def _rewritten_address(recipe: Recipe, case: Case) -> Iterator[Trial]:
    # IP <-> name is tried here and not under D22: one address in the hash and another in the header is an ALG's mark
    sent = case.digest.uri
    for place in dict.fromkeys(case.context.hosts):
        host = host_of(f"sip:{place}")
        realm = octets(host) if recipe.realm == octets(host_of(sent)) else recipe.realm
        for uri in dict.fromkeys(
            (with_host(sent, place), with_host(sent, host), with_host(sent, f"{host}:{SIP_PORT}"))
        ):
            text = "computed with another address, which was rewritten on the way: uri {}"
            for name in dict.fromkeys((recipe.realm, realm, octets(host), octets(place))):
                yield Trial(recipe._replace(uri=octets(uri), realm=name), text, uri)


def _other_request(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for method, uri in case.context.others:
        text = "computed for another request of the same client, {}"
        yield Trial(recipe._replace(method=octets(method), uri=octets(uri)), text, f"{method} {uri}")


HYPOTHESES = (
    Hypothesis("D21", "wrong method", _wrong_method),
    Hypothesis("D22", "uri variant", _uri_variant),
    Hypothesis("D23", "nonce variant", _nonce_variant),
    Hypothesis("D24", "cnonce variant", _cnonce_variant),
    Hypothesis("D32", "address rewritten after hashing", _rewritten_address),
    Hypothesis("D34", "credentials of another method or body replayed", _other_request),
)
