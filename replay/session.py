"""The client's half of a captured registration, replayed: steps in, requests out, answers taken in (sans-IO).

Each step is one captured request. Repaired, it is followed by as many requests as the live peer asks for: credentials
after a challenge (RFC 3261 22.2), a longer expiry after a 423 (10.2.8); verbatim, it is one request. At the end the
bindings that were made are removed (10.2.2), also when somebody wants an early end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.evidence import Endpoint
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.timers import Timers
from replay.agent import MOST_CSEQ, Agent
from replay.client_transaction import ClientTransaction
from replay.contacts import requested_bindings, taken_away
from replay.events import Answered, Ignored, Sent, StepResult, Try, Waiting
from replay.machine import SECOND, Command, Notify
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.rewrite import BARE, NECESSITIES, REPAIRS, Change, written
from replay.rewrite.auth import answer_challenge

MOST_TRIES = 5
"""Requests for one step: a peer that challenges for ever, or raises Min-Expires with every answer, is left alone."""
MOST_IGNORED = 1000
"""Stray messages that are told one by one; the rest are counted."""
PATIENCE = 4 * SECOND
"""How long an early end waits for the removal of bindings to be answered: three copies after the first have had their
time then (T1 500 ms), and who wants an end does not want to wait for Timer F."""


@dataclass(frozen=True, slots=True)
class ReplayMode:
    """How it is said: `repaired` or verbatim, gaps divided by `speed` (0: none), bindings kept or removed."""

    repaired: bool = True
    speed: float = 1.0
    keep: bool = False
    stepwise: bool = False


@dataclass(slots=True)
class ClientSession:
    """A `Machine` (see machine.py) that plays `steps` as `agent`. `results` is what is left in the end, `removal` the
    requests that took the bindings away, `ignored` how many stray messages came, `heard` whether any answer did,
    `unanswered` how long (nanoseconds) the request that was given up had been waiting. With `retreat` a first request
    that cannot be delivered is the end, `refused` says why: the peer has another address."""

    steps: Sequence[Step]
    agent: Agent
    timers: Timers
    mode: ReplayMode = ReplayMode()
    results: list[StepResult] = field(default_factory=list)
    removal: list[Try] = field(default_factory=list)
    ignored: int = 0
    deadline: int | None = None
    done: bool = False
    stopped: bool = False
    bound: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    retreat: bool = False
    refused: str = ""
    held: bool = False
    heard: bool = False
    unanswered: int = 0
    _at: int = 0
    _live: ClientTransaction | None = None
    _try: Try | None = None
    _next_at: int | None = None
    _removing: bool = False
    _give_up_at: int | None = None

    def start(self, now: int) -> list[Command]:
        """Begin with the first step."""
        return self._go_on(now)

    def receive(self, octets: bytes, peer: Endpoint, now: int) -> list[Command]:
        """Take in one message. Only a response to the request under way changes anything."""
        if not octets.strip(b"\r\n\0"):
            return []  # a keep-alive, or the response to one
        return self.take(parse_bytes(octets), peer, now)

    @property
    def branch(self) -> str:
        """The branch of the request under way, "" without one."""
        return self._live.branch if self._live is not None else ""

    def take(self, message: Message, peer: Endpoint, now: int) -> list[Command]:
        """Take in a message that was read already."""
        live = self._live
        if live is None or self._try is None or not live.matches(message):
            return self._ignore(message, peer)
        self.heard = True
        commands = live.receive(message, now)
        self._try.provisional = live.provisional
        if live.final is message:
            commands += self._answered(now)
        self._set_deadline()
        return commands

    def wake(self, now: int) -> list[Command]:
        """A timer, or the end of a wait."""
        commands: list[Command] = []
        if self._live is not None:
            before = self._live.ending
            commands += self._live.wake(now)
            if self._live.ending != before and self._live.ending in ("timeout", "error"):
                commands += self._answered(now)
        if self._next_at is not None and self._next_at <= now:
            self._next_at = None
            commands += self._go_on(now)
        if self._give_up_at is not None and self._give_up_at <= now and not self.done:
            self._give_up("timeout")
        self._set_deadline()
        return commands

    def failed(self, reason: str, now: int) -> list[Command]:
        """The transport gave an error: the request under way has ended (17.1.4)."""
        live = self._live
        if live is None or live.ending:
            return []
        commands = live.fail(reason, now)
        commands += self._answered(now) if live.state == "terminated" else []
        self._set_deadline()
        return commands

    def stop(self, now: int, *, careful: bool = True) -> list[Command]:
        """End early: what is under way is given up, what was bound is removed; `careful`: what may have been, too.
        That takes no longer than PATIENCE, and no time at all when it is asked for again."""
        if self.done:
            return []
        if self.stopped:
            self._give_up("stopped")
            return []
        self.stopped, self._next_at, self.held = True, None, False
        if self._try is not None and not self._try.ending:
            self._try.ending, self.unanswered = "stopped", now - self._try.sent_at
            self._note_unknown(self._try.editor, removable=careful)
        self._live = self._try = None
        self._give_up_at = now + PATIENCE
        commands = self._finish(now)
        self._set_deadline()
        return commands

    def _give_up(self, ending: str) -> None:
        """Leave the removal as it stands."""
        if self._try is not None and not self._try.ending:
            self._try.ending = ending
            if self._live is not None:
                self._try.copies = self._live.sent - 1
        self._live, self.done = None, True

    @property
    def left(self) -> tuple[str, ...]:
        """The contacts that the registrar may hold after the end, against the user's wish."""
        return () if self.mode.keep else tuple(self.bound | self.doubtful)

    def _set_deadline(self) -> None:
        if self.done:
            self.deadline = None
            return
        moments = (self._live.deadline if self._live else None, self._next_at, self._give_up_at)
        self.deadline = min((at for at in moments if at is not None), default=None)

    def _ignore(self, message: Message, peer: Endpoint) -> list[Command]:
        self.ignored += 1
        if self.ignored > MOST_IGNORED:
            return []
        what = f"a {message.status}" if message.status else f"a {message.method[:32]}" if message.method else "no SIP"
        return [Notify(Ignored(f"{what} from {peer} that belongs to no request of ours"))]

    # What comes next.

    def _go_on(self, now: int) -> list[Command]:
        """Send the next step, or finish."""
        if self._at >= len(self.steps):
            commands = self._finish(now)
        else:
            step = self.steps[self._at]
            self._at += 1
            self.results.append(StepResult(step))
            changes: tuple[Change, ...] = REPAIRS if self.mode.repaired else NECESSITIES
            commands = self._send(step, changes, "", now)
        self._set_deadline()
        return commands

    def _send(self, step: Step, changes: tuple[Change, ...], why: str, now: int) -> list[Command]:
        editor = written(step, self.agent, changes)
        self._try = Try(editor, why, sent_at=now)
        result = None if self._removing else self.results[-1]
        (self.removal if result is None else result.tries).append(self._try)
        octets = editor.octets()
        sent = parse_bytes(octets)
        branch, cseq = (sent.via.branch or "") if sent.via else "", sent.cseq
        number, method = (cseq.number, cseq.method) if cseq else (-1, sent.method)
        if not self.mode.repaired:  # what follows, the removal, is ours and goes on from here
            self.agent.call_id, self.agent.cseq = sent.call_id, max(number, self.agent.cseq or 0)
            self.agent.from_tag = (sent.from_.tag if sent.from_ is not None else None) or self.agent.from_tag
        self._live = ClientTransaction(octets, branch, method, number, self.timers)
        return [Notify(Sent(result, editor, why)), *self._live.start(now)]

    def _answered(self, now: int) -> list[Command]:
        """The request under way has its end."""
        live, attempt = self._live, self._try
        assert live is not None and attempt is not None
        attempt.final, attempt.answered_at, attempt.copies = live.final, live.answered_at, live.sent - 1
        attempt.ending, attempt.error = live.ending or "answered", live.error
        result = None if self._removing else self.results[-1]
        commands: list[Command] = [Notify(Answered(result, attempt))]
        again = self._learn(attempt)
        if self.retreat and attempt.ending == "error" and not self.heard:
            self.refused, self.done = attempt.error, True
            return commands
        if again and self._tries() < MOST_TRIES and (self.mode.repaired or self._removing):
            return commands + self._send_again(again, now)
        if self._removing:
            self.done = True
            return commands
        return commands + self._wait(now)

    def _tries(self) -> int:
        return len(self.removal) if self._removing else len(self.results[-1].tries)

    def _send_again(self, why: str, now: int) -> list[Command]:
        if self._removing:
            return self._remove(why, now)
        step = self.results[-1].step
        return self._send(step, (*BARE[:-1], answer_challenge, BARE[-1]), why, now)

    def _learn(self, attempt: Try) -> str:
        """What a response teaches; why the request should be sent again, "" if it should not."""
        final, editor = attempt.final, attempt.editor
        if final is None:
            undelivered = attempt.ending == "error" and not attempt.copies and not self.timers.reliable
            if not undelivered or self.heard:  # a registrar that lives may have bound it, and its answer be lost
                self._note_unknown(editor, removable=self.heard)
            return ""
        if 200 <= final.status < 300:
            self._note_bound(editor)
        spoke = any(editor.first(key) is not None for key in CREDENTIALS)
        answerable = self.agent.digest_client.take(final, spoke=spoke)
        if final.status in (401, 407):
            return "the challenge" if answerable and not self._next_step_answers() else ""
        if final.status == 423:
            least = final.min_expires or 0
            if least > self.agent.min_expires:
                self.agent.min_expires = least
                return f"Min-Expires: {least}" if not self._next_step_goes_on() else ""
        return ""

    def _next_step_answers(self) -> bool:
        """The captured flow has the response to this challenge as its next step."""
        if self._removing or len(self.results[-1].tries) > 1 or self._at >= len(self.steps):
            return False
        following = self.steps[self._at]
        return following.continues and self.results[-1].step.exchange.status in (401, 407)

    def _next_step_goes_on(self) -> bool:
        if self._removing or self._at >= len(self.steps):
            return False
        return self.steps[self._at].continues and self.results[-1].step.exchange.status == 423

    def _wait(self, now: int) -> list[Command]:
        """Wait as long as the captured client did, unless it goes on with the same matter."""
        if self._at >= len(self.steps):
            return self._go_on(now)
        step = self.steps[self._at]
        if self.mode.stepwise and not step.continues:
            self.held = True
            return [Notify(Waiting(0))]
        wait = 0 if self.mode.speed <= 0 else int(step.wait / self.mode.speed)
        silent = step.before is not None and step.before.final is None  # then the gap runs from the request
        since = self._try.sent_at if silent and self._try is not None else now
        if since + wait <= now:
            return self._go_on(now)
        self._next_at = since + wait
        return [Notify(Waiting(self._next_at - now))]

    def proceed(self, now: int) -> list[Command]:
        """In stepwise manner: send the next step."""
        if not self.held:
            return []
        self.held = False
        return self._go_on(now)

    # The end.

    def _note_bound(self, editor: MessageEditor) -> None:
        """Which contacts of ours a 2xx leaves bound (10.3 step 8)."""
        for uri, raw in requested_bindings(editor.all("contact"), editor.first("expires")):
            if raw:
                self.bound[uri] = raw
            for known in [uri] if uri != "*" else [*self.bound, *self.doubtful]:
                self.doubtful.pop(known, None)
                if not raw:
                    self.bound.pop(known, None)

    def _note_unknown(self, editor: MessageEditor, *, removable: bool) -> None:
        """Nobody knows what became of a request: what it may have bound is removed with the rest, where the peer is one
        that answers (`removable`), and else told."""
        if not self._removing:
            (self.bound if removable else self.doubtful).update(
                (uri, raw) for uri, raw in requested_bindings(editor.all("contact"), editor.first("expires")) if raw
            )

    def _finish(self, now: int) -> list[Command]:
        if self.heard:
            self.bound, self.doubtful = self.doubtful | self.bound, {}
        if self.mode.keep or not self.bound or not self.results:
            self.done = True
            return []
        self._removing = True
        return self._remove("", now)

    def _remove(self, why: str, now: int) -> list[Command]:
        """10.2.2: an expiration interval of 0 for each contact that is ours, and for no other."""
        step = self.results[-1].step
        if (self.agent.cseq or 0) >= MOST_CSEQ:
            # A captured number that cannot grow. With another Call-ID any number will do (10.3 step 7).
            self.agent.call_id, self.agent.cseq = "", None

        def contacts(editor: MessageEditor, step: Step, agent: Agent) -> None:
            del step, agent
            editor.change("contact", taken_away(self.bound.values()), why="the bindings of this replay are removed")
            editor.change("expires", "0", why="the bindings of this replay are removed")

        changes = [change for change in BARE if change.__name__ not in ("repair_contact", "drop_credentials")]
        return self._send(step, (*changes[:-1], contacts, answer_challenge, changes[-1]), why or "the end", now)
