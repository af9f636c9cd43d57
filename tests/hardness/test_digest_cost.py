"""What a request costs with secrets: hashes are counted, with everything changing that a client can change.

The bounds are stated beside the constants; here they are added up, and held against more users and more requests.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from analyzer.evidence import Item
from analyzer.register.digest import hashed_users
from analyzer.register.digest.arithmetic import ALGORITHMS, Reading, expected, user_hash
from analyzer.register.digest.diagnosis.context import LONGEST_SEEN, MOST_SEEN, DigestContext, first_of
from analyzer.register.digest.diagnosis.diagnoser import LATE, SEARCHED, Diagnoser
from analyzer.register.digest.diagnosis.engine import BUDGET, LOOKS, Search, all_hypotheses, run
from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import Recipe
from analyzer.register.digest.hashed_users import LONGEST_REALM, MOST_NAMED_TABLES, MOST_TABLES, HashedUsers
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import MOST_TRIED, Secret, Secrets
from analyzer.register.digest.verdict import DigestVerdict, judge
from analyzer.register.digest_ledger import MOST_JUDGED
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.hardness.hashes import Hashes, hashes
from tests.register.traffic import request

__all__ = ["hashes"]
USERS = 500
PER_TRIAL = 7
"""Hashes of one trial: five of the formula, two that its generator may need."""
PLAIN = DigestInput("u1", "lab", "n", "sip:lab", "0" * 32, "MD5", "auth", "00000001", "c")


def table(users: int = USERS, realm: str = "") -> Secrets:
    return Secrets.of({f"u{number}": f"password {number}" for number in range(users)}, realm)


def hashed(realm: str, user: str = "x", token: str = "md5") -> DigestInput:
    """Credentials under userhash, of a user who is perhaps known."""
    return PLAIN._replace(username=user_hash(ALGORITHMS[token], user, realm), realm=realm, userhash=True)


def signed(digest: DigestInput, password: str) -> DigestInput:
    right = expected(Reading(digest, (digest.nonce, digest.cnonce)), Secret(password))
    assert right is not None
    return digest._replace(response=right)


def judged(digest: DigestInput, secrets: Secrets) -> DigestVerdict:
    return judge(digest, secrets, None, Diagnoser(total=0))


@pytest.mark.parametrize("requests", [100, 400])
def test_another_realm_in_each_request_does_not_hash_all_users_each_time(hashes: Hashes, requests: int) -> None:
    """What is hashed for realms that nobody gave is the same for any number of requests."""
    secrets, sent = table(), [hashed(f"r{number}") for number in range(requests)]
    cost = hashes.of(lambda: [judged(one, secrets) for one in sent])
    assert cost == MOST_TABLES * USERS


@pytest.mark.parametrize("token", ["md5", "sha-256", "sha-512-256"])
def test_one_request_hashes_the_users_twice_at_most(hashes: Hashes, token: str) -> None:
    """The length of the name tells which hash it is: 32 digits are one of MD5, 64 one of the two others."""
    digest = hashed("lab", token=token)
    assert hashes.of(lambda: judged(digest, table())) <= 2 * USERS


@pytest.mark.parametrize("name", ["", "x", "0" * 31, "0" * 33, "0" * 40, "0" * 128, "ä" * 7])
def test_a_name_that_has_not_the_length_of_a_hash_costs_none(hashes: Hashes, name: str) -> None:
    assert hashes.of(lambda: judged(PLAIN._replace(username=name, userhash=True), table())) == 0


def test_beyond_the_bound_the_verdict_says_why() -> None:
    secrets = table()
    verdicts = [judged(signed_hashed(f"r{number}"), secrets) for number in range(MOST_TABLES + 2)]
    assert [verdict.verdict for verdict in verdicts] == ["match"] * MOST_TABLES + ["unknown"] * 2
    assert verdicts[-1].reason == "userhash: too many realms, the known users are not hashed for this one"
    assert judged(signed_hashed("r0"), secrets).verdict == "match", "the realms that came in time go on"


def signed_hashed(realm: str, user: str = "u7", password: str = "password 7") -> DigestInput:
    named = signed(PLAIN._replace(username=user, realm=realm), password)
    return hashed(realm, user)._replace(response=named.response)


def test_realms_of_the_credential_files_are_not_crowded_out() -> None:
    secrets = table(realm="home")
    for number in range(3 * MOST_TABLES):
        judged(hashed(f"r{number}"), secrets)
    assert judged(signed_hashed("home"), secrets).verdict == "match"


def test_a_file_of_very_many_realms_is_bounded_too(hashes: Hashes) -> None:
    entries = [Secret("p", username=f"u{number}", realm=f"r{number}") for number in range(USERS)]
    secrets, sent = Secrets(entries), [hashed(f"r{number}") for number in range(USERS)]
    assert hashes.of(lambda: [judged(one, secrets) for one in sent]) == MOST_NAMED_TABLES * USERS


def test_an_endless_realm_is_not_hashed_for_every_user(hashes: Hashes) -> None:
    digest, secrets = hashed("r" * (LONGEST_REALM + 1)), table()
    assert hashes.of(lambda: judged(digest, secrets)) == 0
    assert judged(digest, secrets).reason.startswith("userhash: too many realms")


def test_hashes_that_had_to_go_count_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two realms in turn, with room for one: each making is one of those that a run has."""
    monkeypatch.setattr(hashed_users, "MOST_HASHES", 5)
    made: list[str] = []
    users = HashedUsers([f"u{number}" for number in range(4)], ())

    def hashed(user: str) -> str:
        made.append(user)
        return user

    for realm in ("a", "b") * 100:
        users.find("x" * 32, "MD5", realm, hashed)
    assert len(made) == MOST_TABLES * 4


def test_users_seen_around_the_request_are_few(hashes: Hashes) -> None:
    context = DigestContext(users=tuple(f"v{number}" for number in range(10_000)))
    digest = hashed("lab", "nobody")
    cost = hashes.of(lambda: judge(digest, Secrets(for_all=Secret("p")), context))
    assert cost <= MOST_SEEN


@pytest.mark.parametrize("realms", [("lab",), ("",), ("lab", ""), ("elsewhere",)])
def test_thousands_of_passwords_of_one_user(hashes: Hashes, realms: tuple[str, ...]) -> None:
    entries = [Secret(f"p{number}", username="u1", realm=realm) for number in range(5000) for realm in realms]
    secrets = Secrets(entries, for_all=Secret("all"))
    verdict: list[DigestVerdict] = []
    cost = hashes.of(lambda: verdict.append(judged(PLAIN, secrets)))
    assert cost <= (MOST_TRIED + 1) * 16 + SEARCHED * LATE * PER_TRIAL
    if realms != ("elsewhere",):
        assert verdict[0].verdict == "unknown", "one that was not tried may be the right one"
        assert verdict[0].reason == f"more than {MOST_TRIED} passwords are known for u1: not all were tried"


def test_one_of_many_realms_of_a_user_is_found_without_looking_through_them() -> None:
    secrets = Secrets(Secret(f"p{number}", username="u1", realm=f"r{number}") for number in range(5000))
    assert judged(signed(PLAIN._replace(realm="r4999"), "p4999"), secrets).verdict == "match"
    assert len(secrets.lookup("u1", "r4999")) == 1
    assert len(secrets.elsewhere("u1", "r4999")) == MOST_TRIED
    assert secrets.lookup("u1", "") == []


def test_the_last_of_as_many_passwords_as_are_tried_is_found() -> None:
    entries = [Secret(f"p{number}", username="u1") for number in range(MOST_TRIED)]
    secrets = Secrets(entries, for_all=Secret("all"))
    for password in ("p0", f"p{MOST_TRIED - 1}", "all"):
        assert judged(signed(PLAIN, password), secrets).verdict == "match"
    assert judged(PLAIN, secrets).verdict == "mismatch"


CHANGES: dict[str, Callable[[int], str]] = {
    "username": lambda number: f"x{number}",
    "realm": lambda number: f"r{number}",
    "nonce": lambda number: f"n{number}",
    "uri": lambda number: f"sip:{number}.invalid",
    "algorithm": lambda number: ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256")[number % 5],
    "cnonce": lambda number: f"c{number}",
    "nc": lambda number: f"{number:08x}",
    "response": lambda number: f"{number:032x}",
}


@pytest.mark.parametrize("changing", [*CHANGES, "all"])
def test_whatever_changes_the_search_for_causes_is_bounded_by_the_run(hashes: Hashes, changing: str) -> None:
    """Beyond the total of the run a request costs its verdict and `LATE` trials, whatever was found before."""
    total, requests = 2000, 60
    diagnoser = Diagnoser(total=total)
    diagnoser._found.update(one.id for one in all_hypotheses())
    secrets = Secrets(Secret(f"p{number}", username=f"u{number}") for number in range(USERS))
    secrets = Secrets(secrets, for_all=Secret("for all"))
    for number in range(requests):
        names = CHANGES if changing == "all" else [changing]
        digest = PLAIN._replace(**{name: CHANGES[name](number) for name in names})  # type: ignore[arg-type]
        judge(digest, secrets, None, diagnoser)
    assert hashes.count <= (total + BUDGET) * PER_TRIAL + requests * (2 * 16 + 2 * LATE * PER_TRIAL)


def test_long_values_use_up_the_run_by_their_octets(hashes: Hashes) -> None:
    """Sixty requests whose every value has 60,000 octets: what is hashed stays within the octets of the bounds."""
    diagnoser = Diagnoser(total=100)
    secrets = Secrets(for_all=Secret("p"))
    for number in range(60):
        long = f"{number}" + "x" * 60_000
        judge(PLAIN._replace(username=long, nonce=long, uri=long, cnonce=long), secrets, None, diagnoser)
    # 250 kB of values: the verdict hashes them once, the last searches base and one trial more, the first ones 4 MB
    assert hashes.octets < 60 * 4 * 260_000 + 30_000_000
    assert len(diagnoser._results) == 0, "what is that long is not kept"


def test_recipes_that_are_only_looked_at_are_counted_too() -> None:
    def again(recipe: Recipe, case: Case) -> Iterator[Trial]:
        return itertools.repeat(Trial(recipe._replace(uri=b"x"), "the same for ever"))

    endless = [Hypothesis(f"D{number}", "", again, cheap=True) for number in range(20)]
    search = Search(Case(PLAIN, Secret("p"), Secrets(), DigestContext()), BUDGET)
    assert run(search, endless, pairs=True) is None
    assert search.trials == 2
    assert search.looks == 0, "of millions of pairs so many were looked at"
    assert LOOKS < 20 * 400 * 400


def test_secrets_that_are_all_the_same_are_not_all_looked_through() -> None:
    looked: list[int] = []

    class Counted(Secrets):
        def __iter__(self) -> Iterator[Secret]:
            for number, secret in enumerate(super().__iter__()):
                looked.append(number)
                yield secret

    secrets = Counted(Secret("same", username=f"u{number}") for number in range(20_000))
    judge(PLAIN, secrets)
    assert max(looked) < 1000


def test_accounts_that_were_searched_in_vain_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.register.digest.diagnosis.diagnoser.MOST_ACCOUNTS", 10)
    diagnoser = Diagnoser(total=0)
    for number in range(100):
        judge(PLAIN._replace(username=f"u{number}"), Secrets(for_all=Secret("p")), None, diagnoser)
    assert len(diagnoser._fruitless) == 10


def test_first_values_of_a_kind() -> None:
    assert first_of(["a", "b", "a", "", "c"]) == ("a", "b", "", "c")
    assert len(first_of(str(number) for number in range(10_000))) == MOST_SEEN
    assert first_of(["x" * (LONGEST_SEEN + 1), "y"]) == ("y",)
    assert len(first_of(itertools.repeat("x"))) == 1


def report(items: list[Item], secrets: Secrets) -> Report:
    return analyze_items(items, secrets=secrets)


def authorization(number: int, user: str = "u1") -> str:
    values = f'username="{user}", realm="lab", nonce="n{number}", uri="sip:lab", response="{number:032x}"'
    return f"Authorization: Digest {values}\r\n"


def test_a_request_of_very_many_credentials(hashes: Hashes) -> None:
    rows = "".join(authorization(number) for number in range(2000))
    told = report([request(0, extra=rows)], table())
    assert hashes.count <= MOST_JUDGED * (16 + BUDGET * PER_TRIAL)
    assert told.summary.digests == {"mismatch": MOST_JUDGED, "unknown": 2000 - MOST_JUDGED}
    assert told.digests[-1].judged.reason == f"more than {MOST_JUDGED} credentials in one request: not judged"


def test_a_request_of_very_many_contacts_and_vias(hashes: Hashes) -> None:
    """Each may be what a client has hashed; thousands of them are not tried."""
    rows = "".join(
        f"Contact: <sip:c{number}@h{number}.invalid>\r\nVia: SIP/2.0/UDP v{number}.invalid;branch=z9hG4bK{number}\r\n"
        for number in range(3000)
    )
    secrets = table()
    told = report([request(0, extra=rows + authorization(1))], secrets)
    assert told.summary.digests == {"mismatch": 1}
    assert hashes.count <= 16 + BUDGET * PER_TRIAL
