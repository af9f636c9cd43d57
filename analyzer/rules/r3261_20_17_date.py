"""A 200 to a REGISTER tells the time, in the form that everybody can read.

A registrar should put a Date header into its 200 (RFC 3261 10.3 step 8): phones without a clock of their own set it by
that, and need it for TLS certificates and for their list of calls. Without it (`absent`) they go wrong in silence. The
form is that of RFC 1123, always GMT (20.17): `Thu, 30 Mar 2017 11:35:51 GMT`; another zone, another order or a weekday
that is not that day's (`format`) is misread or thrown away.

Where Date and the recording's clock are more than a minute apart (`skew`), one of the two is wrong; which, a recording
cannot tell by itself. Where they are a day or more apart, the recording's own times were made up or changed, and that
is not judged. Nor are the times of a log, which may be in any zone, and stand where somebody wrote them. The first 200
of each client is looked at, and told once for each registrar.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime

from analyzer.evidence import SECOND, Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_MINUTE, _DAY = 60, 86400
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Read the Date of a client's first 2xx and hold it against the recording's clock (RFC 3261 10.3 step 8, 20.17)."""
    del context
    message, registration = subject.message, subject.registration
    if not 200 <= message.status < 300 or (registration is not None and registration.success_place is not None):
        yield NOT_APPLICABLE
    elif not message.is_whole:
        yield NotJudged(Need.WHOLE.value)
    else:
        yield _answer(message)


def _answer(message: Message) -> Answer:
    server, written = message.raw_message.source, message.first("date")
    once = ("date", server.host)
    if written is None:
        values = Values("no Date", "Date")
        return Violated(f"the {message.status} of {server} has no Date", "absent", group_key=once, values=values)
    date = message.date
    if date is None:
        text = f"the Date of {server} is {clip(written.strip())}, which is no date of RFC 1123 in GMT"
        values = Values(clip(written.strip()) or "empty", "a date of RFC 1123 in GMT")
        return Violated(text, "format", "warning", group_key=once, force="MUST", values=values)
    day = _DAYS[calendar.weekday(*datetime.fromtimestamp(date, UTC).timetuple()[:3])]
    if not written.strip().startswith(day):
        text = f"the Date of {server} is {clip(written.strip())}, and that day was a {day}"
        values = Values(clip(written.strip())[:3], day)
        return Violated(text, "format", "warning", group_key=once, force="MUST", values=values)
    return _held_against_the_clock(message, date, once)


def _held_against_the_clock(message: Message, date: int, once: object) -> Answer:
    time = message.raw_message.time
    if time is None:
        return PASSED
    apart = date - time // SECOND
    if abs(apart) <= _MINUTE or message.raw_message.fidelity is Fidelity.TEXT_LOG:
        return PASSED
    if abs(apart) >= _DAY:
        return NotJudged("the recording's times are not those of its traffic")
    server = message.raw_message.source
    what = f"{abs(apart)} s {'ahead of' if apart > 0 else 'behind'}"
    text = f"the Date of {server} is {what} the recording's clock: one of the two clocks is wrong"
    return Violated(text, "skew", group_key=once, force="none", at_fault="registrar / recording")


def _ok(date: str, at: str = "@0 ") -> str:
    return f"{at}> REGISTER sip:example.com\n< 200\nDate: {date}"


RULE = Rule(
    id="R3261-20.17-date",
    title="Date header absent in 200, malformed, or far from capture time",
    short_title="The time that the registrar tells is no help",
    sub_titles={
        "absent": "The 200 tells no time",
        "format": "The Date of the 200 cannot be read",
        "skew": "The registrar's clock and the recording's differ",
    },
    question="whether the registrar tells the time in its 200",
    clause="RFC 3261 §10.3 step 8 (SHOULD include), §20.17, §10.2.5, §8.2.6; RFC 4475 §3.1.2.12",
    force="SHOULD",
    severity="info",
    at_fault="registrar",
    group="D",
    subject="message",
    check=check,
    applies_if=marks.FIRST_SUCCESS,
    quiet=("absent",),
    observed_at="last",
    why="Clients without a clock take it as time of day (TLS certificates, call logs).",
    fix="let the registrar add Date to its 200, in GMT, and keep its clock by NTP (or set the phones' clocks by "
    "NTP, too)",
    etsi=("RG_RT_V_017",),
    examples=(
        bad("> REGISTER sip:example.com\n< 200\n-Date", "absent", severity="info"),
        bad(_ok("Fri, 14 Jul 2017 04:40:00 CEST"), "format", severity="warning", title="another zone than GMT"),
        bad(_ok("2017-07-14T02:40:00Z"), "format", title="another form"),
        bad(_ok("Mon, 14 Jul 2017 02:40:00 GMT"), "format", title="that day was a Friday"),
        bad(_ok("Fri, 14 Jul 2017 03:40:00 GMT"), "skew", severity="info", title="an hour ahead"),
        bad(_ok("Fri, 14 Jul 2017 02:38:00 GMT"), "skew", title="two minutes behind"),
        good(_ok("Fri, 14 Jul 2017 02:40:00 GMT")),
        good(_ok("Fri, 14 Jul 2017 02:40:50 GMT"), title="fifty seconds"),
        good(_ok("Fri, 14 Jul 2017 00:40:00 GMT"), title="a log in another zone", log=True),
        good(_ok("Thu, 30 Mar 2017 11:35:51 GMT"), title="months away: the recording's times are made up"),
        good("> REGISTER sip:example.com\n< 401\n-Date", title="a challenge need not tell the time"),
        good(
            _ok("Fri, 14 Jul 2017 02:40:00 GMT") + "\n@1800 > REGISTER sip:example.com\n< 200\n-Date", title="told once"
        ),
    ),
)
