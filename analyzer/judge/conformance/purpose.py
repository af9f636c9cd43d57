"""What a test purpose is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analyzer.judge.conformance.client_questions import any_request
from analyzer.judge.conformance.exchange import Asks

Side = Literal["UAC", "registrar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A test purpose of ETSI TS 102 027: `text` is what it asks, in our own words, `needs` what has to be seen for an
    answer, in words again.

    It is answered by the rules that name it on their card (`Rule.etsi`). `exercised` says which exchanges put its
    question, `shown` what one of them must show for it to pass; where none does, or nothing on the wire could, `limit`
    says what is missing. `only` are the sub-codes of findings that concern it (none: all), `by` the rules that must
    have passed, each of them (none: any one).
    """

    id: str
    text: str
    needs: str
    exercised: Asks
    shown: Asks = any_request
    limit: str = ""
    only: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    @property
    def side(self) -> Side:
        """Whom it asks."""
        return "UAC" if self.id.startswith("RG_RT") else "registrar"


def purpose(
    number: str,
    text: str,
    needs: str,
    exercised: Asks,
    shown: Asks = any_request,
    limit: str = "",
    *,
    by: tuple[str, ...] = (),
) -> Purpose:
    """A purpose that every finding of its rules concerns."""
    return Purpose(id=number, text=text, needs=needs, exercised=exercised, shown=shown, limit=limit, by=by)
