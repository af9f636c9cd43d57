"""`sipcheck redact`: a capture or log to hand on, with pseudonyms and the same findings.

Exit codes: 0 written, 2 usage, 3 a source that cannot be read, or a result that cannot be written, or that would leak;
129, 130, 143 interrupted, then nothing is written. What the result does not keep is said on standard error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from analyzer.cli import signals
from analyzer.cli.options import Command, dialect_option, redacting
from analyzer.cli.run import die
from analyzer.views.drawing.output import tell

if TYPE_CHECKING:
    from analyzer.evidence import Source
    from analyzer.redact.redaction import Counts, Given, Redaction, Wishes
    from analyzer.register.digest.secrets import Secrets

_EPILOG = """\b
Examples:
  sipcheck redact samples/wrong-password/input.pcapng -o shared.pcap --mapping private.json
  sipcheck redact samples/text-baresip/input.txt -o shared.txt
"""
_OF_A_LOG = "of the log the messages alone are written; its other lines are not"
_FORMS = {
    None: "as packets of raw IP; the link layer, comments and all packets that are no SIP are not written",
    "flow-text": "as call flows; of the text their titles, drawings and all that is no message are not written",
}
_PRIVATE = ("mapping", "new_credentials")
MOST_SHIFT = 1_000_000_000
"""Seconds by which times are moved at most: some thirty years."""


@click.command("redact", cls=Command, epilog=_EPILOG, short_help="Write a capture or log with pseudonyms.")
@redacting
@click.option("-o", "--output", "out", required=True, metavar="OUT", help="Where to: a capture, or a log of a log.")
@click.option("--mapping", metavar="FILE", help="Write what stands for what, and the key, to FILE, for you alone.")
@click.option("--new-credentials", metavar="FILE", help="Write the passwords of pseudonyms to FILE, for --credentials.")
@click.option("--key-file", metavar="FILE", help="The key (16 octets or more): the same key, the same pseudonyms.")
@click.option("--known", metavar="FILE", help="A mapping of an earlier run: go on with its key and pseudonyms.")
@click.option(
    "--keep-bodies", is_flag=True, help="Keep message bodies, each word replaced, instead of leaving them out."
)
@click.option("--user-agents", is_flag=True, help="Replace what phones and servers call themselves, too.")
@click.option("--shift", type=float, default=0.0, metavar="SECONDS", help="Make all times so much later.")
@click.option("--check/--no-check", default=True, help="Analyze both afterwards, and say what differs.")
@click.option("--force", is_flag=True, help="Replace OUT and the other files if they are there.")
@dialect_option
def redact(**given: Any) -> None:
    """Write FILE to OUT with pseudonyms for users, numbers, addresses, domains and devices: the same one for the same
    name, so that the findings stay what they are. A log becomes a log of its messages; of its other lines those alone
    stay in which Asterisk tells of registrations. The mapping is written apart, and only if you ask for it.

    Times, ports, statuses and what phones and servers call themselves stay, so before you hand OUT on, look for:

    \b
    - a rare product, or a device's name, in User-Agent and Server
      (--user-agents replaces them)
    - names of three letters, numbers of up to five digits, glued names
    - names that are words of the protocol, as a user `phone` is
    - when it was (--shift hides the day), how many phones, in which networks

    Keep the mapping, the key and the new passwords apart from it: they undo all this."""
    _run(**given)


def _run(*, out: str, force: bool, key_file: str | None, known: str | None, check: bool, **given: Any) -> None:
    from analyzer.cli.run import check_engine, secrets_of
    from analyzer.redact.redaction import Redaction

    file = given["file"]
    if key_file is not None and known is not None:
        raise click.UsageError("--known FILE has a key: no --key-file beside it")
    if file == "-" or Path(file).is_dir():
        raise click.UsageError("FILE is read twice: name one file, no directory and no standard input")
    places = {"-o": out, **{f"--{name.replace('_', '-')}": given[name] for name in _PRIVATE if given[name]}}
    _check_places(places, file, [*given["credentials"], *(one for one in (key_file, known) if one)], force=force)
    check_engine(given["engine"], given["tls_keylog"])
    key, before = _key(key_file, known)
    secrets = secrets_of("redact", given["credentials"], given["password_file"], given["password"])
    try:
        redaction = Redaction(key, _wishes(**given), secrets, before)
        _redacted(Path(out), redaction, secrets, check=check, **given)
        _keep_private(redaction, key, force=force, **{name: given[name] for name in _PRIVATE})
    except KeyboardInterrupt:
        die(f"interrupted: {out} is not written", signals.code())


def _key(key_file: str | None, known: str | None) -> tuple[bytes, Given]:
    """The key that was given, or one that is drawn, and what stood for what before."""
    from analyzer.redact.keys import KeyUnusable, random_key, read_key, read_mapping
    from analyzer.redact.redaction import NOTHING

    try:
        if known is not None:
            return read_mapping(known)
        return (random_key() if key_file is None else read_key(key_file)), NOTHING
    except KeyUnusable as error:
        die(str(error), 2)


def _wishes(*, keep_bodies: bool, user_agents: bool, shift: float, **others: Any) -> Wishes:
    from analyzer.evidence import SECOND
    from analyzer.redact.redaction import Wishes

    del others
    if not abs(shift) <= MOST_SHIFT:  # not a number is refused, too
        raise click.UsageError(f"--shift: at most {MOST_SHIFT:,} seconds, either way")
    return Wishes(keep_bodies, not user_agents, round(shift * SECOND))


def _check_places(places: dict[str, str], file: str, read: list[str], *, force: bool) -> None:
    from analyzer.cli.outfile import check_place

    for option, place in places.items():
        if place == "-":
            raise click.UsageError(f"{option} -: name a file")
        check_place(option, place, [file, *read, *(other for name, other in places.items() if name != option)])
        path = Path(place)
        if (path.exists() or path.is_symlink()) and not force:
            raise click.UsageError(f"{place} is there already: give another name, or --force to replace it")
        if path.exists() and not path.is_file():
            raise click.UsageError(f"{place} is no file: not replaced")


def _redacted(out: Path, redaction: Redaction, secrets: Secrets, *, check: bool, **given: Any) -> None:
    from analyzer.defect import SourceError
    from analyzer.redact.pseudonyms import TooManyWords
    from analyzer.redact.redaction import Leak

    try:
        with _opened(**given) as reading:
            redaction.note(reading)
        with _in_place(out) as (unfinished, file), _opened(**given) as reading:
            saved = redaction.saver(reading.sources[0], file)
            told = redaction.write(reading, saved)
            file.flush()
            if not told.messages and not told.notices:
                die(_nothing_of(reading.sources), 3)
            lost = _differences(redaction, secrets, unfinished, saved.dialect, **given) if check else None
    except (SourceError, Leak, TooManyWords) as error:
        die(str(error), 3)
    _say(out, told, lost, saved.dialect)
    _say_shift(redaction, given["shift"])


def _nothing_of(sources: Sequence[Source]) -> str:
    """Why there is nothing to write. Of what servers say in words of their own, Asterisk's alone can be written."""
    from analyzer.cli.run import no_sip

    said = sum(notice.count for source in sources for notice in source.notices)
    if said:
        return f"{no_sip(sources, told='nothing that can be redacted')}; nothing is written"
    return no_sip(sources)


def _opened(*, file: str, dialect: str | None, engine: Any, tls_keylog: str | None, **others: Any) -> Any:
    from analyzer.capture.opener import open_sources

    del others
    return open_sources([file], dialect=dialect, engine=engine, tls_keylog=tls_keylog)


def _differences(redaction: Redaction, secrets: Secrets, made: Path, form: str | None, **given: Any) -> list[str]:
    """What the result says otherwise than the original, each with the passwords that belong to it."""
    from analyzer.redact.sameness import differences
    from analyzer.register.digest.secret import Secret
    from analyzer.register.digest.secrets import Secrets
    from analyzer.run.pipeline import analyze

    accounts = redaction.digests.accounts()
    new = Secrets([Secret(one.password, username=one.username, realm=one.realm) for one in accounts])
    read = {name: given[name] for name in ("dialect", "engine", "tls_keylog")}
    before = analyze(given["file"], secrets=secrets, **read)
    return differences(before, analyze(made, secrets=new, dialect=form))


def _say(out: Path, told: Counts, lost: list[str] | None, form: str | None) -> None:
    from analyzer.redact.digests import MARK
    from analyzer.views.words import count

    tell(f"{out}: {count(told.messages, 'message')} with pseudonyms")
    said = "of the server on registrations"
    if told.notices:
        tell(f"  with them {count(told.notices, 'line')} {said}; the log's other lines are not written")
    else:
        tell(f"  {_FORMS.get(form, _OF_A_LOG)}")
    if told.bodies:
        tell(f"  left out: the bodies of {count(told.bodies, 'message')}")
    if told.unsaid:
        tell(f"  left out: {count(told.unsaid, 'line')} {said} that would not say the same with pseudonyms")
    if told.verifiable:
        tell(f"  {count(told.verifiable, 'digest')} can be verified with the new passwords")
    if told.opaque:
        opaque = count(told.opaque, "digest")
        tell(f"  {opaque} cannot be verified any more, or never could (without a password: {MARK}...)")
    for one in lost or ():
        tell(f"  not the same: {one}")
    if lost is not None and not lost:
        tell("  it gives the same findings as the original")
    tell("  what it still may tell says `sipcheck redact --help`: look through it before you hand it on")


def _say_shift(redaction: Redaction, asked: float) -> None:
    """By how much times are later, where that is not what was asked for."""
    from analyzer.evidence import SECOND

    if redaction.shift != round(asked * SECOND):
        step = f"{redaction.step / SECOND:.9g} s"
        tell(f"  times are moved by {redaction.shift / SECOND:.9g} s, not {asked:.9g}: their clock has steps of {step}")


def _keep_private(
    redaction: Redaction, key: bytes, *, force: bool, mapping: str | None, new_credentials: str | None
) -> None:
    from analyzer.redact.keys import credentials_of, mapping_of, write_private

    texts: dict[str, str] = {}
    if mapping is not None:
        texts[mapping] = mapping_of(redaction, key)
    if new_credentials is not None:
        texts[new_credentials] = credentials_of(redaction)
    for place, text in texts.items():
        try:
            write_private(Path(place), text, replace=force)
        except OSError as error:
            die(f"{place} cannot be written: {error.strerror or error}", 3)
        tell(f"{place}: for you alone")


@contextmanager
def _in_place(out: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file beside `out` that takes its name when all is written and looked at. Leaves with 3 on a full disk."""
    from analyzer.interruption import unheard
    from analyzer.scratch import temporary_folder

    try:
        with temporary_folder(out.parent, f".{out.name[:40]}.") as folder:
            unfinished = folder / "unfinished"
            with unfinished.open("wb") as file:
                yield unfinished, file
            with unheard():
                unfinished.replace(out)
    except OSError as error:
        die(f"{out} cannot be written: {error.strerror or error}", 3)
