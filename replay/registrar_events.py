"""What a registrar that is played tells as it goes: values for who watches, with nothing secret in them."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.evidence import Endpoint
from analyzer.judge.findings import Finding
from analyzer.register.digest.verdict import DigestVerdict
from analyzer.sip.message import Message
from replay.message_editor import MessageEditor


@dataclass(frozen=True, slots=True)
class Serving:
    """It can be reached. `note` says what a user must know of it ("" if nothing)."""

    local: Endpoint
    transport: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Requested:
    """A new request of a client (numbered from 1)."""

    client: int
    request: Message
    peer: Endpoint


@dataclass(frozen=True, slots=True)
class Replied:
    """It was answered; `step` is the captured step that the response is of, None for a response by the book."""

    client: int
    status: int
    editor: MessageEditor
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """It is not answered, as it was not answered in the capture."""

    client: int
    step: int


@dataclass(frozen=True, slots=True)
class Differs:
    """The live client did something else than the captured one at this step; each text says what."""

    client: int
    step: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """Credentials were checked. `reason` says why they were not enough ("" if they were)."""

    client: int
    username: str
    verdict: DigestVerdict | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A rule is broken, now."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Finished:
    """A client has done what was waited for: it registered, or came to the end of the captured flow."""

    client: int
    aor: str


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A connection ended at our wish, or was none; told once for each text, the rest are counted."""

    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end, and why."""

    reason: str
