"""Which nonce was in force, and where nonces went (docs/rules/reconstruction.md 8); what the server made of
credentials; `Bounded`."""

from __future__ import annotations

import pytest

from analyzer.register.bounded import Bounded
from analyzer.register.challenges import MOST_USERS
from analyzer.register.digest.form import MOST_OFFERS, Offer
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest_ledger import accepted
from analyzer.register.subjects import TransactionSubject
from tests.register.watch import Watched, raw_messages, watch

ONE = "> REGISTER sip:a\n"
AUTH = "> REGISTER sip:a\nAuthorization: {bob secret}\n"
SERVER = "198.51.100.1"
WHOLE = ', qop="auth", opaque="o"'


def challenge(nonce: str, extra: str = "", status: int = 401) -> str:
    """A challenge with a nonce of choice."""
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return f'< {status}\n{name}: Digest realm="example.com", nonce="{nonce}"{extra}\n'


def credentialed(watched: Watched) -> list[TransactionSubject]:
    """The transactions that carried credentials."""
    subjects = [subject for subject in watched.subjects if isinstance(subject, TransactionSubject)]
    return [subject for subject in subjects if subject.transaction.has_credentials]


def test_the_challenge_in_force_is_that_before_the_request() -> None:
    flow = f"{ONE}{challenge('n1')}{AUTH}{challenge('n2', ', stale=true')}{AUTH}< 200\n@60 {AUTH}< 200"
    in_force = [
        [(row.nonces, row.stale) for row in subject.in_force["example.com"]] for subject in credentialed(watch(flow))
    ]
    assert in_force == [
        [({"n1"}, False)],
        [({"n2"}, True), ({"n1"}, False)],
        [({"n2"}, True), ({"n1"}, False)],
    ]


def test_of_older_challenges_only_the_one_before_is_kept() -> None:
    flow = "".join(f"{ONE}{challenge(f'n{number}')}" for number in range(5)) + AUTH + "< 200"
    (subject,) = credentialed(watch(flow))
    assert [row.nonces for row in subject.in_force["example.com"]] == [{"n4"}, {"n3"}]


def test_what_a_challenge_asks_for_is_kept_with_its_nonce() -> None:
    watched = watch(f"{ONE}{challenge('n1', WHOLE)}{ONE}{challenge('n1')}{ONE}{challenge('n2')}")
    challenges = watched.reconstructor.challenges
    assert challenges.offers(SERVER, "example.com", "n1") == (Offer("md5", ("auth",), "o"), Offer("md5", (), ""))
    assert challenges.offers(SERVER, "example.com", "n2") == (Offer("md5", (), ""),)
    assert challenges.offers(SERVER, "other", "n1") == challenges.offers(SERVER, "example.com", "n3") == ()


def test_of_one_nonce_only_so_many_offers_are_kept() -> None:
    flow = "".join(ONE + challenge("n1", f', opaque="{number}"') for number in range(3 * MOST_OFFERS))
    assert len(watch(flow).reconstructor.challenges.offers(SERVER, "example.com", "n1")) == MOST_OFFERS


def test_the_next_nonce_is_offered_like_the_one_before() -> None:
    """RFC 7616 3.5: nextnonce replaces the nonce, and all else stays."""
    flow = ONE + challenge("n1", ', opaque="o"') + AUTH + '< 200\nAuthentication-Info: nextnonce="n2"\n'
    challenges = watch(flow).reconstructor.challenges
    assert challenges.offers(SERVER, "example.com", "n2") == (Offer("md5", (), "o"),)


def test_realms_are_apart() -> None:
    other = '< 407\nProxy-Authenticate: Digest realm="other", nonce="p1"\n'
    flow = f"{ONE}{other}> REGISTER sip:a\nProxy-Authorization: {{bob x}}\n{challenge('n1')}{AUTH}< 200"
    first, second = credentialed(watch(flow))
    assert list(first.in_force) == ["other"]
    assert [row.nonces for row in second.in_force["example.com"]] == [{"n1"}]


def test_each_realm_of_a_request_has_its_own_challenge() -> None:
    other = '< 407\nProxy-Authenticate: Digest realm="other", nonce="p1"\n'
    both = "> REGISTER sip:a\nProxy-Authorization: {bob x}\nAuthorization: {bob x realm=example.com nonce=n1}\n"
    flow = f"{ONE}{challenge('n1')}{ONE}{other}{both}< 200\n"
    *_, subject = credentialed(watch(flow))
    assert {realm: [row.nonces for row in rows] for realm, rows in subject.in_force.items()} == {
        "other": [{"p1"}],
        "example.com": [{"n1"}],
    }
    assert subject.next_nonce == {"other": "", "example.com": ""}


def test_what_was_in_force_stays_as_it_was() -> None:
    """A later challenge changes nothing for the requests before it."""
    subjects = credentialed(watch(f"{ONE}{challenge('n1')}{AUTH}{challenge('n2')}{AUTH}{challenge('n3')}{AUTH}< 200"))
    assert [[sorted(row.nonces) for row in one.in_force["example.com"]] for one in subjects] == [
        [["n1"]],
        [["n2"], ["n1"]],
        [["n3"], ["n2"]],
    ]


def test_clients_are_apart() -> None:
    bob = f"{ONE}{challenge('n1')}"
    eve = f"src=192.0.2.66:5060 {AUTH}Call-ID: eve\nContact: <sip:eve@192.0.2.66>\nTo: <sip:eve@example.com>\n< 403"
    (subject,) = credentialed(watch(bob + eve))
    assert list(subject.in_force["example.com"]) == []


def test_all_nonces_of_one_challenged_request_are_in_force() -> None:
    """A stateless registrar answers each copy of a request with a fresh one."""
    flow = f"{ONE}{challenge('n1')}@0.6 > again\n{challenge('n2')}{AUTH}< 200"
    (subject,) = credentialed(watch(flow))
    assert [row.nonces for row in subject.in_force["example.com"]] == [{"n1", "n2"}]


@pytest.mark.parametrize("written", ['nextnonce="x9"', 'qop=auth, NextNonce = "x9", rspauth="1"'])
def test_a_next_nonce_is_known_to_the_request_after(written: str) -> None:
    flow = f"{ONE}{challenge('n1')}{AUTH}< 200\nAuthentication-Info: {written}\n@60 {AUTH}< 200"
    watched = watch(flow)
    assert [subject.next_nonce for subject in credentialed(watched)] == [{"example.com": ""}, {"example.com": "x9"}]
    assert watched.reconstructor.challenges.was_issued(SERVER, "example.com", "x9")


def test_a_new_challenge_ends_the_next_nonce() -> None:
    flow = f'{ONE}{challenge("n1")}{AUTH}< 200\nAuthentication-Info: nextnonce="x9"\n{AUTH}{challenge("n2")}{AUTH}< 200'
    assert credentialed(watch(flow))[-1].next_nonce == {"example.com": ""}


def test_where_a_nonce_was_issued() -> None:
    flow = "".join(f"{ONE}Call-ID: c{number}\n{challenge('same')}" for number in range(20))
    challenges = watch(flow).reconstructor.challenges
    use = challenges.use(SERVER, "example.com", "same")
    assert use is not None
    assert len(use.call_ids) == MOST_USERS
    assert (use.last or 0) > (use.first or 0) > 0
    assert challenges.use(SERVER, "example.com", "never") is None
    assert not challenges.was_issued("203.0.113.1", "example.com", "same")


def test_a_headless_challenge_issues_its_nonce() -> None:
    answer = raw_messages(f"{ONE}{challenge('n1')}")[1]
    assert watch([answer]).reconstructor.challenges.was_issued(SERVER, "example.com", "n1")


@pytest.mark.parametrize(
    ("nonces", "run"),
    [
        (["100", "101", "102"], 2),
        (["100", "101", "200", "201"], 1),
        (["ff", "100", "10f"], 0),  # 100 is read as decimal
        (["0a", "0b", "0c"], 2),
        (["100", "200", "300"], 0),
        (["100", "99"], 0),
        (["63f53db4", "1bedafda"], 0),
        (["x1", "x2"], 0),
        (["9" * 40, "9" * 39 + "8"], 0),
    ],
)
def test_nonces_that_count_up(nonces: list[str], run: int) -> None:
    flow = "".join(f"{ONE}{challenge(nonce)}" for nonce in nonces)
    assert watch(flow).reconstructor.challenges.run(SERVER, "example.com") == run


@pytest.mark.parametrize(
    ("header", "status", "verdict"),
    [
        ("authorization", 200, True),
        ("authorization", 423, True),
        ("authorization", 401, False),
        ("authorization", 407, None),
        ("authorization", 403, False),
        ("authorization", 500, None),
        ("proxy-authorization", 407, False),
        ("proxy-authorization", 401, None),
        ("proxy-authorization", 200, True),
        ("authorization", 0, None),
    ],
)
def test_what_an_answer_says_of_credentials(header: str, status: int, verdict: bool | None) -> None:
    assert accepted(header, status) is verdict


def ledger(flow: str, password: str = "") -> list[tuple[str, bool | None, int, int]]:
    """Verdict, accepted, status and copies of each record."""
    secrets = Secrets.of({"bob": password}) if password else None
    records = watch(flow, secrets=secrets).reconstructor.digests.records
    return [(record.verdict, record.accepted, record.status, record.copies) for record in records]


def test_copies_of_credentials_are_counted() -> None:
    flow = f"{ONE}< 401\n{AUTH}@0.6 > again\n@1.6 > again\n< 200"
    assert ledger(flow) == [("unknown", True, 200, 3)]
    assert ledger(flow, "secret") == [("match", True, 200, 3)]
    assert ledger(flow, "wrong") == [("mismatch", True, 200, 3)]


def test_changed_credentials_on_one_key_are_records_of_their_own() -> None:
    via = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame\nCSeq: 5\n"
    second = AUTH.replace("secret", "secret nc=00000002")
    assert len(ledger(f"{ONE}< 401\n{AUTH}{via}{second}{via}< 200", "secret")) == 2


def test_credentials_for_a_proxy_and_a_registrar_are_two() -> None:
    flow = f"{ONE}< 407\n{AUTH}Proxy-Authorization: {{bob other}}\n< 401"
    assert ledger(flow, "secret") == [("match", False, 401, 1), ("mismatch", None, 401, 1)]


def test_unanswered_credentials_are_neither_accepted_nor_refused() -> None:
    assert ledger(f"{ONE}< 401\n{AUTH}", "secret") == [("match", None, 0, 1)]


def test_nothing_stays_of_closed_transactions() -> None:
    watched = watch(f"{ONE}< 401\n{AUTH}< 200", tail=600)
    assert watched.reconstructor.digests._live == {}
    assert watched.reconstructor.surroundings._before == {}
    assert watched.reconstructor._owner == {}


def test_bounded_gives_up_what_was_used_longest_ago() -> None:
    entries: Bounded[str, int] = Bounded(2)
    entries["a"], entries["b"] = 1, 2
    assert entries.get("a") == 1
    entries["c"] = 3
    assert ("a" in entries, "b" in entries, "c" in entries) == (True, False, True)
    assert (len(entries), entries.evicted, entries.get("b")) == (2, 1, None)
    entries["a"] = 9
    assert (len(entries), entries.evicted, entries.pop("a"), entries.pop("a")) == (2, 1, 9, None)
