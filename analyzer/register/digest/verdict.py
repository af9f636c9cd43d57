"""The verdict on a digest that was sent: match, mismatch with its diagnosis, or cannot tell with the reason."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from analyzer.register.digest.arithmetic import (
    ALGORITHMS,
    Algorithm,
    algorithm_of,
    computable,
    hash_function,
    malformed,
    matching,
    user_hash,
)
from analyzer.register.digest.diagnosis.context import MOST_SEEN, DigestContext
from analyzer.register.digest.input import DigestInput, clip, left_out
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import MOST_TRIED, Secrets
from analyzer.sip.auth import Credentials

if TYPE_CHECKING:
    from analyzer.register.digest.diagnosis.diagnoser import Diagnoser
    from analyzer.register.digest.diagnosis.engine import Diagnosis


AKA_TOKENS = frozenset(token for token, algorithm in ALGORITHMS.items() if algorithm.aka)
"""The algorithms whose answer a SIM computes, lower-case (RFC 3310, RFC 4169)."""
UNEXPLAINED = "wrong password or unknown cause"
"""What is said of a response that no password known gives, in no reading that is tried: no more is proven."""
_RESYNCHRONISATION = "the SIM asks for resynchronisation (auts, RFC 3310 3.4)"
_SIM = "only the SIM and its home network can compute {} (RFC 3310)"


UNCHECKABLE = "cannot be checked for sure"
"""How the reason begins where the response may have been made with values that were not sent."""


MALFORMED = "the header is malformed"
"""How the reason begins where its syntax has cost the response."""


class Verdict(enum.StrEnum):
    """What can be said of a response (JSON `digests[].verdict`)."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DigestVerdict:
    """A verdict with its reason in one plain sentence, and with what conclusively explains a mismatch, if anything.

    `username` is the plain user name (also under userhash); `realm` the one that the secret was given for (empty: any,
    None: no secret was used); `origin` names the secret's file and line.
    """

    verdict: Verdict
    reason: str
    diagnosis: Diagnosis | None = None
    username: str = ""
    realm: str | None = None
    origin: str = ""


def judge(
    digest: DigestInput, secrets: Secrets, context: DigestContext | None = None, diagnoser: Diagnoser | None = None
) -> DigestVerdict:
    """Match, mismatch or unknown, always with a reason. Give one `diagnoser` per run: it bounds the cost of a storm."""
    # Late: a run without secrets need not load the hypotheses.
    from analyzer.register.digest.diagnosis.diagnoser import Diagnoser
    from analyzer.register.digest.diagnosis.engine import without_secret

    reason = not_judged(digest)
    if reason:
        return DigestVerdict(Verdict.UNKNOWN, reason, username=digest.username)
    named = resolve_user(digest, secrets, context.users if context else ())
    candidates, own = _candidates(named, secrets)
    usable = [secret for secret in candidates if computable(named, secret)]
    if not usable:
        why = malformed(digest) or _no_secret(named, secrets, candidates)
        return DigestVerdict(Verdict.UNKNOWN, why, without_secret(named, context), named.username)
    for secret in usable:
        reading = matching(named, secret, context.first if context else None)
        if reading is not None:
            return _match(named, secret, reading.note)
    diagnoser = diagnoser or Diagnoser()
    found = diagnoser.first_found(named, usable, secrets, context)
    if found is None and own and secrets.overflows(named.username, named.realm):
        why = f"more than {MOST_TRIED} passwords are known for {clip(named.username)}: not all were tried"
        return DigestVerdict(Verdict.UNKNOWN, why, username=named.username)
    if found is None and own:
        missing = left_out(named, context.qop_asked if context else None)
        if missing and not malformed(named) and not named.damage:
            return DigestVerdict(Verdict.UNKNOWN, _uncheckable(missing, diagnoser.tried), username=named.username)
    return _no_match(named, usable[0], found, diagnoser.tried if own else "")


def _uncheckable(missing: Sequence[str], tried: str) -> str:
    """Why a response that was hashed over values that were not sent proves no password wrong (RFC 7616 3.4.1)."""
    values = f"{', '.join(missing[:-1])} and {missing[-1]}" if len(missing) > 1 else missing[0]
    what = f"{values} {'were' if len(missing) > 1 else 'was'} not sent"
    hashed = "may have been hashed all the same (D02, D37); no guess at them fits"
    return f"{UNCHECKABLE}: {what}, and {hashed} (tried {tried})"


def not_judged(digest: DigestInput) -> str:
    """Why no secret could judge these credentials, or nothing."""
    if digest.scheme.lower() != "digest":
        return f"scheme {clip(digest.scheme) or '(none)'} is not Digest"
    if not digest.response.strip():
        return _no_response(digest.malformed, is_void=digest.is_void)
    if digest.auts and digest.algorithm.strip().lower() in AKA_TOKENS:
        return _RESYNCHRONISATION
    if not digest.uri:
        return "no uri in the credentials"
    algorithm = algorithm_of(digest.algorithm)
    if algorithm is None:
        return f"algorithm {clip(digest.algorithm)} is not known"
    if hash_function(algorithm.hash_name) is None:
        return f"algorithm {algorithm.token} is not in this Python's crypto library"
    return ""


def _no_response(malformed: str, *, is_void: bool) -> str:
    """3GPP TS 24.229 5.1.1.2: the first REGISTER of a mobile phone has nonce and response, both of them empty."""
    if malformed:
        return f"{MALFORMED}: {malformed}"
    return "no response value" + (" (initial IMS registration)" if is_void else "")


def without_password(credentials: Credentials) -> DigestVerdict | None:
    """The verdict on credentials that no password could judge, so that none is asked for; None for all others."""
    token = (credentials.algorithm or "").strip()
    if credentials.is_digest and not (credentials.response or "").strip():
        why = _no_response(credentials.malformed, is_void=credentials.is_void)
        return DigestVerdict(Verdict.UNKNOWN, why)
    if token.lower() in AKA_TOKENS:
        return DigestVerdict(Verdict.UNKNOWN, _SIM.format(token))
    return None


def resolve_user(digest: DigestInput, secrets: Secrets, seen: Sequence[str] = ()) -> DigestInput:
    """The credentials under the plain user name (RFC 7616 3.4.4), among the users known and those `seen` elsewhere.

    Every hash of its length is tried, not that of the algorithm alone: which one makes the name is another rule's
    question. The first `MOST_SEEN` of `seen` are tried, the known users within the bounds of `HashedUsers`. A name
    that is sent plain though userhash says otherwise is taken as it is; one that nobody has stays hashed.
    """
    if not digest.userhash or secrets.knows(digest.username):
        return digest._replace(userhash=False)
    name = digest.username.lower()
    for token in _user_hashes(name):
        known = secrets.hashed.find(name, token.token, digest.realm, partial(user_hash, token, realm=digest.realm))
        for user in (known, *seen[:MOST_SEEN]):
            if user is not None and user_hash(token, user, digest.realm) == name:
                return digest._replace(username=user, userhash=False)
    return digest


def _user_hashes(name: str) -> list[Algorithm]:
    """The algorithms whose hash has the length of this one."""
    plain = (one for one in ALGORITHMS.values() if not one.session and not one.aka and one.digits == len(name))
    return [one for one in plain if hash_function(one.hash_name) is not None]


def _candidates(digest: DigestInput, secrets: Secrets) -> tuple[list[Secret], bool]:
    """The secrets to try, and whether they are this user's own in this realm: only then a mismatch proves something."""
    if digest.userhash:
        return [], False
    own = secrets.lookup(digest.username, digest.realm)
    return (own, True) if own else (secrets.elsewhere(digest.username, digest.realm), False)


def _no_secret(digest: DigestInput, secrets: Secrets, candidates: list[Secret]) -> str:
    algorithm = algorithm_of(digest.algorithm)
    if digest.userhash:
        tokens = _user_hashes(digest.username)
        if not all(secrets.hashed.admits(token.token, digest.realm) for token in tokens):
            return "userhash: too many realms, the known users are not hashed for this one"
        return "userhash: the user name is hashed and no known user matches"
    if algorithm is not None and algorithm.aka:
        return _SIM.format(algorithm.token)
    if candidates:
        return f"the HA1 known for {clip(digest.username)} is not one of algorithm {clip(digest.algorithm) or 'MD5'}"
    if not digest.username:
        return "no user name in the credentials"
    realm = f" in realm {clip(digest.realm)}" if secrets.knows(digest.username) else ""
    return f"no password known for {clip(digest.username)}{realm}"


def _match(digest: DigestInput, secret: Secret, note: str) -> DigestVerdict:
    reason = "the response is right for the " + ("HA1" if secret.is_ha1 else "password") + " known"
    if secret.realm not in ("", digest.realm):
        reason += f", which was given for realm {clip(secret.realm)}"
    reason += f", {note}" if note else ""
    return DigestVerdict(Verdict.MATCH, reason, None, digest.username, secret.realm, secret.origin)


def _no_match(digest: DigestInput, secret: Secret, found: Diagnosis | None, tried: str) -> DigestVerdict:
    """Mismatch, unless the value shown is damaged, or the secret is of another realm (then `tried` is empty)."""
    broken = malformed(digest)
    aka = (algorithm_of(digest.algorithm) or ALGORITHMS["md5"]).aka
    if found is not None:
        verdict = Verdict.UNKNOWN if aka or found.hypothesis == "D31" else Verdict.MISMATCH
        reason = broken if found.hypothesis == "D31" and broken else found.text
    elif broken or digest.damage:
        verdict, reason = Verdict.UNKNOWN, broken or digest.damage
    elif aka:  # the RES that was given is that of another challenge: it says nothing of this one
        verdict, reason = Verdict.UNKNOWN, _no_secret(digest, Secrets(), [])
    elif not tried:
        verdict = Verdict.UNKNOWN
        reason = (
            f"no password known for {clip(digest.username)} in realm {clip(digest.realm)}, another realm's is wrong"
        )
    else:
        verdict, reason = Verdict.MISMATCH, f"{UNEXPLAINED} (tried {tried})"
    return DigestVerdict(verdict, reason, found, digest.username, secret.realm, secret.origin)
