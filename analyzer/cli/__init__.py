"""The `sipcheck` command: options, exit codes, one line for an error. All work is elsewhere, and imported late.

Exit codes (docs/interface.md 2): 0 nothing at or above --fail-on, 1 findings or a digest that does not match, 2 usage,
3 a source that cannot be read or holds no SIP (what Asterisk's notices say is reported nevertheless), or a standard
output that cannot be written, 4 a rule failed to run; 129, 130, 143 interrupted by SIGHUP, SIGINT (Ctrl-C), SIGTERM,
after the report of what was read (by a second signal: at once; see `signals.py`); 141 the reader of standard output
went away.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from analyzer.cli import signals
from analyzer.cli.options import (
    LEVELS,
    Command,
    Exemplary,
    analyzing,
    columnar_option,
    dialect_option,
    follow_option,
    listening,
)
from analyzer.cli.run import die_without_sip, has_notices_alone, leave, options_of, read_report
from analyzer.views import LeadsWith, wants_detail

if TYPE_CHECKING:
    from analyzer.cli.outcome import Outcome
    from analyzer.run.report import Report

_EPILOG = """\b
Examples:
  sipcheck log samples/asterisk-first-registration/input.txt
  sipcheck pcap samples/wrong-password/input.pcapng --credentials samples/wrong-password/users.csv
  sipcheck explain R3261-10.2-callid
"""


_LIVE_EPILOG = """\b
Examples:
  sipcheck live -i eth0
  sipcheck live -i any --filter 'port 5060' --credentials users.csv
"""
_LATE = {
    "annotate": ("analyzer.cli.annotate", "Write a capture with findings as packet comments."),
    "compare": ("analyzer.cli.compare", "Compare two captures or logs."),
    "explain": ("analyzer.cli.rules", "Explain one rule."),
    "export": ("analyzer.cli.export", "Write what was read as tables, or as a capture."),
    "ladder": ("analyzer.cli.ladder", "Draw the messages of one user as a ladder."),
    "redact": ("analyzer.cli.redact", "Write a capture or log with pseudonyms."),
    "replay": ("replay.cli", "Replay a captured registration to a live peer."),
    "report": ("analyzer.cli.report", "Write one page for a person."),
    "rules": ("analyzer.cli.rules", "List the rules, or hold traffic against test purposes."),
    "samples": ("analyzer.cli.samples", "Write the samples that the examples read."),
    "schema": ("analyzer.cli.schema", "Print the JSON Schema of --format json."),
    "storm": ("analyzer.cli.storm", "Find and explain registration storms."),
}
"""Commands that are not imported with this module: the module that has each by name, and a line of help."""


class _Group(Exemplary, click.Group):
    """A usage error quotes what was typed, or pasted from who knows where: it is shown escaped."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, those that are loaded late included."""
        return sorted([*super().list_commands(ctx), *_LATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; of one that is loaded late, its name and its line are enough for a list."""
        late = _LATE.get(cmd_name)
        return super().get_command(ctx, cmd_name) if late is None else click.Group(cmd_name, short_help=late[1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called."""
        if args[0] not in _LATE:
            return super().resolve_command(ctx, args)
        found: click.Command = getattr(importlib.import_module(_LATE[args[0]][0]), args[0])
        return args[0], found, args[1:]

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """Parse the words before the command."""
        with _calm():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the rest, and run the command."""
        with _calm():
            return super().invoke(ctx)


@contextmanager
def _calm() -> Iterator[None]:
    """What click would say raw, or with an exit code of its own."""
    try:
        yield
    except click.UsageError as error:
        from analyzer.escape import visible

        said = error.format_message()
        shown = "\n".join(map(visible, said.split("\n")))  # the help of a bare `sipcheck` comes along here too
        if shown == said:
            raise
        raise click.UsageError(shown, error.ctx) from None
    except KeyboardInterrupt:  # before there was anything to report, or once more while it was being reported
        leave(signals.code(), "interrupted")


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=_Group, epilog=_EPILOG, context_settings=_CONTEXT)
@click.version_option(package_name="sipcheck", message="sipcheck %(version)s")
def sipcheck() -> None:
    """Analyze SIP registration (REGISTER, RFC 3261) in packet captures and server logs.

    Reconstructs transactions, registrations and bindings, verifies digest authentication, checks the traffic against
    the RFCs, finds registration storms, and replays a registration to a live registrar or user agent.
    """


@sipcheck.command("log", cls=Command, epilog=_EPILOG, short_help="Analyze text logs of a server.")
@analyzing
@dialect_option
@follow_option
def log_command(**given: Any) -> None:
    """Analyze the SIP messages in text logs, and report registrations, digests and findings.

    Reads Asterisk's `sip set debug on` and PJSIP logger, from a log file, JSON, a console or a paste. `-` is standard
    input.
    """
    _run("log", "log", **given)


@sipcheck.command("pcap", cls=Command, epilog=_EPILOG, short_help="Analyze packet captures.")
@analyzing
@columnar_option
def pcap_command(**given: Any) -> None:
    """Analyze the SIP messages in packet captures, and report registrations, digests and findings.

    Reads pcap and pcapng, plain or compressed. `-` is standard input; several files are one capture in time order.
    """
    _run("pcap", "capture", **given)


@sipcheck.command("live", cls=Command, epilog=_LIVE_EPILOG, short_help="Analyze what goes over an interface.")
@listening
def live_command(**given: Any) -> None:
    """Analyze the SIP messages that go over a network interface, and report findings as they happen, and all at the
    end.

    Captures with dumpcap or tcpdump, and needs the right to do that; ends with Ctrl-C.
    """
    _run("live", "interface", **given)


@sipcheck.command("verify-digest", cls=Command, epilog=_EPILOG, short_help="Verify digests against passwords.")
@analyzing
@dialect_option
def verify_digest_command(**given: Any) -> None:
    """Verify every digest response (RFC 7616) in captures or logs against known passwords.

    A response that does not match is diagnosed: another realm, a cut password, an HA1 taken for a password, and others.
    """
    _run("verify-digest", None, columnar="auto", **given)


def _run(
    command: str, kind: Any, *, view: str, fail_on: str, progress: bool | None, color: str, stats: bool, **given: Any
) -> None:
    from analyzer.cli.outcome import Outcome

    outcome = Outcome(*(given.pop(name) for name in ("output", "baseline", "write_baseline")))
    outcome.check_places(given)
    leads_with: LeadsWith = "digests" if command == "verify-digest" else "clients"
    drawn = partial(options_of, color, show_all=given.pop("show_all"), leads_with=leads_with, fail_on=LEVELS[fail_on])
    clock = time.perf_counter_ns if stats else None
    if given.pop("follow", kind == "interface"):
        from analyzer.cli.follow import follow_report  # late: it is asked for by few

        report = follow_report(command, view, drawn(), progress, is_known=outcome.knows, clock=clock, **given)
    else:
        detail = wants_detail(view) or leads_with == "digests"  # where they lead, the right ones are listed too
        report = read_report(command, kind, progress, detail=detail, notices=True, clock=clock, **given)
    outcome.weigh(report)
    from analyzer.views import load_view

    render, options = load_view(view), drawn(to_file=outcome.is_in_file)
    outcome.show(lambda out: render(report, out, options))
    end(report, outcome, fail_on, stats=stats, told="on standard output")


def end(report: Report, outcome: Outcome, fail_on: str, *, stats: bool, told: str) -> NoReturn:
    """Leave a command whose report was shown; `told` says where, of one that has nothing but notices."""
    if stats:
        outcome.tell_costs(report)
    if has_notices_alone(report) and not report.interrupted:
        die_without_sip(report, told=told)
    outcome.keep()
    sys.exit(_exit_code(report, fail_on, accepted=outcome.is_accepted))


def _exit_code(report: Report, fail_on: str, *, accepted: bool) -> int:
    """What a report comes to (docs/interface.md 2); `accepted`: what was found is known from now on."""
    if report.interrupted:
        return signals.code()
    if report.failed:
        return 4
    from analyzer.judge.copied_text import is_known

    failing = any(finding.severity in LEVELS[fail_on] and not is_known(finding) for finding in report.findings)
    known = report.known.digests if report.known is not None else 0
    wrong = report.summary.digests.get("mismatch", 0) > known and fail_on != "never"
    return 1 if (failing or wrong) and not accepted else 0


def main() -> None:
    """Run the command; the entry point of the distribution."""
    from analyzer.views.drawing.output import prepare

    signals.listen()
    prepare()
    atexit.register(gc.freeze)  # or the last collection looks through all that the system takes back anyway
    try:
        _run_command()
    except SystemExit as end:
        signals.be_deaf()
        if signals.heard() and end.code in range(128):  # whatever else became of it: whoever sent it wants to know
            raise SystemExit(signals.code()) from None
        raise


def _run_command() -> None:
    with _calm():
        try:
            sipcheck(prog_name="sipcheck")
        except OSError as error:  # the help on a full disk
            leave(3, f"standard output cannot be written: {error.strerror}")
