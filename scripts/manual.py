"""Print the manual pages of the commands into `docs/man`: `python -m scripts.manual` (`make docs`).

They are made of what `--help` says, by click-man, and carry no date: the same commands give the same pages. A wheel has
them in `share/man/man1`, where pipx and pip put them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from click_man.core import write_man_pages

import analyzer
from analyzer.cli import sipcheck

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "man"


def whole_group() -> click.Group:
    """The command with all that it loads late; click-man looks at what is there alone."""
    group = click.Group(
        "sipcheck", help=sipcheck.help, epilog=None, params=sipcheck.params, context_settings=sipcheck.context_settings
    )
    context = click.Context(sipcheck, info_name="sipcheck")
    for name in sipcheck.list_commands(context):
        _, command, _ = sipcheck.resolve_command(context, [name])
        assert command is not None
        group.add_command(command, name)
    return group


def pages() -> Iterator[tuple[str, str]]:
    """The name and the text of each page."""
    with tempfile.TemporaryDirectory() as folder:
        write_man_pages(
            "sipcheck",
            whole_group(),
            version=analyzer.__version__,
            target_dir=folder,
            date=f"version {analyzer.__version__}",
        )
        for path in sorted(Path(folder).iterdir()):
            yield path.name, path.read_text(encoding="utf-8")


def main() -> None:
    """Write them, and take away what no command has any more."""
    FOLDER.mkdir(exist_ok=True)
    made = dict(pages())
    for path in FOLDER.glob("*.1"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{FOLDER}: {len(made)} pages\n")


if __name__ == "__main__":
    main()
