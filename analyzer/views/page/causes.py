"""The findings by cause: one entry for what is one fault, with whom it concerns, what it broke, the clause, the fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.judge.copied_text import is_known
from analyzer.judge.findings import Confidence
from analyzer.register.registration import Registration
from analyzer.sip.text import clip
from analyzer.views.page.remark import Remark, remark_of
from analyzer.views.page.roster import cut, name_of
from analyzer.views.states import ClientSummary, commonest
from analyzer.views.table.remarks import Entry, broken_words
from analyzer.views.words import count, place_words, times

MOST_ENTRIES = 60
MOST_NAMED = 12


class Whom(NamedTuple):
    """A client that a cause concerns; `ladder` is the number of its ladder, 0 where it has none."""

    name: str
    ladder: int


class Cause(NamedTuple):
    """An entry; `is_of_phones`: it is about the clients that it was seen of, and not about their server; `agent` is the
    commonest program at fault, `often` how often it was seen, `explains` what it broke."""

    remark: Remark
    agent: str
    often: str
    explains: str
    places: str
    whom: list[Whom]
    more: int
    concerned: str
    is_of_phones: bool
    is_quiet: bool
    doubts: str


def causes_of(clients: ClientSummary, entries: Sequence[Entry], ladders: set[int]) -> list[Cause]:
    """The entries that are shown, in their order: first what broke registrations."""
    by_id = {one.id: one for one, _ in clients.states}
    return [_cause(clients, entry, by_id, ladders) for entry in entries[:MOST_ENTRIES]]


def _cause(clients: ClientSummary, entry: Entry, by_id: dict[int, Registration], ladders: set[int]) -> Cause:
    finding = entry.example
    remark = remark_of(finding)
    is_of_phones = "UAC" in finding.at_fault
    agent, kinds = commonest(entry.agents) if remark.fault == "phone" else ("", "")
    concerned = sorted(entry.clients, key=lambda one: (one not in ladders, one not in entry.troubled, one))
    whom = [Whom(cut(name_of(by_id[one]), 60), one * (one in ladders)) for one in concerned if one in by_id]
    places = [place for place, _ in finding.evidence]
    where = f"{place_words(*places)} {clients.file(places[0])}".strip() if places else ""
    doubts = "low confidence" if finding.confidence is Confidence.LOW else ""
    return Cause(
        remark=remark,
        agent=visible(clip(agent, 60)) + kinds,
        often=times(entry.occurrences) if entry.occurrences > 1 else "",
        explains=f"explains {broken_words([entry])}" if entry.is_cause else "",
        places=visible(where),
        whom=whom[:MOST_NAMED],
        more=max(0, len(entry.clients) - MOST_NAMED),
        concerned=concerned_words(entry) if is_of_phones and len(clients.states) > 1 else "",
        is_of_phones=is_of_phones,
        is_quiet=entry.is_quiet,
        doubts="RFC 3665 is printed so" if is_known(finding) else doubts,
    )


def concerned_words(entry: Entry) -> str:
    """`2 clients`, `3 clients and 1 Call-ID`: whom it concerns."""
    words = [count(len(entry.clients), "client")] if entry.clients else []
    return " and ".join([*words, *([count(len(entry.beside), "Call-ID")] if entry.beside else [])])
