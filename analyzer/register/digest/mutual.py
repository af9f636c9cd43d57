"""Whether the server proves that it knows the secret too: `rspauth` (RFC 7616 3.5, RFC 2617 3.2.3)."""

from __future__ import annotations

from analyzer.register.digest.arithmetic import algorithm_of, response_auth
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import resolve_user
from analyzer.sip.auth import Credentials


def server_knows_secret(
    credentials: Credentials, method: str, rspauth: str, body: bytes, secrets: Secrets
) -> bool | None:
    """Whether `rspauth` is what one of the user's secrets gives; `body` is the response's own (auth-int). None where
    that cannot be told: no secret of the user is known, or the formula can be read in several ways (-sess: RFC 2617;
    quoted-pairs)."""
    digest = resolve_user(from_credentials(credentials, method), secrets)
    algorithm = algorithm_of(digest.algorithm)
    known = secrets.lookup(digest.username, digest.realm)
    if algorithm is None or algorithm.session or algorithm.aka or digest.escaped or not digest.qop or not known:
        return None
    right = [response_auth(digest, secret, body) for secret in known]
    if None in right:
        return None
    return rspauth.strip().lower() in right
