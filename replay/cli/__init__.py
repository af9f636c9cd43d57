"""The `sipcheck replay` commands: options, exit codes, what is said while it runs. All work is elsewhere, and late.

Exit codes (docs/interface.md 2): 0 the outcome now is the outcome then (a plan, a scenario: written), 1 it is not, 2
usage and targets that nobody allowed, 3 the source cannot be read, holds no such registration, or the peer cannot be
reached at all; 129, 130, 143 interrupted by SIGHUP, SIGINT (Ctrl-C), SIGTERM: what was bound is removed first, which a
second signal ends, and the result is shown; 141 the reader of standard output went away.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from analyzer.cli import signals
from analyzer.cli.options import Command, Exemplary
from analyzer.cli.run import die, options_of, secrets_of, write_out
from analyzer.escape import visible
from analyzer.views.drawing.output import tell
from replay.cli.options import CAPTURED, CHOICE, FLOW, LOAD, PLAIN, REGISTRAR, SECRETS, SEND, SIPP, VIEW, taking
from replay.views import load_view

if TYPE_CHECKING:
    from analyzer.register.digest.secrets import Secrets
    from replay.flow import Flow
    from replay.net.play import ConnectionOptions
    from replay.record import Result

_EPILOG = """\b
Examples:
  sipcheck replay plan samples/cseq-not-raised/input.pcap
  sipcheck replay client samples/cseq-not-raised/input.pcap --target 127.0.0.1:5060
  sipcheck replay registrar samples/cseq-not-raised/input.pcap --listen 127.0.0.1:5070
"""


class _Group(Exemplary, click.Group):
    """The commands, with examples."""


@click.group("replay", cls=_Group, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def replay() -> None:
    """Replay a captured registration: its client to a live registrar, or its registrar to a live client."""


@replay.command("plan", cls=Command, short_help="Show what would be sent; send nothing.")
@taking(FLOW, SECRETS, VIEW)
def plan_command(**given: Any) -> None:
    """Show each request that would be sent, with every edit and its reason. Nothing is sent."""
    from replay.preview import preview

    secrets, flow = _given(given)
    result = preview(
        flow,
        secrets,
        repaired=given["repaired"],
        mapping=_mapping(given["maps"]),
        transport=given["transport"].upper(),
        keep_contact=given["keep_contact"],
    )
    _show(result, given)


@replay.command("client", cls=Command, short_help="Play the client's half to a live registrar.")
@taking(FLOW, SEND, LOAD, SECRETS, VIEW)
def client_command(**given: Any) -> None:
    """Play the client's half of a captured registration to a live registrar, and compare the responses.

    Sends to this machine alone, unless --allow names the target's host.
    """
    from replay.net.links import LinkError
    from replay.net.play import play

    if given["users"] is not None:
        given["credentials"] = (*given["credentials"], given["users"])
        if not given["repaired"]:
            raise click.UsageError("--users does not go with --as-captured: all would have one Call-ID and one branch")
    elif any(given[name] is not None for name in ("rate", "concurrency", "duration")):
        raise click.UsageError("--rate, --concurrency and --duration go with --users")
    secrets, flow = _given(given)
    course, is_loopback = _course(given)
    if not is_loopback:
        _announce(flow, secrets, given)
    if given["users"] is not None:
        _many(flow, secrets, course, given)
    keyboard = _Keyboard()
    try:
        result = play(flow, secrets, course, _hear, keyboard.ask if given["stepwise"] else None)
    except LinkError as error:
        die(f"{given['target']}: {error}", 3)
    _show(result, given)
    sys.exit(signals.code() if result.interrupted and not keyboard.ended else 0 if result.outcome.same else 1)


@replay.command("registrar", cls=Command, short_help="Play the registrar to live clients.")
@taking(REGISTRAR, CHOICE, CAPTURED, PLAIN, SECRETS, VIEW)
def registrar_command(**given: Any) -> None:
    """Play the captured registrar to live clients; without FILE, a plain and correct one.

    What happens, and what breaks a rule, is told on standard error as it happens; the result comes at the end: after
    --count clients, --timeout seconds, or Ctrl-C.
    """
    from replay.cli.registrar import serve_and_show

    if given["files"]:
        secrets, flow = _given(given)
    else:
        secrets = secrets_of("replay", given["credentials"], given["password_file"], given["password"])
        flow = None
    serve_and_show(secrets, flow, given)


@replay.command("sipp", cls=Command, short_help="Write the flow as a SIPp scenario.")
@taking(FLOW, SIPP, SECRETS)
def sipp_command(**given: Any) -> None:
    """Write a SIPp scenario (and a CSV file of users, with their passwords) that plays the same flow."""
    import shlex

    from replay.sipp import SippError, write_scenario

    for path in (given["output"], given["csv"]):
        if os.path.exists(path) and not given["force"]:
            raise click.UsageError(f"{path} is there already; --force writes over it")
    if os.path.realpath(given["output"]) == os.path.realpath(given["csv"]):
        raise click.UsageError("--output and --csv are the same file")
    secrets, flow = _given(given)
    try:
        made = write_scenario(
            flow,
            given["output"],
            given["csv"],
            repaired=given["repaired"],
            secrets=secrets,
            transport=given["transport"].upper(),
            speed=given["speed"],
            keep=given["keep"],
            mapping=_mapping(given["maps"]),
        )
    except (SippError, OSError) as error:
        die(str(error), 3)
    for warning in made.warnings:
        tell(f"sipcheck: warning: {warning}")
    words = made.command(given["output"], given["csv"], given["target"], local=given["local"])
    line = visible(shlex.join(words))
    write_out(lambda out: print(line, file=out))


def _many(flow: Flow, secrets: Secrets, course: ConnectionOptions, given: dict[str, Any]) -> NoReturn:
    """One flow as many users."""
    from replay.load import Pace
    from replay.net.links import LinkError
    from replay.net.play import play_many
    from replay.views.load import is_same, render_json, render_table
    from replay.views.progress import watched

    users = list(secrets.users())
    if not users:
        die(f"{given['users']}: it names no user", 2)
    if given["view"] == "junit":
        raise click.UsageError("--format junit is for one replay, not for --users")
    pace = Pace(given["rate"] or 20.0, given["concurrency"] or 200, given["duration"] or 0.0)
    try:
        with watched(len(users), pace) as progress:
            load = play_many(flow, secrets, course, users, pace, progress)
    except LinkError as error:
        die(f"{given['target']}: {error}", 3)
    render = render_json if given["view"] == "json" else render_table
    title, target = ", ".join(flow.sources), f"{load.peer} over {course.transport}"
    options = options_of(given["color"], show_all=given["show_all"])
    write_out(lambda out: render(load, title, target, out, options))
    sys.exit(signals.code() if load.stopped and not pace.duration else 0 if is_same(load) else 1)


def _given(given: dict[str, Any]) -> tuple[Secrets, Flow]:
    from dataclasses import replace

    from analyzer.defect import SourceError
    from replay.flow import NoFlow, Wish, read_flow

    secrets = secrets_of("replay", given["credentials"], given["password_file"], given["password"])
    wish = Wish(_aor(given["aor"]), given["call_id"], given["number"])
    files = _files(given["files"])
    try:
        flow = read_flow(files, wish, secrets=secrets, dialect=given["dialect"], tls_keylog=given["tls_keylog"])
    except (SourceError, NoFlow) as error:
        die(str(error), 3)
    named = zip(given["files"], flow.sources, strict=True)
    return secrets, replace(flow, sources=tuple("standard input" if word == "-" else name for word, name in named))


def _files(files: tuple[str, ...]) -> list[str]:
    """The files; standard input, which is read twice, is kept in a temporary one."""
    if "-" not in files:
        return list(files)
    import shutil

    from analyzer.scratch import temporary_file

    spool = click.get_current_context().with_resource(temporary_file())
    shutil.copyfileobj(sys.stdin.buffer, spool)
    spool.flush()
    return [spool.name if file == "-" else file for file in files]


def _aor(text: str) -> str:
    from analyzer.cli.run import aor_given

    return aor_given(text)


def _mapping(maps: tuple[str, ...]) -> Any:
    from replay.agent import MapError, Mapping

    try:
        return Mapping.parse(maps)
    except MapError as error:
        raise click.UsageError(str(error)) from None


def _course(given: dict[str, Any]) -> tuple[ConnectionOptions, bool]:
    """Where to and how; whether that is loopback. Exit 2 where nobody allowed it."""
    from analyzer.sip.transports import default_port
    from replay.net.links import LinkError, addresses_of, tls_context
    from replay.net.play import ConnectionOptions
    from replay.net.surroundings import surroundings
    from replay.session import ReplayMode
    from replay.target import BadTarget, Refused, check, is_loopback, parse_target

    transport = given["transport"].upper()
    try:
        host, port = parse_target(given["target"], default_port(transport))
        peers = addresses_of(host, port, transport, given["allow"], asking=_asking)
        check(host, [peer.host for peer in peers], given["allow"], surroundings())
        tls = tls_context(verify=not given["no_verify"], authority=given["tls_ca"]) if transport == "TLS" else None
    except BadTarget as error:
        raise click.UsageError(str(error)) from None
    except Refused as refusal:
        die(str(refusal), 2)
    except LinkError as error:
        die(str(error), 3)
    mode = ReplayMode(given["repaired"], given["speed"], given["keep"], given["stepwise"])
    course = ConnectionOptions(
        peer=peers[0],
        others=tuple(peers[1:]),
        transport=transport,
        tls=tls,
        name=host,
        mode=mode,
        mapping=_mapping(given["maps"]),
        keep_contact=given["keep_contact"],
        keepalive=given["keepalive"],
    )
    return course, all(is_loopback(peer.host) for peer in peers)


def _asking(name: str) -> None:
    """A query leaves this machine: it is no secret."""
    tell(f"sipcheck: looking up {name}, which --allow names")


def _announce(flow: Flow, secrets: Secrets, given: dict[str, Any]) -> None:
    """The plan, before anything leaves this machine: on standard error, for standard output holds the result alone."""
    from replay.preview import preview

    result = preview(
        flow,
        secrets,
        repaired=given["repaired"],
        mapping=_mapping(given["maps"]),
        transport=given["transport"].upper(),
        keep_contact=given["keep_contact"],
    )
    load_view("table")(result, sys.stderr, options_of("never", show_all=False))
    who = f", as the users of {given['users']}" if given["users"] is not None else ""
    tell(f"sipcheck: sending to {given['target']}{who}")


def _hear(event: object) -> None:
    """On a terminal: why nothing seems to happen."""
    from replay.events import Sent, Waiting

    if not sys.stderr.isatty():
        return
    if isinstance(event, Waiting) and event.nanoseconds >= 1_000_000_000:
        click.echo(f"sipcheck: the next request goes in {event.nanoseconds / 1e9:,.0f} s, as captured", err=True)
    elif isinstance(event, Sent) and event.result is None:
        click.echo("sipcheck: removing the bindings (Ctrl-C leaves them)", err=True)


class _Keyboard:
    """Who says when the next registration goes; `ended`: nobody can say it any more."""

    ended = False

    def ask(self) -> bool:
        """Wait for Enter. False at the end of standard input: what nobody can see coming is not sent."""
        click.echo("sipcheck: Enter sends the next registration", err=True)
        while True:  # not through sys.stdin, whose lock a thread that still waits would hold when the program ends
            try:
                key = os.read(sys.stdin.fileno(), 1)
            except (AttributeError, OSError, ValueError):  # it was closed before we began
                key = b""
            if key == b"\n":
                return True
            if not key:
                self.ended = True
                click.echo("sipcheck: standard input has ended: no further registration is sent", err=True)
                return False


def _show(result: Result, given: dict[str, Any]) -> None:
    render = load_view(given["view"])
    write_out(lambda out: render(result, out, options_of(given["color"], show_all=given["show_all"])))
