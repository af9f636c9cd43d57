"""How often each rule gave each outcome: "no findings" never means "did not look"."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from analyzer.judge.findings import Answer, NotApplicable, NotJudged, Passed, Seen


@dataclass(slots=True)
class Tally:
    """How often a rule gave each outcome."""

    passed: int = 0
    violated: int = 0
    not_applicable: int = 0
    not_judged: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Tally:
        """The same counts, to go on with apart."""
        return replace(self, not_judged=dict(self.not_judged), seen=dict(self.seen))

    def add(self, answer: Answer, count: int = 1) -> None:
        """Count an answer that was given `count` times."""
        if isinstance(answer, Passed):
            self.passed += count
        elif isinstance(answer, NotApplicable):
            self.not_applicable += count
        elif isinstance(answer, NotJudged):
            self.not_judged[answer.reason] = self.not_judged.get(answer.reason, 0) + count
        elif isinstance(answer, Seen):
            self.seen[answer.fact] = self.seen.get(answer.fact, 0) + count * answer.count
        else:
            self.violated += count

    def merge(self, other: Tally) -> None:
        """Add another worker's counts."""
        self.passed += other.passed
        self.violated += other.violated
        self.not_applicable += other.not_applicable
        self.failed += other.failed
        for reason, count in other.not_judged.items():
            self.not_judged[reason] = self.not_judged.get(reason, 0) + count
        for fact, count in other.seen.items():
            self.seen[fact] = self.seen.get(fact, 0) + count
