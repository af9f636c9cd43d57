"""Faults in values that the header does not show: a placeholder hashed in the place of one, or one left out of it.

A program that puts an unset variable into the text to be hashed puts its name for "nothing" there: Python's `None`,
JavaScript's `null` and `undefined`, Go's `<nil>`, what C prints for a null pointer. And one that hashes qop, nc and
cnonce may not send them: the count can then be guessed, and a cnonce that is no random value.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.likely import FIXED_CNONCES, PLACEHOLDERS, placeholders
from analyzer.register.digest.diagnosis.recipe import Recipe
from analyzer.register.digest.diagnosis.uris import octets
from analyzer.register.digest.input import left_out

_FULL = ("nonce", "nc", "cnonce", "qop")
_HIGHEST_GUESS = 16
"""Requests under one nonce up to which the count is guessed."""


def _session_cnonce(recipe: Recipe, case: Case) -> Iterator[Trial]:
    """RFC 7616 3.4.2: A1 of the `-sess` algorithms is H(user:realm:password):nonce:cnonce."""
    if not recipe.session:
        return
    text = "computed with a -sess A1 that has {} in place of the cnonce"
    yield Trial(recipe._replace(session_cnonce=b""), "computed with a -sess A1 that has an empty cnonce")
    quoted = f'"{case.digest.cnonce}"'
    yield Trial(recipe._replace(session_cnonce=octets(quoted)), "computed with a -sess A1 that has quotes round cnonce")
    for word in placeholders(case.digest.cnonce):
        yield Trial(recipe._replace(session_cnonce=octets(word)), text, word)
    yield Trial(recipe._replace(session_cnonce=recipe.nonce), "computed with a -sess A1 that has the nonce twice")


def _guessed(recipe: Recipe, case: Case) -> Iterator[Trial]:
    """RFC 7616 3.4.1 with the values that were not sent, as far as they are likely ones."""
    missing = left_out(case.digest, case.context.qop_asked)
    if not missing:
        return
    ncs, cnonces = _counts(case, missing), _cnonces(case, missing)
    for nc, cnonce, qop in product(ncs, cnonces, _qops(case)):
        session = cnonce if "cnonce" in missing else case.digest.cnonce
        guessed = recipe._replace(
            nc=octets(nc),
            cnonce=octets(cnonce),
            session_cnonce=octets(session),
            qop=octets(qop),
            between=_FULL,
            body=case.digest.body if qop == "auth-int" else None,
        )
        values = {"nc": nc, "cnonce": cnonce, "qop": qop}
        shown = ", ".join(f"{name}={values[name]}" for name in ("qop", "nc", "cnonce") if name in missing)
        yield Trial(guessed, "computed with values that were not sent, {}", shown)
    if recipe.session and "cnonce" in missing:
        for word in cnonces:
            shown = "computed with a cnonce that was not sent, {}"
            yield Trial(recipe._replace(session_cnonce=octets(word)), shown, word)


def _counts(case: Case, missing: tuple[str, ...]) -> tuple[str, ...]:
    if "nc" not in missing:
        return (case.digest.nc,)
    likely = ("00000001", "1", "", "00000000", "01", "None", "null", "undefined")
    known = "cnonce" not in missing  # then there is time for more of them
    later = (f"{number:08x}" for number in range(2, _HIGHEST_GUESS + 1)) if known else ()
    return (*likely, *later)


def _cnonces(case: Case, missing: tuple[str, ...]) -> tuple[str, ...]:
    if "cnonce" not in missing:
        return (case.digest.cnonce,)
    first = (case.context.first or ("", ""))[1]
    return tuple(dict.fromkeys(("", first, *PLACEHOLDERS, *FIXED_CNONCES, case.digest.nonce, case.digest.username)))


def _qops(case: Case) -> tuple[str, ...]:
    if case.digest.qop:
        return (case.digest.qop,)
    return tuple(dict.fromkeys(("auth", *case.context.qop_offers[:2])))


HYPOTHESES = (
    Hypothesis("D36", "-sess with another cnonce in A1", _session_cnonce),
    Hypothesis("D37", "values hashed that were not sent", _guessed),
)
