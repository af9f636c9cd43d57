"""What programs were seen to do, for a reader: one program (`sipcheck explain STACK`), or the list of them."""

from __future__ import annotations

import json
from typing import IO

from analyzer.judge.stacks import Fact, Program, facts, programs, sources
from analyzer.views import ViewOptions
from analyzer.views.schema import SCHEMA
from analyzer.views.words import capital, count, sentence

TOPICS = {
    "lifetime": "asked and granted lifetime",
    "refresh": "refresh",
    "cseq": "CSeq",
    "call-id": "Call-ID",
    "contact": "Contact",
    "contacts": "list of contacts",
    "max-contacts": "too many contacts",
    "min-expires": "too short a lifetime",
    "removal": "removal",
    "star": "Contact: *",
    "query": "query",
    "nat": "NAT",
    "keep-alive": "keep-alive",
    "challenge": "challenge",
    "nonce": "nonce",
    "initial-credentials": "first request",
    "several-challenges": "several challenges",
    "sha-256": "SHA-256",
    "md5-sess": "MD5-sess",
    "algorithm": "algorithm",
    "qop": "qop",
    "no-qop": "no qop",
    "realm": "realm",
    "opaque": "opaque",
    "digest-uri": "digest uri",
    "nonce-count": "nonce count",
    "credentials-reuse": "credentials at a refresh",
    "stale": "stale=true",
    "wrong-password": "wrong password",
    "two-challengers": "proxy and registrar",
    "authentication": "authentication",
    "302": "302",
    "403": "403",
    "423": "423",
    "503": "503",
    "provisional": "100 Trying",
    "stale-cseq": "old CSeq",
    "to-tag": "To tag",
    "path": "Path",
    "extensions": "extensions",
    "outbound": "outbound",
    "tls": "TLS",
}
"""What the topics of the table are called, in the order in which they are shown."""
_ORDER = {topic: number for number, topic in enumerate(TOPICS)}


def facts_of(program: Program) -> list[Fact]:
    """The facts about a program: as a client, then as a registrar, by topic."""
    own = [fact for fact in facts() if fact.program == program]
    return sorted(own, key=lambda fact: (fact.side, _ORDER[fact.topic]))


def write_stack(program: Program, view: str, out: IO[str], options: ViewOptions) -> None:
    """Write what is known of a program as `view` (one of `CATALOGUE_FORMATS`)."""
    if view == "table":
        _draw(program, out, options)
        return
    known = {"program": program.name, "about": program.about, "begins": list(program.begins)}
    record = {**known, "facts": [fact.as_record() for fact in facts_of(program)], "sources": sources()}
    if view == "json":
        out.write(json.dumps({"schema": SCHEMA, **record}, indent=1) + "\n")
    else:
        out.write(json.dumps({"kind": "stack", "schema": SCHEMA, **record}) + "\n")


def write_stacks(view: str, out: IO[str], options: ViewOptions) -> None:
    """Write which programs there are."""
    rows = [
        {"program": one.name, "about": one.about, "begins": list(one.begins), "facts": len(facts_of(one))}
        for one in programs().values()
    ]
    if view == "json":
        out.write(json.dumps({"schema": SCHEMA, "stacks": rows}, indent=1) + "\n")
    elif view == "ndjson":
        out.writelines(json.dumps({"kind": "stack", "schema": SCHEMA, **row}) + "\n" for row in rows)
    else:
        _draw_list(out, options)


def _draw_list(out: IO[str], options: ViewOptions) -> None:
    from analyzer.views.drawing.canvas import DIM, STRONG, Canvas, widest  # late: only this form pays for rich

    canvas = Canvas(out, options)
    canvas.line((count(len(programs()), "program"), STRONG), (" (sipcheck explain NAME tells more of one)", DIM))
    canvas.gap()
    name = widest([one.name for one in programs().values()], 24)
    for one in programs().values():
        number = count(len(facts_of(one)), "fact")
        canvas.columns([one.name, (number, DIM), (one.about, DIM)], [name, 9, canvas.width - name - 17])


def _draw(program: Program, out: IO[str], options: ViewOptions) -> None:
    from analyzer.views.drawing.canvas import DIM, HINT, STRONG, WARN, Canvas

    canvas = Canvas(out, options)
    canvas.line((program.name, STRONG))
    canvas.line((sentence(capital(program.about)), DIM))
    canvas.line(("Seen of the versions named, in their default configuration; other versions may do otherwise.", DIM))
    room = canvas.width - 4 - 24
    side = ""
    for fact in facts_of(program):
        if fact.side != side:
            side = fact.side
            canvas.gap()
            canvas.line((f"As a {side}", STRONG))
        breaks = [(f" · breaks {fact.rule}", WARN)] if fact.subs else [(f" · {fact.rule}", DIM)] if fact.rule else []
        text = canvas.text(sentence(capital(fact.does)), (f" {', '.join(fact.versions)} · {fact.source}", DIM), *breaks)
        canvas.columns([(TOPICS[fact.topic], DIM), text], [22, room])
        if fact.live_with:
            canvas.columns(["", canvas.text(("live with it: ", HINT), sentence(fact.live_with))], [22, room])
    canvas.gap()
    used = sorted({part.partition(".")[0] for fact in facts_of(program) for part in fact.source.split(", ")})
    for number in used:
        canvas.line((f"{number}: {sources()[number]}", DIM), hang=3)
