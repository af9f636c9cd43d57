"""Cheap traffic in bulk: requests and answers made from templates."""

from __future__ import annotations

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START

_HEAD = (
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch={branch}\r\nFrom: <sip:{user}@example.com>;tag=f\r\n"
    "To: <sip:{user}@example.com>\r\nCall-ID: {call}\r\nCSeq: {cseq} REGISTER\r\n"
    "Contact: <sip:{user}@{contact}>;expires=3600\r\n{extra}Content-Length: 0\r\n\r\n"
)


def message(
    start: str,
    at: float,
    *,
    branch: str = "z9hG4bKx",
    user: str = "bob",
    call: str = "c",
    cseq: int = 1,
    contact: str = "192.0.2.10",
    extra: str = "",
    source: Endpoint = CLIENT,
    destination: Endpoint = REGISTRAR,
    stream: int = 0,
) -> RawMessage:
    """A message whose start line is given; `at` is in seconds from the start."""
    head = _HEAD.format(branch=branch, user=user, call=call, cseq=cseq, contact=contact, extra=extra)
    payload = f"{start}\r\n{head}".encode()
    time = START + int(at * 1e9)
    return RawMessage(payload, time, Frame("bulk", 1), source, destination, stream=stream)


def request(at: float, **given: object) -> RawMessage:
    """A REGISTER."""
    return message("REGISTER sip:example.com SIP/2.0", at, **given)  # type: ignore[arg-type]


def answer(at: float, status: int = 200, **given: object) -> RawMessage:
    """An answer to it."""
    places: dict[str, object] = {"source": REGISTRAR, "destination": CLIENT}
    return message(f"SIP/2.0 {status} OK", at, **(places | given))  # type: ignore[arg-type]
