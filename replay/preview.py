"""What a replay would send, without a peer: the captured responses stand for those that are to come.

Live values are not known yet, so words stand for them: the address is `(local address)`, what will be drawn `(fresh)`.
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.message import Message, parse
from analyzer.sip.text import octets
from replay.agent import Agent, Mapping
from replay.digest_client import DigestClient
from replay.flow import Flow
from replay.outcome import Outcome, outcome_then
from replay.plan import Step, steps_of
from replay.record import Planned, Result
from replay.rewrite import NECESSITIES, REPAIRS, written

LOCAL = Endpoint("(local address)", 0)


def fresh() -> str:
    """Stands for what is drawn when it is sent."""
    return "(fresh)"


def preview(
    flow: Flow,
    secrets: Secrets,
    *,
    repaired: bool = True,
    mapping: Mapping = Mapping(),  # noqa: B008 - frozen
    transport: str = "UDP",
    keep_contact: bool = False,
) -> Result:
    """The plan of a replay: each request as it would be, with its edits."""
    steps = steps_of(flow)
    agent = Agent(
        local=LOCAL,
        transport=transport,
        token=fresh,
        digest_client=DigestClient(secrets, user_of(steps, mapping), fresh),
        mapping=mapping,
        keep_contact=keep_contact,
    )
    rows = [_planned(step, agent, repaired=repaired) for step in steps]
    return Result(
        mode="plan",
        title=", ".join(flow.sources),
        aor=flow.aor,
        rows=rows,
        outcome=Outcome(outcome_then(steps), "", False),
        notes=[*notes_of(flow, steps, secrets), *([] if repaired else notes_of_routes(steps))],
    )


def _planned(step: Step, agent: Agent, *, repaired: bool) -> Planned:
    editor = written(step, agent, REPAIRS if repaired else NECESSITIES)
    final = step.exchange.final
    if final is not None:
        # A challenge for credentials that were left out refuses none of those that would be sent.
        # Verbatim, the nonce is all that is new in credentials: with the captured one no edit would be seen.
        agent.digest_client.take(
            final if repaired else _with_fresh_nonces(final),
            spoke=not step.left_out and any(editor.first(key) is not None for key in CREDENTIALS),
        )
        agent.min_expires = max(agent.min_expires, (final.min_expires or 0) if final.status == 423 else 0)
    return Planned(step, editor)


def _with_fresh_nonces(final: Message) -> Message:
    raw = final.raw
    for challenge in final.challenges:
        param = challenge.param("nonce")
        if param is not None:
            raw = raw.replace(octets(param.raw), octets(f'{param.name}="{fresh()}"'))
    return parse(replace(final.raw_message, payload=raw))


def user_of(steps: tuple[Step, ...], mapping: Mapping) -> str:
    """Whose secret it is: the user of the captured credentials, else of To; mapped."""
    for step in steps:
        for credentials in step.exchange.request.credentials:
            if credentials.username:
                return mapping.user(credentials.username, credentials.realm or "") or credentials.username
    to = steps[0].exchange.request.to
    if to is None or to.uri is None or to.uri.user is None:
        return ""
    return mapping.user(to.uri.user, to.uri.host) or to.uri.user


def notes_of(flow: Flow, steps: tuple[Step, ...], secrets: Secrets) -> list[str]:
    """What the reader should know before: what was not chosen, what is not known, how long it takes."""
    notes = []
    if flow.others > 0:
        also = "1 other registration" if flow.others == 1 else f"{flow.others} other registrations"
        notes.append(
            f"This is registration {flow.number} of the source; {also} can be chosen with --aor, --call-id or --number."
        )
    challenged = any(step.exchange.status in (401, 407) or step.exchange.request.has_credentials for step in steps)
    if challenged and not len(secrets):
        notes.append("No password was given (--credentials FILE): a challenge could not be answered.")
    if flow.unseen:
        notes.append(f"Of {flow.unseen} answers the request was not seen; they are left out.")
    seconds = sum(step.wait for step in steps) / 1e9
    if seconds >= 5:
        notes.append(
            f"With the waits as recorded it takes {seconds:,.0f} s; --speed N divides them, --speed 0 drops them."
        )
    return notes


def expected_realms(steps: tuple[Step, ...], mapping: Mapping) -> frozenset[str]:
    """The realms that the capture makes one expect of the live registrar, mapped: those that challenged or were
    answered, and the domain that is registered at."""
    known: set[str] = set()
    for step in steps:
        request, final = step.exchange.request, step.exchange.final
        known.update(one.realm or "" for one in (*request.credentials, *(final.challenges if final else ())))
        known.update(uri.host for uri in (request.uri, request.to.uri if request.to else None) if uri is not None)
    user = user_of(steps, Mapping())
    return frozenset(mapping.apply(user, realm)[1] for realm in known if realm)


def notes_of_realms(steps: tuple[Step, ...], digest_client: DigestClient) -> list[str]:
    """That a digest went to a realm which nobody had reason to expect: a peer may ask in any name (RFC 3261 22.1)."""
    known = sorted({one.realm or "" for step in steps if (final := step.exchange.final) for one in final.challenges})
    then = f"the captured realm is {', '.join(known)}" if known else "the capture has no challenge"
    return [f"Warning: a digest was sent for the realm {realm}; {then}." for realm in digest_client.strange]


def notes_of_routes(steps: tuple[Step, ...]) -> list[str]:
    """That requests replayed verbatim carry a Route: who obeys it sends them on (RFC 3261 16.4, 16.6)."""
    routed = [step for step in steps if step.exchange.request.has("route")]
    if not routed:
        return []
    uris = dict.fromkeys(route for step in routed for route in step.exchange.request.values("route"))
    numbers = ", ".join(str(step.number) for step in routed)
    steps_keep = f"step {numbers} keeps its" if len(routed) == 1 else f"steps {numbers} keep their"
    shown = ", ".join([*list(uris)[:3], *(["..."] if len(uris) > 3 else [])])
    return [f"Warning: {steps_keep} Route, as captured: a peer that obeys it sends the request on to {shown}."]
