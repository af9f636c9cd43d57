"""A plain registrar: RFC 3261 10.3, its eight steps in their order, with bindings in memory.

It is for testing a phone: it does what the standard says, and says in the reason phrase why it refuses. Where 10.3
leaves the choice: any domain is served unless some are named; a request that is out of order, by the CSeq of a binding
with its Call-ID, fails with 500, which is what step 7 says of an update that does not succeed (Kamailio's registrar
answers 400 there); what is longer than the longest interval is shortened (step 7: MAY).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzer.escape import Told
from analyzer.register.digest.secrets import Secrets
from analyzer.register.identity import aor_of
from analyzer.register.requested import MALFORMED_EXPIRES, header_expiry, requested_expiry
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip, unescape
from analyzer.sip.uri import canonical_host
from replay.authenticator import Authenticator, DigestPolicy
from replay.contacts import rewritten
from replay.known_clients import Client, Round
from replay.location_service import LONGEST_CONTACT, Bindings, Change, Full, OutOfOrder
from replay.message_editor import MessageEditor, spelled
from replay.registrar_events import Verified
from replay.responses import Received, Reply, answer, sip_date

ALLOW = ("allow", "REGISTER, OPTIONS")
_HOUR = 3600
_RETRY_AFTER = ("retry-after", "60")
_MANDATORY = ("to", "from", "cseq", "call-id")
LONGEST_NAME = 1024
"""Octets of a Call-ID or a To that is kept with a binding."""


@dataclass(frozen=True, slots=True)
class RegistrarPolicy:
    """What is granted, in seconds, and whom it serves: `domains` empty means every one. `server` names it (20.35)."""

    default_expires: int = 3600
    min_expires: int = 60
    max_expires: int = 7200
    domains: frozenset[str] = frozenset()
    server: str = "sipcheck"
    digest: DigestPolicy = field(default_factory=DigestPolicy)


class _Refused(Told):
    """A step of 10.3 ends here, with this answer."""

    def __init__(self, status: int, reason: str = "", *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class Registrar:
    """Answers requests by the book. Without secrets everybody is registered, and nobody challenged."""

    checks_merged = True

    def __init__(self, secrets: Secrets, policy: RegistrarPolicy, token: Callable[[], str]) -> None:
        self.policy = policy
        self.bindings = Bindings()
        self._token = token
        self.authenticator = Authenticator(secrets, policy.digest, token) if len(secrets) else None

    @property
    def note(self) -> str:
        """What a user must know before he trusts it."""
        return "" if self.authenticator else "no credentials were given: everybody is registered, without a challenge"

    def has_finished(self, client: Client) -> bool:
        """Whether a client has done what it came for."""
        return client.registered

    def answer(self, received: Received, client: Client, round_: Round) -> Reply:
        """What is answered to a new request."""
        reply = Reply(None)
        try:
            check_form(received.request)
            status, headers = self._decided(received, client, round_, reply)
            reply.final = self.say(received, status, headers)
        except _Refused as refused:
            reply.final = self.say(received, refused.status, refused.headers, refused.reason)
        return reply

    def say(
        self, received: Received, status: int, headers: Sequence[tuple[str, str]] = (), reason: str = ""
    ) -> MessageEditor:
        """A response with what all answers have."""
        rows = [*headers, ("server", self.policy.server)] if self.policy.server else headers
        return answer(received, status, rows, reason=reason, to_tag=self._token())

    def _decided(
        self, received: Received, client: Client, round_: Round, reply: Reply
    ) -> tuple[int, list[tuple[str, str]]]:
        method = received.request.method
        if method == "OPTIONS":  # 11.2
            check_require(received.request)
            return 200, [ALLOW, ("accept", "*/*")]
        if method == "CANCEL":  # 9.2: no transaction that could be cancelled is known
            raise _Refused(481)
        if method != "REGISTER":  # 8.2.1
            raise _Refused(405, "", ALLOW)
        self._check_domain(received.request)  # step 1
        check_require(received.request)  # step 2
        username = self._authenticated(received, client, round_, reply.events)  # step 3
        aor = self._address_of_record(received.request, username)  # steps 4 and 5
        self._bind(received, aor)  # steps 6 and 7
        client.registered |= bool(self.bindings.of(aor, received.now))
        return 200, self._bound(received, aor)  # step 8

    def _check_domain(self, request: Message) -> None:
        uri = request.uri
        if uri is None or not uri.is_sip:  # 8.2.2.1
            raise _Refused(416)
        if self.policy.domains and canonical_host(uri.host) not in self.policy.domains:
            raise _Refused(404, "Domain Not Served Here")

    def _authenticated(self, received: Received, client: Client, round_: Round, events: list[Any]) -> str | None:
        """The user that the credentials prove; None where nobody is asked."""
        if self.authenticator is None:
            return None
        decision = self.authenticator.check(received.request, received.now)
        if received.request.has_credentials:
            verdict = decision.verdict.verdict.value if decision.verdict else "unknown"
            round_.verdict, round_.reason = verdict, decision.reason
            events.append(Verified(client.number, decision.username, decision.verdict, decision.reason))
        if decision.status == 401:
            rows = self.authenticator.challenges(received.request, received.now, stale=decision.stale)
            raise _Refused(401, "", *rows)
        if decision.status:
            raise _Refused(decision.status, decision.reason if decision.status == 400 else "")
        return decision.username

    def _address_of_record(self, request: Message, username: str | None) -> str:
        to = request.to
        uri = to.uri if to is not None else None
        if uri is None or not uri.is_sip or not uri.host:
            raise _Refused(404, "To Names No Address-of-Record")
        if self.policy.domains and canonical_host(uri.host) not in self.policy.domains:
            raise _Refused(404)
        aor = aor_of(request)
        user = unescape(uri.user or "")
        if username is not None and username not in (user, f"{user}@{uri.host}"):
            raise _Refused(403, "Another User's Address-of-Record")
        return aor

    def _bind(self, received: Received, aor: str) -> None:
        request = received.request
        contacts, cseq = request.contacts, request.cseq
        if not contacts or cseq is None:
            return  # a query (10.2.3); check_form has seen to CSeq
        try:
            if any(contact.star for contact in contacts):
                check_star(request)
                self.bindings.remove_all(aor, request.call_id, cseq.number, received.now)
            else:
                changes = [self._change(contact, request) for contact in contacts]
                self.bindings.update(aor, changes, request.call_id, cseq.number, received.now)
        except OutOfOrder:
            raise _Refused(500, "CSeq Is Not Higher Than That Of The Binding") from None
        except Full as full:
            raise _Refused(503, f"Service Unavailable, {full}", _RETRY_AFTER) from None

    def _change(self, contact: Address, request: Message) -> Change:
        if contact.uri is None or not contact.uri.scheme or len(contact.raw) > LONGEST_CONTACT:
            raise _Refused(400, "A Contact That Cannot Be Bound")
        asked = asked_interval(contact, request)
        seconds = self.policy.default_expires if asked is None else asked
        if 0 < seconds < min(_HOUR, self.policy.min_expires):
            raise _Refused(423, "", ("min-expires", str(self.policy.min_expires)))
        return Change(contact, min(seconds, self.policy.max_expires))

    def _bound(self, received: Received, aor: str) -> list[tuple[str, str]]:
        now = received.now
        rows = [
            ("contact", rewritten(one.contact, {"expires": str(one.left(now))})) for one in self.bindings.of(aor, now)
        ]
        return [*rows, ("date", sip_date(received.wall))]


def check_form(request: Message) -> None:
    """What a request must be to be answered with anything better than 400 (8.1.1, 8.2; RFC 4475 3.3)."""
    if request.version.upper() != "SIP/2.0":
        raise _Refused(505)
    for key in _MANDATORY:
        if not (request.first(key) or "").strip():
            raise _Refused(400, f"Missing {spelled(key)} Header Field")
    if request.cseq is None or request.cseq.method != request.method:
        raise _Refused(400, "CSeq Does Not Fit The Request")
    if len(request.call_id) > LONGEST_NAME or len(request.first("to") or "") > LONGEST_NAME:
        raise _Refused(400, "A Header Field Is Too Long")
    if request.cseq.number >= 2**31:  # 8.1.1.5
        raise _Refused(400, "CSeq Is Out Of Range")


def check_require(request: Message) -> None:
    """No extension is known here, so every option tag that is required is not supported (8.2.2.3)."""
    required = request.values("require")
    if required:
        raise _Refused(420, "", ("unsupported", clip(", ".join(required), 500)))


def check_star(request: Message) -> None:
    """10.3 step 6: `*` alone, with an expiration of zero, or 400."""
    if len(request.contacts) > 1:
        raise _Refused(400, "Contact * With Another Contact")
    if request.expires != 0:
        raise _Refused(400, "Contact * Without Expires 0")


def asked_interval(contact: Address, request: Message) -> int | None:
    """The interval that a registrar reads as asked for, in seconds; None where it is left to it (10.3 step 7)."""
    header = header_expiry(request, malformed=MALFORMED_EXPIRES)
    return requested_expiry(contact, header, malformed=MALFORMED_EXPIRES)
