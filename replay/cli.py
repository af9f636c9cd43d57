"""The `sipcheck replay` commands: options, exit codes, what is said while it runs. All work is elsewhere, and late.

Exit codes (CONTRACT): 0 the outcome now is the outcome then (a plan, a scenario: written), 1 it is not, 2 usage and
targets that nobody allowed, 3 the source cannot be read, holds no such registration, or the peer cannot be reached at
all; 130 interrupted, 141 the reader of standard output went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from analyzer.cli.options import Command, dialect_option
from analyzer.cli.rim import die, options_of, secrets_of, write_out
from replay.views import load_view, view_names

if TYPE_CHECKING:
    from analyzer.register.secrets import Secrets
    from replay.flow import Flow
    from replay.net.play import Course
    from replay.record import Result

F = TypeVar("F", bound=Callable[..., Any])

_EPILOG = """\b
Examples:
  sipcheck replay plan samples/cseq-not-raised/input.pcap
  sipcheck replay client samples/cseq-not-raised/input.pcap --target 127.0.0.1:5060 --credentials users.csv
  sipcheck replay registrar samples/cseq-not-raised/input.pcap --listen 127.0.0.1:5070
"""

_FLOW = [
    click.argument("files", metavar="FILE...", nargs=-1, required=True),
    click.option("--aor", metavar="AOR", default="", help="The registration of this address-of-record."),
    click.option("--call-id", metavar="ID", default="", help="The exchanges with this Call-ID."),
    click.option("--number", type=click.IntRange(1), metavar="N", help="The N-th registration of the source."),
    dialect_option,
    click.option("--tls-keylog", type=click.Path(), metavar="FILE", help="Open TLS with these keys, by tshark."),
    click.option(
        "--fix/--as-captured",
        "repaired",
        default=True,
        show_default=True,
        help="Mend what the rules find, or change only what cannot stay as it was.",
    ),
    click.option(
        "--map", "maps", multiple=True, metavar="OLD=NEW", help="Another user@domain, user@ or domain. May repeat."
    ),
    click.option(
        "--transport",
        type=click.Choice(["udp", "tcp", "tls"]),
        default="udp",
        show_default=True,
        help="How it is sent.",
    ),
    click.option("--keep-contact", is_flag=True, help="Leave the captured address in Contact."),
]
_SECRETS = [
    click.option(
        "--credentials", multiple=True, type=click.Path(), metavar="FILE", help="Known passwords. May repeat."
    ),
    click.option("--password-file", type=click.Path(), metavar="FILE", help="File with the password of every user."),
    click.option(
        "--password",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[=VALUE]",
        help="Ask for the password at a prompt.",
    ),
]
_VIEW = [
    click.option(
        "--format",
        "view",
        type=click.Choice(view_names()),
        default="table",
        show_default=True,
        help="Form of the result.",
    ),
    click.option("--all", "show_all", is_flag=True, help="Every step and every edit."),
    click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour the table.",
    ),
]
_SEND = [
    click.option("--target", metavar="HOST:PORT", required=True, help="The live registrar."),
    click.option("--allow", multiple=True, metavar="HOST", help="Send to this host, which is not this machine."),
    click.option(
        "--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="Divide the waits; 0 drops them."
    ),
    click.option("--step", "stepwise", is_flag=True, help="Wait for Enter before each registration."),
    click.option("--keep", is_flag=True, help="Leave the bindings that are made."),
    click.option("--keepalive", type=click.FloatRange(0), default=0.0, metavar="S", help="Send CRLFCRLF when idle."),
    click.option("--tls-ca", type=click.Path(), metavar="FILE", help="Believe this certificate authority."),
    click.option("--no-verify", is_flag=True, help="Believe any certificate."),
]


_LOAD = [
    click.option(
        "--users",
        type=click.Path(),
        metavar="FILE",
        help="As each user of this credential file.",
    ),
    click.option("--rate", type=click.FloatRange(0.01, 100_000), metavar="R", help="Registrations a second. [20]"),
    click.option("--concurrency", type=click.IntRange(1, 100_000), metavar="C", help="So many at a time. [200]"),
    click.option("--duration", type=click.FloatRange(0), metavar="S", help="Users take turns until then."),
]


def _with(*groups: list[Callable[[F], F]]) -> Callable[[F], F]:
    def add(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return add


@click.group("replay", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def replay() -> None:
    """Say a captured registration again: to a live registrar, or as the registrar to a live client."""


@replay.command("plan", cls=Command, short_help="Show what would be sent; send nothing.")
@_with(_FLOW, _SECRETS, _VIEW)
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
@_with(_FLOW, _SEND, _LOAD, _SECRETS, _VIEW)
def client_command(**given: Any) -> None:
    """Play the client's half of a captured registration to a live registrar, and compare the answers.

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
    course, is_here = _course(given)
    if not is_here:
        _announce(flow, secrets, given)
    if given["users"] is not None:
        _many(flow, secrets, course, given)
    try:
        result = play(flow, secrets, course, lambda event: None, _ask if given["stepwise"] else None)
    except LinkError as error:
        die(f"{given['target']}: {error}", 3)
    _show(result, given)
    sys.exit(130 if result.interrupted else 0 if result.outcome.same else 1)


def _many(flow: Flow, secrets: Secrets, course: Course, given: dict[str, Any]) -> NoReturn:
    """One flow as many users."""
    from replay.load import Pace
    from replay.net.links import LinkError
    from replay.net.play import play_many
    from replay.views._load import is_same, render_json, render_table
    from replay.views._progress import watched

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
    title, target = ", ".join(flow.sources), f"{course.peer} over {course.transport}"
    options = options_of("replay", given["color"], show_all=given["show_all"])
    write_out(lambda out: render(load, title, target, out, options))
    sys.exit(130 if load.stopped and not pace.duration else 0 if is_same(load) else 1)


def _given(given: dict[str, Any]) -> tuple[Secrets, Flow]:
    from analyzer.defect import SourceError
    from replay.flow import NoFlow, Wish, read_flow

    secrets = secrets_of("replay", given["credentials"], given["password_file"], given["password"])
    wish = Wish(_aor(given["aor"]), given["call_id"], given["number"])
    try:
        return secrets, read_flow(
            _files(given["files"]),
            wish,
            secrets=secrets,
            dialect=given["dialect"],
            tls_keylog=given["tls_keylog"],
        )
    except (SourceError, NoFlow) as error:
        die(str(error), 3)


def _files(files: tuple[str, ...]) -> list[str]:
    """The files; standard input, which is read twice, is kept in a temporary one."""
    if "-" not in files:
        return list(files)
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="sipcheck-", delete=False) as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
    click.get_current_context().call_on_close(lambda: os.unlink(spool.name))
    return [spool.name if file == "-" else file for file in files]


def _aor(text: str) -> str:
    from analyzer.cli import aor_given

    return aor_given(text)


def _mapping(maps: tuple[str, ...]) -> Any:
    from replay.agent import MapError, Mapping

    try:
        return Mapping.parse(maps)
    except MapError as error:
        raise click.UsageError(str(error)) from None


def _course(given: dict[str, Any]) -> tuple[Course, bool]:
    """Where to and how; whether that is this machine. Exit 2 where nobody allowed it."""
    from replay.net.links import LinkError, addresses_of, tls_context
    from replay.net.play import Course
    from replay.net.surroundings import surroundings
    from replay.session import Manner
    from replay.target import BadTarget, Refused, check, parse_target

    transport = given["transport"].upper()
    try:
        host, port = parse_target(given["target"], 5061 if transport == "TLS" else 5060)
        peers = addresses_of(host, port, transport)
        is_here = check(host, [peer.host for peer in peers], given["allow"], surroundings())
        tls = tls_context(verify=not given["no_verify"], authority=given["tls_ca"]) if transport == "TLS" else None
    except BadTarget as error:
        raise click.UsageError(str(error)) from None
    except Refused as refusal:
        die(str(refusal), 2)
    except LinkError as error:
        die(str(error), 3)
    manner = Manner(given["repaired"], given["speed"], given["keep"], given["stepwise"])
    course = Course(
        peer=peers[0],
        transport=transport,
        tls=tls,
        name=host,
        manner=manner,
        mapping=_mapping(given["maps"]),
        keep_contact=given["keep_contact"],
        keepalive=given["keepalive"],
    )
    return course, is_here


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
    load_view("table")(result, sys.stderr, options_of("replay", "never", show_all=False))
    click.echo(f"sipcheck: sending to {given['target']}", err=True)


def _ask() -> None:
    click.echo("sipcheck: Enter sends the next registration", err=True)
    sys.stdin.readline()


def _show(result: Result, given: dict[str, Any]) -> None:
    render = load_view(given["view"])
    write_out(lambda out: render(result, out, options_of("replay", given["color"], show_all=given["show_all"])))
