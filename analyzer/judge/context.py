"""What a rule may ask about the whole capture: its coverage (RULES 0.2) and the ledgers that span clients."""

from __future__ import annotations

from analyzer.evidence import SECOND, Endpoint, Source
from analyzer.register.bounded import MessageCounter
from analyzer.register.challenges import Challenges
from analyzer.register.reconstruct import Reconstructor


class CaptureContext:
    """The view of the capture as far as it was read."""

    def __init__(self, sources: list[Source], reconstructor: Reconstructor) -> None:
        self._sources = sources
        self._reconstructor = reconstructor
        self._answers_from = reconstructor.table.answering.hosts

    @property
    def resolution(self) -> int:
        """The coarsest step of the sources' clocks, nanoseconds."""
        return max((source.resolution for source in self._sources), default=SECOND)

    @property
    def is_coarse(self) -> bool:
        """Whether a clock has steps of a second or more."""
        for source in self._sources:  # noqa: SIM110  (asked for every subject: a generator costs as much as the rest)
            if source.resolution >= SECOND:
                return True
        return False

    @property
    def slack(self) -> int:
        """Tolerance for expiry, nanoseconds: 2 s, or two ticks of a coarser clock (RULES 0.6)."""
        return 2 * max(SECOND, self.resolution)

    @property
    def end(self) -> int | None:
        """Capture time as far as it was read."""
        return self._reconstructor.table.end

    @property
    def challenges(self) -> Challenges:
        """The challenges and the use of every nonce."""
        return self._reconstructor.challenges

    @property
    def counter(self) -> MessageCounter:
        """Which message the run is at."""
        return self._reconstructor.counter

    def answers_from(self, server: Endpoint) -> int:
        """How many answers were seen from this server's address."""
        return self._answers_from.get(server.host, 0)

    def port_answers(self, server: Endpoint) -> bool:
        """Whether any answer was seen from this very port."""
        return server in self._reconstructor.table.answering.ports

    @property
    def last_message(self) -> int | None:
        """When the last message came, whoever sent it."""
        return self._reconstructor.now

    def last_heard(self, host: str) -> int | None:
        """When anything was last heard from a host."""
        return self._reconstructor.heard.get(host)
