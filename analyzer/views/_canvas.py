"""Where the views for a person draw: lines of words in columns, no wider than asked, safe for any terminal.

Everything passes through `Canvas.text`, the one gate: there wire text is made visible (`_escape`), and what the output's
encoding cannot write is written out, before anything is measured. Widths are terminal cells, not characters. `rich`
measures, wraps and colours; its markup is never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import IO

from rich.cells import cell_len, set_cell_size, split_graphemes
from rich.console import Console
from rich.text import Text

from analyzer.views import ViewOptions
from analyzer.views._escape import visible
