"""The I/O boundary of every command: options to a report, secrets in, the result out, one line for an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from analyzer.cli import signals

if TYPE_CHECKING:
    from analyzer.capture.engine import Engine
    from analyzer.evidence import Source
    from analyzer.judge.costs import Clock
    from analyzer.judge.findings import Profile, Rule, Severity
    from analyzer.register.digest.secrets import Secrets
    from analyzer.run.pipeline import Gate
    from analyzer.run.report import Report
    from analyzer.views import LeadsWith

_BROKEN_PIPE = 128 + 13  # as a shell reports whom SIGPIPE has ended


def secrets_of(command: str, credentials: tuple[str, ...], password_file: str | None, password: str | None) -> Secrets:
    """The secrets that the options name; asked for at a prompt where that is wanted. Exit 2 for a bad file."""
    from analyzer.register.digest.secrets import CredentialsError, Secrets

    if password:
        click.echo("sipcheck: warning: other users of this machine can see a password given as an argument", err=True)
    if password == "":
        password = _prompt()
    if password is None and password_file is None:
        password = os.environ.get("SIPCHECK_PASSWORD")
    if command == "verify-digest" and password is None and not (password_file or credentials) and sys.stdin.isatty():
        password = _prompt()
    try:
        return Secrets.load(credentials, password=password, password_file=password_file)
    except CredentialsError as error:
        die(str(error), 2)


def _prompt() -> str:
    if not sys.stdin.isatty():
        die("--password asks on a terminal, and there is none: use --password-file or SIPCHECK_PASSWORD", 2)
    try:
        return str(click.prompt("Password of every user", hide_input=True, err=True))
    except click.Abort:
        die("no password was given", signals.code())


def options_of(
    color: str,
    *,
    show_all: bool,
    leads_with: LeadsWith = "clients",
    fail_on: tuple[Severity, ...] = ("error",),
    to_file: bool = False,
) -> Any:
    """How a view draws on this standard output, or into a file (`analyzer.views.ViewOptions`)."""
    from analyzer.views import ViewOptions
    from analyzer.views.drawing.output import columns_of

    terminal = sys.stdout.isatty() and not to_file
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    wanted = not to_file and (color == "always" or (color == "auto" and terminal and not plain))
    width = columns_of(sys.stdout) if terminal or "COLUMNS" in os.environ else 0
    return ViewOptions(width=width, color=wanted, all=show_all, leads_with=leads_with, fail_on=fail_on)


def write_out(render: Callable[[IO[str]], None]) -> None:
    """Render to standard output; a reader that went away (`| head`) or a full disk is no traceback."""
    signals.settle()
    try:
        render(sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        leave(_BROKEN_PIPE)
    except OSError as error:
        leave(3, f"standard output cannot be written: {error.strerror}")


def leave(code: int, why: str = "") -> NoReturn:
    """End, and do not try to write what standard output still holds."""
    from analyzer.views.drawing.output import discard

    discard(sys.stdout)
    if why:
        die(why, code)
    sys.exit(code)


def die(text: str, code: int) -> NoReturn:
    """One line on standard error, and out."""
    from analyzer.views.drawing.output import tell  # it escapes: a file name may be hostile too

    tell(f"sipcheck: {text}")
    sys.exit(code)


def read_report(
    command: str,
    kind: Any,
    progress: bool | None,
    *,
    detail: bool,
    files: tuple[str, ...],
    profile: Profile,
    aor: str,
    credentials: tuple[str, ...],
    password_file: str | None,
    password: str | None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    dialect: str | None = None,
    engine: Engine = "auto",
    tls_keylog: str | None = None,
    jobs: int = 1,
    columnar: str = "never",
    tables: bool = False,
    notices: bool = False,
    clock: Clock | None = None,
    rules: Sequence[Rule] | None = None,
    gate: Gate | None = None,
) -> Report:
    """The report of the files by the options of `analyzing` or `reading`; leaves with 3 where there is none, and
    with 4 where columns (`check`) report otherwise. `notices`: the command can show a report of notices alone; `clock`
    measures the rules; `rules` are those to apply, where options do not say it; `gate` is shown what is read."""
    from analyzer.defect import SourceError
    from analyzer.run.pipeline import analyze
    from analyzer.views.drawing.progress import progress_bar

    check_engine(engine, tls_keylog)
    secrets = secrets_of(command, credentials, password_file, password)
    try:
        with progress_bar(progress) as advance:
            read = partial(
                analyze,
                list(files),
                kind=kind,
                dialect=dialect,
                secrets=secrets,
                rules=rules_of(command, select, ignore) if rules is None else rules,
                detail=detail,
                tables=tables,
                aor=aor_given(aor),
                profile=profile,
                engine=engine,
                tls_keylog=tls_keylog,
                jobs=jobs,
                progress=advance,
                clock=clock,
                gate=gate,
            )
            report = checked(read) if columnar == "check" else read(columnar="auto" if columnar == "auto" else "never")
    except SourceError as error:
        die(str(error), 3)
    if not (notices and has_notices_alone(report)):
        die_without_sip(report)
    return report


def checked(read: Callable[..., Report]) -> Report:
    """The report of the object path, held against that of the columns; leaves with 4 where they differ."""
    from analyzer.run.compared import first_difference  # late: it is asked for by few

    report, other = read(columnar="never", keeps_all=True), read(columnar="always")
    difference = "" if report.interrupted or other.interrupted else first_difference(report, other)
    if difference:
        die(f"the report in columns differs: {difference}", 4)
    return report


def files_of(files: tuple[str, ...], dialect: str | None) -> tuple[str, ...]:
    """The files with those of each directory in its place, for commands that show no notes: what was taken, and what
    was not, is said on standard error. Leaves with 3 where a directory holds nothing."""
    from analyzer.capture.inputs import has_directory

    if not has_directory(files):
        return files
    from analyzer.capture.directories import expand
    from analyzer.defect import SourceError
    from analyzer.views.drawing.output import tell

    try:
        inputs, notes = expand(files, dialect=dialect)
    except SourceError as error:
        die(str(error), 3)
    for note in notes:
        tell(f"sipcheck: {note}")
    return tuple(str(one) for one in inputs)


def has_notices_alone(report: Report) -> bool:
    """Whether there is no SIP message, but words of the server about registrations, which a view can show."""
    return not report.summary.messages and any(source.notices for source in report.sources)


def die_without_sip(report: Report, *, told: str = "") -> None:
    """Exit 3 where there was nothing to analyze; what to do is said in the same line, unless a view has told it, where
    `told` says.

    Notices are no SIP, so the code is 3 with them too (docs/interface.md); yet they are a result, so a view shows them
    on standard output, in every format, and this line goes to standard error."""
    if not report.summary.messages and not report.interrupted:
        die(no_sip(report.sources, told=told), 3)


def check_engine(engine: Engine, tls_keylog: str | None) -> None:
    """Exit 2 for an engine that cannot do what was asked."""
    if engine == "native" and tls_keylog is not None:
        raise click.UsageError("--tls-keylog does not go with --engine native: only tshark opens TLS")


def no_sip(sources: Sequence[Source], *, told: str = "") -> str:
    """That sources hold no SIP message, why, and what to do; `told` says what the server's notices are instead."""
    from analyzer.escape import visible

    names = ", ".join(visible(source.name) for source in sources)
    seen = sum(source.frames for source in sources)
    unit = ("packet" if sources[0].kind == "capture" else "line") + "s" * (seen != 1)
    reasons = "; ".join(sentence for source in sources for sentence in source.quality)
    reasons = reasons or "; ".join(defect.text for source in sources for _, defect in source.defect_list[:3])
    kept = sum(source.keepalives for source in sources)
    also = f", {kept:,} keep-alive{'s' * (kept != 1)}" if kept else ""
    hints = dict.fromkeys(source.hint for source in sources if source.hint)
    if told:
        hints = {f"what the server's notices say is {told}": None}
    said = "; ".join([*([reasons] if reasons else ()), *hints])
    return f"{names}: no SIP message in {seen:,} {unit}{also}" + (f" ({visible(said)})" if said else "")


def rules_of(command: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> list[Rule]:
    """The rules that are asked. What is selected on the command line is asked though a configuration ignores it, and
    though the command would not ask it by itself."""
    from analyzer.judge.selection import UnknownRule, chosen
    from analyzer.register import marks
    from analyzer.rules import all_rules

    asked_for = bool(select) and _is_typed("select")
    if asked_for and not _is_typed("ignore"):
        ignore = ()
    if command == "storm" and not asked_for:  # its verdict is made of tables
        return []
    try:
        rules = chosen(all_rules(), _split(select), _split(ignore))
    except UnknownRule as error:
        raise click.UsageError(str(error)) from None
    if not rules:  # an empty answer would look like a good one
        raise click.UsageError(
            f"{'--select and ' if select else ''}--ignore leave{'' if select else 's'} no rule to be asked"
        )
    if command == "verify-digest" and not asked_for:  # who asks for passwords wants no verdict on Call-IDs
        rules = [rule for rule in rules if rule.applies_if & marks.DIGESTS]
    return rules


def _is_typed(name: str) -> bool:
    """Whether an option stands on the command line, and not in a configuration alone."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _split(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for joined in names for name in joined.split(",") if name.strip())


def rule_called(name: str) -> Rule:
    """A rule by its id, case-insensitive; a unique part of an id will do."""
    from analyzer.judge.selection import UnknownRule, one_rule
    from analyzer.rules import all_rules

    try:
        return one_rule(name, all_rules())
    except UnknownRule as error:
        raise click.UsageError(f"{error}; nor is it a program that the table has (sipcheck explain stacks)") from None


def aor_given(text: str) -> str:
    """The canonical address-of-record of what was typed, with or without its scheme."""
    if not text:
        return ""
    from analyzer.sip.uri import Uri, aor

    return aor(Uri.parse(text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}"))
