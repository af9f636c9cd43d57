"""Digest arithmetic: from a secret and the values in the credentials to the response, and whether the one sent is it.

RFC 7616 3.4.1-3.4.3, RFC 8760, RFC 3261 22.4, with H the hash in lower-case hex and `:` a literal colon:

    HA1      = H(username:realm:password)               -sess:    HA1 = H(H(username:realm:password):nonce:cnonce)
    HA2      = H(method:uri)                            auth-int: HA2 = H(method:uri:H(body))
    response = H(HA1:nonce:nc:cnonce:qop:HA2)           no qop (RFC 2069): H(HA1:nonce:HA2)

Everything hashed is taken from the credentials as sent (nine-digit nc, odd qop), never from what they should have been.
Where the standards can be read in two ways, both readings match, and the reason says which one did:
- quoted-pair: unq(X) is "the value of the quoted-string X without the surrounding quotes" (RFC 7616 3.4.2 after RFC
  2617). The value is the unescaped one (RFC 7230 3.2.6) and tried first; many SIP stacks cut the quotes off, hash the
  rest as it stands and agree with one another, so the still escaped form of all values is tried next. A mixture of
  both is a mismatch with its diagnosis.
- -sess: with this request's nonce and cnonce (RFC 7616 3.4.2), or those of the session's first request (RFC 2617
  3.2.2.2).
SHA-512-256 is SHA-512/256 (FIPS 180-4), not SHA-512 cut short, which RFC 7616 3.9.2 prints (erratum 4897): that is D20.

This module, and the hypotheses on top of it, are the only places where a secret is opened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import Secret, secret_octets

HashFunction = Callable[[bytes], bytes]
"""Octets to the digest of a hash, in octets."""


class Algorithm(NamedTuple):
    """A digest algorithm: token, hashlib's name of the hash, hex digits of the response, whether -sess, whether AKA."""

    token: str
    hash_name: str
    digits: int
    session: bool = False
    aka: bool = False


def _table() -> Iterator[Algorithm]:
    hashes = (("MD5", "md5", 32), ("SHA-256", "sha256", 64), ("SHA-512-256", "sha512_256", 64))
    for token, hash_name, digits in hashes:
        yield Algorithm(token, hash_name, digits)
        yield Algorithm(f"{token}-sess", hash_name, digits, session=True)
    yield Algorithm("AKAv1-MD5", "md5", 32, aka=True)  # RFC 3310 3.3: the password is RES, in octets
    yield Algorithm("AKAv2-MD5", "md5", 32, aka=True)  # RFC 4169: the password is made of RES, IK and CK


ALGORITHMS: Mapping[str, Algorithm] = {algorithm.token.lower(): algorithm for algorithm in _table()}
"""The algorithms of RFC 7616 3.4 / RFC 8760 2 and of AKA, by lower-case token (tokens compare case-insensitively)."""


def algorithm_of(token: str) -> Algorithm | None:
    """The algorithm of a token; absent means MD5 (RFC 2617 3.2.1, kept by RFC 8760 2.4); None: not one of ours."""
    return ALGORITHMS.get(token.strip().lower() or "md5")


@cache
def hash_function(hash_name: str) -> HashFunction | None:
    """The hash, or None where this Python's crypto library has it not (SHA-512/256 in some builds, MD5 in others)."""
    try:
        hashlib.new(hash_name, usedforsecurity=False)
    except ValueError:
        return None
    plain = getattr(hashlib, hash_name, None)
    if plain is not None:
        return lambda octets: bytes(plain(octets, usedforsecurity=False).digest())
    return lambda octets: hashlib.new(hash_name, octets, usedforsecurity=False).digest()


class Reading(NamedTuple):
    """A legitimate reading of the formula: the values to hash, nonce and cnonce of the -sess step, how to name it."""

    digest: DigestInput
    session: tuple[str, str]
    note: str = ""


def _hex(algorithm: Algorithm, *parts: bytes) -> bytes:
    function = hash_function(algorithm.hash_name)
    if function is None:
        raise ValueError(f"{algorithm.token} is not in this Python's crypto library")
    return function(b":".join(parts)).hex().encode()


def ha1(algorithm: Algorithm, username: str, realm: str, password: bytes) -> bytes:
    """H(username:realm:password) in lower-case hex (RFC 7616 3.4.2), without the -sess step."""
    return _hex(algorithm, secret_octets(username), secret_octets(realm), password)


def session_ha1(algorithm: Algorithm, plain: bytes, nonce: str, cnonce: str) -> bytes:
    """H(HA1:nonce:cnonce) in hex (RFC 7616 3.4.2, the `-sess` forms)."""
    return _hex(algorithm, plain, secret_octets(nonce), secret_octets(cnonce))


def ha2(algorithm: Algorithm, method: str, uri: str, qop: str = "", body: bytes = b"") -> bytes:
    """H(method:uri), with auth-int H(method:uri:H(body)), in hex (RFC 7616 3.4.3)."""
    parts = [secret_octets(method), secret_octets(uri)]
    if qop.lower() == "auth-int":
        parts.append(_hex(algorithm, body))
    return _hex(algorithm, *parts)


def response(algorithm: Algorithm, of_secret: bytes, digest: DigestInput, of_request: bytes) -> str:
    """The response in lower-case hex from HA1 and HA2, with the values sent (RFC 7616 3.4.1; no qop: RFC 2069)."""
    values = (digest.nonce, digest.nc, digest.cnonce, digest.qop) if digest.qop else (digest.nonce,)
    return _hex(algorithm, of_secret, *(secret_octets(value) for value in values), of_request).decode()


def plain_ha1(digest: DigestInput, secret: Secret, algorithm: Algorithm) -> bytes | None:
    """HA1 from a secret before the -sess step; None: an HA1 of another hash, or a secret that AKA has no use for.

    AKA's password is RES, which the SIM computes anew for every challenge (RFC 3310 3.3): octets that somebody took
    from a home network (`key`), never what a password file holds. A resynchronisation (`auts`, 3.4) is made without.
    """
    if algorithm.aka and (digest.auts or secret.kind != "key"):
        return None
    if secret.is_ha1:
        stored = secret.reveal()
        return stored if len(stored) == algorithm.digits else None
    return ha1(algorithm, digest.username, digest.realm, secret.reveal())


def readings(digest: DigestInput, first: tuple[str, str] | None = None) -> Iterator[Reading]:
    """Every legitimate reading, the most literal first; `first` is (nonce, cnonce) of the session's first request."""
    yield Reading(digest, (digest.nonce, digest.cnonce))
    raw = digest.still_escaped()
    if raw is not None:
        yield Reading(raw, (raw.nonce, raw.cnonce), "with quoted-pairs hashed as they stand between the quotes")
    algorithm = algorithm_of(digest.algorithm)
    if first is not None and algorithm is not None and algorithm.session and first != (digest.nonce, digest.cnonce):
        yield Reading(digest, first, "with the nonce and cnonce of the session's first request (RFC 2617 3.2.2.2)")


def expected(reading: Reading, secret: Secret) -> str | None:
    """The right response in lower-case hex under a reading, or None where it cannot be computed."""
    digest = reading.digest
    algorithm = algorithm_of(digest.algorithm)
    if algorithm is None or hash_function(algorithm.hash_name) is None:
        return None
    of_secret = plain_ha1(digest, secret, algorithm)
    if of_secret is None:
        return None
    if algorithm.session:
        of_secret = session_ha1(algorithm, of_secret, *reading.session)
    return response(algorithm, of_secret, digest, ha2(algorithm, digest.method, digest.uri, digest.qop, digest.body))


def matching(digest: DigestInput, secret: Secret, first: tuple[str, str] | None = None) -> Reading | None:
    """The reading under which the response sent is right, or None. Hex digits compare case-insensitively."""
    sent = digest.response.strip().lower()
    return next((reading for reading in readings(digest, first) if expected(reading, secret) == sent), None)


def verify(digest: DigestInput, secret: Secret) -> bool:
    """Whether the response is the one that this secret gives."""
    return matching(digest, secret) is not None


def response_auth(digest: DigestInput, secret: Secret, body: bytes = b"") -> str | None:
    """The `rspauth` that the server must answer with: A2 without the method, `body` its own (RFC 7616 3.5)."""
    answer = digest._replace(method="", body=body)
    return expected(Reading(answer, (answer.nonce, answer.cnonce)), secret)


def user_hash(algorithm: Algorithm, username: str, realm: str) -> str:
    """H(username:realm), what `userhash=true` sends for the user name (RFC 7616 3.4.4)."""
    return _hex(algorithm, secret_octets(username), secret_octets(realm)).decode()


def malformed(digest: DigestInput) -> str:
    """Why the response cannot be one of its algorithm at all (RFC 3261 25.1: 32LHEX; RFC 8760 2.7), or nothing."""
    algorithm = algorithm_of(digest.algorithm)
    sent = digest.response.strip()
    hexadecimal = re.fullmatch("[0-9a-fA-F]+", sent) is not None
    if algorithm is None or (hexadecimal and len(sent) == algorithm.digits):
        return ""
    count = f"{len(sent)} " + ("hex digits" if hexadecimal else "characters, not all hex digits")
    return f"the response is cut or malformed ({count}, {algorithm.token} has {algorithm.digits})"


def computable(digest: DigestInput, secret: Secret) -> bool:
    """Whether this kind of secret can give a response under the algorithm of the credentials."""
    algorithm = algorithm_of(digest.algorithm)
    return algorithm is not None and plain_ha1(digest, secret, algorithm) is not None
