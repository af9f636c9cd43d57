"""`sipcheck annotate`: the same capture with every finding as a comment on the packets that show it.

The capture is read twice: analyzed, and then copied, so it has to be a file. What is written stands under another name
until it is whole. The exit code tells of reading and writing, not of findings, as that of `export` does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from analyzer.cli import signals
from analyzer.cli.export import check_free, in_place
from analyzer.cli.options import Command, annotating
from analyzer.cli.outfile import check_place
from analyzer.cli.run import die, write_out

_EPILOG = """\b
Examples:
  sipcheck annotate samples/cseq-not-raised/input.pcap -o annotated.pcapng
  sipcheck annotate samples/wrong-password/input.pcapng --credentials samples/wrong-password/users.csv -o out.pcapng
"""


@click.command("annotate", cls=Command, epilog=_EPILOG, short_help="Write a capture with findings as packet comments.")
@annotating
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, metavar="OUT", help="The pcapng to write."
)
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
def annotate(file: str, out: Path, force: bool, progress: bool | None, **given: Any) -> None:
    """Write the capture FILE as pcapng with every finding as a packet comment, which Wireshark and tshark show
    (frame.comment), and print the display filter and the colouring rules that select them. Packets, interfaces,
    comments and decryption secrets of FILE stay as they are; a pcap becomes a pcapng. The exit code tells of reading
    and writing, not of findings."""
    check_free(out, "pcapng", force)
    check_place("-o", str(out), [file])
    _check_capture(file)
    from analyzer.cli.config import note
    from analyzer.cli.run import read_report
    from analyzer.views.drawing.output import tell
    from analyzer.views.packet_comments import comments_of, how_to_see

    report = read_report("annotate", "capture", progress, detail=False, files=(file,), **given)
    if told := note(click.get_current_context()):
        tell(f"sipcheck: {told}")
    signals.settle()
    _write(file, out, *comments_of(report))
    if report.interrupted:
        tell(f"sipcheck: interrupted: {out} has comments on what was read so far")
    write_out(lambda stream: stream.writelines(f"{line}\n" for line in how_to_see(report)))
    sys.exit(signals.code() if report.interrupted else 4 if report.failed else 0)


def _check_capture(file: str) -> None:
    """Leave where FILE can only be read once (exit 2), or is a log (exit 3)."""
    if (os.path.exists(file) and not os.path.isfile(file)) or file == "-":
        raise click.UsageError(f"{file} is no file that can be read twice: save it to one, and name that")
    from analyzer.capture.opener import open_sources
    from analyzer.defect import SourceError

    try:
        with open_sources([file], asks=False, engine="native") as opened:
            source = opened.sources[0]
    except SourceError:
        return  # whoever reads it says why
    if source.kind == "log":
        hint = f"make packets of its messages first: sipcheck export {file} --to pcap -o messages.pcap"
        die(f"{file}: is a log, so it has no packets to comment on ({hint})", 3)


def _write(file: str, out: Path, comments: dict[int, list[str]], general: list[str]) -> None:
    from analyzer.capture.annotated import annotate as written_to
    from analyzer.defect import SourceError
    from analyzer.views.drawing.output import tell
    from analyzer.views.words import count

    try:
        with in_place(out, folder=False) as unfinished, unfinished.open("w+b") as stream:
            done = written_to(file, stream, comments, general)
    except SourceError as error:
        die(str(error), 3)
    tell(f"{out}: {count(done.comments, 'comment')} on {count(done.packets, 'packet')}")
    if others := len(general) + len(done.frames):
        told = count(others, "finding" if not done.frames else "thing")
        tell(f"sipcheck: {told} that no packet can carry: in the comment of the file (Capture File Properties)")
    for text in done.damage[:3]:
        tell(f"sipcheck: {file} is damaged: {text}")
