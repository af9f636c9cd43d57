"""Who may register: the registrar's side of digest authentication (RFC 3261 22.4, RFC 7616 3.3-3.4, RFC 8760).

The arithmetic and its diagnosis are the analyzer's (`analyzer/register/digest/arithmetic.py`). What is kept here is
what was given out: each nonce with its age and the highest count that came with it, so that credentials cannot be said
twice. Order matters: a response is checked before its nonce is called old, because `stale` says that the password was
right (RFC 7616 3.3), and a stranger must not learn from it. Nonces are bounded; the oldest is evicted, and is stale
then. That the digest's uri is not the Request-URI is no failure in SIP (RFC 3261 22.4); the rules tell it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analyzer.escape import Told
from analyzer.evidence import SECOND
from analyzer.register.bounded import Bounded
from analyzer.register.digest.arithmetic import ALGORITHMS as KNOWN_ALGORITHMS
from analyzer.register.digest.arithmetic import algorithm_of, hash_function
from analyzer.register.digest.diagnosis.context import DigestContext
from analyzer.register.digest.diagnosis.diagnoser import Diagnoser
from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import DigestVerdict, Verdict, judge
from analyzer.sip.auth import Credentials
from analyzer.sip.grammar import NC_VALUE
from analyzer.sip.message import Message
from analyzer.sip.text import clip, quote

MOST_NONCES = 20_000
"""Nonces that are remembered with their counts."""
MOST_HASHED_REALMS = 16
"""Realms of a run for which a hashed user name is looked up (RFC 7616 3.4.4): each costs a hash of every known user."""
LONGEST_REALM = 256
"""Characters of such a realm."""
LONGEST_CNONCE = 512
"""Characters of a client's nonce, which is remembered with ours."""
ALGORITHMS = tuple(algorithm.token for algorithm in KNOWN_ALGORITHMS.values() if not algorithm.aka)
"""What may be challenged with (RFC 7616 3.4, RFC 8760 2.1), where this Python's crypto library has the hash."""
_COUNT = re.compile(NC_VALUE)


class PolicyError(Told, ValueError):
    """A policy that cannot be kept; the text says why."""


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """How to challenge. `realm` empty: the host of the Request-URI. `algorithms` are offered in this order, the most
    wanted first (RFC 8760 2.3), `qop` empty offers none (RFC 2069). `lifetime` of a nonce in seconds. `wrong` answers
    a wrong password, `unknown` a user that nobody knows: 403, or 401 (asked again), or 404."""

    realm: str = ""
    algorithms: tuple[str, ...] = ("MD5",)
    qop: str = "auth"
    opaque: str = ""
    lifetime: int = 300
    wrong: Literal[401, 403] = 403
    unknown: Literal[401, 403, 404] = 403

    def __post_init__(self) -> None:
        known = {name.lower() for name in ALGORITHMS}
        for name in self.algorithms:
            algorithm = algorithm_of(name)
            if name.lower() not in known or algorithm is None or hash_function(algorithm.hash_name) is None:
                raise PolicyError(f"{name} is no algorithm to challenge with; there are {', '.join(ALGORITHMS)}")
        if not self.algorithms:
            raise PolicyError("a challenge needs an algorithm")


class Decision(NamedTuple):
    """What became of a request's credentials. `status` 0: let in as `username`; else what to answer, `stale` in the
    challenge. `verdict` is that of the digest, None where there was none to judge."""

    status: int
    username: str = ""
    stale: bool = False
    verdict: DigestVerdict | None = None
    reason: str = ""


@dataclass(slots=True)
class _Nonce:
    issued: int
    count: int = 0
    first: tuple[str, str] | None = None


class Checker:
    """Verdicts on digests, at a price that no request decides.

    A sender chooses the realm, and with `userhash=true` every user would have to be hashed for it. That is done for
    the first `MOST_HASHED_REALMS` realms; for others the verdict is unknown, and says so. The price of a diagnosis is
    the diagnoser's, which is one for the whole run.
    """

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._diagnoser = Diagnoser()
        self._hashed: set[str] = set()

    def verdict(self, digest: DigestInput, context: DigestContext | None = None) -> DigestVerdict:
        """Match, mismatch or unknown, always with a reason."""
        if digest.userhash and not self.secrets.knows(digest.username) and not self._may_hash(digest.realm):
            reason = f"userhash: users are looked up in {MOST_HASHED_REALMS} realms, and this is one more"
            return DigestVerdict(Verdict.UNKNOWN, reason, username=digest.username)
        return judge(digest, self.secrets, context, self._diagnoser)

    def _may_hash(self, realm: str) -> bool:
        if len(self._hashed) < MOST_HASHED_REALMS and len(realm) <= LONGEST_REALM:
            self._hashed.add(realm)
        return realm in self._hashed


class Authenticator:
    """Challenges, and checks what comes back. `token` gives fresh nonces."""

    def __init__(self, secrets: Secrets, policy: DigestPolicy, token: Callable[[], str]) -> None:
        self.secrets = secrets
        self.policy = policy
        self._token = token
        self._nonces: Bounded[str, _Nonce] = Bounded(MOST_NONCES)
        self._checker = Checker(secrets)

    def realm_for(self, request: Message) -> str:
        """The realm that this request is challenged with."""
        uri = request.uri
        return self.policy.realm or (uri.host if uri is not None and uri.host else "sip")

    def challenges(self, request: Message, now: int, *, stale: bool = False) -> list[tuple[str, str]]:
        """One WWW-Authenticate for each algorithm, all with one fresh nonce."""
        nonce = self._token()
        self._nonces[nonce] = _Nonce(now)
        rows = []
        for algorithm in self.policy.algorithms:
            params = [f"realm={quote(self.realm_for(request))}", f'nonce="{nonce}"']
            if self.policy.opaque:
                params.append(f"opaque={quote(self.policy.opaque)}")
            if stale:
                params.append("stale=true")
            params.append(f"algorithm={algorithm}")
            if self.policy.qop:
                params.append(f'qop="{self.policy.qop}"')
            rows.append(("www-authenticate", "Digest " + ", ".join(params)))
        return rows

    def check(self, request: Message, now: int) -> Decision:
        """Decide about a request."""
        realm = self.realm_for(request)
        sent = [one for one in request.credentials if one.header == "authorization" and one.is_digest]
        own = next((one for one in sent if one.realm == realm), None)
        if own is None:
            return Decision(401, reason="no credentials" if not sent else "credentials for another realm")
        wrong = self._improper(own)
        if wrong:
            return Decision(400, reason=wrong)
        if not self._is_offered(own):
            return Decision(401, reason=f"algorithm {clip(own.algorithm or 'MD5')} was not offered")
        return self._judged(own, request, now)

    def _improper(self, sent: Credentials) -> str:
        """RFC 7616 3.4: "If a parameter or its value is improper, or required parameters are missing" - 4xx."""
        missing = [name for name in ("username", "nonce", "uri", "response") if sent.get(name) is None]
        if "username" in missing and sent.get("username*") is not None:
            missing.remove("username")
        if missing:
            return f"Credentials without {missing[0]}"
        qop = (sent.qop or "").lower()
        if qop and qop not in self.policy.qop.lower().replace(" ", "").split(","):
            return "A qop that was not offered"
        if qop and (not _COUNT.fullmatch(sent.nc or "") or sent.cnonce is None):
            return "A qop needs nc and cnonce"
        return "A cnonce that is too long" if len(sent.cnonce or "") > LONGEST_CNONCE else ""

    def _is_offered(self, sent: Credentials) -> bool:
        return (sent.algorithm or "MD5").lower() in [name.lower() for name in self.policy.algorithms]

    def _judged(self, sent: Credentials, request: Message, now: int) -> Decision:
        digest = from_credentials(sent, request.method, request.body)
        known = self._nonces.get(digest.nonce)
        context = DigestContext(first=known.first if known else None, request_uri=request.request_uri)
        verdict = self._checker.verdict(digest, context)
        username = verdict.username or digest.username
        if verdict.verdict is Verdict.MATCH and verdict.realm in ("", digest.realm):
            return self._counted(sent, known, Decision(0, username, verdict=verdict), now)
        if verdict.verdict is Verdict.MISMATCH:
            return Decision(self.policy.wrong, username, verdict=verdict, reason=verdict.reason)
        return Decision(self.policy.unknown, username, verdict=verdict, reason=verdict.reason)

    def _counted(self, sent: Credentials, known: _Nonce | None, admitted: Decision, now: int) -> Decision:
        """The response is right: is its nonce, and its count?"""
        stale = admitted._replace(status=401, stale=True)
        if known is None:
            return stale._replace(reason="the nonce is none of ours, or forgotten")
        if now > known.issued + self.policy.lifetime * SECOND:
            return stale._replace(reason=f"the nonce is older than {self.policy.lifetime} s")
        if sent.qop:
            count = int(sent.nc or "0", 16)
            if count <= known.count:  # RFC 7616 3.4: "allows the server to detect request replays"
                return stale._replace(reason=f"nonce count {sent.nc} was used, {known.count:08x} was the latest")
            known.count = count
        known.first = known.first or (sent.nonce or "", sent.cnonce or "")
        return admitted
