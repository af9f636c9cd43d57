"""What asyncio would write to standard error with a traceback: errors that no task waited for, failed transports.

A peer that closes at a bad moment must not fill a terminal. Each kind is told in one line, whose octets the output
makes harmless; the same again is counted by who hears it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from analyzer.sip.text import clip

Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]


def told_in_a_line(tell: Callable[[str], None]) -> Handler:
    """A handler for `loop.set_exception_handler`."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        tell(line_of(context))

    return handle


def line_of(context: dict[str, Any]) -> str:
    """Message and kind of error, without addresses: what happens twice has the same line twice."""
    error = context.get("exception")
    what = "" if error is None else f": {type(error).__name__}" + (f" {clip(str(error))}" if str(error) else "")
    return f"an error of the network: {clip(str(context.get('message') or 'no more is known'))}{what}"
