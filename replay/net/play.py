"""The client's half against a live registrar, from the flow to the result."""

from __future__ import annotations

import asyncio
import secrets as chance
import signal
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, TypeVar

from analyzer.evidence import Endpoint
from analyzer.interruption import diverted
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.timers import Timers
from replay.agent import Agent, Mapping
from replay.digest_client import DigestClient
from replay.flow import Flow
from replay.load import Load, Pace, Tally
from replay.net.converse import Ask, Tell, converse
from replay.net.descriptors import afford
from replay.net.inbox import Inbox, Stop
from replay.net.leftovers import told_in_a_line
from replay.net.links import Link, LinkError, connect
from replay.outcome import outcome_of, outcome_then
from replay.plan import Step, steps_of
from replay.preview import expected_realms, notes_of, notes_of_realms, notes_of_routes, user_of
from replay.record import Planned, Result
from replay.rewrite import NECESSITIES, REPAIRS, written
from replay.session import ClientSession, ReplayMode

Progress = Callable[[Tally], None]


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Where to and how: `name` is what the certificate must name, `keepalive` seconds of silence before one is sent.
    `others` are further addresses of the same name, each for the case that those before it refuse (RFC 3263 4.3)."""

    peer: Endpoint
    transport: str = "UDP"
    tls: ssl.SSLContext | None = None
    name: str | None = None
    mode: ReplayMode = field(default_factory=ReplayMode)
    mapping: Mapping = field(default_factory=Mapping)
    keep_contact: bool = False
    keepalive: float = 0.0
    timers: Timers = field(default_factory=Timers)
    others: tuple[Endpoint, ...] = ()


def token() -> str:
    """Something that nobody has used before (RFC 3261 8.1.1.7, 19.3: at least 32 random bits)."""
    return chance.token_hex(12)


def play(flow: Flow, secrets: Secrets, course: ConnectionOptions, tell: Tell, ask: Ask | None = None) -> Result:
    """Say the flow again to `course.peer`. Ctrl-C removes the bindings and gives what there is.

    `ask` is called before each step that does not continue another, where `course.mode` is stepwise. Raises LinkError
    where no connection can be made.
    """
    return _run(lambda: _play(flow, secrets, course, tell, ask))


def agent_for(flow: Flow, secrets: Secrets, course: ConnectionOptions, local: Endpoint) -> Agent:
    """A user agent that speaks from `local`."""
    steps = steps_of(flow)
    digest_client = DigestClient(
        secrets, user_of(steps, course.mapping), token, expected=expected_realms(steps, course.mapping)
    )
    return Agent(
        local=local,
        transport=course.transport,
        token=token,
        digest_client=digest_client,
        mapping=course.mapping,
        keep_contact=course.keep_contact,
    )


async def _play(flow: Flow, secrets: Secrets, course: ConnectionOptions, tell: Tell, ask: Ask | None) -> Result:
    timers = replace(course.timers, reliable=course.transport != "UDP")

    def make(link: Link, retreat: bool) -> ClientSession:
        agent = agent_for(flow, secrets, course, link.local)
        return ClientSession(steps_of(flow), agent, timers, course.mode, retreat=retreat)

    session, peer, notes = await _first_that_answers(course, make, tell, ask)
    result = _result(flow, secrets, replace(course, peer=peer), session)
    result.notes += notes
    return result


_M = TypeVar("_M", ClientSession, Load)


async def _first_that_answers(
    course: ConnectionOptions, make: Callable[[Link, bool], _M], tell: Tell, ask: Ask | None = None
) -> tuple[_M, Endpoint, list[str]]:
    """Converse with the first address of the peer that does not refuse; with which, and a note for each that did.

    `make` is told whether there is another address to retreat to. Raises LinkError where the last cannot be reached.
    """
    peers = (course.peer, *course.others)
    notes: list[str] = []
    troubles: Counter[str] = Counter()
    asyncio.get_running_loop().set_exception_handler(told_in_a_line(lambda line: troubles.update((line,))))
    for peer, following in zip_longest(peers, peers[1:]):
        try:
            link = await connect(peer, course.transport, tls=course.tls, name=course.name)
        except LinkError as error:
            if following is None:
                raise
            refused = str(error)
        else:
            machine = make(link, following is not None)
            try:
                with _interruptible(link.inbox):
                    await converse(machine, link, tell, keepalive=course.keepalive, ask=ask)
            finally:
                await link.close()
            if not machine.refused:
                return machine, peer, notes + [f"{line}: {count} in all" for line, count in troubles.most_common(10)]
            refused = machine.refused
        notes.append(f"{peer} was tried first: {refused}.")
    raise LinkError("it has no address")


def play_many(
    flow: Flow,
    secrets: Secrets,
    course: ConnectionOptions,
    users: Sequence[str],
    pace: Pace,
    progress: Progress | None = None,
) -> Load:
    """Say the flow again as each of `users`, over one link. `progress` hears now and then how it stands.

    Raises LinkError where no connection can be made.
    """
    return _run(lambda: _play_many(flow, secrets, course, users, pace, progress))


_R = TypeVar("_R")


def _run(main: Callable[[], Coroutine[Any, Any, _R]]) -> _R:
    """Run it in a loop of its own; raises LinkError where the system has no means for one."""
    try:
        afford()
    except OSError as error:
        raise LinkError((error.strerror or str(error)).lower()) from None
    return asyncio.run(main())


async def _play_many(
    flow: Flow, secrets: Secrets, course: ConnectionOptions, users: Sequence[str], pace: Pace, progress: Progress | None
) -> Load:
    steps = steps_of(flow)
    timers = replace(course.timers, reliable=course.transport != "UDP")
    expected = expected_realms(steps, course.mapping)
    watching: list[asyncio.Task[None]] = []

    def make(link: Link, retreat: bool) -> Load:
        def session(number: int) -> ClientSession:
            user = users[number]
            mapping = Mapping((*course.mapping.pairs, *_as_user(steps, user)))
            digest_client = DigestClient(secrets, user, token, expected=expected)
            agent = Agent(link.local, course.transport, token, digest_client, mapping, keep_contact=course.keep_contact)
            return ClientSession(steps, agent, timers, course.mode)

        load = Load(session, len(users), pace, retreat=retreat, then=outcome_then(steps))
        if progress is not None:
            watching.append(asyncio.create_task(_watch(load, progress)))
        return load

    try:
        load, peer, notes = await _first_that_answers(course, make, _nobody)
    finally:
        for task in watching:
            task.cancel()
    load.peer, load.notes = peer, notes
    return load


def _as_user(steps: Sequence[Step], user: str) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """What puts a user in the place of the captured one, in URIs: there it may have another name than in the digest."""
    to = steps[0].exchange.request.to
    named = to.uri.user if to is not None and to.uri is not None else None
    for captured in dict.fromkeys((named or "", user_of(tuple(steps), Mapping()))):
        if captured:
            yield (captured, ""), (user.partition("@")[0], "")


async def _watch(load: Load, progress: Progress) -> None:
    while not load.done:
        progress(load.tally)
        await asyncio.sleep(0.2)


def _nobody(event: object) -> None:
    """Nobody watches every step of thousands."""


@contextmanager
def _interruptible(inbox: Inbox) -> Iterator[None]:
    """Ctrl-C (and whatever else would be raised as that) asks for an end, in order with all else that happens; in
    another thread than the main one it does what it does elsewhere."""
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        del number
        loop.call_soon_threadsafe(inbox.put, Stop())

    with diverted(stop, always=[signal.SIGINT]):  # which the loop itself listens for
        yield


def _result(flow: Flow, secrets: Secrets, course: ConnectionOptions, session: ClientSession) -> Result:
    """What became of each step; those that were not reached are shown as they would have been."""
    steps = steps_of(flow)
    reached = {result.step.number: result for result in session.results}
    changes = REPAIRS if course.mode.repaired else NECESSITIES
    rows = []
    for step in steps:
        result = reached.get(step.number)
        tried = result is not None and bool(result.tries)
        editor = result.tries[-1].editor if result is not None and tried else written(step, session.agent, changes)
        rows.append(Planned(step, editor, result if tried else None))
    notes = notes_of(flow, steps, secrets)[:1] if flow.others > 0 else []
    notes += notes_of_realms(steps, session.agent.digest_client)
    notes += [] if course.mode.repaired else notes_of_routes(steps)
    if session.agent.digest_client.unanswerable:
        notes.append(f"A challenge was not answered: {session.agent.digest_client.unanswerable}.")
    return Result(
        mode="client",
        title=", ".join(flow.sources),
        aor=flow.aor,
        rows=rows,
        outcome=outcome_of(steps, session.results),
        target=f"{course.peer} over {course.transport}",
        notes=notes,
        removal=session.removal,
        not_removed=session.left,
        ignored=session.ignored,
        interrupted=session.stopped,
    )


__all__ = ["Ask", "ConnectionOptions", "LinkError", "agent_for", "play", "play_many", "token"]
