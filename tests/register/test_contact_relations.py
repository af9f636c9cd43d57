"""A contact that is listed in another form than it was asked for is found, and the reason told; another one is not."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import SECOND
from analyzer.judge.flowtext import START
from analyzer.register.contact_relations import Found, Known, is_listed, is_similar, likeness, match_contacts
from analyzer.register.contacts import same_contact
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.message import Message, parse
from tests.register.watch import raw_messages, watch
from tests.views.reports import drawn, report_of

X, Y = ';+sip.instance="<urn:uuid:1>"', ';+sip.instance="<urn:uuid:2>"'
LINE = "<sip:bob@10.0.0.5:5060;line=abc>"


def one(written: str) -> Address:
    (address,) = parse_addresses(written)
    return address


def request(contacts: str = "<sip:bob@10.0.0.5>") -> Message:
    return parse(raw_messages(f"> REGISTER sip:example.com\nContact: {contacts}\n")[0])


FORMS = [
    ("<sip:bob@10.0.0.5>", "<sip:bob@10.0.0.5>", 0, ""),
    ("<sip:bob@10.0.0.5;a=1;b=2>", "<sip:bob@10.0.0.5;b=2;a=1>;expires=60", 0, ""),  # another order
    ("<sip:bob@10.0.0.5;ob>", "<sip:bob@10.0.0.5>", 0, ""),  # 19.1.4: an unknown parameter may be missing
    ("<sip:bob@10.0.0.5;transport=tcp>", "<sip:bob@10.0.0.5>", 1, "without ;transport"),
    ("<sip:bob@10.0.0.5>", "<sip:bob@10.0.0.5;user=phone>", 1, "with ;user"),
    ("<sip:bob@10.0.0.5;x=1>", "<sip:bob@10.0.0.5;x=2>", 1, "with another ;x"),
    ("<sip:bob@10.0.0.5>", "<sips:bob@10.0.0.5>", 1, "as sips"),
    ("<sip:bob:pw@10.0.0.5>", "<sip:bob@10.0.0.5>", 1, "in another form"),
    ("<sip:bob@10.0.0.5:5060>", "<sip:bob@10.0.0.5>", 2, "without its port"),
    ("<sip:bob@10.0.0.5>", "<sip:bob@10.0.0.5:5060>", 2, "with port 5060 named"),
    ("<sips:bob@10.0.0.5>", "<sips:bob@10.0.0.5:5061>", 2, "with port 5061 named"),
    ("<sip:bob@10.0.0.5:5060>", "<sip:bob@10.0.0.5:40001>", 3, "on port 40001"),
    (f"<sip:bob@10.0.0.5>{X}", "<sip:bob@example.com;gr=urn:uuid:1>", 4, "as its GRUU"),
    (f"<sip:bob@10.0.0.5>{X}", "<sip:bob@example.com;gr=URN:UUID:1>", 4, "as its GRUU"),
    (f"<sip:bob@10.0.0.5>{X}", f"<sip:tgruu.7hs@example.com;gr>{X}", 4, "as its GRUU"),
    (LINE, "<sip:other@203.0.113.7:40001;line=abc>", 5, "at 203.0.113.7:40001"),
    ("<sip:bob@10.0.0.5>", "<sip:bob@203.0.113.7:40001>", 6, "at 203.0.113.7:40001"),
    ("<sip:bob@10.0.0.5>", "<sip:bob@nat.example.com>", 6, "at nat.example.com"),
    (f"<sip:bob@10.0.0.5>{X};reg-id=1", f"<sip:bob@203.0.113.7>{X};reg-id=1", 0, ""),  # RFC 5626 6
    (f"<sip:bob@10.0.0.5>{X};reg-id=1", f"<sip:bob@10.0.0.5>{X}", 0, ""),
]
OTHERS = [
    ("<sip:bob@10.0.0.5>", "<sip:carol@10.0.0.5>"),
    ("<sip:bob@10.0.0.5>", "<sip:Bob@203.0.113.7>"),
    ("<sip:10.0.0.5>", "<sip:10.0.0.6>"),  # no user part, nothing by which to know it
    (LINE, "<sip:bob@203.0.113.7;line=xyz>"),  # another line of the same user
    (f"<sip:bob@10.0.0.5>{X}", f"<sip:bob@10.0.0.5:5062>{Y}"),  # another phone
    (f"<sip:a@10.0.0.5>{X}", f"<sip:b@10.0.0.6>{X}"),  # merely shares the instance
    (f"<sip:bob@10.0.0.5>{X};reg-id=1", f"<sip:bob@203.0.113.7>{X};reg-id=2"),  # another flow
    (f"<sip:bob@10.0.0.5>{X}", "<sip:bob@example.com;gr=urn:uuid:2>".replace("bob", "other")),
    ("<sip:bob@10.0.0.5>", "<tel:+1>"),
    ("<tel:+1>", "<tel:+2>"),
    ("<sip:bob@10.0.0.5>", "*"),
]


@pytest.mark.parametrize(("asked", "listed", "rank", "reason"), FORMS)
def test_in_which_form_it_is_listed(asked: str, listed: str, rank: int, reason: str) -> None:
    assert likeness(one(asked), one(listed), request(asked)) == (rank, reason)
    assert is_similar(one(asked), one(listed), request(asked))
    assert is_listed(one(asked), one(listed)) is (rank == 0)


@pytest.mark.parametrize(("asked", "listed"), OTHERS)
def test_what_is_another_contact(asked: str, listed: str) -> None:
    assert likeness(one(asked), one(listed), request(asked)) is None
    assert not is_listed(one(asked), one(listed))


def nobody(_: Address) -> None:
    return None


def matched(asked: str, *listed: str) -> dict[int, tuple[int, str]]:
    made = request(asked)
    return dict(match_contacts(made.contacts, [one(written) for written in listed], made, nobody))


def test_equal_contacts_go_before_the_nearest() -> None:
    asked = "<sip:bob@10.0.0.5>, <sip:bob@10.0.0.6>"
    assert matched(asked, "<sip:bob@203.0.113.7>", "<sip:bob@10.0.0.6>") == {1: (1, ""), 0: (0, "at 203.0.113.7")}


def test_the_nearest_of_several_is_it() -> None:
    listed = ("<sip:bob@203.0.113.7>", "<sip:bob@10.0.0.5:40001>", "<sip:bob@10.0.0.5:5060>")
    assert matched("<sip:bob@10.0.0.5>", *listed) == {2: (0, "with port 5060 named")}


def test_of_two_that_are_equally_near_the_one_that_was_just_granted_is_it() -> None:
    asked = "<sip:bob@10.0.0.5>;expires=600"
    near = "<sip:bob@203.0.113.7>;expires={}", "<sip:bob@203.0.113.8>;expires={}"
    assert matched(asked, near[0].format(17), near[1].format(600)) == {1: (0, "at 203.0.113.8")}
    assert matched(asked, near[0].format(17), near[1].format(18)) == {}
    assert matched(asked, near[0].format(600), near[1].format(600)) == {}


def test_what_is_to_be_removed_is_no_other_contact() -> None:
    asked = "<sip:bob@10.0.0.4>;expires=0, <sip:bob@10.0.0.5>;expires=60"
    assert matched(asked, "<sip:bob@10.0.0.5>", "<sip:bob@203.0.113.7>") == {0: (1, "")}


def test_what_was_known_before_stays_whose_it_was() -> None:
    made = request("<sip:bob@10.0.0.5>")
    listed = [one("<sip:bob@203.0.113.7>")]
    as_other = one("<sip:bob@10.0.0.99>")
    assert match_contacts(made.contacts, listed, made, lambda _: Known(as_other, "at 203.0.113.7")) == {}
    own = one("<sip:bob@10.0.0.5>")
    again = match_contacts(made.contacts, listed, made, lambda _: Known(own, "at 203.0.113.7"))
    assert again == {0: Found(0, "at 203.0.113.7")}


HOSTS = st.sampled_from(["10.0.0.5", "10.0.0.6", "203.0.113.7", "EXAMPLE.com"])
CONTACTS = st.builds(
    lambda user, host, port, params, header: f"<sip:{user}{host}{port}{params}>{header}",
    st.sampled_from(["", "bob@", "carol@"]),
    HOSTS,
    st.sampled_from(["", ":5060", ":40001"]),
    st.sampled_from(["", ";transport=tcp", ";line=a", ";x=1;ob"]),
    st.sampled_from(["", X, Y, f"{X};reg-id=1", ";expires=60"]),
)


@given(st.lists(CONTACTS, min_size=1, max_size=5), st.lists(CONTACTS, max_size=6))
def test_each_contact_is_matched_once_and_only_with_its_like(asked: list[str], listed: list[str]) -> None:
    made = request(", ".join(asked))
    addresses = [one(written) for written in listed]
    found = match_contacts(made.contacts, addresses, made, nobody)
    for at, (position, reason) in found.items():
        near = likeness(made.contacts[position], addresses[at], made)
        assert near is not None and near.reason == reason
    inexact = [one.asked for one in found.values() if one.reason]
    assert len(inexact) == len(set(inexact))
    exact = {at for at, address in enumerate(addresses) if any(same_contact(address, mine) for mine in made.contacts)}
    assert exact <= found.keys()


@given(st.permutations(["a=1", "b=2", "line=x", "ob"]), st.permutations(["a=1", "b=2", "line=x", "ob"]))
def test_the_order_of_parameters_says_nothing(first: list[str], second: list[str]) -> None:
    mine, theirs = (one(f"<sip:bob@10.0.0.5;{';'.join(params)}>") for params in (first, second))
    assert likeness(mine, theirs, request()) == (0, "")


ASK = "> REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5>\nExpires: 600\n"
LIST = "< 200\n-Contact\nContact: {};expires={}\n"
SOFT = "src=192.0.2.20:5060 > REGISTER sip:example.com\nCall-ID: soft\nUser-Agent: soft\nContact: <sip:bob@10.0.0.9>\n"


@pytest.mark.parametrize(("asked", "listed", "reason"), [(form[0], form[1], form[3]) for form in FORMS])
def test_in_whatever_form_it_is_listed_the_client_is_bound(asked: str, listed: str, reason: str) -> None:
    ask = f"> REGISTER sip:example.com\nContact: {asked}\nExpires: 600\n"
    bare = listed.removesuffix(";expires=60")
    flow = f"@0 {ask}{LIST.format(bare, 600)}@300 {ask}{LIST.format(bare, 600)}@310 ."
    watched = watch(flow)
    (registration,) = watched.registrations
    (stretch,) = registration.reach.stretches
    assert stretch.state == "bound" and stretch.expires is not None
    assert round((stretch.expires - START) / SECOND) == 900
    (binding,) = registration.bindings
    assert binding.form == reason and f"<{binding.contact}>" == listed.partition(">")[0] + ">"
    assert [kind for kind, _ in watched.kinds] == ["added", "renewal", "refreshed"]
    assert [attempt.purpose for attempt in registration.history.attempts or ()] == ["register", "refresh"]


def test_the_reason_is_told_in_json_and_in_the_table() -> None:
    flow = f"@0 {ASK}{LIST.format('<sip:bob@203.0.113.7:40001>', 600)}@10 ."
    report = report_of(flow, detail=True)
    (binding,) = json.loads(json.dumps(report.to_dict()))["registrations"][0]["bindings"]
    assert binding["contact"] == "sip:bob@203.0.113.7:40001"
    assert (binding["asked_as"], binding["form"]) == ("sip:bob@10.0.0.5", "at 203.0.113.7:40001")
    assert "the registrar lists its contact at 203.0.113.7:40001" in " ".join(drawn(report).split())
    plain = report_of(f"@0 {ASK}{LIST.format('<sip:bob@10.0.0.5>', 600)}@10 .")
    assert "lists its contact" not in drawn(plain)
    (binding,) = plain.to_dict()["registrations"][0]["bindings"]
    assert (binding["asked_as"], binding["form"]) == (None, None)


def test_another_form_at_the_next_refresh_is_the_same_binding() -> None:
    """The NAT gives it another port."""
    flow = "".join(f"@{300 * n} {ASK}{LIST.format(f'<sip:bob@203.0.113.7:{40001 + n}>', 600)}" for n in range(3))
    (registration,) = watch(f"{flow}@610 .").registrations
    (binding,) = registration.bindings
    assert (binding.contact, binding.form) == ("sip:bob@203.0.113.7:40003", "at 203.0.113.7:40003")
    assert [stretch.state for stretch in registration.reach.stretches] == ["bound"]


def test_another_s_answer_may_list_it_in_another_form_still() -> None:
    flow = f"@0 {ASK}{LIST.format('<sip:bob@10.0.0.5>', 600)}@60 {SOFT}"
    flow += LIST.format("<sip:bob@10.0.0.9>", 3600) + "Contact: <sip:bob@10.0.0.5;transport=udp>;expires=540\n@70 ."
    desk, soft = watch(flow).registrations
    assert [stretch.state for stretch in desk.reach.stretches] == ["bound"]
    assert [stretch.state for stretch in soft.reach.stretches] == ["bound"]


def test_another_phone_behind_the_same_address_takes_nothing_over() -> None:
    """Its answer lists another port at the same host: that is a stranger, and the first one is gone."""
    flow = f"@0 {ASK}{LIST.format('<sip:bob@10.0.0.5>', 600)}@60 {SOFT}"
    flow += LIST.format("<sip:bob@10.0.0.9>", 3600) + "Contact: <sip:bob@10.0.0.5:5070>;expires=540\n@70 ."
    desk, _ = watch(flow).registrations
    assert [(stretch.state, stretch.cause) for stretch in desk.reach.stretches][-1] == ("unbound", "taken away")


@pytest.mark.parametrize("flows", ["", ";reg-id=1"])
def test_a_contact_that_merely_shares_an_instance_is_another_contact(flows: str) -> None:
    """A phone that has moved, without flows: its old contact is bound beside the new one until it runs out."""
    new = f"> REGISTER sip:example.com\nContact: <sip:bob@10.0.0.6>{X}{flows}\nExpires: 600\n"
    old = f"> REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5>{X}{flows}\nExpires: 600\n"
    both = LIST.format(f"<sip:bob@10.0.0.6>{X}{flows}", 600)
    both += "" if flows else f"Contact: <sip:bob@10.0.0.5>{X};expires=500\n"
    watched = watch(f"@0 {old}{LIST.format(f'<sip:bob@10.0.0.5>{X}{flows}', 600)}@100 {new}{both}@110 .")
    (registration,) = watched.registrations
    contacts = [binding.contact for binding in registration.bindings]
    assert contacts == (["sip:bob@10.0.0.6"] if flows else ["sip:bob@10.0.0.5", "sip:bob@10.0.0.6"])
    assert all(binding.certainty == "present" and not binding.form for binding in registration.bindings)


def test_a_stranger_with_the_same_instance_is_not_the_contact_that_was_asked_for() -> None:
    """The list has the phone's old contact alone, under another name: the new one is not bound."""
    new = f"> REGISTER sip:example.com\nContact: <sip:new@10.0.0.6>{X}\nExpires: 600\n"
    watched = watch(f"{new}{LIST.format(f'<sip:old@10.0.0.5>{X}', 50)}@10 .")
    (registration,) = watched.registrations
    assert registration.bindings == () and not registration.reach
    assert registration.outcome == "rejected"


def test_of_a_thousand_contacts_only_so_many_are_held_against_one_another() -> None:
    asked = [f"<sip:a{number}@10.0.0.5>" for number in range(150)]
    listed = [one(f"<sip:a{number}@203.0.113.7>") for number in range(150)]
    made = request(", ".join(asked))
    assert match_contacts(made.contacts, listed, made, nobody) == {}
    pairs = itertools.islice(zip(made.contacts, listed, strict=True), 3)
    assert all(likeness(mine, theirs, made) for mine, theirs in pairs)
