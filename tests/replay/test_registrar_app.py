"""What is left of a served registrar: results by client, outcomes then and now, and the JSON of the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.register.registration import Registration
from replay.captured_registrar import Scenario
from replay.flow import Flow
from replay.machine import SECOND
from replay.registrar_app import ServingOptions, machine_of, result_of, serve
from tests.replay.registrar_stage import EPOCH, HERE, PHONE, START, flow, request, sent, tokens

GRANTED = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.1.1.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    b"Call-ID: c\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.10>;expires=600\r\nContent-Length: 0\r\n\r\n"
)
REFUSED = GRANTED.replace(b"200 OK", b"403 No")
CAPTURED = flow((request(expires="600"), REFUSED), (request(expires="600"), GRANTED))


def played(*octets: bytes, captured: Flow | None = CAPTURED, secrets: Secrets | None = None) -> Any:
    options = ServingOptions(HERE, flow=captured, secrets=secrets or Secrets())
    machine = machine_of(options, tokens())
    machine.bound(HERE, "UDP", EPOCH)
    machine.start(START)
    for number, one in enumerate(octets):
        machine.receive(one, PHONE, START + number * SECOND)
        machine.wake(START + number * SECOND + SECOND // 2)
    machine.stop(START + 60 * SECOND)
    return result_of(machine, captured)


class Looked(Registration):
    """A registration that counts how often it is looked at."""

    __slots__ = ()
    looks = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("aor", "call_ids"):
            Looked.looks += 1
        return super().__getattribute__(name)


@pytest.mark.parametrize("count", [10, 100])
def test_outcomes_of_many_clients_look_at_each_registration_once(count: int) -> None:
    """The end of a registrar that thousands spoke to must not wait for each of them to be compared with all others."""
    names = [f"u{number}" for number in range(count)]
    result = played(*(request(call_id=one, user=one, contact=f"<sip:{one}@h>") for one in names), captured=None)
    assert len(result.clients) == len(result.report.registrations) == count
    for one in result.report.registrations:
        one.__class__ = Looked
    Looked.looks = 0
    result = replace(result, report=result.report)
    assert {result.outcome_of(client) for client in result.clients} == {"registered"}
    assert result.same and result.now == "registered" and result.as_json()["clients"]
    assert count <= Looked.looks <= 3 * count


def test_the_latest_of_a_clients_registrations_counts() -> None:
    result = played(
        *(request(cseq=one, call_id=call_id, expires=expires) for one, call_id, expires in (
            (1, "first", "600"), (2, "second", "600"), (3, "second", "0")
        )),
        captured=None,
    )  # fmt: skip
    (client,) = result.clients
    assert client.call_ids == ["first", "second"] and result.outcome_of(client) == "removed"


def test_steps_then_and_now() -> None:
    result = played(request(cseq=1), request(cseq=2, expires="600"))
    steps = result.as_json()["steps"]
    assert [(step["step"], step["then"], step["now"]) for step in steps] == [
        (1, {"status": 403}, {"status": 403}),
        (2, {"status": 200}, {"status": 200}),
    ]
    assert steps[0]["sent"]["start_line"] == "SIP/2.0 403 No"
    assert {"what": "Call-ID", "from": "c", "to": "call-1", "rule": None} in steps[0]["sent"]["edits"]
    assert steps[0]["differences"] == ["it asks for no interval, the captured one asked for 600 s"]
    assert steps[1]["differences"] == []
    assert result.as_json()["outcome"] == {"then": "registered", "now": "registered", "same": True}
    json.dumps(result.as_json())


def test_a_client_that_does_not_come_so_far() -> None:
    result = played(request(cseq=1))
    last = result.as_json()["steps"][1]
    assert (last["now"], last["sent"]) == (None, None) and "did not come" in last["differences"][0]
    assert not result.same and result.now == "rejected"


def test_what_is_no_captured_step_has_no_number() -> None:
    steps = played(request("OPTIONS"), request(cseq=2), request(cseq=3), request(cseq=4)).as_json()["steps"]
    assert [step["step"] for step in steps] == [None, 1, 2, None]
    assert [step["now"]["status"] for step in steps] == [200, 403, 200, 200]
    steps = played(request("OPTIONS"), request(cseq=2), captured=None).as_json()["steps"]
    assert [step["step"] for step in steps] == [1, 2]


def test_nobody_came() -> None:
    shown = played().as_json()
    assert shown["outcome"] == {"then": "registered", "now": None, "same": False}
    assert [step["now"] for step in shown["steps"]] == [None, None] and shown["ended"] == "stopped"
    assert played(captured=None).as_json()["steps"] == []


def test_one_client_of_several_that_differs_is_the_outcome() -> None:
    other = {"call_id": "b", "user": "bob", "contact": "<sip:bob@h>"}
    result = played(request(cseq=1), request(cseq=2), request(cseq=1, **other))
    assert [result.outcome_of(client) for client in result.clients] == ["registered", "rejected"]
    assert result.now == "rejected" and not result.same
    assert [one["aor"] for one in result.as_json()["clients"]] == ["sip:alice@example.com", "sip:bob@example.com"]


def test_without_a_capture_success_is_what_the_client_wanted() -> None:
    assert played(request(), captured=None).same
    assert not played(request(expires="5"), captured=None).same
    shown = played(request(), captured=None).as_json()
    assert shown["steps"][0]["then"] is None and shown["outcome"]["then"] is None


def test_a_capture_needs_no_policy_and_says_what_it_cannot_check() -> None:
    challenged = flow((request(), REFUSED.replace(b"403 No", b"401 No\r\nWWW-Authenticate: Digest realm=x, nonce=y")))
    machine = machine_of(ServingOptions(HERE, flow=challenged))
    assert isinstance(machine.user, Scenario) and "not checked" in machine.user.note
    assert machine_of(ServingOptions(HERE, flow=CAPTURED)).user.note == ""


def test_an_address_that_cannot_be_bound_is_an_os_error() -> None:
    with pytest.raises(OSError):
        serve(ServingOptions(Endpoint("192.0.2.1", 5060), timeout=0.1), lambda event: None)


@pytest.mark.parametrize(("realm", "challenged"), [("lab.invalid", "lab.invalid"), ("", "example.com")])
def test_the_realm_is_the_one_that_the_secrets_are_for(realm: str, challenged: str) -> None:
    machine = machine_of(ServingOptions(HERE, secrets=Secrets.of({"alice": "x", "bob": "y"}, realm=realm)), tokens())
    machine.bound(HERE, "UDP", EPOCH)
    assert sent(machine.receive(request(), PHONE, START))[0].challenges[0].realm == challenged
