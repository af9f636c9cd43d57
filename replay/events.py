"""What a replay tells as it goes, and what is left of it: steps with what was sent, answered then, answered now."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.sip.message import Message
from replay.message_editor import Edit, MessageEditor
from replay.plan import Step


@dataclass(slots=True)
class Try:
    """One request that was sent for a step, and what came of it. `why` says what made it necessary ("" for the first
    of a step). Times are instants of the I/O boundary's clock."""

    editor: MessageEditor
    why: str = ""
    final: Message | None = None
    provisional: list[Message] = field(default_factory=list)
    sent_at: int = 0
    answered_at: int | None = None
    copies: int = 0
    ending: str = ""
    error: str = ""

    @property
    def status(self) -> int:
        """Status of the final response, 0 without one."""
        return self.final.status if self.final else 0

    @property
    def latency(self) -> int | None:
        """Nanoseconds from the first copy to the final response."""
        return None if self.answered_at is None else self.answered_at - self.sent_at


@dataclass(slots=True)
class StepResult:
    """What a step became: its tries, the last of which counts. `skipped` says why nothing was sent."""

    step: Step
    tries: list[Try] = field(default_factory=list)
    skipped: str = ""

    @property
    def now(self) -> Message | None:
        """The final response that counts."""
        return self.tries[-1].final if self.tries else None

    @property
    def status(self) -> int:
        """Its status, 0 without one."""
        return self.tries[-1].status if self.tries else 0

    @property
    def edits(self) -> list[Edit]:
        """What was changed in the request that counts."""
        return self.tries[-1].editor.edits if self.tries else []


@dataclass(frozen=True, slots=True)
class Sent:
    """A request goes out."""

    result: StepResult | None
    editor: MessageEditor
    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request has its outcome: a response, none, or an error."""

    result: StepResult | None
    attempt: Try


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to do for so many nanoseconds, as the captured client waited."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something came that belongs to nothing that was sent; `reason` says what was wrong with it."""

    reason: str
