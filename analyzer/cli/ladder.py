"""`sipcheck ladder`: every message of one address-of-record in a sequence diagram, with the findings at the messages.

One way through the files: the messages are kept, bounded, while the analysis sees them (`analyzer.run.conversation`).
The exit code tells of reading and writing, not of findings.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import click

from analyzer.cli import signals
from analyzer.cli.options import Command, color_option, dialect_option, drawing
from analyzer.cli.run import aor_given, die, options_of, read_report, write_out

if TYPE_CHECKING:
    from analyzer.run.conversation import Conversation
    from analyzer.views.ladder.model import Ladder

_EPILOG = """\b
Examples:
  sipcheck ladder samples/cseq-not-raised/input.pcap
  sipcheck ladder samples/wrong-password/input.pcapng --aor frank@10.9.0.1
  sipcheck ladder samples/asterisk-first-registration/input.txt --format svg --output ladder.svg
"""
_MOST_NAMED = 10
_FORMS = ("text", "svg", "mermaid")
MOST = 5000
"""What `--most` may say: as many messages as are kept."""


@click.command("ladder", cls=Command, epilog=_EPILOG, short_help="Draw the messages of one user as a ladder.")
@drawing
@dialect_option
@click.option(
    "--format", "form", type=click.Choice(_FORMS), default="text", show_default=True, help="Form of the ladder."
)
@click.option("-o", "--output", metavar="FILE", help="Write the ladder to FILE (-: standard output).")
@click.option(
    "--most",
    type=click.IntRange(0, MOST),
    default=None,
    metavar="N",
    help="Messages that are drawn at the most (default: 300; 0: all that are kept, some 5,000).",
)
@color_option
def ladder(
    form: str, output: str | None, most: int | None, color: str, progress: bool | None, aor: str, **given: Any
) -> None:
    """Draw every message of one address-of-record, in captures or logs: when, from where to where, what, how often, and
    at each message the findings that it shows. Each endpoint has a lane. Without --aor, that of the files where there
    is but one."""
    from analyzer.cli.outfile import check_place, replaced
    from analyzer.run.conversation import Conversation
    from analyzer.views.ladder.model import DEFAULT_MOST, ladder_of

    output = None if output == "-" else output
    if output is not None:
        check_place("--output", output, [name for name in given["files"] if name != "-"])
    conversation = Conversation(aor_given(aor))
    report = read_report("ladder", None, progress, detail=False, aor=aor, gate=conversation.take, **given)
    _check_found(conversation, aor, interrupted=report.interrupted)
    drawn = ladder_of(conversation, report, DEFAULT_MOST if most is None else most)
    signals.settle()
    if output is None:
        write_out(partial(_render, drawn, form, color, to_file=False))
    else:
        from analyzer.views.drawing.output import tell
        from analyzer.views.words import count

        with replaced(output) as out:
            _render(drawn, form, color, out, to_file=True)
        tell(f"{output}: {count(len(drawn.steps), 'message')}{'' if drawn.is_whole else ', and what is left out'}")
    sys.exit(signals.code() if report.interrupted else 4 if report.failed else 0)


def _render(drawn: Ladder, form: str, color: str, out: IO[str], *, to_file: bool) -> None:
    if form == "text":
        from analyzer.views.ladder import text

        text.render(drawn, out, options_of(color, show_all=True, to_file=to_file))
    elif form == "svg":
        from analyzer.views.ladder import svg

        svg.render(drawn, out)
    else:
        from analyzer.views.ladder import mermaid

        mermaid.render(drawn, out)


def _check_found(conversation: Conversation, aor: str, *, interrupted: bool) -> None:
    """Leave with 2 where nobody said which of several users is meant, or who was named is not among them."""
    from analyzer.run.conversation import MOST_AORS

    there = conversation.aors
    if conversation.is_ambiguous:
        least = "at least " if len(there) >= MOST_AORS else ""  # no more are counted
        raise click.UsageError(
            f"there are {least}{len(there):,} addresses-of-record: name one with --aor. {_named(there)}"
        )
    if conversation.messages:
        return
    if not there:
        why = "interrupted before the first REGISTER" if interrupted else "no REGISTER, so there is no ladder to draw"
        die(why, signals.code() if interrupted else 3)
    raise click.UsageError(f"no message of {aor}. {_named(there)}")


def _named(there: Counter[str]) -> str:
    """The busiest of them, with their numbers of messages."""
    first = ", ".join(f"{one.removeprefix('sip:')} ({number:,})" for one, number in there.most_common(_MOST_NAMED))
    more = f" and {len(there) - _MOST_NAMED:,} more" if len(there) > _MOST_NAMED else ""
    return f"There are (with their messages): {first}{more}"
