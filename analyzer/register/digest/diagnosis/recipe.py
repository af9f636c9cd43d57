"""A response as a client may have made it: every choice of the formula is a field, so a fault is one field changed.

The right formulas live in `analyzer.register.digest.arithmetic`; the recipe of unchanged credentials gives the same
response, as the tests hold. Fields are octets as they enter the hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from analyzer.register.digest.arithmetic import algorithm_of, hash_function
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import MASK, Secret, secret_octets


def _sha512_cut(octets: bytes) -> bytes:
    """SHA-512 cut to 256 bits, which is not SHA-512/256, yet is what RFC 7616 3.9.2 prints."""
    return hashlib.sha512(octets).digest()[:32]


def _known(hash_name: str) -> Callable[[bytes], bytes] | None:
    return _sha512_cut if hash_name == "sha512-cut" else hash_function(hash_name)


HASHES: Mapping[str, Callable[[bytes], bytes]] = {
    name: function
    for name in ("md5", "sha1", "sha256", "sha512_256", "sha512-cut")
    if (function := _known(name)) is not None
}
"""The hashes that a client may have used, by hashlib's names where there is one; only those that this Python has."""

HASH_TITLES = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha512_256": "SHA-512/256",
    "sha512-cut": "SHA-512 cut to 256 bits",
}


class Recipe(NamedTuple):
    """Every choice on the way to a response.

    `stored` replaces H(username:realm:password). `session` is empty, `hex` or `raw` (which form of HA1 the -sess step
    hashes). `body` None: HA2 without body hash. `form1`, `form2`: how HA1 and HA2 stand in the last hash, `hex`, `HEX`
    or `raw`. `between` names the values between them. `after_ha1` is the separator there, `separator` every other one.
    """

    username: bytes
    realm: bytes
    password: bytes
    stored: bytes
    method: bytes
    uri: bytes
    nonce: bytes
    nc: bytes
    cnonce: bytes
    qop: bytes
    opaque: bytes
    body: bytes | None
    hash_name: str
    body_hash: str
    session: str = ""
    session_nonce: bytes = b""
    session_cnonce: bytes = b""
    form1: str = "hex"
    form2: str = "hex"
    between: tuple[str, ...] = ("nonce",)
    separator: bytes = b":"
    after_ha1: bytes = b":"

    def __repr__(self) -> str:
        return f"<Recipe {self.formula()}>"  # the fields hold the secret

    def size(self) -> int:
        """Octets of the values that a client or a file could make long."""
        values = (self.username, self.realm, self.password, self.method, self.uri, self.nonce, self.nc, self.cnonce)
        return sum(map(len, values)) + len(self.qop) + len(self.opaque) + len(self.body or b"")

    def response(self) -> str:
        """The response that this recipe gives, in lower-case hex. At most five hashes."""
        hashed = HASHES[self.hash_name]
        values = [getattr(self, name) for name in self.between]
        tail = self.separator.join([*values, _formed(self._ha2(), self.form2)])
        return hashed(_formed(self._ha1(), self.form1) + self.after_ha1 + tail).hex()

    def _ha1(self) -> bytes:
        hashed = HASHES[self.hash_name]
        named = self.separator.join((self.username, self.realm, self.password))
        plain = self.stored or hashed(named).hex().encode()
        if not self.session:
            return plain
        inner = _formed(plain, "raw") if self.session == "raw" else plain
        return hashed(self.separator.join((inner, self.session_nonce, self.session_cnonce))).hex().encode()

    def _ha2(self) -> bytes:
        parts = [self.method, self.uri]
        if self.body is not None:
            parts.append(HASHES[self.body_hash](self.body).hex().encode())
        return HASHES[self.hash_name](self.separator.join(parts)).hex().encode()

    def formula(self) -> str:
        """The formula in words, with the secret masked and without any value."""
        mark = self.separator.decode()
        plain = f"stored HA1 {MASK}" if self.stored else f"H(username{mark}realm{mark}{MASK})"
        ha1 = f"H({plain}{mark}nonce{mark}cnonce)" if self.session else plain
        ha2 = f"H(method{mark}uri" + ("" if self.body is None else f"{mark}H(body)") + ")"
        values = mark.join((*self.between, "HA2"))
        return f"H(HA1{self.after_ha1.decode()}{values}), HA1 = {ha1}, HA2 = {ha2}, H = {HASH_TITLES[self.hash_name]}"


def _formed(hex_digits: bytes, form: str) -> bytes:
    """Hex digits as they stand, upper-case, or as the octets that they mean."""
    if form == "HEX":
        return hex_digits.upper()
    if form == "raw":
        try:
            return bytes.fromhex(hex_digits.decode("ascii"))
        except ValueError:  # a stored HA1 that is none: nothing to convert
            return hex_digits
    return hex_digits


def recipe_of(digest: DigestInput, secret: Secret) -> Recipe | None:
    """The recipe of the right response (RFC 7616 3.4.1), or None where it cannot be computed."""
    algorithm = algorithm_of(digest.algorithm)
    if algorithm is None or algorithm.hash_name not in HASHES:
        return None
    names = ("username", "realm", "method", "uri", "nonce", "nc", "cnonce", "qop", "opaque")
    values = {name: secret_octets(getattr(digest, name)) for name in names}
    return Recipe(
        **values,  # type: ignore[arg-type]
        password=b"" if secret.is_ha1 else secret.reveal(),
        stored=secret.reveal() if secret.is_ha1 else b"",
        body=digest.body if digest.qop.lower() == "auth-int" else None,
        hash_name=algorithm.hash_name,
        body_hash=algorithm.hash_name,
        session="hex" if algorithm.session else "",
        session_nonce=values["nonce"],
        session_cnonce=values["cnonce"],
        between=("nonce", "nc", "cnonce", "qop") if digest.qop else ("nonce",),
    )
