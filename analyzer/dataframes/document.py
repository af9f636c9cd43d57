"""`docs/tables.md`, printed from the data dictionary: `python -m analyzer.dataframes` writes it to standard output."""

from __future__ import annotations

from textwrap import dedent

from analyzer.dataframes.columns import DTYPES
from analyzer.dataframes.dictionary import TABLES, Column, Kind, Table
from analyzer.dataframes.dictionary import __doc__ as kinds

_HEAD = """\
# The tables

This page is made from the data dictionary (`analyzer/dataframes/dictionary.py`) by `make docs`; a test holds it to
that.

```python
import analyzer

frames = analyzer.tables(analyzer.analyze("samples/wrong-password/input.pcapng"))
frames.transactions.groupby("status").size()
```

`analyzer.tables(report)` gives an object with a pandas DataFrame for each table below, and
`sipcheck export FILE... --to parquet|csv|ndjson -o OUT` writes the same: Parquet and CSV as a folder with a file for
each table (in Parquet, a table of more than a million rows is a folder divided by hours), NDJSON as one file whose
records say their `kind` (`transaction`, `registration`, ...).
"""
_TEXT = """\
In CSV and NDJSON times are ISO 8601 in UTC, and durations are seconds.

No CSV cell is a formula to a spreadsheet, whether it parts the file at commas, semicolons, tabs or bars, and whatever
it takes for quotes. Where such a reader could see a cell begin (at the start of a text, and behind `,` `;` `|` `"` `'`
in it, blanks skipped), one of `=` `+` `-` `@`, or of their full-width and small forms, is written as its code:
`\\x3d`, `\\x2b`, `\\x2d`, `\\x40`, `\\uff1d` and so on. Backslashes that stand in front of such a sign, or of such a
code that was in the text already, are doubled. `analyzer.dataframes.plain.value_of(cell)` turns that back. Numbers are
left alone.
"""


def as_markdown() -> str:
    """The whole page."""
    parts = [_HEAD, _kinds(), _TEXT, *(_section(name, table) for name, table in TABLES.items())]
    return "\n".join(parts)


def pandas_name(kind: Kind) -> str:
    """What a column of this kind is called in pandas."""
    return "category" if kind == "category" else f"{DTYPES[kind]}" + ("[pyarrow]" if kind == "string" else "")


def _kinds() -> str:
    """What the dictionary's head says of its kinds."""
    assert kinds is not None
    head, listed, text = kinds.partition("\n\n")[2].rstrip().split("\n\n", 2)
    return f"{head}\n\n<!-- output: a list -->\n```text\n{dedent(listed)}\n```\n\n{text}\n"


def _section(name: str, table: Table) -> str:
    rows = "\n".join(_row(column) for column in table.columns)
    head = f"## {name}\n\nA row is {table.row}.\n\n"
    return f"{head}| column | type | unit | meaning | source |\n| --- | --- | --- | --- | --- |\n{rows}\n"


def _row(column: Column) -> str:
    cells = (f"`{column.name}`", f"`{pandas_name(column.kind)}`", column.unit, column.meaning, column.clause)
    return f"| {' | '.join(cells)} |"
