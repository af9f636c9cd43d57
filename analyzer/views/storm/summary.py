"""`sipcheck storm` for a person: the verdict in words, then the course, the causes, who, and what would have helped."""

from __future__ import annotations

from typing import IO

from analyzer.evidence import SECOND
from analyzer.run.report import Report
from analyzer.storm.values import CauseShare, RetryAfterCompliance, Storm, StormReport
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, Canvas, widest
from analyzer.views.schema import SCHEMA, dumped, source_record
from analyzer.views.states import ClientSummary
from analyzer.views.table.headline import draw_sources
from analyzer.views.words import Clock, capital, clock_of, count, duration, listed, sentence

VERDICTS = {
    "restart": "Everybody registered again at once after a restart",
    "slow-answers": "The registrar answered late, and the phones sent everything again",
    "auth-loop": "Phones that are refused try again at once, and again",
    "short-expiry": "Registrations live so short that the phones do little but refresh",
    "synchronised-refresh": "The phones refresh all at the same moment",
    "scan": "Somebody is trying names or passwords",
    "single-client": "One phone alone does most of it",
}
ANEW = "Everybody registered anew at once, as after a restart"
NO_ANSWER = "The registrar fell silent, and everybody asks again and again"
LATE = "The registrar answered late"
OVERLOAD = "The registrar turned most requests away, and the phones came again at once"
ADVICE = {
    "restart": "let phones wait a random time after a failure (RFC 5626 4.5), and the registrar keep its bindings over "
    "a restart; 503 with Retry-After spreads those that come",
    "slow-answers": "find what the registrar waits for (database, DNS, a blocking script); a 100 or a 503 in time "
    "stops the copies",
    "auth-loop": "correct the passwords of these phones, or refuse them with 403 and Retry-After; let them back off",
    "short-expiry": "grant a longer lifetime, or refuse a short one with 423 and Min-Expires (RFC 3261 10.2.8); use "
    "keep-alives for NAT (RFC 5626 3.5)",
    "synchronised-refresh": "let each phone refresh at a random moment of the second half of its lifetime, or grant "
    "lifetimes that differ a little",
    "scan": "block these sources; nobody inside is served by them",
    "single-client": "look at this phone: its timer or its software is broken; limit requests per source until then",
}
SHAPES = {
    "onset": "the load grows",
    "peak": "the most at once",
    "amplification": "most of it are repeats",
    "recovery": "the load falls",
}


def write_json(report: Report, found: StormReport, out: IO[str]) -> None:
    """The object of docs/interface.md 3.2: schema, sources, storms, summary; a storm a line."""
    record = found.to_dict()
    sources = ",\n  ".join(dumped(source_record(source)) for source in report.sources)
    storms = ",\n  ".join(dumped(storm) for storm in record["storms"])
    out.write(f'{{"schema": "{SCHEMA}",\n "sources": [\n  {sources}],\n "storms": [{storms}],\n')
    summary = record["summary"] | {"interrupted": report.interrupted}
    out.write(f' "summary": {dumped(summary)}}}\n')


def write_table(report: Report, found: StormReport, out: IO[str], options: ViewOptions) -> None:
    """For a person."""
    canvas, clients = Canvas(out, options), ClientSummary(report)
    draw_sources(canvas, clients)
    clock = clock_of(report.sources[0])
    canvas.gap()
    if not found.storms:
        canvas.line(("No storm.", f"bold {GOOD}"), f" {calm(report, found)}")
    elif len(found.storms) > 1:
        canvas.line((f"{count(len(found.storms), 'storm')}.", BAD))
    for number, storm in enumerate(found.storms, 1):
        draw_storm(canvas, clock, storm, number if len(found.storms) > 1 else 0)
    if found.notes:
        canvas.gap()
        canvas.line(("Not judged, or estimated: " + sentence("; ".join(found.notes)), DIM), hang=2)


def calm(report: Report, found: StormReport) -> str:
    """What there was instead of a storm."""
    if not found.transactions:
        there = report.summary.register_requests
        return f"Of {count(there, 'REGISTER')} none has a time." if there else "There is no REGISTER here."
    return (
        f"{count(found.users, 'user')} sent {count(found.requests, 'REGISTER')}, at most {found.peak_rate:,.0f} in a "
        f"second; {found.retransmissions:,} of them are repeats."
    )


def draw_storm(canvas: Canvas, clock: Clock, storm: Storm, number: int) -> None:
    """One storm; `number` tells it from others, 0 where it is the only one."""
    canvas.gap()
    name = f"Storm {number}" if number else "A storm"
    when = f"{clock.at(storm.start)} - {clock.at(storm.end)}"
    canvas.line((f"{name}: {verdict(storm)}.", BAD))
    canvas.line(
        f"{when}, {duration(storm.end - storm.start)}; {count(storm.users, 'user')} sent "
        f"{count(storm.requests, 'REGISTER')}, {storm.retransmissions:,} of them repeats; at most "
        f"{storm.peak_rate:,.0f} in a second, at {clock.at(storm.peak_time)} ({_usual(storm)})."
    )
    canvas.line(_felt(clock, storm))
    canvas.gap()
    for cause in storm.causes:
        _draw_cause(canvas, cause)
    canvas.gap()
    for phase in storm.phases:
        span = duration(phase.end - phase.start)
        words = f"{phase.phase:<14}{clock.at(phase.start)}  {span:>7}  {phase.rate:>9,.1f} a second  "
        canvas.line((words, STRONG if phase.phase == "peak" else ""), (SHAPES[phase.phase], DIM), indent=2)
    canvas.gap()
    for line in (_answers(storm), _load(storm), *_conduct(storm), *_who(canvas, storm), *_what_if(storm)):
        canvas.line(line, indent=2, hang=2)


def verdict(storm: Storm) -> str:
    """The strongest cause in a sentence, without its full stop."""
    if not storm.causes:
        return "Far more requests than usual, all of them ordinary"
    also = [cause.cause for cause in storm.causes[1:] if cause.share >= 0.1]
    return _main(storm) + (f" (beside it: {listed(also)})" if also else "")


def _main(storm: Storm) -> str:
    """What the strongest cause comes to in this storm: a silence may last, and who is overloaded may say so."""
    cause = storm.causes[0].cause
    if cause == "restart" and storm.silences:
        return VERDICTS[cause] if storm.silences[-1].end is not None else NO_ANSWER
    if cause == "restart":
        return ANEW
    if cause == "slow-answers" and storm.share(5) >= 0.5:
        return OVERLOAD
    return LATE if cause == "slow-answers" and not storm.retransmissions else VERDICTS[cause]


def _usual(storm: Storm) -> str:
    if storm.usual_rate is None:
        return "what is usual here is not known, the capture has little else"
    return f"usual here: {storm.usual_rate:,.0f}" if storm.usual_rate >= 1 else "usual here: less than one"


def _felt(clock: Clock, storm: Storm) -> str:
    outage = storm.outage
    if not outage.peak:
        return "No user was left without a binding."
    lost = duration(round(outage.user_seconds * SECOND))
    made_up = ", not made up when it ended"
    if outage.recovered is not None and storm.recovery is not None:
        took = duration(round(storm.recovery * SECOND))
        made_up = f", made up at {clock.at(outage.recovered)}, {took} after the worst moment"
    return f"At worst {count(outage.peak, 'user')} had no binding, in sum for {lost} of user time{made_up}."


def _draw_cause(canvas: Canvas, cause: CauseShare) -> None:
    canvas.columns([f"{cause.share:.0%}".rjust(4), (cause.cause, STRONG), sentence(cause.detail)], _widths(canvas))
    canvas.columns(["", "", (capital(sentence(ADVICE[cause.cause])), HINT)], _widths(canvas))


def _widths(canvas: Canvas) -> tuple[int, int, int]:
    names = widest(list(VERDICTS), 20)
    return 4, names, max(20, canvas.width - 4 - names - 6)


def _answers(storm: Storm) -> str:
    order = sorted(storm.responses.items(), key=lambda one: -one[1])
    parts = [f"{times:,} times {status} ({storm.share(status):.0%})" for status, times in order]
    parts += [f"{storm.unanswered:,} without an answer"] if storm.unanswered else []
    return f"answers: {', '.join(parts[:6])}"


def _load(storm: Storm) -> str:
    if storm.latency is None:
        return "answer times: there was no answer"
    median, slow, _ = map(moment, storm.latency)
    knee = "" if storm.carried is None else f"; in time it has carried up to {storm.carried:,.0f} answers a second"
    return f"answer times: {median} in the middle, {slow} for the slowest twentieth{knee}"


def moment(seconds: float) -> str:
    """A time to an answer in words; what is below a millisecond is not told apart."""
    return duration(round(seconds * SECOND)) if seconds >= 0.0005 else "<1 ms"


def _conduct(storm: Storm) -> list[str]:
    asked = (("Retry-After", storm.retry_after), ("back-off after a failure (RFC 5626 4.5)", storm.back_off))
    return [f"{what}: {_obeyed(kept)}" for what, kept in asked if kept.given]


def _obeyed(kept: RetryAfterCompliance) -> str:
    if not kept.judged:
        return f"due {kept.given:,} times, no next request shows whether it is kept"
    return f"due {kept.given:,} times, kept {kept.obeyed:,} of the {kept.judged:,} times that a next request shows it"


def _who(canvas: Canvas, storm: Storm) -> list[str]:
    who = [f"{canvas.cut(one.name, 40)} {one.requests:,} ({one.share:.0%})" for one in storm.culprits]
    return [f"most requests: {', '.join(who[:6])}"] if who else []


def _what_if(storm: Storm) -> list[str]:
    jitter = [f"{case.peak_rate:,.0f} with {case.change}" for case in storm.what_if if case.change.startswith("jitter")]
    expiry = [f"{case.peak_rate:,.1f} with {case.change}" for case in storm.what_if if case.change.startswith("expiry")]
    lines = [f"the peak would have been, a second: {', '.join(jitter)}"] if jitter else []
    return lines + ([f"refreshes spread evenly would be, a second: {', '.join(expiry)}"] if expiry else [])
