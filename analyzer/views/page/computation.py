"""How a digest response is computed, with the values that were sent and the secret masked (RFC 7616 3.4.1-3.4.3).

What is shown can be put into any other tool by who knows the password. No secret can get here: the records hold none,
and neither HA1, which is as good as the password, nor the response that would have been right is shown.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.escape import visible
from analyzer.register.digest.arithmetic import algorithm_of
from analyzer.register.digest.diagnosis.recipe import HASH_TITLES
from analyzer.register.digest_ledger import DigestRecord
from analyzer.sip.auth import Credentials, parse_credentials
from analyzer.views.table.digests import OTHER_FORM, VERDICTS, reason_of
from analyzer.views.words import sentence

MASK = "••••••••"
"""Stands for the password."""
LONGEST = 120
"""Characters of a value in a formula; a nonce has half of that."""


class Formula(NamedTuple):
    """One line: what is computed, and of what; `masked` says that the mask is in it."""

    name: str
    text: str
    masked: bool = False


class Computation(NamedTuple):
    """The lines, the response that was sent, and what is known of it; `verdict` is one of `match`, `mismatch`,
    `other-form`, `unknown`."""

    formulas: list[Formula]
    sent: str
    verdict: str
    words: str
    server: str


_ACCEPTED = {True: "The server accepted it.", False: "The server refused it.", None: ""}


def computation(record: DigestRecord, *, secrets_given: bool) -> Computation:
    """The computation of the credentials of a record."""
    credentials = parse_credentials(record.header, record.raw)
    verdict = OTHER_FORM if record.is_right_in_another_form else record.verdict
    return Computation(
        formulas=_formulas(record, credentials),
        sent=_cut(record.response),
        verdict=verdict,
        words=_words(record, verdict, secrets_given=secrets_given),
        server=_ACCEPTED[record.accepted],
    )


def is_wrong(record: DigestRecord) -> bool:
    """Whether the response is not what the password gives."""
    return record.verdict == "mismatch"


def _words(record: DigestRecord, verdict: str, *, secrets_given: bool) -> str:
    if not secrets_given and verdict == "unknown" and not record.is_aka:
        return "Not checked: no password given (--credentials FILE)."
    word = VERDICTS[verdict][0]
    reason = reason_of(record)
    return sentence(visible(f"{word}: {reason}" if reason else word))


def _formulas(record: DigestRecord, credentials: Credentials) -> list[Formula]:
    """The lines of the formula; none where the algorithm is not one of RFC 7616 or RFC 3310."""
    algorithm = algorithm_of(record.algorithm)
    if algorithm is None or not credentials.is_digest or record.is_cut:
        return []
    name = HASH_TITLES[algorithm.hash_name]
    secret = f"{MASK} (what the SIM computes)" if algorithm.aka else MASK
    ha1 = f"{name}({_cut(record.username)}:{_cut(record.realm)}:{secret})"
    nonce, cnonce = _cut(record.nonce), _cut(credentials.get("cnonce") or "")
    if algorithm.session:
        ha1 = f"{name}({ha1}:{nonce}:{cnonce})"
    body = f":{name}(body)" if record.qop.lower() == "auth-int" else ""
    ha2 = f"{name}({_cut(record.method)}:{_cut(record.uri)}{body})"
    middle = f"{nonce}:{_cut(record.nonce_count)}:{cnonce}:{_cut(record.qop)}" if record.qop else nonce
    return [
        Formula("HA1", ha1, masked=True),
        Formula("HA2", ha2),
        Formula("response", f"{name}(HA1:{middle}:HA2)"),
    ]


def _cut(value: str) -> str:
    return visible(value if len(value) <= LONGEST else f"{value[: LONGEST - 40]}…{value[-30:]}")
