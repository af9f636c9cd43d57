"""A client transaction for requests other than INVITE (RFC 3261 17.1.2): table in, commands out.

A response belongs to it if the branch of its top Via and the method of its CSeq are those of the request (17.1.3); a
hostile or confused peer may send anything else, which is counted and left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from analyzer.sip.message import Message
from analyzer.sip.timers import Timers
from replay.machine import Command, Send
from replay.timers import CLIENT, ClientAction, ClientEvent, ClientState

MOST_PROVISIONAL = 32
"""Provisional responses of one request that are kept; a peer may send them for ever, and Timer F ends it (17.1.2.2)."""

Ending = Literal["", "answered", "timeout", "error"]


@dataclass(slots=True)
class ClientTransaction:
    """One request on its way. `sent` counts copies, `final` is the response, `ending` what ended it ("" while it
    lasts).

    `sent_at`, `answered_at` and `deadline` are instants; `deadline` is None when nothing is waited for.
    """

    octets: bytes
    branch: str
    method: str
    cseq: int
    timers: Timers
    state: ClientState = "trying"
    sent: int = 0
    sent_at: int = 0
    answered_at: int | None = None
    provisional: list[Message] = field(default_factory=list)
    provisionals: int = 0
    copies: int = 0
    final: Message | None = None
    ending: Ending = ""
    error: str = ""
    _interval: int = 0
    _due: dict[ClientEvent, int] = field(default_factory=dict)

    @property
    def deadline(self) -> int | None:
        """When the next timer fires."""
        return min(self._due.values(), default=None)

    def start(self, now: int) -> list[Command]:
        """Send the request and set E and F."""
        self.sent, self.sent_at, self._interval = 1, now, self.timers.t1
        self._due["F"] = now + self.timers.f
        if not self.timers.reliable:
            self._due["E"] = now + self._interval
        return [Send(self.octets)]

    def matches(self, answer: Message) -> bool:
        """17.1.3, and the CSeq number beside: one branch used for two requests must not mix their answers. A request
        without a branch (RFC 2543) has responses without one."""
        via, cseq = answer.via, answer.cseq
        return (
            answer.status > 0
            and via is not None
            and (via.branch or "") == self.branch
            and cseq is not None
            and (cseq.number, cseq.method) == (self.cseq, self.method)
        )

    def receive(self, answer: Message, now: int) -> list[Command]:
        """Take in a response that `matches`."""
        if answer.status < 200:
            self.provisionals += 1
            if len(self.provisional) < MOST_PROVISIONAL and self.final is None:
                self.provisional.append(answer)
            return self._on("1xx", now)
        if self.final is None and self.state in ("trying", "proceeding"):
            self.final, self.answered_at = answer, now
        else:
            self.copies += 1
        return self._on("final", now)

    def wake(self, now: int) -> list[Command]:
        """Fire the timers that are due, the earliest first; F before E where both are, for then it is over."""
        commands: list[Command] = []
        while (due := [(at, event) for event, at in self._due.items() if at <= now]) and self.state != "terminated":
            event: ClientEvent = "F" if any(name == "F" for _, name in due) else min(due)[1]
            del self._due[event]
            commands += self._on(event, now)
        return commands

    def fail(self, reason: str, now: int) -> list[Command]:
        """The transport gave an error (17.1.4)."""
        self.error = self.error or reason
        return self._on("error", now)

    def _on(self, event: ClientEvent, now: int) -> list[Command]:
        move = CLIENT.get((self.state, event))
        if move is None:
            return []
        self.state = move.state
        commands: list[Command] = []
        for action in move.actions:
            commands += self._do(action, now)
        if self.state == "terminated":
            self._due.clear()
        return commands

    def _do(self, action: ClientAction, now: int) -> list[Command]:
        match action:
            case "send":
                self.sent += 1
                return [Send(self.octets)]
            case "set E":
                self._interval = self.timers.after(self._interval)
                self._due["E"] = now + self._interval
            case "set E to T2":
                self._due["E"] = now + self.timers.t2
            case "set K":
                self.ending = "answered"
                self._due = {"K": now + self.timers.k}
                if self.timers.k == 0:
                    self.state = "terminated"
            case "timeout" | "error":
                self.ending = action
            case "pass":
                pass  # the session reads `final` and `provisional`
        return []
