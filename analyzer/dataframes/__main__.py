"""`python -m analyzer.dataframes` prints the data dictionary as Markdown."""

from __future__ import annotations

import sys

from analyzer.dataframes.document import as_markdown

if __name__ == "__main__":
    sys.stdout.write(as_markdown())
