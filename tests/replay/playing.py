"""A captured flow replayed to a peer of a test, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.timers import Timers
from replay.agent import Mapping
from replay.flow import Wish, read_flow
from replay.net.links import tls_context
from replay.net.play import ConnectionOptions, play
from replay.record import Result
from replay.session import ReplayMode
from replay.target import parse_target
from tests.replay.peers import password

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SHORT = Timers(t1=10_000_000, t2=80_000_000, t4=50_000_000)
"""Timer F after 0.64 s."""
USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "kk80ei", "1002")
SECRETS = Secrets.of({user: password(user) for user in USERS})


def sample(name: str) -> Path:
    """The input of a sample."""
    return next(SAMPLES.joinpath(name).glob("input.*"))


def played(
    file: Path,
    target: str,
    *,
    wish: Wish = Wish(),  # noqa: B008 - a NamedTuple does not change
    secrets: Secrets = SECRETS,
    transport: str = "UDP",
    maps: Sequence[str] = (),
    repaired: bool = True,
    keep: bool = False,
    keep_contact: bool = False,
    speed: float = 0,
    timers: Timers | None = None,
    authority: Path | None = None,
    verify: bool = True,
    events: list[object] | None = None,
) -> Result:
    """The result of a replay of `file` to `target` (`HOST:PORT`)."""
    host, port = parse_target(target)
    course = ConnectionOptions(
        peer=Endpoint(host, port),
        transport=transport,
        tls=tls_context(verify=verify, authority=str(authority) if authority else None) if transport == "TLS" else None,
        name=host,
        mode=ReplayMode(repaired=repaired, speed=speed, keep=keep),
        mapping=Mapping.parse(tuple(maps)),
        keep_contact=keep_contact,
        timers=timers or Timers(),
    )
    flow = read_flow([file], wish, secrets=secrets)
    return play(flow, secrets, course, (events if events is not None else []).append)


def statuses(result: Result) -> list[list[int]]:
    """Per step the status of each try."""
    return [[one.status for one in row.result.tries] if row.result else [] for row in result.rows]
