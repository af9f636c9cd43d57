"""A registrar in a process of its own, for clients that are programs: `python -m tests.replay.serve_here OPTIONS`.

OPTIONS is a JSON object (see `Given`). Prints a JSON object per line: where it listens, the events by name, the result.
"""

from __future__ import annotations

import json
import sys
from typing import Any, TypedDict

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from replay.authenticator import DigestPolicy
from replay.captured_registrar import PlaybackOptions
from replay.flow import Wish, read_flow
from replay.registrar import RegistrarPolicy
from replay.registrar_app import ServingOptions, serve
from replay.registrar_events import Found, Replied, Verified


class Given(TypedDict, total=False):
    """What a test may ask for."""

    host: str
    port: int
    transport: str
    users: dict[str, str]
    realm: str
    algorithms: list[str]
    min_expires: int
    file: str
    aor: str
    call_id: str
    count: int
    timeout: float
    speed: float


def options_of(given: Given) -> ServingOptions:
    """Options out of what a test asks for."""
    secrets = Secrets.of(given.get("users", {}))
    digest = DigestPolicy(given.get("realm", ""), tuple(given.get("algorithms", ["MD5"])))
    wish = Wish(given.get("aor", ""), given.get("call_id", ""))
    return ServingOptions(
        Endpoint(given.get("host", "127.0.0.1"), given.get("port", 0)),
        given.get("transport", "UDP"),
        read_flow([given["file"]], wish) if "file" in given else None,
        secrets,
        RegistrarPolicy(min_expires=given.get("min_expires", 0), digest=digest),
        PlaybackOptions(speed=given.get("speed", 0.0)),
        given.get("count", 1),
        given.get("timeout", 10.0),
    )


def say(kind: str, **values: Any) -> None:
    """One line."""
    sys.stdout.write(json.dumps({"kind": kind, **values}) + "\n")
    sys.stdout.flush()


def tell(event: object) -> None:
    """An event as a line."""
    match event:
        case Replied():
            say("replied", status=event.status, step=event.step)
        case Verified():
            say("verified", verdict=event.verdict.verdict.value if event.verdict else "unknown", reason=event.reason)
        case Found():
            say("found", rule=event.finding.rule, at_fault=event.finding.at_fault)
        case _:
            say(type(event).__name__.lower())


def main() -> None:
    """Serve, and print the result."""
    options = options_of(json.loads(sys.argv[1]))
    result = serve(options, tell, lambda local: say("ready", host=local.host, port=local.port))
    rules = sorted({finding.rule for finding in result.findings})
    say("result", result=result.as_json(), rules=rules, interrupted=result.report.interrupted)


if __name__ == "__main__":
    main()
