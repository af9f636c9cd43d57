"""What a log says of a client in words of its own, in the words of its line."""

from __future__ import annotations

from analyzer.register.registration import Registration
from analyzer.register.witnesses import leading, of_a_witness
from analyzer.views.words import place_words


def told_by_log(one: Registration) -> str:
    """The cause by the log's own words; empty where it tells none."""
    last = one.history.last
    return of_a_witness(last.notices) if last is not None else ""


def advised(one: Registration) -> str:
    """What mends the cause that the log tells; empty where it tells none, or nothing is known to mend it."""
    last = one.history.last
    found = leading(last.notices) if last is not None else None
    return found.notice.advice if found is not None else ""


def removed(one: Registration) -> str:
    """Why the server took a contact away, by its own log: `; the server's log: "remove existing" (line 519)`."""
    said = one.history.removed
    return f'; the server\'s log: "{said.notice.said}" ({place_words(said.place)})' if said is not None else ""


def witnessed(one: Registration) -> str:
    """The same with the line where it stands, and what the client's side made of the response; empty without either."""
    notices = one.history.last.notices if one.history.last is not None else ()
    found = leading(notices)
    parts = [f"{told_by_log(one)} ({place_words(found.place)})"] if found is not None else []
    after = next((said for said in reversed(notices) if said.notice.side == "client" and said is not found), None)
    if after is not None:
        notice = after.notice
        words = f'"{notice.said}"' if notice.said else notice.meaning
        parts.append(f"its own log: {words} ({place_words(after.place)})")
    return "; ".join(parts)
