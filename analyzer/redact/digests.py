"""Digests made right again: where the password of an account is known, its pseudonym gets a password of its own.

A response that was right becomes the right one for the pseudonym, its nonce, its URI and that password
(RFC 7616 3.4.1), so that it can be verified still. One that was wrong becomes another value of the same form, which is
wrong for the new one, as it was before. One that no password is known for becomes a value that nobody can verify: it
says nothing of the password, and begins with eight zeros, so that nobody takes it for a wrong password.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.evidence import RawMessage
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.register.digest.arithmetic import Reading, expected, matching
from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import resolve_user
from analyzer.sip.auth import Credentials
from analyzer.sip.message import Message, parse
from analyzer.sip.text import octets

MARK = "00000000"
"""How a response begins that cannot be verified; of those that can one in four thousand million does."""
_LENGTH = 20
_LEAST_MARKED = 24
"""Digits of a response that is marked: those behind the mark still tell it from all others."""


class Account(NamedTuple):
    """What verifies the digests of a pseudonym."""

    username: str
    realm: str
    password: str


class Response(NamedTuple):
    """What stands in the new file, and whether it is right for the new password."""

    text: str
    is_right: bool


class DigestMaker:
    """Makes digests right again. `verifiable` and `opaque` count those that were, and that could not be."""

    def __init__(self, names: Pseudonyms, secrets: Secrets) -> None:
        self._names = names
        self._secrets = secrets
        self._accounts: dict[Account, None] = {}
        self.verifiable = self.opaque = 0

    def accounts(self) -> Iterator[Account]:
        """The accounts of which a password was known, as the new file has them."""
        yield from sorted(self._accounts)

    def renewed(self, message: Message, made: bytes) -> bytes:
        """The octets `made` of a message with its pseudonyms, with the digests that belong to them."""
        if not message.carries_credentials:
            return made
        new = parse(_like(message.raw_message, made))
        for old_one, new_one in zip(message.credentials, new.credentials, strict=False):
            if not old_one.response or not new_one.response:
                continue
            response = self._response(message, new, old_one, new_one)
            self.verifiable += response.is_right
            self.opaque += not response.is_right
            made = made.replace(octets(new_one.response), octets(response.text), 1)
        return made

    def _response(self, old: Message, new: Message, one: Credentials, other: Credentials) -> Response:
        """The right response in the new message, where the old one was right for a password that is known; the marked
        one where none is known. An account whose password is known gets its new one though all its responses were
        wrong: so they are wrong for that, and stay as they were made."""
        made = other.response or ""
        digest = resolve_user(from_credentials(one, old.method, old.body), self._secrets)
        new_digest = from_credentials(other, new.method, new.body)
        known = self._secrets.lookup(digest.username, digest.realm)
        if not known or new_digest.userhash:
            return Response(marked(made), is_right=False)
        password = self._names.digest("password", f"{digest.username}\0{digest.realm}").hex()[:_LENGTH]
        self._accounts[Account(new_digest.username, new_digest.realm, password)] = None
        for secret in known:
            found = matching(digest, secret)
            if found is not None:
                right = _right_response(found, digest, new_digest, password)
                if right is None:
                    return Response(marked(made), is_right=False)
                return Response(right.upper() if made.isupper() else right, is_right=True)
        return Response(made, is_right=False)


def marked(response: str) -> str:
    """A response that nobody can verify, with the mark; as it is where it is no hash."""
    is_hash = len(response) >= _LEAST_MARKED and set(response.lower()) <= set("0123456789abcdef")
    return MARK + response[len(MARK) :] if is_hash else response


def _right_response(found: Reading, old: DigestInput, new: DigestInput, password: str) -> str | None:
    """The response that is right in the way in which the old one was; None where that needs the session's first
    request."""
    if found.session != (found.digest.nonce, found.digest.cnonce):
        return None
    is_escaped = found.digest.escaped != old.escaped
    digest = (new.still_escaped() or new) if is_escaped else new
    secret = Secret(password, username=digest.username, realm=digest.realm)
    return expected(Reading(digest, (digest.nonce, digest.cnonce)), secret)


def _like(raw_message: RawMessage, made: bytes) -> RawMessage:
    return RawMessage(
        made,
        raw_message.time,
        raw_message.place,
        raw_message.source,
        raw_message.destination,
        raw_message.transport,
        raw_message.fidelity,
        raw_message.missing,
    )
