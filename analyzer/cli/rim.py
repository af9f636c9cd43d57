"""What every command does at its rim: secrets in, the result out, one line for an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from analyzer.cli import signals

if TYPE_CHECKING:
    from analyzer.register.digest.secrets import Secrets

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


def options_of(command: str, color: str, *, show_all: bool) -> Any:
    """How a view draws on this standard output (`analyzer.views.ViewOptions`)."""
    from analyzer.views import ViewOptions
    from analyzer.views.drawing.outlet import columns_of

    terminal = sys.stdout.isatty()
    wanted = color == "always" or (
        color == "auto" and terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    )
    width = columns_of(sys.stdout) if terminal or "COLUMNS" in os.environ else 0
    return ViewOptions(width=width, color=wanted, all=show_all, command=command)


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
    from analyzer.views.drawing.outlet import discard

    discard(sys.stdout)
    if why:
        die(why, code)
    sys.exit(code)


def die(text: str, code: int) -> NoReturn:
    """One line on standard error, and out."""
    from analyzer.views.drawing.outlet import tell  # it escapes: a file name may be hostile too

    tell(f"sipcheck: {text}")
    sys.exit(code)
