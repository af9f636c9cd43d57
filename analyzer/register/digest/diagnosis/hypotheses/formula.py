"""Faults in the formula itself: what stands between HA1 and HA2, and in which form."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import Recipe

FULL = ("nonce", "nc", "cnonce", "qop")


def _qop_ignored(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if recipe.between != ("nonce",):
        text = "computed without qop, nc and cnonce (RFC 2069) although qop was sent"
        yield Trial(recipe._replace(between=("nonce",), body=None), text)


def _qop_missing(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if recipe.qop:
        return
    text = "computed with qop=auth although no qop was sent; nc {}"
    # nc and cnonce may be missing in the header too: a client counts from 1, and the session's cnonce may be known
    cnonces = dict.fromkeys(
        (recipe.cnonce, b"", (case.context.first or ("", ""))[1].encode("utf-8", "surrogateescape"))
    )
    for nc in dict.fromkeys((recipe.nc, b"00000001")):
        for cnonce in cnonces:
            for qop in (b"auth", b"auth-int"):
                body = case.digest.body if qop == b"auth-int" else None
                yield Trial(recipe._replace(qop=qop, nc=nc, cnonce=cnonce, body=body, between=FULL), text, nc)


def _nc_or_cnonce_left_out(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if recipe.between == FULL:
        yield Trial(recipe._replace(between=("nonce", "cnonce", "qop")), "computed without nc")
        yield Trial(recipe._replace(between=("nonce", "nc", "qop")), "computed without cnonce")
        yield Trial(recipe._replace(between=("nonce", "qop")), "computed without nc and cnonce")


def _nc_form(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if not recipe.nc:
        return
    for nc in dict.fromkeys(_nc_forms(recipe.nc.decode("utf-8", "surrogateescape"), case)):
        yield Trial(recipe._replace(nc=nc.encode("utf-8", "surrogateescape")), "computed with nc written {}", nc)


def _nc_forms(nc: str, case: Case) -> Iterator[str]:
    yield nc.lstrip("0")
    yield from (nc.upper(), nc.lower(), nc.zfill(8))
    if case.context.previous_nc:
        yield case.context.previous_nc
    if len(nc) <= 16 and nc.isascii() and nc.isalnum():  # 8LHEX, RFC 3261 25.1; a long one is no number
        try:
            value = int(nc, 16)
        except ValueError:
            return
        for number in (value, value + 1, max(value - 1, 0)):
            yield from (f"{number:08x}", f"{number:x}", f"{number:08d}", f"{number:d}")
        if nc.isdigit():
            yield from (f"{int(nc):08x}", f"{int(nc):x}")


def _qop_literal(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if not recipe.qop:
        return
    sent = recipe.qop.decode("utf-8", "surrogateescape")
    forms = [*case.context.qop_offers, "auth,auth-int", "auth, auth-int", "auth-int,auth", "auth-int, auth"]
    forms += [f'"{sent}"', sent.upper(), sent.lower(), sent.capitalize(), "", "auth", "auth-int"]
    forms += [f'"{offer}"' for offer in case.context.qop_offers]
    for form in dict.fromkeys(forms):
        yield Trial(recipe._replace(qop=form.encode("utf-8", "surrogateescape")), "computed with qop written {}", form)


def _upper_case_inside(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for form1, form2, what in (("HEX", "hex", "HA1"), ("hex", "HEX", "HA2"), ("HEX", "HEX", "HA1 and HA2")):
        text = f"computed with upper-case hex digits in {what}"
        yield Trial(recipe._replace(form1=form1, form2=form2), text)


def _binary_inside(recipe: Recipe, case: Case) -> Iterator[Trial]:
    for form1, form2, what in (("raw", "raw", "HA1 and HA2"), ("raw", "hex", "HA1"), ("hex", "raw", "HA2")):
        text = f"computed with {what} as binary octets instead of hex digits"
        yield Trial(recipe._replace(form1=form1, form2=form2), text)


def _opaque_included(recipe: Recipe, case: Case) -> Iterator[Trial]:
    if not recipe.opaque:
        return
    yield Trial(recipe._replace(between=(*recipe.between, "opaque")), "computed with opaque hashed before HA2")
    yield Trial(recipe._replace(between=("nonce", "opaque")), "computed with nonce and opaque alone before HA2")
    yield Trial(recipe._replace(cnonce=recipe.opaque), "computed with opaque instead of cnonce")


def _separators(recipe: Recipe, case: Case) -> Iterator[Trial]:
    yield Trial(recipe._replace(after_ha1=b""), "computed without the colon between HA1 and nonce")
    for mark, what in ((b": ", "a colon and a space"), (b",", "commas"), (b"", "nothing"), (b";", "semicolons")):
        text = f"computed with {what} between the values"
        yield Trial(recipe._replace(separator=mark, after_ha1=mark), text)


HYPOTHESES = (
    Hypothesis("D01", "qop ignored (legacy formula although qop was sent)", _qop_ignored, cheap=True),
    Hypothesis("D02", "qop missing in the header but hashed", _qop_missing, cheap=True),
    Hypothesis("D03", "nc or cnonce not hashed", _nc_or_cnonce_left_out, cheap=True),
    Hypothesis("D04", "nc in another form", _nc_form, cheap=True),
    Hypothesis("D05", "literal of qop", _qop_literal, cheap=True),
    Hypothesis("D17", "upper-case hex inside", _upper_case_inside),
    Hypothesis("D18", "binary digests concatenated", _binary_inside, cheap=True),
    Hypothesis("D25", "opaque included", _opaque_included),
    Hypothesis("D27", "separators", _separators),
)
