"""`sipcheck rules` and `sipcheck explain`: the rules, and what they say of the purposes of a conformance test.

Exit codes of `rules --etsi` (docs/interface.md 2): 1 where a purpose fails, 3 for a source that cannot be read or holds
no SIP, 4 where a rule failed to run; the list of rules, and an explanation, end with 0 or 2.
"""

from __future__ import annotations

import sys
from typing import Any

import click
from click.core import ParameterSource

from analyzer.cli import signals
from analyzer.cli.options import Command, catalogue_option, dialect_option, examining
from analyzer.cli.run import options_of, read_report, rule_called, write_out

_EPILOG = """\b
Examples:
  sipcheck rules
  sipcheck rules --etsi samples/wrong-password/input.pcapng --credentials samples/wrong-password/users.csv
  sipcheck rules --etsi samples/asterisk-first-registration/input.txt --format json
"""


@click.command(
    "rules", cls=Command, epilog=_EPILOG, short_help="List the rules, or hold traffic against test purposes."
)
@click.option("--etsi", is_flag=True, help="Say how FILE... answers the test purposes of ETSI TS 102 027.")
@examining
@dialect_option
@catalogue_option
@click.pass_context
def rules(context: click.Context, /, etsi: bool, view: str, **given: Any) -> None:
    """List the rules: what is held against registrations, by which clause of which RFC.

    With --etsi, captures or logs are held against the registration purposes of ETSI TS 102 027: each passes, fails, is
    inconclusive, or was not exercised by what was seen.
    """
    if etsi:
        _examine(view, **given)
    _need_etsi(context, given)
    from analyzer.views.catalogue import write_catalogue

    write_out(lambda out: write_catalogue(view, out, options_of("auto", show_all=True)))


def _need_etsi(context: click.Context, given: dict[str, Any]) -> None:
    """Exit 2 where something is said about files that are not to be read."""
    for name in given:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and (name != "files" or given[name]):
            word = "FILE" if name == "files" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{word} goes with --etsi")


def _examine(view: str, *, color: str, progress: bool | None, **given: Any) -> None:
    if not given["files"]:
        raise click.UsageError("--etsi needs FILE...: captures or logs")
    from analyzer.judge.conformance.verdicts import Observer
    from analyzer.rules import all_rules
    from analyzer.views.purposes import write_verdicts

    observer = Observer(all_rules(), given["profile"])
    report = read_report("rules", None, progress, detail=False, rules=observer.rules, **given)
    verdicts = observer.verdicts({finding.rule for finding in report.findings})
    write_out(
        lambda out: write_verdicts(
            view, out, options_of(color, show_all=True), report, verdicts, left_out=len(observer.left_out)
        )
    )
    if report.interrupted:
        sys.exit(signals.code())
    sys.exit(4 if report.failed else int(any(verdict.outcome == "fail" for verdict in verdicts)))


@click.command("explain", short_help="Explain one rule, or what is known of a program.")
@click.argument("name", metavar="RULE|STACK")
@catalogue_option
def explain(name: str, view: str) -> None:
    """Explain one RULE: its clause, the reasoning, examples that break it and keep it, the fix. Or print what a program
    (STACK) was seen to do, with version and source, and how to live with it.

    RULE is an id (R3261-10.2-callid), in capitals or not, or a part of it that no other id has (callid-collision).
    STACK is a program's name (baresip); `stacks` lists all.
    """
    from analyzer.judge.stacks import program_called

    options = options_of("auto", show_all=True)
    program = program_called(name)
    if program is not None or name.lower() == "stacks":
        from analyzer.views.stacks import write_stack, write_stacks

        if program is None:
            write_out(lambda out: write_stacks(view, out, options))
        else:
            write_out(lambda out: write_stack(program, view, out, options))
        return
    from analyzer.views.catalogue import write_rule

    card = rule_called(name)
    write_out(lambda out: write_rule(card, view, out, options))
