"""The options of the replay commands, in groups that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from analyzer.cli.options import color_option, dialect_option, format_option
from replay.views import view_names

F = TypeVar("F", bound=Callable[..., Any])
FLOW = [
    click.argument("files", metavar="FILE...", nargs=-1, required=True),
    click.option("--aor", metavar="AOR", default="", help="Replay the registration of this address-of-record."),
    click.option("--call-id", metavar="ID", default="", help="Replay the transactions with this Call-ID."),
    click.option("--number", type=click.IntRange(1), metavar="N", help="Replay the N-th registration of the source."),
    dialect_option,
    click.option("--tls-keylog", type=click.Path(), metavar="FILE", help="Decrypt TLS with these keys (needs tshark)."),
    click.option(
        "--fix/--as-captured",
        "repaired",
        default=True,
        show_default=True,
        help="Mend what the rules find, or change only what must change.",
    ),
    click.option(
        "--map", "maps", multiple=True, metavar="OLD=NEW", help="Replace a user@domain, user@ or domain. May repeat."
    ),
    click.option(
        "--transport",
        type=click.Choice(["udp", "tcp", "tls"]),
        default="udp",
        show_default=True,
        help="Transport to send over.",
    ),
    click.option("--keep-contact", is_flag=True, help="Keep the captured address in Contact."),
]
SECRETS = [
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
VIEW = [
    format_option(view_names()),
    click.option("--all", "show_all", is_flag=True, help="List every step and every edit."),
    color_option,
]
SEND = [
    click.option("--target", metavar="HOST:PORT", required=True, help="The live registrar."),
    click.option("--allow", multiple=True, metavar="HOST", help="Send to this host, which is not this machine."),
    click.option(
        "--speed",
        type=click.FloatRange(0),
        default=1.0,
        show_default=True,
        help="Divide the captured waits by this; 0: no waits.",
    ),
    click.option("--step", "stepwise", is_flag=True, help="Wait for Enter before each further registration."),
    click.option("--keep", is_flag=True, help="Keep the bindings; else they are removed at the end."),
    click.option(
        "--keepalive",
        type=click.FloatRange(0),
        default=0.0,
        metavar="S",
        help="Send a keep-alive (CRLFCRLF) when idle for S seconds.",
    ),
    click.option("--tls-ca", type=click.Path(), metavar="FILE", help="Trust this certificate authority."),
    click.option("--no-verify", is_flag=True, help="Accept any certificate."),
]


REGISTRAR = [
    click.argument("files", metavar="[FILE...]", nargs=-1),
    click.option("--listen", metavar="ADDR:PORT", required=True, help="Address to listen on; port 0: any free port."),
    click.option("--allow", multiple=True, metavar="ADDR", help="Listen on this address, which is not loopback."),
    click.option(
        "--transport",
        type=click.Choice(["udp", "tcp", "tls"]),
        default="udp",
        show_default=True,
        help="Transport to listen on.",
    ),
    click.option("--certificate", type=click.Path(), metavar="PEM", help="Certificate for TLS."),
    click.option("--key", type=click.Path(), metavar="PEM", help="The certificate's key."),
    click.option("--count", type=click.IntRange(0), default=0, metavar="N", help="End after N clients."),
    click.option("--timeout", type=click.FloatRange(0), default=0.0, metavar="S", help="End after so many seconds."),
]
PLAIN = [
    click.option("--realm", metavar="REALM", default="", help="Without FILE: the realm. [the Request-URI's host]"),
    click.option("--algorithm", "algorithms", multiple=True, metavar="NAME", help="Without FILE: MD5, SHA-256, ..."),
    click.option("--no-qop", is_flag=True, help="Without FILE: challenge as RFC 2069 did."),
    click.option(
        "--nonce-lifetime",
        type=click.IntRange(1),
        default=300,
        show_default=True,
        metavar="S",
        help="Without FILE: an older nonce is stale.",
    ),
    click.option(
        "--min-expires",
        type=click.IntRange(0),
        default=60,
        show_default=True,
        help="Shorter expiry is refused with 423.",
    ),
    click.option(
        "--max-expires",
        type=click.IntRange(1),
        default=7200,
        show_default=True,
        help="Longer expiry is shortened to this.",
    ),
    click.option("--domain", "domains", multiple=True, metavar="NAME", help="Serve only this domain. May repeat."),
]
CAPTURED = [
    click.option(
        "--nonces",
        type=click.Choice(["fresh", "captured"]),
        default="fresh",
        show_default=True,
        help="Nonce of a challenge: fresh, or the captured one.",
    ),
    click.option(
        "--speed",
        type=click.FloatRange(0),
        default=1.0,
        show_default=True,
        help="Divide the captured response times by this; 0: at once.",
    ),
]
CHOICE = FLOW[1:6]
"""How to choose a registration of a source."""
SIPP = [
    click.option(
        "-o",
        "--output",
        type=click.Path(),
        metavar="FILE",
        default="scenario.xml",
        show_default=True,
        help="Scenario file.",
    ),
    click.option(
        "--csv", type=click.Path(), metavar="FILE", default="users.csv", show_default=True, help="Users file."
    ),
    click.option("--target", metavar="HOST:PORT", default="HOST:PORT", help="Registrar in the printed command line."),
    click.option("--local", metavar="ADDRESS", default="", help="Local address in the printed command line."),
    click.option(
        "--speed",
        type=click.FloatRange(0),
        default=1.0,
        show_default=True,
        help="Divide the captured waits by this; 0: no waits.",
    ),
    click.option("--keep", is_flag=True, help="Keep the bindings; else they are removed at the end."),
    click.option("--force", is_flag=True, help="Overwrite existing files."),
]
LOAD = [
    click.option(
        "--users",
        type=click.Path(),
        metavar="FILE",
        help="Replay as each user of this credential file.",
    ),
    click.option("--rate", type=click.FloatRange(0.01, 100_000), metavar="R", help="Registrations per second. [20]"),
    click.option(
        "--concurrency", type=click.IntRange(1, 100_000), metavar="C", help="Registrations at the same time. [200]"
    ),
    click.option("--duration", type=click.FloatRange(0), metavar="S", help="Repeat over the users for S seconds."),
]


def taking(*groups: list[Callable[[F], F]]) -> Callable[[F], F]:
    """The options of these groups, in their order."""

    def add(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return add
