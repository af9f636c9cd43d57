"""One request on several hops (docs/rules/reconstruction.md 4, T-FORK)."""

from __future__ import annotations

from analyzer.register.transaction import MOST_HOPS
from tests.register.watch import Watched, raw_messages, watch

PHONE = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa"
PROXY = "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp"
EDGE = "Via: SIP/2.0/UDP 198.51.100.8:5060;branch=z9hG4bKe"
FIRST = f"dst=198.51.100.7:5060 > REGISTER sip:a\nCSeq: 1\n{PHONE}\n"
SECOND = f"src=198.51.100.7:5060 dst=198.51.100.8:5060 > REGISTER sip:a\nCSeq: 1\n{PROXY}\n{PHONE}\n"
THIRD = f"src=198.51.100.8:5060 dst=198.51.100.1:5060 > REGISTER sip:a\nCSeq: 1\n{EDGE}\n{PROXY}\n{PHONE}\n"


def hops(watched: Watched) -> list[int]:
    """Via counts along the path of the first transaction."""
    path = watched.transactions[0].path
    return [hop.via_count for hop in path.transactions] if path else []


def test_the_hops_of_one_request_are_a_path() -> None:
    watched = watch(f"{FIRST}{SECOND}{THIRD}")
    assert hops(watched) == [1, 2, 3]
    assert [one.is_first_hop for one in watched.transactions] == [True, False, False]
    assert [one.is_last_hop for one in watched.transactions] == [False, False, True]


def test_a_path_is_one_attempt_of_one_client() -> None:
    watched = watch(f"{FIRST}{SECOND}{THIRD}to=3 < 200\nto=2 < 200\nto=1 < 200")
    assert [one.status for one in watched.transactions] == [200, 200, 200]
    assert watched.attempts == [("registered", 200, 1)]
    assert watched.registration.registrar.endpoint.host == "198.51.100.7"
    assert watched.kinds == [("added", "sip:bob@192.0.2.10:5060")]


def test_the_registrars_answer_on_the_last_hop_makes_the_binding() -> None:
    """A proxy between may take the list out of the answer."""
    watched = watch(f"{FIRST}{SECOND}to=2 < 200\nto=1 < 200\n-Contact")
    assert watched.kinds == [("added", "sip:bob@192.0.2.10:5060")]


def test_the_hops_may_be_seen_in_any_order() -> None:
    """Two captures with clocks a little apart."""
    assert hops(watch(f"{SECOND}{FIRST}")) == [1, 2]


def test_a_fork_has_branches_of_equal_length() -> None:
    watched = watch(f"{FIRST}{SECOND}{SECOND.replace('z9hG4bKp', 'z9hG4bKq')}")
    assert hops(watched) == [1, 2, 2]


def test_another_from_tag_is_another_request() -> None:
    assert hops(watch(f"{FIRST}{SECOND}From: <sip:bob@example.com>;tag=f2\n")) == []


def test_another_cseq_is_another_request() -> None:
    assert hops(watch(f"{FIRST}{SECOND.replace('CSeq: 1', 'CSeq: 2')}")) == []


def test_a_back_to_back_agent_has_no_via_in_common() -> None:
    """docs/rules/traps.md T-SBC: both sides are registrations of their own."""
    far = f"src=198.51.100.7:5060 dst=198.51.100.1:5060 > REGISTER sip:a\nCSeq: 1\n{PROXY}\nCall-ID: b2b\n"
    watched = watch(f"{FIRST}{far}")
    assert hops(watched) == []
    assert len(watched.registrations) == 2


def test_the_same_key_again_is_no_path() -> None:
    flow = f"{FIRST}< 401\n{FIRST}Authorization: {{bob secret}}\n< 200"
    watched = watch(flow)
    assert [one.path for one in watched.transactions] == [None, None]


def test_hops_without_branches_are_a_path_too() -> None:
    """RFC 2543 proxies wrote none."""
    old = ";branch=z9hG4bKa", ";branch=z9hG4bKp"
    assert hops(watch(f"{FIRST}{SECOND}".replace(old[0], "").replace(old[1], ""))) == [1, 2]


def test_a_capture_upstream_shows_several_vias_at_its_lowest_hop() -> None:
    (transaction,) = watch(SECOND).transactions
    assert transaction.is_first_hop
    assert transaction.via_count == 2


def test_retransmissions_on_both_hops_stay_on_their_hops() -> None:
    first, second = raw_messages(f"{FIRST}{SECOND}")
    late = raw_messages(f"{FIRST}@0.5 > again\n@0.51 {SECOND}@1 > again")
    watched = watch([first, second, late[1], late[3]])
    assert [one.retransmissions for one in watched.transactions] == [1, 1]


def test_credentials_on_two_hops_are_one() -> None:
    flow = f"{FIRST}Authorization: {{bob secret}}\n{SECOND}Authorization: {{bob secret}}\n"
    watched = watch(flow)
    assert [(record.copies, record.transaction) for record in watched.reconstructor.digests.records] == [(2, 1)]


def test_a_flood_of_forks_makes_no_endless_path() -> None:
    flow = FIRST + "".join(SECOND.replace("z9hG4bKp", f"z9hG4bKp{number}") for number in range(200))
    watched = watch(flow)
    assert max(len(one.path.transactions) for one in watched.transactions if one.path) <= MOST_HOPS
