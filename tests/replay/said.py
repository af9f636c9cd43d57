"""Captures out of flow text, and the parts of a replay with everything random counted, for the playbook tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from analyzer.evidence import SECOND, Endpoint, Item, NetworkError, RawMessage
from analyzer.judge.flowtext import read_flow as flow_items
from analyzer.register.digest.secrets import Secrets
from replay.agent import Agent, Mapping
from replay.digest_client import DigestClient
from replay.flow import Flow, Wish, read_flow
from replay.plan import Step, steps_of
from tests.capture.build import ethernet, ip4, ip6, pcap, udp
from tests.shared import ROOT

LOCAL = Endpoint("127.0.0.1", 40000)
PEER = Endpoint("127.0.0.1", 5060)
SAMPLES = sorted(path for path in (ROOT / "samples").glob("*/input.*"))
READABLE = [path for path in SAMPLES if path.parent.name != "tls-registration"]
"""Those that need no keys."""

CLEAN = """
> REGISTER sip:example.com
< 401
> REGISTER sip:example.com
Authorization: {bob secret}
< 200
"""
"""One clean registration of sip:bob@example.com."""


def tokens() -> Callable[[], str]:
    """t1, t2, t3, ..."""
    numbers = count(1)
    return lambda: f"t{next(numbers)}"


def secrets_of(**passwords: str) -> Secrets:
    """Secrets for any realm."""
    return Secrets.of(passwords)


def agent_of(
    secrets: Secrets | None = None,
    *,
    username: str = "bob",
    local: Endpoint = LOCAL,
    transport: str = "UDP",
    mapping: tuple[str, ...] = (),
    keep_contact: bool = False,
) -> Agent:
    """An agent whose every octet is known; without secrets, bob's password is `secret`."""
    token = tokens()
    digest_client = DigestClient(secrets_of(bob="secret") if secrets is None else secrets, username, token)
    return Agent(local, transport, token, digest_client, Mapping.parse(mapping), keep_contact=keep_contact)


def capture_of(items: str | Iterable[Item], folder: Path, name: str = "flow.pcap") -> Path:
    """A capture file of a flow text (see analyzer/judge/flowtext.py), UDP over Ethernet."""
    found = list(flow_items(items) if isinstance(items, str) else items)
    path = folder / name
    path.write_bytes(pcap(_frames(found), magic=0xA1B23C4D, times=[divmod(item.time or 0, SECOND) for item in found]))
    return path


def _frames(items: list[Item]) -> Iterator[bytes]:
    for item in items:
        assert isinstance(item, RawMessage) and item.transport == "UDP", "flow text of UDP datagrams alone"
        inside = udp(item.payload, item.source.port, item.destination.port)
        if ":" in item.source.host:
            yield ethernet(ip6(inside, 17, item.source.host, item.destination.host))
        else:  # two packets of one identification would be one, captured twice
            yield ethernet(ip4(inside, 17, item.source.host, item.destination.host, ident=item.ip_id or 0))


def flow_of(text: str, folder: Path, **wish: str | int) -> Flow:
    """The flow of a text, as a file is read."""
    return read_flow([capture_of(text, folder)], Wish(**wish))  # type: ignore[arg-type]


def steps_in(text: str, folder: Path) -> tuple[Step, ...]:
    """The steps of a text."""
    return steps_of(flow_of(text, folder))


def raw_messages(text: str) -> list[RawMessage]:
    """The datagrams of a flow text."""
    return [item for item in flow_items(text) if not isinstance(item, NetworkError)]


def with_payload(item: RawMessage, payload: bytes) -> RawMessage:
    """The same with other octets."""
    return replace(item, payload=payload)


def spoiled(text: str, before: bytes, after: bytes) -> list[RawMessage]:
    """The datagrams of a flow text, `before` exchanged in the requests: what flow text cannot write."""
    found = raw_messages(text)
    assert any(before in item.payload for item in found)
    return [
        with_payload(item, item.payload.replace(before, after)) if item.payload.startswith(b"REGISTER") else item
        for item in found
    ]
