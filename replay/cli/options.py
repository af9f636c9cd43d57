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
    click.option("--all", "show_all", is_flag=True, help="Every step and every edit."),
    color_option,
]
SEND = [
    click.option("--target", metavar="HOST:PORT", required=True, help="The live registrar."),
    click.option("--allow", multiple=True, metavar="HOST", help="Send to this host, which is not this machine."),
    click.option(
        "--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="Divide the waits; 0 drops them."
    ),
    click.option("--step", "stepwise", is_flag=True, help="Wait for Enter before each further registration."),
    click.option("--keep", is_flag=True, help="Leave the bindings that are made."),
    click.option("--keepalive", type=click.FloatRange(0), default=0.0, metavar="S", help="Send CRLFCRLF when idle."),
    click.option("--tls-ca", type=click.Path(), metavar="FILE", help="Believe this certificate authority."),
    click.option("--no-verify", is_flag=True, help="Believe any certificate."),
]


REGISTRAR = [
    click.argument("files", metavar="[FILE...]", nargs=-1),
    click.option("--listen", metavar="ADDR:PORT", required=True, help="Where live clients find it; port 0: any."),
    click.option("--allow", multiple=True, metavar="ADDR", help="Listen on this address, which is not loopback."),
    click.option(
        "--transport",
        type=click.Choice(["udp", "tcp", "tls"]),
        default="udp",
        show_default=True,
        help="How it is spoken to.",
    ),
    click.option("--certificate", type=click.Path(), metavar="PEM", help="Whom a TLS client is to believe."),
    click.option("--key", type=click.Path(), metavar="PEM", help="The certificate's key."),
    click.option("--count", type=click.IntRange(0), default=0, metavar="N", help="End after N clients."),
    click.option("--timeout", type=click.FloatRange(0), default=0.0, metavar="S", help="End after so many seconds."),
]
PLAIN = [
    click.option("--realm", metavar="REALM", default="", help="Without FILE: the realm. [the Request-URI's host]"),
    click.option("--algorithm", "algorithms", multiple=True, metavar="NAME", help="Without FILE: MD5, SHA-256, ..."),
    click.option("--no-qop", is_flag=True, help="Without FILE: challenge as RFC 2069 did."),
    click.option("--min-expires", type=click.IntRange(0), default=60, show_default=True, help="Less is answered 423."),
    click.option("--max-expires", type=click.IntRange(1), default=7200, show_default=True, help="More is shortened."),
    click.option("--domain", "domains", multiple=True, metavar="NAME", help="Serve this domain alone. May repeat."),
]
CAPTURED = [
    click.option(
        "--nonces",
        type=click.Choice(["fresh", "captured"]),
        default="fresh",
        show_default=True,
        help="Of a captured challenge.",
    ),
    click.option(
        "--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="Answer as late as captured / N."
    ),
]
CHOICE = FLOW[1:6]
"""How to choose a registration of a source."""
SIPP = [
    click.option(
        "-o", "--output", type=click.Path(), metavar="FILE", default="scenario.xml", show_default=True, help="Scenario."
    ),
    click.option("--csv", type=click.Path(), metavar="FILE", default="users.csv", show_default=True, help="Its users."),
    click.option("--target", metavar="HOST:PORT", default="HOST:PORT", help="For the command line that is printed."),
    click.option("--local", metavar="ADDRESS", default="", help="Likewise, where SIPp speaks from."),
    click.option(
        "--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="Divide the waits; 0 drops them."
    ),
    click.option("--keep", is_flag=True, help="Leave the bindings that are made."),
    click.option("--force", is_flag=True, help="Write over files that are there."),
]
LOAD = [
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


def taking(*groups: list[Callable[[F], F]]) -> Callable[[F], F]:
    """The options of these groups, in their order."""

    def add(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return add
