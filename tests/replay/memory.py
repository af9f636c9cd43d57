"""A registrar in memory and the clock of a session: a replay from its first request to its end, without a socket.

The registrar is written from RFC 3261 10.3 and RFC 7616 anew, and shares nothing with the code under test: what it
accepts is right, or both are wrong in the same way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analyzer.sip.timers import Timers
from replay.events import Answered, Ignored, Sent, Waiting
from replay.machine import SECOND, Command, Machine, Notify, Send
from replay.session import ClientSession, ReplayMode
from tests.replay.said import PEER, agent_of, secrets_of, steps_in
from tests.replay.scripted import answer_to

Respond = Callable[[bytes], Iterable[bytes]]
ROUND_TRIP = SECOND // 100


def header(request: bytes, name: str) -> str | None:
    """The value of the first row of that name."""
    found = re.search(rb"(?im)^%b[ \t]*:[ \t]*(.*?)\r$" % name.encode(), request)
    return found[1].decode() if found else None


@dataclass
class MemoryRegistrar:
    """Challenges, verifies and binds. `bindings` are contact URIs with their granted seconds; `requests` all that came.

    `nonce_uses`: a nonce is stale after so many (0: never); `min_expires`: less is answered with 423.
    """

    passwords: dict[str, str] = field(default_factory=lambda: {"bob": "secret", "carol": "carolpw"})
    qop: bool = True
    hash_name: str = "MD5"
    nonce_uses: int = 0
    min_expires: int = 0
    realm: str = "example.com"
    bindings: dict[str, int] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    _nonces: dict[str, int] = field(default_factory=dict)

    def __call__(self, request: bytes) -> list[bytes]:
        self.requests.append(request)
        status, headers = self._judge(request)
        self.statuses.append(status)
        return [answer_to(request, status, *headers)]

    def _judge(self, request: bytes) -> tuple[int, list[str]]:
        said = header(request, "Authorization")
        if said is None:
            return self._challenge(stale=False)
        values = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))', said)}
        nonce = values["nonce"]
        if nonce not in self._nonces:
            return self._challenge(stale=True)
        if values["response"] != self._expected(values):
            return 403, []
        if self.qop and int(values["nc"], 16) <= self._nonces[nonce]:
            return self._challenge(stale=True)
        self._nonces[nonce] += 1
        if self.nonce_uses and self._nonces[nonce] > self.nonce_uses:
            return self._challenge(stale=True)
        return self._bind(request)

    def _challenge(self, *, stale: bool) -> tuple[int, list[str]]:
        nonce = f"nonce-{len(self._nonces) + 1}"
        self._nonces[nonce] = 0
        rest = (", stale=true" if stale else "") + (', qop="auth"' if self.qop else "")
        return 401, [
            f'WWW-Authenticate: Digest realm="{self.realm}", nonce="{nonce}", algorithm={self.hash_name}{rest}'
        ]

    def _expected(self, values: dict[str, str]) -> str:
        def h(*parts: str) -> str:
            return hashlib.new(
                {"MD5": "md5", "SHA-256": "sha256"}[self.hash_name], ":".join(parts).encode()
            ).hexdigest()

        of_secret = h(values["username"], values["realm"], self.passwords.get(values["username"], "\0"))
        of_request = h("REGISTER", values["uri"])
        between = [values["nc"], values["cnonce"], values["qop"]] if self.qop else []
        return h(of_secret, values["nonce"], *between, of_request)

    def _bind(self, request: bytes) -> tuple[int, list[str]]:
        default = int(header(request, "Expires") or 3600)
        contacts = header(request, "Contact")
        if contacts == "*":
            if default != 0:
                return 400, []
            self.bindings.clear()
            return 200, []
        asked: dict[str, int] = {}
        for contact in re.split(r",(?=\s*<)", contacts or ""):
            found = re.search(r"<([^>]*)>(?:.*;expires=(\d+))?", contact)
            if found:
                asked[found[1]] = default if found[2] is None else int(found[2])
        if any(0 < seconds < self.min_expires for seconds in asked.values()):
            return 423, [f"Min-Expires: {self.min_expires}"]
        self.bindings |= asked
        self.bindings = {uri: seconds for uri, seconds in self.bindings.items() if seconds}
        return 200, [f"Contact: <{uri}>;expires={seconds}" for uri, seconds in self.bindings.items()]


@dataclass
class Table:
    """What a machine did at a peer: `sent` octets with their instants, the events it `told`, and what went over the
    `wire` in order, with whether it came back."""

    machine: Machine
    respond: Respond
    now: int = 0
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    told: list[Sent | Answered | Waiting | Ignored] = field(default_factory=list)
    wire: list[tuple[int, bool, bytes]] = field(default_factory=list)
    _arriving: list[tuple[int, bytes]] = field(default_factory=list)

    def play(self, until: int = 10_000 * SECOND) -> Table:
        """Let it run until it is done, or nothing is left to happen, or the instant `until`."""
        if not self.sent:
            self._carry(self.machine.start(self.now))
        while not self.machine.done:
            due = [at for at in (self.machine.deadline, *(at for at, _ in self._arriving)) if at is not None]
            if not due or min(due) > until:
                break
            self.now = max(self.now, min(due))
            if self._arriving and self._arriving[0][0] <= self.now:
                self.wire.append((self.now, True, self._arriving.pop(0)[1]))
                self._carry(self.machine.receive(self.wire[-1][2], PEER, self.now))
            else:
                self._wake()
        return self

    def _wake(self) -> None:
        """A machine that wakes at its deadline does something, or has another: else an I/O boundary would spin."""
        done = self._carry(self.machine.wake(self.now))
        later = self.machine.deadline is None or self.machine.deadline > self.now
        assert done or later or self.machine.done, f"woken at {self.now}, it wants to be woken at {self.now} again"

    def hand(self, octets: bytes) -> list[Command]:
        """Let octets come out of order."""
        return self._carry(self.machine.receive(octets, PEER, self.now))

    def stop(self) -> None:
        """Somebody wants an end."""
        self._carry(self.machine.stop(self.now))

    def fail(self, reason: str) -> None:
        """The transport gives an error."""
        self._carry(self.machine.failed(reason, self.now))

    def _carry(self, commands: Iterable[Command]) -> list[Command]:
        commands = list(commands)
        for command in commands:
            if isinstance(command, Notify):
                self.told.append(command.event)
            elif isinstance(command, Send):
                self.sent.append((self.now, command.octets))
                self.wire.append((self.now, False, command.octets))
                arrival = self.now + ROUND_TRIP
                self._arriving += [(arrival, octets) for octets in self.respond(command.octets)]
        return commands


KEEP = ReplayMode(keep=True)


def silence(request: bytes) -> list[bytes]:
    """A peer that is not there."""
    return []


def table(
    text: str,
    folder: Path,
    respond: Respond,
    mode: ReplayMode = KEEP,
    *,
    reliable: bool = False,
    passwords: dict[str, str] | None = None,
) -> tuple[ClientSession, Table]:
    """A session that plays a flow text at a peer, not yet begun; without `passwords`, bob's is `secret`."""
    agent = agent_of(secrets_of(**({"bob": "secret"} if passwords is None else passwords)))
    session = ClientSession(steps_in(text, folder), agent, Timers(reliable=reliable), mode)
    return session, Table(session, respond)


def played(text: str, folder: Path, respond: Respond, mode: ReplayMode = KEEP) -> tuple[ClientSession, Table]:
    """The same, played to its end."""
    session, seen = table(text, folder, respond, mode)
    seen.play()
    return session, seen
