"""The stage of the registrar's tests: requests as text, a registrar with a clock of its own, and clients in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.timers import Timers
from replay.agent import Agent
from replay.conversation import Conversation
from replay.digest_client import DigestClient
from replay.flow import Exchange, Flow
from replay.known_clients import Client, Round
from replay.machine import SECOND, Command, Machine, Notify, Send
from replay.plan import steps_of
from replay.registrar import Registrar, RegistrarPolicy
from replay.responses import Received
from replay.server_transaction import MOST_TRANSACTIONS
from replay.session import ClientSession, ReplayMode
from replay.uas import StopCondition, TransactionUser, UserAgentServer

PHONE = Endpoint("192.0.2.10", 5060)
HERE = Endpoint("192.0.2.1", 5060)
START = 1_000 * SECOND
EPOCH = 1_700_000_000 * SECOND
SECRETS = Secrets.of({"alice": "wonder", "bob": "builder"})

_numbers = count(1)


def tokens() -> Callable[[], str]:
    """t1, t2, ..."""
    numbers = count(1)
    return lambda: f"t{next(numbers)}"


def request(
    method: str = "REGISTER",
    *,
    user: str = "alice",
    cseq: int = 1,
    call_id: str = "call-1",
    branch: str = "",
    contact: str | None = "<sip:alice@192.0.2.10>",
    expires: str | None = None,
    extra: Sequence[str] = (),
    drop: Sequence[str] = (),
    via: str = "",
    uri: str = "sip:example.com",
    to: str = "",
) -> bytes:
    """A request; each without `branch` has one of its own. `drop` names headers (as written) to leave out."""
    branch = branch or f"z9hG4bK-{next(_numbers)}"
    rows = {
        "Via": via or f"SIP/2.0/UDP 192.0.2.10:5060;branch={branch}",
        "Max-Forwards": "70",
        "From": f"<sip:{user}@example.com>;tag=f1",
        "To": to or f"<sip:{user}@example.com>",
        "Call-ID": call_id,
        "CSeq": f"{cseq} {method}",
        "Contact": contact,
        "Expires": expires,
    }
    lines = [f"{method} {uri} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in rows.items() if value is not None and name not in drop]
    return "\r\n".join([*lines, *extra, "Content-Length: 0", "", ""]).encode()


class Desk:
    """A user of transactions, asked directly: the table of transactions is not in the way."""

    def __init__(self, user: TransactionUser | None = None) -> None:
        self.user = user or Registrar(Secrets(), RegistrarPolicy(server=""), tokens())
        self.now = START
        self.client = Client(1, "sip:alice@example.com", PHONE)

    def ask(self, octets: bytes, *, client: Client | None = None, peer: Endpoint = PHONE) -> Message:
        """The answer to a request."""
        message = self.maybe(octets, client=client, peer=peer)
        assert message is not None
        return message

    def maybe(self, octets: bytes, *, client: Client | None = None, peer: Endpoint = PHONE) -> Message | None:
        """The answer to a request, if there is one."""
        asked = parse_bytes(octets)
        received = Received(asked, peer, HERE, "UDP", self.now, self.now + EPOCH)
        client = client or self.client
        self.round: Round = client.begin(asked)
        self.reply = self.user.answer(received, client, self.round)
        self.editor = self.reply.final
        return None if self.editor is None else parse_bytes(self.editor.octets())


def desk(secrets: Secrets | None = None, **policy: Any) -> Desk:
    """A plain registrar to be asked."""
    return Desk(Registrar(secrets or Secrets(), RegistrarPolicy(server="", **policy), tokens()))


def house(
    user: TransactionUser | None = None,
    *,
    term: StopCondition | None = None,
    transport: str = "UDP",
    secrets: Secrets | None = None,
    most: int = MOST_TRANSACTIONS,
) -> UserAgentServer:
    """A user agent server that listens at `HERE`, not started."""
    user = user or Registrar(secrets or Secrets(), RegistrarPolicy(server=""), tokens())
    machine = UserAgentServer(user, Conversation(secrets), term or StopCondition(), most=most)
    machine.bound(HERE, transport, EPOCH)
    return machine


def sent(commands: Sequence[Command]) -> list[Message]:
    """The messages that go out."""
    return [parse_bytes(one.octets) for one in commands if isinstance(one, Send)]


def told(commands: Sequence[Command], kind: type) -> list[Any]:
    """The events of a kind."""
    return [one.event for one in commands if isinstance(one, Notify) and isinstance(one.event, kind)]


def flow(*pairs: tuple[bytes, bytes | None], outcome: str = "registered", gap: int = SECOND // 100) -> Flow:
    """A captured registration of these requests and answers."""
    exchanges = tuple(
        Exchange(
            number=number,
            request=parse_bytes(asked),
            final=parse_bytes(answered) if answered is not None else None,
            provisional=(),
            retransmissions=0,
            request_time=number * SECOND,
            final_time=number * SECOND + gap if answered is not None else None,
        )
        for number, (asked, answered) in enumerate(pairs, 1)
    )
    return Flow("sip:alice@example.com", outcome, 1, exchanges)


def play(client: Machine, server: UserAgentServer, *, drop: Callable[[int], bool] = lambda number: False) -> list[Any]:
    """Both machines against each other, with one clock, for two minutes at most. `drop` tells by its number which
    message is lost. Returns what was told by both, in order."""
    stage = _Stage(client, server, drop)
    stage.take("server", server.start(START))
    stage.take("client", client.start(START))
    while not client.done and stage.now < START + 120 * SECOND:
        due = [at for at in (client.deadline, server.deadline) if at is not None]
        if not due:
            break
        stage.now = max(stage.now, min(due))
        stage.take("server", server.wake(stage.now))
        stage.take("client", client.wake(stage.now))
    return stage.events


class _Stage:
    def __init__(self, client: Machine, server: UserAgentServer, drop: Callable[[int], bool]) -> None:
        self.client, self.server, self.drop = client, server, drop
        self.now = START
        self.events: list[Any] = []
        self.number = 0

    def take(self, side: str, commands: Sequence[Command]) -> None:
        """Carry out commands of one side, and what they lead to."""
        for command in commands:
            if isinstance(command, Notify):
                self.events.append(command.event)
                continue
            self.number += 1
            if self.drop(self.number):
                continue
            if side == "client":
                self.take("server", self.server.receive(command.octets, PHONE, self.now))
            else:
                self.take("client", self.client.receive(command.octets, HERE, self.now))


def client_of(captured: Flow, *, password: str = "", mode: ReplayMode | None = None) -> ClientSession:
    """The project's own user agent client, which says a captured flow again as alice."""
    token = tokens()
    secrets = Secrets.of({"alice": password}) if password else Secrets()
    agent = Agent(PHONE, "UDP", lambda: f"c{token()}", DigestClient(secrets, "alice", lambda: f"w{token()}"))
    return ClientSession(steps_of(captured), agent, Timers(), mode or ReplayMode(speed=0))
