"""Who is who (docs/rules/reconstruction.md 6, T-MULTIUA, T-MULTIREG, T-NAT, T-URI)."""

from __future__ import annotations

import pytest

from analyzer.register.identity import (
    Client,
    aor_of,
    client_of,
    contact_token,
    instance_of,
    is_private,
    may_be_same,
)
from analyzer.sip.message import parse
from tests.register.watch import raw_messages, watch

OK = "< 200\n"


def who(flow: str) -> list[tuple[str, int]]:
    """Per registration: the sender's host and how many attempts it made."""
    return [(one.client.host, one.attempts) for one in watch(flow).registrations]


def register(
    call: str, *, at: float = 0, src: str = "192.0.2.10", contact: str = "<sip:bob@10.0.0.5>", agent: str = "A"
) -> str:
    """A REGISTER that is granted an hour."""
    head = f"@{at} src={src}:5060 > REGISTER sip:example.com\nCall-ID: {call}\n"
    return f"{head}Contact: {contact}\nUser-Agent: {agent}\n< 200\n"


def test_one_call_id_is_one_client() -> None:
    assert who(register("a") + register("a", at=1800)) == [("192.0.2.10", 2)]


def test_one_call_id_survives_another_address() -> None:
    """docs/rules/traps.md T-NAT: the translator gave it another address."""
    watched = watch(register("a") + register("a", at=1800, src="192.0.2.99"))
    assert len(watched.registrations) == 1


def test_one_call_id_of_two_user_agents_is_two_clients() -> None:
    """8.1.1.4 forbids it; where nothing else agrees they are two."""
    flow = register("a") + register("a", src="192.0.2.99", contact="<sip:bob@10.9.9.9>", agent="B")
    assert who(flow) == [("192.0.2.10", 1), ("192.0.2.99", 1)]


def test_two_phones_on_one_aor_behind_one_nat() -> None:
    flow = register("a") + register("b", contact="<sip:bob@10.0.0.6>") + register("a", at=1800) + register("b", at=1801)
    assert len(watch(flow).registrations) == 2


def test_two_equal_phones_behind_two_nats_with_one_private_contact() -> None:
    """10.0.0.5 means something else behind each NAT."""
    assert who(register("a") + register("b", src="203.0.113.9")) == [("192.0.2.10", 1), ("203.0.113.9", 1)]


def test_one_public_contact_from_two_addresses_is_one_phone() -> None:
    contact = "<sip:bob@198.51.100.50>"
    flow = register("a", contact=contact) + register("b", src="203.0.113.9", contact=contact, at=600)
    assert len(watch(flow).registrations) == 1


def test_a_new_call_id_with_the_same_contact_is_the_same_client() -> None:
    watched = watch(register("a") + register("b", at=1800))
    assert watched.registration.call_ids == (
        "a",
        "b",
    )
    assert watched.steps[0].call_id_changed


def test_the_same_contact_with_another_user_agent_is_another_client() -> None:
    assert len(watch(register("a") + register("b", at=60, agent="B")).registrations) == 2


def test_an_instance_tells_through_everything() -> None:
    one = '<sip:bob@10.0.0.5>;+sip.instance="<urn:uuid:1>"'
    other = '<sip:bob@10.7.7.7>;+sip.instance="<urn:uuid:1>"'
    third = '<sip:bob@10.0.0.5>;+sip.instance="<urn:uuid:2>"'
    watched = watch(register("a", contact=one) + register("b", src="203.0.113.9", contact=other, agent="B", at=9))
    assert len(watched.registrations) == 1
    assert len(watch(register("a", contact=one) + register("b", contact=third)).registrations) == 2


def test_each_flow_of_an_instance_is_a_registration() -> None:
    """RFC 5626 4.2.1: reg-id, and each with a Call-ID of its own."""
    one = '<sip:bob@10.0.0.5>;reg-id=1;+sip.instance="<urn:uuid:1>"'
    two = '<sip:bob@10.0.0.5>;reg-id=2;+sip.instance="<urn:uuid:1>"'
    watched = watch(register("a", contact=one) + register("b", contact=two) + register("a", contact=one, at=60))
    assert [one.attempts for one in watched.registrations] == [2, 1]
    assert not any(one.interleaved for one in watched.registrations)


@pytest.mark.parametrize(
    ("contact", "token"),
    [
        ("<sip:bob@h;line=a1b2>", "line=a1b2"),
        ("<sip:bob@h;rinstance=77aa>", "rinstance=77aa"),
        ("<sip:f81d4fae7dec@h>", "user=f81d4fae7dec"),
        ("<sip:bob@h>", ""),
        ("<sip:+493012345678@h>", ""),
        ("<sip:493012345678@h>", ""),  # a telephone number, which two phones may share
        ("<sip:abcdefghij@h>", ""),
        ("<tel:+4930>", ""),
    ],
)
def test_tokens_that_a_user_agent_made_up(contact: str, token: str) -> None:
    message = parse(raw_messages(f"> REGISTER sip:a\nContact: {contact}")[0])
    assert contact_token(message.contacts[0], message) == token


def test_a_token_that_is_the_account_is_no_token() -> None:
    message = parse(raw_messages("> REGISTER sip:a\nTo: <sip:acct12345@example.com>\nContact: <sip:acct12345@h>")[0])
    assert contact_token(message.contacts[0], message) == ""


def test_a_token_joins_and_parts() -> None:
    line = "<sip:bob@10.0.0.5;line={}>"
    assert (
        len(
            watch(register("a", contact=line.format("x")) + register("b", contact=line.format("x"), at=5)).registrations
        )
        == 1
    )
    assert (
        len(
            watch(register("a", contact=line.format("x")) + register("b", contact=line.format("y"), at=5)).registrations
        )
        == 2
    )


def test_a_token_that_is_drawn_at_each_start_joins_after_the_end_of_the_old_one() -> None:
    """Identity (5): same source and User-Agent, and the old binding has run out."""
    line = "<sip:bob@10.0.0.5;rinstance={}>"
    flow = register("a", contact=line.format("x")) + register("b", contact=line.format("y"), at=4000)
    assert len(watch(flow).registrations) == 1


def test_source_and_user_agent_join_only_one_after_the_other() -> None:
    moved = "<sip:bob@10.0.0.77>"
    assert len(watch(register("a") + register("b", contact=moved, at=60)).registrations) == 2
    assert len(watch(register("a") + register("b", contact=moved, at=3700)).registrations) == 1


def test_a_removed_client_makes_room_for_its_successor() -> None:
    flow = register("a") + "@60 > REGISTER sip:example.com\nCall-ID: a\nContact: *\nExpires: 0\nUser-Agent: A\n< 200\n"
    assert len(watch(flow + register("b", contact="<sip:bob@10.0.0.77>", at=70)).registrations) == 1


def test_each_registrar_has_its_own() -> None:
    """docs/rules/traps.md T-MULTIREG: one Call-ID at two addresses; CSeq is compared within each alone."""
    flow = (
        "> REGISTER sip:example.com\n< 200\ndst=198.51.100.2:5060 > REGISTER sip:example.com\nCSeq: 1\n< 200\n"
        "@1800 > REGISTER sip:example.com\nCSeq: 2\n< 200"
    )
    watched = watch(flow)
    assert [str(one.registrar) for one in watched.registrations] == ["198.51.100.1:5060", "198.51.100.2:5060"]
    same_call = [step.same_call.cseq for step in watched.steps if step.same_call]
    assert same_call == [1]
    assert [step.stream.from_tag for step in watched.steps] == ["f1"]


def test_each_domain_at_one_address_has_its_own() -> None:
    watched = watch(
        "> REGISTER sip:a.example\n< 200\n> REGISTER sip:b.example\n< 200\n> REGISTER sip:A.EXAMPLE.\n< 200"
    )
    assert [one.attempts for one in watched.registrations] == [2, 1]


@pytest.mark.parametrize(
    "to",
    [
        "<sip:bob@example.com>",
        "<sips:bob@EXAMPLE.com;x=1>",
        "<sip:b%6Fb@example.com>",
        '"B" <sip:bob@example.com>;tag=1',
    ],
)
def test_one_address_of_record_however_written(to: str) -> None:
    message = parse(raw_messages(f"> REGISTER sip:a\nTo: {to}")[0])
    assert aor_of(message) == aor_of(parse(raw_messages("> REGISTER sip:a")[0])) != ""


@pytest.mark.parametrize("to", ["-To", "To: <sip:bob@", "To: \x01"])
def test_an_address_of_record_that_cannot_be_read_is_harmless(to: str) -> None:
    assert len(watch(f"> REGISTER sip:a\n{to}\n< 200").registrations) == 1


def test_the_user_part_keeps_its_case() -> None:
    flow = "> REGISTER sip:a\n< 200\n> REGISTER sip:a\nTo: <sip:BOB@example.com>\nCall-ID: x\n< 200"
    assert len(watch(flow).registrations) == 2


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("10.0.0.1:5060", True),
        ("192.168.1.1:", True),
        ("100.64.3.4:", True),
        ("192.0.2.1:5060", False),
        ("9.9.9.9:5060", False),
        ("fd00::1:5060", True),
        ("phone.example:5060", False),
        ("df7jal23ls0d.invalid:", True),  # docs/rules/traps.md T-WS
        ("", False),
    ],
)
def test_private_contacts(host: str, private: bool) -> None:
    assert is_private(host) is private


KNOWN = Client("", "", "10.0.0.5:", "192.0.2.10", "A")


@pytest.mark.parametrize(
    ("changes", "alive", "same"),
    [
        ({}, True, True),
        ({"user_agent": "B"}, True, False),
        ({"user_agent": "B"}, False, False),
        ({"contact": "10.0.0.6:"}, True, False),
        ({"contact": "10.0.0.6:"}, False, True),
        ({"contact": "10.0.0.6:", "host": "192.0.2.11"}, False, False),
        ({"host": "192.0.2.11"}, True, False),
        ({"host": "192.0.2.11"}, False, True),
        ({"instance": "urn:1#"}, False, False),
        ({"token": "line=1"}, True, False),
        ({"token": "line=1"}, False, True),
    ],
)
def test_may_be_same(changes: dict[str, str], alive: bool, same: bool) -> None:
    assert may_be_same(KNOWN, KNOWN._replace(**changes), alive=alive) is same


def test_what_a_request_tells_of_its_sender() -> None:
    contact = '<sip:bob@Phone.Example:5070;line=7>;reg-id=2;+sip.instance="<URN:UUID:9>"'
    message = parse(raw_messages(f"> REGISTER sip:a\nContact: *\nContact: {contact}\nUser-Agent: X 1")[0])
    here = "192.0.2.10"
    assert client_of(message) == Client("urn:uuid:9#2", "line=7", "phone.example:5070", here, "X 1", f"{here}:5060")
    assert instance_of(message.contacts[0]) == ""


def test_call_ids_that_take_turns_are_two_streams() -> None:
    flow = "".join(register(call, at=number * 10) for number, call in enumerate("abab"))
    registration = watch(flow).registration
    assert registration.interleaved
    assert registration.call_ids == (
        "a",
        "b",
    )


def test_a_change_for_good_is_no_turn() -> None:
    assert not watch(register("a") + register("b", at=10) + register("b", at=20)).registration.interleaved


def attempt(
    call: str, *, at: float, port: int = 60437, inside: str = "192.168.0.16:52780", token: str = "", agent: str = "A"
) -> str:
    """A try behind a NAT that stays without success."""
    return (
        f"@{at} src=198.51.100.29:{port} > REGISTER sip:example.com\nCall-ID: {call}\nFrom: <sip:bob@x>;tag={call}\n"
        f"Via: SIP/2.0/UDP {inside};branch=z9hG4bK{call}{at}\nContact: <sip:bob@{inside}{token}>\nUser-Agent: {agent}\n"
        f"@{at + 0.003} dst=198.51.100.29:52780 < 401\n"
    )


@pytest.mark.parametrize(
    ("second", "clients"),
    [
        (attempt("b", at=45, token=";rinstance=2"), 1),  # each try draws its own rinstance
        (attempt("b", at=45, port=61000, token=";rinstance=2"), 1),  # the NAT gave it another port
        (attempt("b", at=45, inside="192.168.0.16:53111", token=";rinstance=2"), 1),  # and so did its system
        (attempt("b", at=45, inside="192.168.0.17:52780", port=61000, token=";rinstance=2"), 2),  # T-MULTIUA
        (attempt("b", at=45, agent="B", token=";rinstance=2"), 2),
        (attempt("b", at=5, inside="192.168.0.16:53111", token=";rinstance=2"), 2),  # both try at once
    ],
)
def test_a_phone_that_never_got_through_is_one_client(second: str, clients: int) -> None:
    flow = attempt("a", at=0, token=";rinstance=1") + second
    assert len(watch(flow).registrations) == clients


def test_two_lines_that_never_got_through_stay_two() -> None:
    """`line=` is the line's own; a snom has one for each."""
    flow = "".join(
        attempt(f"{line}{number}", at=45 * number + late, token=f";line={line}")
        for number in range(3)
        for late, line in enumerate("ab")
    )
    assert len(watch(flow).registrations) == 2


def test_two_phones_on_public_addresses_are_told_by_their_ports() -> None:
    """Where an ALG wrote the NAT's address into Via and Contact, nothing else tells them."""
    flow = attempt("a", at=0, inside="198.51.100.29:1024") + attempt("b", at=45, inside="198.51.100.29:1025", port=1025)
    assert len(watch(flow).registrations) == 2


def test_one_socket_that_draws_a_new_rinstance_is_one_phone_while_it_is_bound() -> None:
    """T-REBOOT: the same host and port behind one address cannot be another's."""
    contact = "<sip:bob@10.0.0.5:5070;rinstance={}>"
    flow = register("a", contact=contact.format(1)) + register("b", contact=contact.format(2), at=60)
    assert len(watch(flow).registrations) == 1
    other = register("a", contact=contact.format(1)) + register("b", contact="<sip:bob@10.0.0.6;rinstance=2>", at=60)
    assert len(watch(other).registrations) == 2
