"""What an answer must say."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """What the table must say and must not say, word for word, and the exit code."""

    says: tuple[str, ...]
    never: tuple[str, ...]
    code: int
