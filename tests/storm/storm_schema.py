"""The JSON of `sipcheck storm` as a schema: what docs/interface.md 3.2 names, and all that is there beside it."""

from __future__ import annotations

from typing import Any

NUMBER: dict[str, Any] = {"type": "number"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
STATUSES: dict[str, Any] = {
    "type": "object",
    "patternProperties": {"^[1-6][0-9]{2}$": COUNT},
    "additionalProperties": False,
}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}


def maybe(kind: dict[str, Any]) -> dict[str, Any]:
    """That, or null."""
    return {"anyOf": [kind, {"type": "null"}]}


def every(kind: dict[str, Any]) -> dict[str, Any]:
    """A list of that."""
    return {"type": "array", "items": kind}


def thing(**properties: dict[str, Any]) -> dict[str, Any]:
    """An object with these and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def one_of(*names: str) -> dict[str, Any]:
    """One of these words."""
    return {"enum": list(names)}


OBEDIENCE = thing(given=COUNT, judged=COUNT, obeyed=COUNT)
STORM = thing(
    start=NUMBER,
    end=NUMBER,
    peak_rate=NUMBER,
    peak_time=NUMBER,
    usual_rate=maybe(NUMBER),
    requests=COUNT,
    first_copies=COUNT,
    retransmissions=COUNT,
    users=COUNT,
    causes=every(
        thing(
            cause=one_of(
                "restart", "slow-answers", "auth-loop", "short-expiry", "synchronised-refresh", "scan", "single-client"
            ),
            share=SHARE,
            detail=TEXT,
        )
    ),
    phases=every(
        thing(phase=one_of("onset", "peak", "amplification", "recovery"), start=NUMBER, end=NUMBER, rate=NUMBER)
    ),
    responses=STATUSES,
    unanswered=COUNT,
    silences=every(thing(start=NUMBER, end=maybe(NUMBER), requests=COUNT)),
    shares=thing(**{"401": SHARE, "403": SHARE, "423": SHARE, "5xx": SHARE}),
    users_without_binding=thing(peak=COUNT, peak_time=maybe(NUMBER), user_seconds=NUMBER, recovered=maybe(NUMBER)),
    latency=maybe(thing(p50=NUMBER, p95=NUMBER, p99=NUMBER)),
    carried_rate=maybe(NUMBER),
    recovery_seconds=maybe(NUMBER),
    retry_after=OBEDIENCE,
    back_off=OBEDIENCE,
    refresh_phase=maybe(
        thing(
            period=NUMBER,
            refreshes=COUNT,
            length=SHARE,
            p=SHARE,
            histogram={**every(COUNT), "minItems": 24, "maxItems": 24},
        )
    ),
    what_if=every(thing(change=TEXT, peak_rate=NUMBER)),
    culprits=every(thing(kind=one_of("user", "source"), name=TEXT, requests=COUNT, share=SHARE)),
    series=thing(
        start=NUMBER,
        width=NUMBER,
        first_copies=every(NUMBER),
        retries=every(NUMBER),
        retransmissions=every(NUMBER),
        answered=every(NUMBER),
        latency_p50=every(maybe(NUMBER)),
        latency_p95=every(maybe(NUMBER)),
        users_without_binding=every(COUNT),
    ),
)
SUMMARY = thing(
    storms=COUNT,
    first=maybe(NUMBER),
    last=maybe(NUMBER),
    transactions=COUNT,
    requests=COUNT,
    retransmissions=COUNT,
    users=COUNT,
    peak_rate=NUMBER,
    usual_rate=maybe(NUMBER),
    responses=STATUSES,
    notes=every(TEXT),
)
REPORT = thing(storms=every(STORM), summary=SUMMARY)
