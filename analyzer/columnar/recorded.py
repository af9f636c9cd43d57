"""What the tables need of the columnar clients: each message and each attempt (docs/columnar.md).

A `Recorder` (`run/recording.py`) listens to the object path; here the same is told from columns. As with rows, it is
made of the representatives, too, and held against what was heard of them.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from analyzer.columnar.facts import end_of
from analyzer.columnar.records import Numbers, Unsuited
from analyzer.columnar.rows import Rows
from analyzer.columnar.turns import outcome_of
from analyzer.evidence import Endpoint
from analyzer.register.registration import Registration
from analyzer.run.recording import NUMBERS, OBJECTS, AttemptRow, Recording


def recording_of(rows: Rows, which: Numbers, registrations: dict[int, Registration]) -> Recording:
    """The messages of transactions `which`, and the attempts of their clients, which are `registrations`."""
    capture = rows.capture
    exchanges, packets = capture.exchanges, capture.values.scanned.packets
    wanted = np.zeros(len(exchanges) + 1, np.bool_)  # the last is for messages of no transaction
    wanted[which] = True
    messages = np.flatnonzero(wanted[exchanges.of])
    own, is_answer = exchanges.of[messages], packets.is_response[messages]
    original = np.where(is_answer, exchanges.final[own], exchanges.first[own])
    columns = (
        capture.numbers(messages),
        packets.time(messages),
        capture.numbers(exchanges.first[own]),
        ~is_answer,
        capture.shapes.statuses(messages),
        messages != original,
        packets.length[messages],
        packets.plain[messages] + 1,
    )
    found = Recording()
    for name, column in zip(NUMBERS, columns, strict=True):
        kind = getattr(found, name).typecode
        setattr(found, name, array(kind, np.ascontiguousarray(column, np.dtype(kind)).tobytes()))
    found.source, found.destination = _ends(packets.source[messages]), _ends(packets.target[messages])
    found.source_file = [rows.name] * len(messages)
    found.attempts = [
        _attempt(rows, one, *attempt)
        for client, one in registrations.items()
        for attempt in rows.attempts(capture.clients.exchanges(client).tolist())
    ]
    found.attempts.sort()
    return found


def _ends(values: Numbers) -> list[Endpoint]:
    """Addresses and ports, each of them made once."""
    several, of = np.unique(values, return_inverse=True)
    ends = np.array([None, *map(end_of, several.tolist())], object)[1:]  # behind None they are no rows of an array
    found: list[Endpoint] = ends[of].tolist()
    return found


def _attempt(rows: Rows, one: Registration, asks: int, answers: int) -> AttemptRow:
    last = rows.turn(answers)
    return AttemptRow(
        first=rows.number(asks),
        last=rows.number(answers),
        registration=one.id,
        transactions=1 + (asks != answers),
        start=rows.request(asks).time,
        end=last.answered_at if last.final is not None else last.last,
        outcome=outcome_of(last),
        status=last.status,
        credentials=last.has_credentials,
        too_brief=False,
    )


def hold_against(made: Recording, heard: Recording) -> None:
    """Hold what was made of some clients against what was heard of all: their part of it has to be the same. Raises
    `Unsuited` where it is not."""
    own = {number: at for at, number in enumerate(heard.number)}
    for at, number in enumerate(made.number):
        place = own.get(number)
        if place is None or _message(made, at) != _message(heard, place):
            raise Unsuited("columns say otherwise of a message")
    if not set(made.attempts) <= set(heard.attempts):
        raise Unsuited("columns say otherwise of an attempt")


def _message(recording: Recording, at: int) -> tuple[Any, ...]:
    return tuple(getattr(recording, name)[at] for name in (*NUMBERS, *OBJECTS))
