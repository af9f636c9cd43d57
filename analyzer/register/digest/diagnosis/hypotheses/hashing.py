"""Faults in hashing: the -sess step, the hash itself, the body hash of auth-int, AKA."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import HASH_TITLES, HASHES, Recipe
from analyzer.register.digest.diagnosis.uris import octets


def _session_step(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if recipe.session:
        yield Trial(recipe._replace(session=""), "computed with the plain HA1 although the algorithm is -sess")
    else:
        yield Trial(recipe._replace(session="hex"), "computed with the session HA1 although the algorithm is not -sess")
    text = "computed with the session HA1 made of binary octets instead of hex digits"
    yield Trial(recipe._replace(session="raw"), text)
    if case.context.first is not None:
        nonce, cnonce = (octets(value) for value in case.context.first)
        text = "computed with the session HA1 of the session's first request"
        yield Trial(recipe._replace(session="hex", session_nonce=nonce, session_cnonce=cnonce), text)
        yield Trial(recipe._replace(session="hex", session_cnonce=cnonce), text)


def _wrong_hash(recipe: Recipe, case: Case) -> Iterator[Trial]:
    digits = len(case.digest.response.strip())

    def cut(computed: str, sent: str) -> bool:
        return len(sent.strip()) >= 32 and computed[:digits] == sent.strip().lower()

    for name in HASHES:
        if name != recipe.hash_name:
            length = len(HASHES[name](b"")) * 2
            text = f"computed with {HASH_TITLES[name]}" + (f", cut to {digits} digits" if digits < length else "")
            yield Trial(recipe._replace(hash_name=name, body_hash=name), text, compare=cut)


def _integrity(recipe: Recipe, case: Case) -> Iterator[Trial]:
    body = case.digest.body
    if recipe.body is not None:
        yield Trial(recipe._replace(body=None), "computed without the body hash although qop is auth-int")
        for name in HASHES:
            text = f"computed with the hash of an empty body ({HASH_TITLES[name]})"
            yield Trial(recipe._replace(body=b"", body_hash=name), text)
    else:
        yield Trial(recipe._replace(body=b""), "computed with the hash of an empty body although qop is not auth-int")
    unix = body.replace(b"\r\n", b"\n")
    forms = [(unix, "LF line ends"), (unix.replace(b"\n", b"\r\n"), "CR LF line ends"), (body, "its present octets")]
    forms += [(body + b"\r\n", "a further CR LF"), (body.rstrip(b"\r\n"), "its last line ends cut off")]
    forms += [(other, "the octets it had before it was rewritten") for other in case.context.bodies]
    for form, name in forms if body or case.context.bodies else ():
        yield Trial(recipe._replace(body=form), f"computed with the hash of the body with {name}")


def _aka_password(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if not case.digest.algorithm.lower().startswith("akav"):
        return
    yield Trial(recipe._replace(password=recipe.password.hex().encode()), "computed with RES in hex instead of binary")
    found = re.fullmatch(rb"(?:[0-9a-fA-F]{2}){4,16}", recipe.password)
    if found:
        yield Trial(recipe._replace(password=bytes.fromhex(found[0].decode())), "computed with RES, given in hex")


HYPOTHESES = (
    Hypothesis("D19", "-sess handling", _session_step, cheap=True),
    Hypothesis("D20", "wrong hash", _wrong_hash, any_length=True),
    Hypothesis("D26", "auth-int body", _integrity, cheap=True),
    Hypothesis("D35", "AKA", _aka_password, keeps_password=False),
)
