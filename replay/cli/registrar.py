"""`sipcheck replay registrar`: from options to a registrar that listens, and to its result."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from analyzer.cli import signals
from analyzer.cli.run import die, options_of, write_out
from analyzer.register.digest.secrets import Secrets
from analyzer.views.drawing.output import tell
from replay.flow import Flow
from replay.registrar_app import ServingOptions


def serve_and_show(secrets: Secrets, flow: Flow | None, given: dict[str, Any]) -> NoReturn:
    """Listen until the end that was asked for, show what came of it, and leave."""
    from replay.authenticator import PolicyError
    from replay.registrar_app import serve
    from replay.views.registrar import VIEWS, told

    options = _options(secrets, flow, given)

    def hear(event: object) -> None:
        line = told(event)
        if line:
            tell(line)

    try:
        result = serve(options, hear)
    except PolicyError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        die(f"{given['listen']}: {(error.strerror or str(error)).lower()}", 3)
    view = options_of(given["color"], show_all=given["show_all"])
    write_out(lambda out: VIEWS[given["view"]](result, out, view))
    sys.exit(signals.code() if result.report.interrupted else 0 if result.same else 1)


def _options(secrets: Secrets, flow: Flow | None, given: dict[str, Any]) -> ServingOptions:
    from analyzer.evidence import Endpoint
    from replay.authenticator import DigestPolicy, PolicyError
    from replay.captured_registrar import PlaybackOptions
    from replay.registrar import RegistrarPolicy

    try:
        digest = DigestPolicy(
            realm=given["realm"],
            algorithms=given["algorithms"] or ("MD5",),
            qop="" if given["no_qop"] else "auth",
            lifetime=given["nonce_lifetime"],
        )
    except PolicyError as error:
        raise click.UsageError(str(error)) from None
    host, port = _bind(given)
    return ServingOptions(
        listen=Endpoint(host, port),
        transport=given["transport"].upper(),
        flow=flow,
        secrets=secrets,
        policy=RegistrarPolicy(
            min_expires=given["min_expires"],
            max_expires=given["max_expires"],
            domains=frozenset(given["domains"]),
            digest=digest,
        ),
        playing=PlaybackOptions(given["nonces"] == "fresh", given["speed"]),
        count=given["count"],
        timeout=given["timeout"],
        certificate=given["certificate"] or "",
        key=given["key"] or given["certificate"] or "",
    )


def _bind(given: dict[str, Any]) -> tuple[str, int]:
    """The address to listen on: loopback, or one that was allowed by name. Of a name with several, the first."""
    from replay.net.links import LinkError, addresses_of
    from replay.net.surroundings import surroundings
    from replay.target import BadTarget, Refused, check, parse_target

    if given["transport"] == "tls" and not given["certificate"]:
        raise click.UsageError("--transport tls needs --certificate (and --key, where it is not in the same file)")
    try:
        host, port = parse_target(given["listen"], any_port=True)
        found = addresses_of(host, port, given["transport"].upper(), given["allow"], doing="listens")
        check(host, [one.host for one in found], given["allow"], surroundings(), doing="listens")
    except BadTarget as error:
        raise click.UsageError(str(error)) from None
    except Refused as refusal:
        die(str(refusal), 2)
    except LinkError as error:
        die(str(error), 3)
    return found[0].host, port
