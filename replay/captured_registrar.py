"""The captured registrar, played to live clients: the n-th new request of a client gets the n-th captured response.

The status sequence goes on as captured whatever the client does, for that is what is to be tried on it; where it does
something else than the captured client did, that is told. A captured request that nobody answered is not answered,
nor are its copies. When the capture is at its end, a client that was registered meets a plain registrar with the
captured realm, algorithms and limits; one that was refused is refused again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from analyzer.register.contacts import Contacts
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.requested import MALFORMED_EXPIRES, purpose_of
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from replay.authenticator import Checker, DigestPolicy, PolicyError
from replay.captured_response import Setting, say_again
from replay.flow import Flow
from replay.known_clients import Client, Round
from replay.location_service import LONGEST_CONTACT
from replay.machine import SECOND
from replay.message_editor import MessageEditor
from replay.plan import Step, steps_of
from replay.registrar import Registrar, RegistrarPolicy, asked_interval
from replay.registrar_events import Differs, Verified, Withheld
from replay.responses import Received, Reply, answer, text

LONGEST_DELAY = 60 * SECOND
"""Nanoseconds; a client has given up long before (Timer F is 32 s)."""
MOST_CONTACTS = 16
"""Contacts of a live client that are put into captured responses."""


@dataclass(frozen=True, slots=True)
class PlaybackOptions:
    """How a capture is played: nonces fresh or as captured; answers as late as captured divided by `speed` (0: at
    once)."""

    fresh_nonces: bool = True
    speed: float = 1.0


class Scenario:
    """Answers requests as a captured registrar did. `note` says what a user must know."""

    checks_merged = False

    def __init__(
        self, flow: Flow, secrets: Secrets, token: Callable[[], str], playing: PlaybackOptions | None = None
    ) -> None:
        self.flow = flow
        self.steps = steps_of(flow)
        self.playing = playing or PlaybackOptions()
        self.secrets = secrets
        self._token = token
        self._own = _contacts_of(flow)
        self._plain = Registrar(secrets if _challenges(flow) else Secrets(), policy_of(flow), token)
        self._checker = Checker(secrets)
        self._nonces = frozenset(_nonces_of(flow))
        self._cut = _cut_short(flow)

    @property
    def note(self) -> str:
        """What a user must know before he trusts it."""
        if _challenges(self.flow) and not len(self.secrets):
            return "no credentials were given: digests are not checked"
        return ""

    def has_finished(self, client: Client) -> bool:
        """Whether a client has gone all captured steps."""
        return client.finished

    def say(self, received: Received, status: int) -> MessageEditor:
        """A response that no capture has."""
        return self._plain.say(received, status)

    def answer(self, received: Received, client: Client, round_: Round) -> Reply:
        """The response of the client's next step."""
        request = received.request
        if request.method != "REGISTER":
            return self._plain.answer(received, client, round_)
        named = [text(one.raw) for one in request.contacts if one.uri is not None and len(one.raw) <= LONGEST_CONTACT]
        client.contacts = named[:MOST_CONTACTS] or client.contacts
        if client.steps >= len(self.steps):
            return self._after(received, client, round_)
        step = self.steps[client.steps]
        client.steps += 1
        round_.step, round_.then = step.number, step.exchange.status
        reply = self._said(step, received, client, round_)
        reply.events[:0] = self._judged(request, client, round_)
        round_.differences = differences(step.exchange.request, request)
        if round_.differences:
            reply.events.insert(0, Differs(client.number, step.number, round_.differences))
        client.finished = client.steps == len(self.steps)
        client.registered |= client.finished and 200 <= step.exchange.status < 300
        return reply

    def _said(self, step: Step, received: Received, client: Client, round_: Round) -> Reply:
        exchange = step.exchange
        provisional = [answer(received, status, to_tag="") for status in exchange.provisional]
        if exchange.final is None:
            if exchange.number in self._cut:
                return self._plain.answer(received, client, round_)
            return Reply(None, provisional, events=[Withheld(client.number, step.number)])
        setting = Setting(self._own, self._token, self.playing.fresh_nonces, self.secrets)
        editor = say_again(exchange, exchange.final, received, client, setting)
        return Reply(editor, provisional, self._delay(step))

    def _delay(self, step: Step) -> int:
        asked, answered = step.exchange.request_time, step.exchange.final_time
        if asked is None or answered is None or self.playing.speed <= 0:
            return 0
        return min(LONGEST_DELAY, max(0, int((answered - asked) / self.playing.speed)))

    def _after(self, received: Received, client: Client, round_: Round) -> Reply:
        last = self.steps[-1]
        if last.exchange.status >= 300 or (last.exchange.final is None and last.exchange.number not in self._cut):
            return self._said(last, received, client, round_)
        return self._plain.answer(received, client, round_)

    def _judged(self, request: Message, client: Client, round_: Round) -> list[object]:
        """The verdict on the live client's digests; what is answered does not depend on it."""
        events: list[object] = []
        for credentials in request.credentials[:2] if len(self.secrets) else ():
            digest = from_credentials(credentials, request.method, request.body)
            verdict = self._checker.verdict(digest)
            round_.verdict, round_.reason = verdict.verdict.value, verdict.reason
            issued = client.nonces.values() if self.playing.fresh_nonces else self._nonces
            reason = "" if digest.nonce in issued else "the nonce is none that it was given"
            events.append(Verified(client.number, verdict.username or digest.username, verdict, reason))
        return events


def kind_of(request: Message) -> str:
    """What a REGISTER is for: "query" (10.2.3), "removal" (10.2.2), or "registration"."""
    return purpose_of(request, malformed=MALFORMED_EXPIRES)


def differences(then: Message, now: Message) -> tuple[str, ...]:
    """In what the live request is another one than the captured one, as far as a response depends on it."""
    found = []
    if then.has_credentials != now.has_credentials:
        found.append("it has credentials, the captured one had none" if now.has_credentials else
                     "it has no credentials, the captured one had some")  # fmt: skip
    kinds = kind_of(then), kind_of(now)
    if kinds[0] != kinds[1]:
        found.append(f"it is a {kinds[1]}, the captured one was a {kinds[0]}")
    elif kinds[1] == "registration":
        asked = [asked_interval(request.contacts[0], request) for request in (then, now)]
        if asked[0] != asked[1]:
            words = ["no interval" if one is None else f"{one} s" for one in asked]
            found.append(f"it asks for {words[1]}, the captured one asked for {words[0]}")
    return tuple(found)


def policy_of(flow: Flow) -> RegistrarPolicy:
    """A plain registrar like the captured one: its realm, algorithms, qop, Min-Expires, granted interval, and name."""
    policy = RegistrarPolicy(min_expires=0)
    for exchange in flow.exchanges:
        final = exchange.final
        if final is None:
            continue
        if final.challenges and not policy.digest.realm:
            policy = replace(policy, digest=_digest_of(final))
        if final.status == 423 and final.min_expires:
            policy = replace(policy, min_expires=final.min_expires)
        granted = [contact.expires for contact in final.contacts if contact.expires]
        if 200 <= final.status < 300 and granted:
            policy = replace(policy, default_expires=granted[0], max_expires=max(granted[0], policy.min_expires))
        policy = replace(policy, server=text(final.first("server") or "") or policy.server)
    return policy


def _digest_of(final: Message) -> DigestPolicy:
    challenges = [one for one in final.challenges if one.is_digest]
    if not challenges:
        return DigestPolicy()
    first = challenges[0]
    algorithms = tuple(one.algorithm or "MD5" for one in challenges if one.realm == first.realm)
    qop = "auth" if "auth" in first.qop_options else ""
    try:
        return DigestPolicy(first.realm or "", algorithms, qop, first.opaque or "")
    except PolicyError:  # AKA, or a hash that this Python has not
        return DigestPolicy(first.realm or "", qop=qop)


def _challenges(flow: Flow) -> bool:
    return any(exchange.final is not None and exchange.final.challenges for exchange in flow.exchanges)


def _nonces_of(flow: Flow) -> set[str]:
    finals = [exchange.final for exchange in flow.exchanges if exchange.final is not None]
    return {challenge.nonce or "" for final in finals for challenge in final.challenges}


def _contacts_of(flow: Flow) -> list[Address]:
    """The contacts that the captured client named, each once; of a hostile one only so many."""
    found: list[Address] = []
    for exchange in flow.exchanges:
        for contact in exchange.request.contacts[:MOST_CONTACTS] if len(found) < MOST_CONTACTS else ():
            if contact.uri is not None and not contact.star and Contacts(found).find(contact) is None:
                found.append(contact)
    return found


def _cut_short(flow: Flow) -> frozenset[int]:
    """Exchanges whose answer the capture did not live to see: its end is no silence of the registrar."""
    rows = flow.report.transactions if flow.report is not None else []
    return frozenset(row.id for row in rows if row.state == "open")
