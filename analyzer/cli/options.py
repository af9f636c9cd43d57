"""The options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.views import CATALOGUE_FORMATS, view_names

if TYPE_CHECKING:
    from analyzer.judge.findings import Severity

F = TypeVar("F", bound=Callable[..., Any])
LEVELS: dict[str, tuple[Severity, ...]] = {
    "error": ("error",),
    "warning": ("error", "warning"),
    "info": ("error", "warning", "info"),
    "never": (),
}
"""`--fail-on`: the severities that make the exit code 1."""


def format_option(views: Sequence[str]) -> Callable[[F], F]:
    """`--format`, one of these."""
    return click.option(
        "--format", "view", type=click.Choice(views), default="table", show_default=True, help="Form of the result."
    )


def fail_on_option(text: str) -> Callable[[F], F]:
    """`--fail-on`, explained so."""
    return click.option("--fail-on", type=click.Choice(list(LEVELS)), default="error", show_default=True, help=text)


view_option = format_option(view_names())
catalogue_option = format_option(CATALOGUE_FORMATS)
color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the table.",
)


def _jobs(context: click.Context, option: click.Parameter, count: int) -> int:
    """0 means one process for each core that this one may use."""
    del context, option
    return count or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def _configure(context: click.Context, option: click.Parameter, given: str | None) -> None:
    """The configuration's settings are defaults of the other options, so it is read before them."""
    del option
    if not context.resilient_parsing:
        from analyzer.cli.config import configure  # late: help is printed without it

        configure(context, given)


_WEIGH = [
    fail_on_option("Exit with 1 at findings of this severity or above."),
    click.option("--baseline", metavar="FILE", help="Do not report again what this file knows."),
    click.option("--write-baseline", metavar="FILE", help="Write what is found to FILE, as known from now on."),
    click.option("--stats", is_flag=True, help="Tell on standard error what each rule cost."),
]
_SHOW = [
    view_option,
    click.option("--output", metavar="FILE", help="Write the result to FILE, without colours (-: standard output)."),
    *_WEIGH,
    click.option("--all", "show_all", is_flag=True, help="List the healthy registrations too."),
    color_option,
]
_FILES = click.argument("files", metavar="FILE...", nargs=-1, required=True)
_PROGRESS = click.option(
    "--progress/--no-progress", default=None, help="Progress on standard error (default: on a terminal)."
)
_SECRETS = [
    click.option(
        "--credentials",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="Known passwords: CSV username,realm,password, htdigest, or a server's own file. May repeat.",
    ),
    click.option(
        "--password-file",
        type=click.Path(),
        metavar="FILE",
        help="File whose first line is the password of every user.",
    ),
    click.option(
        "--password",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[=VALUE]",
        help="Ask for the password of every user at a prompt.",
    ),
]
_HELD_AGAINST = [
    click.option(
        "--profile",
        type=click.Choice(["rfc3261", "modern", "ims", "legacy2543"]),
        default="rfc3261",
        show_default=True,
        help="Standards that the traffic is held to.",
    ),
    click.option("--aor", metavar="AOR", default="", help="Only this address-of-record (alice@example.com)."),
    *_SECRETS,
]
_JUDGE = [
    click.option(
        "--config",
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_configure,
        help="Defaults of options from FILE, not from the nearest sipcheck.toml or pyproject.toml.",
    ),
    click.option(
        "--select", multiple=True, metavar="RULE[,..]", help="Apply only these rules: an id, a group (A-I), RULE:SUB."
    ),
    click.option("--ignore", multiple=True, metavar="RULE[,..]", help="Do not apply these rules, groups, sub-codes."),
    *_HELD_AGAINST,
]
_READ_BY = [
    click.option(
        "--engine",
        type=click.Choice(["auto", "native", "tshark"]),
        default="auto",
        show_default=True,
        help="Reader of captures: sipcheck's own, or tshark for what that cannot read.",
    ),
    click.option(
        "--tls-keylog",
        type=click.Path(),
        metavar="FILE",
        help="Decrypt TLS with these keys (SSLKEYLOGFILE; needs tshark).",
    ),
    _PROGRESS,
]
_READ_IN_ANY_WAY = [
    *_JUDGE,
    click.option(
        "--jobs",
        type=click.IntRange(0, 256),
        default=1,
        show_default=True,
        metavar="N",
        callback=_jobs,
        help="Processes that share a capture, with the same report as one; 0: one for each core.",
    ),
    *_READ_BY,
]
_READ = [_FILES, *_READ_IN_ANY_WAY]
_LISTEN = [
    click.option(
        "-i", "--interface", metavar="IFACE", required=True, help="The interface, as dumpcap or tcpdump call it."
    ),
    click.option(
        "--filter",
        "packet_filter",
        metavar="FILTER",
        default="",
        help="Capture only what passes this filter (pcap-filter), as in 'port 5060'.",
    ),
    *_JUDGE,
    _PROGRESS,
]


def analyzing(command: F) -> F:
    """The options of every analyzing command that shows a report."""
    for option in reversed([*_SHOW, *_READ]):
        command = option(command)
    return command


def listening(command: F) -> F:
    """The options of a command that analyzes what goes over an interface."""
    for option in reversed([*_SHOW, *_LISTEN]):
        command = option(command)
    return command


def reading(command: F) -> F:
    """The options of a command that analyzes, and does something else with the report than to show it."""
    for option in reversed(_READ):
        command = option(command)
    return command


def drawing(command: F) -> F:
    """The options of a command that shows what it reads in a form of its own, and reads in one process."""
    for option in reversed([_FILES, *_JUDGE, *_READ_BY]):
        command = option(command)
    return command


def annotating(command: F) -> F:
    """The options of a command that analyzes one file, and does something else with that."""
    for option in reversed([click.argument("file", metavar="FILE"), *_READ_IN_ANY_WAY]):
        command = option(command)
    return command


def comparing(command: F) -> F:
    """The options of a command that analyzes two inputs, one after the other."""
    inputs = [click.argument(name, metavar=name.upper()) for name in ("before", "after")]
    for option in reversed([*inputs, *_READ_IN_ANY_WAY]):
        command = option(command)
    return command


def redacting(command: F) -> F:
    """The options of a command that reads one file, and may verify its digests."""
    for option in reversed([click.argument("file", metavar="FILE"), *_SECRETS, *_READ_BY[:-1]]):
        command = option(command)
    return command


def paging(command: F) -> F:
    """The options of a command that writes a report as a page."""
    output = click.option(
        "-o", "--output", metavar="FILE", required=True, help="Write the page to FILE (-: standard output)."
    )
    for option in reversed([output, *_WEIGH, *_READ]):
        command = option(command)
    return command


def examining(command: F) -> F:
    """The options of a command that reads files where it is asked to, by all rules and in one process."""
    files = click.argument("files", metavar="[FILE...]", nargs=-1)
    for option in reversed([files, *_HELD_AGAINST, *_READ_BY, color_option]):
        command = option(command)
    return command


def _known_dialect(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    del context, option
    if name is None:
        return None
    from analyzer.capture.opener import names

    if name not in names():
        raise click.BadParameter(f"{name} is no dialect of a log; known are {', '.join(names('log'))}")
    return name


dialect_option = click.option(
    "--dialect", metavar="NAME", callback=_known_dialect, help="The log's format, where it is not recognised."
)


columnar_option = click.option(
    "--columnar",
    type=click.Choice(["auto", "never", "check"]),
    default="auto",
    show_default=True,
    help="Read ordinary clients of large captures in columns, with the same report; check: hold it against the other.",
)
follow_option = click.option(
    "--follow", is_flag=True, help="Keep reading a log that grows: findings as they happen, the report on Ctrl-C."
)


class Exemplary(click.Command):
    """Its examples read `samples/`; its help says how to get that folder where it is not."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and where needed the one to begin with."""
        super().format_epilog(ctx, formatter)
        if "samples/" in (self.epilog or "") and not os.path.isdir("samples"):
            formatter.write_paragraph()
            formatter.write_text("First have the samples written here: sipcheck samples samples")


class Command(Exemplary):
    """`--password` alone prompts, and takes no file name for a password: a value must follow an equals sign."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what the user typed."""
        return super().parse_args(ctx, ["--password=" if word == "--password" else word for word in args])
