"""What the table says of kinds of trouble, each in a flow of a few lines: what a sentence must hold, and what must not
be said because the flow refutes it."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.run.pipeline import analyze_items
from analyzer.views import ViewOptions, load_view

_R = "> REGISTER sip:example.com\n"
_A = "Authorization: {bob secret}\n"
_IN = f"{_R}< 401\n{_R}{_A}< 200\n"
_QUERY = f"{_R}-Contact\n-Expires\n"
_MINUTE = "Contact: <sip:bob@192.0.2.10:5060>;expires=60\n"
_TCP = "transport=TCP stream=1 "
_SECOND = "dst=198.51.100.2:5060 "


def phone(number: int, at: int, also: str = "", contact: str = "", expires: int = 300) -> str:
    """A phone of three that share an account registers, and the answer lists it after `also`."""
    own = f"<sip:bob@192.0.2.{number}:5060>"
    return (
        f"@{at} src=192.0.2.{number}:5060 {_R}Call-ID: c{number}\nFrom: <sip:bob@example.com>;tag=t{number}\n"
        f"Contact: {contact or own}\nUser-Agent: Phone{number}\nExpires: {expires}\n"
        f"< 200\n{also or '-Contact'}\n" + (f"Contact: {own};expires={expires}\n" if expires else "")
    )


class Kind(NamedTuple):
    """A flow, what is said of it, and what is never said of it; `lost` are datagrams that were not captured."""

    flow: str
    says: tuple[str, ...]
    never: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()


KINDS = {
    "a refused query takes nothing": Kind(
        f"{_IN}@60 {_QUERY}< 403 Queries Not Permitted\n@90 .",
        ("1 client, registered.", "for 3600 s", 'its query was refused (403 "Queries Not Permitted") at 02:41:00'),
        ("only asked", "Trouble"),
    ),
    "nor does a query without an answer": Kind(
        f"{_IN}@60 {_QUERY}@60.5 > again\n@61.5 > again\n@200 .",
        ("1 client, registered.", "its query failed (no answer) at 02:41:00", "explains 1 failed attempt"),
        ("1 client, without an answer",),
    ),
    "several refused queries": Kind(
        f"{_IN}@60 {_QUERY}< 403\n@90 {_QUERY}< 403\n@99 {_R}{_A}< 200\n@120 .",
        ("its query was refused twice (403) at 02:41:00", "renewed once"),
        ("after trouble",),
    ),
    "a query alone that is refused": Kind(
        f"{_QUERY}< 403 Queries Not Permitted\n@90 .",
        ("only asked what is registered", "(403)", '"Queries Not Permitted"'),
    ),
    "a sign-off over TCP without an answer": Kind(
        f"{_IN.replace('> REG', _TCP + '> REG')}@60 {_TCP}{_R}Expires: 0\n@95 {_TCP}> OPTIONS sip:example.com\n@120 .",
        ("could not sign off", "no answer to its sign-off at 02:41:00", "198.51.100.1 answered this phone before"),
    ),
    "a redirection says where to": Kind(
        f"{_R}< 302 Moved Temporarily\nContact: <sip:other.example.net>\n@90 .",
        ("302 at 02:40:00", "it sends the phone to <sip:other.example.net>"),
        ("it lists",),
    ),
    "a phone that follows one is registered there": Kind(
        f"{_R}< 302 Moved Temporarily\nContact: <sip:198.51.100.2>\n"
        f"@1 {_SECOND}> REGISTER sip:198.51.100.2\nCSeq: 2\n< 200\n@90 .",
        ("is registered with 198.51.100.2:5060 since 02:40:01",),
    ),
    "failover": Kind(
        f"{_R}@0.5 > again\n@1.5 > again\n@3.5 > again\n@32 {_SECOND}{_R}< 401\n{_SECOND}{_R}{_A}< 200\n@100 .",
        ("no answer came from 198.51.100.1", "is registered with 198.51.100.2:5060 since 02:40:32"),
    ),
    "a digest for another URI": Kind(
        f"{_R}< 401\n{_R}Authorization: {{bob secret uri=sip:proxy.example.com}}\n< 403\n@60 .",
        ("the response is right for the password given, but refused: The digest is for another URI than the request",),
        ("another password on file", "may not register there"),
    ),
    "nothing granted": Kind(
        f"{_R}Expires: 60\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=0\n@30 .",
        ("The registrar says 200 and grants nothing",),
        ("lists no binding of this phone",),
    ),
    "one phone throws out two others": Kind(
        phone(1, 0) + phone(2, 10, "Contact: <sip:bob@192.0.2.1:5060>;expires=290") + phone(3, 20) + "@40 .",
        ("1 registered, 2 taken away", "explains 2 gaps without a binding"),
        ("none of them explains a failure",),
    ),
    "one phone signs all off": Kind(
        phone(1, 0)
        + phone(2, 10, "Contact: <sip:bob@192.0.2.1:5060>;expires=290")
        + phone(2, 30, contact="*", expires=0)
        + "@60 .",
        ("1 taken away, 1 signed off", "at frame 6 lists its contact no more: that client signed off"),
    ),
    "a refresh of which the answer alone was captured": Kind(
        f"{_R}Expires: 60\n< 200\n{_MINUTE}@50 {_R}Expires: 60\n< 200\n{_MINUTE}@100 {_R}< 200\n{_MINUTE}@130 .",
        ("1 client, registered.", "renewed twice"),
        ("could not be called", "too late", "Trouble"),
        (3,),
    ),
    "a retry of which the answer alone was captured": Kind(
        f"{_R}< 401\n{_R}{_A}< 403 Account suspended\n@90 .",
        ("1 client, refused", 'the registrar says "Account suspended"'),
        ("never answered the challenge", "no password set", "gave up"),
        (3,),
    ),
    "an answer after 50 s": Kind(
        f"{_R}Expires: 60\n< 200\n{_MINUTE}@50 {_R}@50.5 > again\n@100 < 200\n{_MINUTE}@130 .",
        ("a 200 at frame 5 comes 50 s after the request, when the phone has given up: it is bound by that",),
        ("could not be called",),
    ),
    "a refresh in time, and a registrar that is back only when it was over": Kind(
        f"{_R}Expires: 60\n< 200\n{_MINUTE}@55 {_R}@55.5 > again\n@56.5 > again\n@80 < 401\n{_R}{_A}< 200\n@90 .",
        ("could not be called for 20 s (asked in time, answered late)",),
        ("too late",),
    ),
    "silence over TCP that is known only after the success": Kind(
        f"{_TCP}{_R}@35 transport=TCP stream=2 {_R}@70 transport=TCP stream=3 {_R}< 200\n@100 .",
        ("registered after trouble", "failed once (no answer) from 02:40:35 on, for 35 s"),
        ("not one answer from 198.51.100.1:5060 to 192.0.2.10 was seen, ",),
    ),
    "a refusal while the binding holds": Kind(
        f"{_IN}@1800 {_R}{_A}< 503\n@1900 .",
        ("1 client, refused", "was registered before, and is bound until 03:40:00"),
        ("gone",),
    ),
    "a refusal, and the binding is over": Kind(
        f"{_R}Expires: 60\n< 200\n{_MINUTE}@50 {_R}< 503\n@90 .",
        ("1 client, refused", "was registered before · "),
        ("is bound until",),
    ),
    "a full address-of-record that is told by 403": Kind(
        phone(1, 0)
        + phone(2, 10, "Contact: <sip:bob@192.0.2.1:5060>;expires=290")
        + phone(3, 20).replace("< 200", "< 403 Max contacts reached").replace(";expires=300", ""),
        ('the registrar says "Max contacts reached", it lists', "2 contacts of this address were bound then"),
        ("another password",),
    ),
    "a renewal that another's list disproves": Kind(
        phone(1, 0, expires=60)
        + phone(2, 10, "Contact: <sip:bob@192.0.2.1:5060>;expires=50")
        + phone(1, 50, expires=60)
        + phone(2, 75)
        + "@110 .",
        ("not renewed, gone at 02:41:00", "a renewal was not seen, and the answer to another client at frame 8"),
        ("taken away",),
        (6,),
    ),
}


def table(kind: Kind) -> str:
    """What the table says, on one line."""
    items = [one for number, one in enumerate(read_flow(kind.flow), 1) if number not in kind.lost]
    assert all(isinstance(one, RawMessage) for one in items)
    secrets = Secrets([Secret("secret", username="bob")])
    out = io.StringIO()
    load_view("table")(analyze_items(items, secrets=secrets), out, ViewOptions(width=100))
    return " ".join(out.getvalue().split())


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said(name: str) -> None:
    kind = KINDS[name]
    text = table(kind)
    assert [words for words in kind.says if words not in text] == [], text
    assert [words for words in kind.never if words in text] == [], text
