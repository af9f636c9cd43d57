"""What a user agent knows of challenges, and how it answers them (RFC 3261 22, RFC 7616 3.4, RFC 8760).

The arithmetic is the analyzer's (`analyzer/register/digest/arithmetic.py`): what it verifies is what is said here. Of
several challenges of one realm the topmost that can be answered is taken (RFC 8760 2.4). A nonce counts its uses, a
`nextnonce` is taken up (RFC 7616 3.5), and a challenge that comes back after its own nonce was used, without `stale`,
means that the password is wrong: it is not answered again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from analyzer.register.digest.arithmetic import Reading, algorithm_of, computable, expected, hash_function, verify
from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.auth import AuthParam, Challenge, Credentials, parse_auth_params
from analyzer.sip.auth_headers import ANSWERED_IN
from analyzer.sip.grammar import NC_VALUE, QUOTED_TEXT
from analyzer.sip.message import Message
from analyzer.sip.text import quote

MOST_REALMS = 8
"""Realms that are remembered; a hostile server may invent one with every answer."""
_LINE_ENDS = re.compile(r"[\r\n\0]")
"""What some parsers take for the end of a line: replayed, it would put headers of the peer's into our request."""
_COUNT = re.compile(NC_VALUE)
_INSIDE = re.compile(rf'=\s*"({QUOTED_TEXT})', re.DOTALL)


@dataclass(slots=True)
class _Session:
    """The challenge in force for one realm, and how its nonce was used; `accepted`: credentials for it were good."""

    challenge: Challenge
    secret: Secret
    nonce: str
    cnonce: str
    count: int = 0
    accepted: bool = False


@dataclass(slots=True)
class DigestClient:
    """The secrets of one user. `token` gives a fresh cnonce. `unanswerable` says, in words, why the latest challenge
    could not be answered ("" if it could). `expected` are the realms that the capture makes one expect, mapped;
    `strange` those that credentials were made for and that are none of them."""

    secrets: Secrets
    username: str
    token: Callable[[], str]
    unanswerable: str = ""
    expected: frozenset[str] = frozenset()
    strange: list[str] = field(default_factory=list)
    _sessions: dict[tuple[str, str], _Session] = field(default_factory=dict)

    def take(self, answer: Message, *, spoke: bool) -> bool:
        """Learn from a response; True where it challenges and the same request, with `credentials`, may do better.
        `spoke`: the request that it answers carried credentials."""
        if answer.status in (401, 407):
            return self._challenged(answer, spoke=spoke)
        if spoke and 200 <= answer.status < 300:
            for session in self._sessions.values():
                session.accepted = True
        for row in answer.all("authentication-info"):
            self._announced(row)
        return False

    def credentials(self, method: str, uri: str, body: bytes = b"") -> list[tuple[str, str]]:
        """A header (canonical key, value) for each realm that has challenged."""
        return [(key, value) for key, _, value in self.responses(method, uri, body)]

    def responses(self, method: str, uri: str, body: bytes = b"") -> list[tuple[str, str, str]]:
        """As `credentials`, with the realm between the two."""
        return [
            (key, realm, self._respond(session, method, uri, body)) for (key, realm), session in self._sessions.items()
        ]

    def _session_for(self, header: str, realm: str | None) -> _Session | None:
        """That of a realm, or the only one there is; a proxy and a registrar may have one realm (22.3)."""
        own = self._sessions.get((header, realm or ""))
        if own is not None:
            return own
        for (_, known), session in self._sessions.items():
            if known == realm:
                return session
        only = list(self._sessions.values())
        return only[0] if len(only) == 1 else None

    def said_again(self, sent: Credentials, method: str, body: bytes) -> list[tuple[AuthParam, str]] | None:
        """Each parameter of captured credentials, and how it is written for the nonce in force, all else as it was
        (count, qop, realm, uri). Where the captured response does not fit its secret, neither does the new one. None
        without challenge or secret."""
        session = self._session_for(sent.header, sent.realm)
        if session is None:
            return None
        challenge = session.challenge
        secret = self._secret(sent.username or self.username, sent.realm or "", challenge)
        if secret is None:
            return None
        then = from_credentials(sent, method, body)
        digest = then._replace(nonce=session.nonce, opaque=challenge.opaque or "", escaped=())
        if not verify(then, secret):
            secret = Secret(b"not " + secret.reveal(), username=secret.username, kind="password")
        response = expected(Reading(digest, (digest.nonce, digest.cnonce)), secret)
        if response is None:
            return None
        if _COUNT.fullmatch(digest.nc):  # what was said is spent: our own credentials count on from there
            session.count = max(session.count, int(digest.nc, 16))
        now = {"nonce": _nonce(session), "response": response}
        if sent.get("opaque") is not None and challenge.opaque is not None:
            now["opaque"] = _inside(challenge, "opaque")
        return [(param, _rewritten(param, now.get(param.name.lower()))) for param in sent.params]

    def _challenged(self, answer: Message, *, spoke: bool) -> bool:
        self.unanswerable = "" if answer.challenges else "the answer has no challenge"
        took = False
        seen: set[tuple[str, str]] = set()
        for challenge in answer.challenges:
            key = (ANSWERED_IN[challenge.header], challenge.realm or "")
            if key in seen or not self._usable(challenge):
                continue
            seen.add(key)
            took |= self._keep(key, challenge, spoke=spoke)
        if took:
            self.unanswerable = ""
        return took

    def _usable(self, challenge: Challenge) -> bool:
        if any(_LINE_ENDS.search(param.raw) for param in challenge.params):
            self.unanswerable = "the challenge has a line end within a value"
            return False
        if not challenge.is_digest:
            self.unanswerable = f"scheme {challenge.scheme} is not Digest"
            return False
        algorithm = algorithm_of(challenge.algorithm or "")
        if algorithm is None or algorithm.aka or hash_function(algorithm.hash_name) is None:
            self.unanswerable = f"algorithm {challenge.algorithm} cannot be computed"
            return False
        if challenge.qop_options and not {"auth", "auth-int"} & set(challenge.qop_options):
            self.unanswerable = f"qop {challenge.qop} is not known"
            return False
        return True

    def _keep(self, key: tuple[str, str], challenge: Challenge, *, spoke: bool) -> bool:
        secret = self._secret(self.username, key[1], challenge)
        if secret is None:
            self.unanswerable = f"no password of {self.username} for realm {key[1]} was given"
            return False
        before = self._sessions.get(key)
        if before is not None and spoke and not challenge.stale and _refused(before, challenge):
            self.unanswerable = "the password is refused"
            return False
        if before is None and len(self._sessions) >= MOST_REALMS:
            self.unanswerable = "too many realms"
            return False
        self._sessions[key] = _Session(challenge, secret, challenge.nonce or "", self.token())
        if key[1] not in self.expected and key[1] not in self.strange:
            self.strange.append(key[1])
        return True

    def _secret(self, username: str, realm: str, challenge: Challenge | None) -> Secret | None:
        """A secret that gives a response; where none was given for the realm, the user's password for another."""
        algorithm = (challenge.algorithm or "") if challenge is not None else ""
        digest = DigestInput(username, realm, "", "", "", algorithm)
        found = [*self.secrets.lookup(username, realm), *self.secrets.elsewhere(username, realm)]
        return next((secret for secret in found if computable(digest, secret)), None)

    def _announced(self, row: str) -> None:
        following = next((param.value for param in parse_auth_params(row) if param.name.lower() == "nextnonce"), "")
        if not following or _LINE_ENDS.search(following) or len(self._sessions) != 1:
            return
        session = next(iter(self._sessions.values()))
        if session.nonce != following:  # the same one again goes on counting (RFC 7616 3.4)
            session.nonce, session.count, session.cnonce = following, 0, self.token()

    def _respond(self, session: _Session, method: str, uri: str, body: bytes) -> str:
        challenge = session.challenge
        algorithm = algorithm_of(challenge.algorithm or "")
        qop = "" if not challenge.qop_options else "auth" if "auth" in challenge.qop_options else "auth-int"
        session.count += 1
        if qop and session.count > 1 and not (algorithm and algorithm.session):
            session.cnonce = self.token()
        digest = DigestInput(
            self.username,
            challenge.realm or "",
            session.nonce,
            uri,
            "",
            challenge.algorithm or "",
            qop,
            f"{session.count:08x}" if qop else "",
            session.cnonce if qop or (algorithm and algorithm.session) else "",
            method=method,
            body=body,
        )
        response = expected(Reading(digest, (digest.nonce, digest.cnonce)), session.secret) or ""
        return _written(digest, challenge, _nonce(session), response)


def _refused(before: _Session, challenge: Challenge) -> bool:
    """Credentials came back as a challenge: for the first use of a nonce it is the password; later, and where the
    password was good before, the nonce may have grown old without the server's saying so."""
    return before.nonce == (challenge.nonce or "") or (before.count == 1 and not before.accepted)


def _written(digest: DigestInput, challenge: Challenge, nonce: str, response: str) -> str:
    """The header value: quotes where RFC 7616 3.4 has them, none around algorithm, qop and nc."""
    params = [
        f"username={quote(digest.username)}",
        f'realm="{_inside(challenge, "realm")}"',
        f'nonce="{nonce}"',
        f"uri={quote(digest.uri)}",
        f'response="{response}"',
    ]
    if challenge.algorithm is not None:
        params.append(f"algorithm={challenge.algorithm}")
    if digest.cnonce:
        params.append(f'cnonce="{digest.cnonce}"')
    if challenge.opaque is not None:
        params.append(f'opaque="{_inside(challenge, "opaque")}"')
    if digest.qop:
        params += [f"qop={digest.qop}", f"nc={digest.nc}"]
    return "Digest " + ", ".join(params)


def _rewritten(param: AuthParam, value: str | None) -> str:
    """A parameter as it was written, blanks around its `=` included, with another value in quotes."""
    if value is None:
        return param.raw
    name, _, rest = param.raw.partition("=")
    return f'{name}={rest[: len(rest) - len(rest.lstrip())]}"{value}"'


def _nonce(session: _Session) -> str:
    """The nonce in force as it stands between the quotes: as it came, or a nextnonce with its own escapes."""
    if session.nonce == session.challenge.nonce:
        return _inside(session.challenge, "nonce")
    return quote(session.nonce)[1:-1]


def _inside(challenge: Challenge, name: str) -> str:
    """What stood between the quotes, escapes and all: it goes back as it came (RFC 7616 3.4)."""
    param = challenge.param(name)
    if param is None:
        return ""
    found = _INSIDE.search(param.raw) if param.quoted else None
    return found[1] if found else param.value
