"""`python -m analyzer.capture` prints the page on what sipcheck reads, as Markdown."""

from __future__ import annotations

import sys

from analyzer.capture.reads import as_markdown

if __name__ == "__main__":
    sys.stdout.write(as_markdown())
