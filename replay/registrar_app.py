"""`sipcheck replay registrar`: a registrar, plain or captured, put on a socket, and what is left of it in the end."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from analyzer.evidence import Endpoint
from analyzer.judge.findings import Finding, Profile
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES
from analyzer.register.digest.secrets import Secrets
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.sip.timers import Timers
from replay.captured_registrar import PlaybackOptions, Scenario
from replay.conversation import Conversation
from replay.flow import Flow
from replay.known_clients import Client, Round
from replay.machine import SECOND
from replay.net.listen import listen_until_interrupted, server_context
from replay.plan import steps_of
from replay.registrar import Registrar, RegistrarPolicy
from replay.uas import StopCondition, TransactionUser, UserAgentServer

"""Outcomes of a registration that has got what it wanted."""
_STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """What to serve. `flow` None: a plain registrar with `policy`. `count` clients (0: without end), `timeout` in
    seconds (0: none). `certificate` and `key` name PEM files for TLS."""

    listen: Endpoint
    transport: str = "UDP"
    flow: Flow | None = None
    secrets: Secrets = field(default_factory=Secrets)
    policy: RegistrarPolicy = field(default_factory=RegistrarPolicy)
    playing: PlaybackOptions = field(default_factory=PlaybackOptions)
    count: int = 0
    timeout: float = 0.0
    certificate: str = ""
    key: str = ""
    profile: Profile = "rfc3261"


@dataclass(slots=True)
class ServingResult:
    """What came of it: the clients with their rounds, and the report on the whole live conversation. `ended` says why
    it ended, `forgotten` and `evicted` how many clients and transactions had to make room."""

    clients: list[Client]
    report: Report
    ended: str
    flow: Flow | None = None
    evicted_clients: int = 0
    evicted: int = 0
    ignored: int = 0
    _latest: dict[tuple[str, str], tuple[int, Registration]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """The latest registration of each address-of-record and Call-ID, with its place: clients may be thousands."""
        self._latest = {
            (one.aor, call_id): (place, one)
            for place, one in enumerate(self.report.registrations)
            for call_id in one.call_ids
        }

    @property
    def findings(self) -> list[Finding]:
        """What the rules say of the live conversation."""
        return self.report.findings

    def outcome_of(self, client: Client) -> str:
        """How a client's registration stands at the end; "unknown" where the report has none of it. Who came to the
        end of the captured flow has its outcome, whatever he did then (a phone that is shut down takes leave)."""
        if self.flow is not None and client.finished:
            return self.flow.outcome
        found = [self._latest.get((client.aor, call_id)) for call_id in client.call_ids]
        mine = max((one for one in found if one is not None), key=itemgetter(0), default=None)
        return mine[1].outcome if mine is not None else "unknown"

    @property
    def then(self) -> str | None:
        """The captured outcome."""
        return self.flow.outcome if self.flow is not None else None

    @property
    def now(self) -> str | None:
        """The outcome of all clients, or of the first one that differs; None without any client."""
        outcomes = [self.outcome_of(client) for client in self.clients]
        return next((one for one in outcomes if not self._is_right(one)), outcomes[0] if outcomes else None)

    @property
    def same(self) -> bool:
        """Whether every client has the captured outcome; without a capture, whether every client has what it wanted."""
        return bool(self.clients) and all(map(self.is_right, self.clients))

    def is_right(self, client: Client) -> bool:
        """Whether a client has the captured outcome; without a capture, whether it has what it wanted."""
        return self._is_right(self.outcome_of(client))

    def _is_right(self, outcome: str) -> bool:
        return outcome in SUCCESSFUL_OUTCOMES if self.flow is None else outcome == self.flow.outcome

    def as_json(self) -> dict[str, Any]:
        """The object of `--format json` (docs/interface.md 3.4): `steps` are those of the first client, `clients` has
        all.

        A `step` is null where a request was no captured step (another method, or beyond the capture's end).
        """
        first = self.clients[0] if self.clients else None
        return {
            "schema": "sipcheck/1",
            "mode": "registrar",
            "steps": self._steps(first),
            "outcome": {"then": self.then, "now": self.now, "same": self.same},
            "ended": self.ended,
            "notes": self.report.notes,
            "clients": [
                {
                    "client": client.number,
                    "aor": client.aor,
                    "source": str(client.peer),
                    "call_ids": client.call_ids,
                    "outcome": self.outcome_of(client),
                    "steps": self._steps(client),
                    "more_requests": client.more,
                }
                for client in self.clients
            ],
        }

    def _steps(self, client: Client | None) -> list[dict[str, Any]]:
        rounds = client.rounds if client is not None else []
        steps = [_step(one.step if self.flow is not None else at, one) for at, one in enumerate(rounds, 1)]
        gone = client.steps if client is not None else 0
        missing = steps_of(self.flow)[gone:] if self.flow is not None else ()
        return steps + [
            {
                "step": step.number,
                "request": None,
                "sent": None,
                "then": {"status": step.exchange.status},
                "now": None,
                "digest": None,
                "differences": ["the live client did not come so far"],
            }
            for step in missing
        ]


def serve(
    options: ServingOptions, tell: Callable[[Any], None], ready: Callable[[Endpoint], None] | None = None
) -> ServingResult:
    """Serve until the end that the options name, or SIGINT. `tell` gets the values of `registrar_events.py`, `ready`
    the bound address. Raises OSError where the address cannot be bound or the certificate not be read."""
    machine = machine_of(options)
    transport = options.transport.upper()
    context = server_context(options.certificate, options.key) if transport == "TLS" and options.certificate else None
    listen_until_interrupted(machine, options.listen, transport, context, tell, ready or (lambda local: None))
    return result_of(machine, options.flow)


def machine_of(options: ServingOptions, token: Callable[[], str] = lambda: random.token_hex(12)) -> UserAgentServer:
    """The machine that plays it. `token` gives tags and nonces."""
    user: TransactionUser
    if options.flow is None:
        user = Registrar(options.secrets, _with_realm(options), token)
    else:
        user = Scenario(options.flow, options.secrets, token, options.playing)
    term = StopCondition(clients=options.count, time=int(options.timeout * SECOND))
    conversation = Conversation(options.secrets, profile=options.profile)
    return UserAgentServer(user, conversation, term, Timers())


def _with_realm(options: ServingOptions) -> RegistrarPolicy:
    """The realm that was asked for; else the one that all secrets are for, as an HA1 fits no other."""
    realms = {secret.realm for secret in options.secrets}
    if options.policy.digest.realm or len(realms) != 1:
        return options.policy
    return replace(options.policy, digest=replace(options.policy.digest, realm=realms.pop()))


def result_of(machine: UserAgentServer, flow: Flow | None) -> ServingResult:
    """What is left when the machine is done."""
    report = machine.conversation.finish(interrupted=machine.ended == _STOPPED)
    report.notes += notes_of(machine)
    return ServingResult(
        clients=machine.clients.listed(),
        report=report,
        ended=machine.ended,
        flow=flow,
        evicted_clients=machine.clients.evicted,
        evicted=machine.evicted,
        ignored=machine.ignored,
    )


def notes_of(machine: UserAgentServer) -> list[str]:
    """What had to make room, or was left alone: a sentence for each kind, with its count."""
    notes = [f"{why}: {count} in all" for why, count in machine.turned_away.most_common()]
    counted = {
        "{} messages were left alone": machine.ignored,
        "{} clients were forgotten, to make room": machine.clients.evicted,
        "{} transactions were forgotten, to make room: a copy of such a request counts as new": machine.evicted,
        "{} answers went out at once that should have been late": machine.hastened,
    }
    return notes + [sentence.format(count) for sentence, count in counted.items() if count]


def _step(number: int | None, one: Round) -> dict[str, Any]:
    return {
        "step": number,
        "request": one.request,
        "sent": _sent(one) if one.now is not None else None,
        "then": {"status": one.then} if one.then is not None else None,
        "now": {"status": one.now} if one.now is not None else None,
        "digest": {"verdict": one.verdict, "reason": one.reason} if one.verdict else None,
        "differences": list(one.differences),
    }


def _sent(one: Round) -> dict[str, Any]:
    edits = [{"what": edit.what, "from": edit.before, "to": edit.after, "rule": edit.rule} for edit in one.edits]
    return {"start_line": one.start_line, "edits": edits}
