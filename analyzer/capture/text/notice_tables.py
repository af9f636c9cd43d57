"""What a server's own words on registrations are as data: how each line is worded, and what each cause means."""

from __future__ import annotations

import re
from typing import NamedTuple


class Wording(NamedTuple):
    """One notice: the module that writes it, its text, the key of the table of causes (empty: by its reason)."""

    module: str
    pattern: re.Pattern[bytes]
    cause: str = ""


class Cause(NamedTuple):
    """What a notice means: `state` for the first column, the meaning, and what to do. `side` says what the writer of
    the log is; `about_password` that it is about the digest; `statuses` are those of the response that it goes with,
    where only some do."""

    state: str
    meaning: str
    advice: str = ""
    side: str = "server"
    about_password: bool = False
    statuses: tuple[int, ...] = ()
