"""What a search costs, what it never says, and that it never falls over a wire value."""

from __future__ import annotations

import itertools
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.register.digest.arithmetic import Reading, expected
from analyzer.register.digest.diagnosis.context import DigestContext, Sent
from analyzer.register.digest.diagnosis.diagnoser import Diagnoser
from analyzer.register.digest.diagnosis.engine import BUDGET, SINGLES, Search, all_hypotheses, diagnose, run
from analyzer.register.digest.diagnosis.hypothesis import Case
from analyzer.register.digest.diagnosis.recipe import recipe_of
from analyzer.register.digest.diagnosis.uris import host_of, host_port_of, scheme_of, user_of, with_host
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import judge

WRONG = DigestInput("1001", "lab.invalid", "n0nce", "sip:lab.invalid", "0" * 32, "MD5", "auth", "00000001", "c1")
PASSWORD = "zQ9#vK2!xW7@"
WIDE = DigestContext(
    realms=tuple(f"r{i}" for i in range(1000)),
    users=tuple(f"u{i}" for i in range(1000)),
    uris=tuple(f"sip:u{i}@h{i}.invalid" for i in range(1000)),
    hosts=tuple(f"10.0.{i // 250}.{i % 250}:5060" for i in range(1000)),
    nonces=tuple(f"n{i}" for i in range(1000)),
    others=tuple(("INVITE", f"sip:{i}@a.invalid") for i in range(1000)),
    bodies=tuple(b"%d" % i for i in range(1000)),
)


def signed(password: str, digest: DigestInput = WRONG) -> DigestInput:
    right = expected(Reading(digest, (digest.nonce, digest.cnonce)), Secret(password))
    assert right is not None
    return digest._replace(response=right)


@pytest.mark.parametrize("context", [DigestContext(), WIDE], ids=["alone", "wide"])
def test_a_random_password_has_no_diagnosis(context: DigestContext) -> None:
    search = Search(Case(signed("pX4$random&else"), Secret(PASSWORD), Secrets(), context), BUDGET)
    assert run(search, all_hypotheses(), pairs=True) is None
    assert search.trials <= BUDGET
    assert search.trials > 300, "a search that tries nothing finds nothing"


@pytest.mark.parametrize("budget", [0, 1, 50])
def test_the_budget_holds(budget: int) -> None:
    search = Search(Case(WRONG, Secret(PASSWORD), Secrets(), WIDE), budget)
    assert run(search, all_hypotheses(), pairs=True) is None
    assert search.trials == budget


def test_a_budget_too_small_finds_less() -> None:
    digest = signed(PASSWORD.lower())
    assert diagnose(digest, Secret(PASSWORD), budget=10) is None
    found = diagnose(digest, Secret(PASSWORD))
    assert found is not None
    assert found.hypothesis == "D15"


def test_no_recipe_is_computed_twice() -> None:
    search = Search(Case(WRONG, Secret(PASSWORD), Secrets(), DigestContext()), 10_000)
    run(search, all_hypotheses(), pairs=True)
    assert search.trials == len(search.seen) + 1, "D31 looks at the unchanged one again, in its own way"


def test_a_long_password_does_not_cost_more() -> None:
    search = Search(Case(WRONG, Secret("ab;" * 20_000), Secrets(), DigestContext()), BUDGET)
    run(search, all_hypotheses(), pairs=False)
    assert search.trials < SINGLES


def test_long_values_do_not_cost_more() -> None:
    huge = WRONG._replace(username="u" * 60_000, uri="sip:" + "h" * 60_000, nonce="n" * 60_000)
    diagnoser = Diagnoser()
    assert judge(huge, Secrets(for_all=Secret(PASSWORD)), DigestContext(), diagnoser).verdict == "mismatch"
    assert diagnoser.trials < 40
    assert diagnoser.tried.startswith("part of ")


def test_a_malformed_response_is_not_searched_in_vain() -> None:
    search = Search(Case(WRONG._replace(response="0" * 19), Secret(PASSWORD), Secrets(), WIDE), BUDGET)
    assert run(search, all_hypotheses(), pairs=True) is None
    assert search.trials < 20


@pytest.mark.parametrize("length", [1, 4, 7])
def test_a_short_piece_of_a_response_proves_nothing(length: int) -> None:
    digest = signed(PASSWORD)
    assert diagnose(digest._replace(response=digest.response[:length]), Secret(PASSWORD)) is None


def test_a_run_remembers() -> None:
    diagnoser = Diagnoser()
    secret = Secret(PASSWORD)
    first = diagnoser.diagnose(signed(PASSWORD.lower()), secret, Secrets())
    spent = diagnoser.trials
    assert first is not None
    assert diagnoser.diagnose(signed(PASSWORD.lower()), secret, Secrets()) is first
    assert diagnoser.trials == spent


def test_a_guessed_account_is_soon_searched_for_less() -> None:
    diagnoser = Diagnoser()
    costs = []
    for number in range(8):
        before = diagnoser.trials
        diagnoser.diagnose(WRONG._replace(nonce=f"n{number}"), Secret(PASSWORD), Secrets())
        costs.append(diagnoser.trials - before)
    assert max(costs[3:]) < min(costs[:3]) / 2
    assert diagnoser.tried == "D01-D37 alone"
    assert diagnoser.skipped == 5


def test_a_storm_of_wrong_passwords_is_bounded_and_still_finds_its_cause() -> None:
    """After the total is spent, the causes that others had are still tried."""
    diagnoser = Diagnoser(total=3000)
    secrets = Secrets.of({f"u{i}": f"{PASSWORD}{i}" for i in range(400)})
    verdicts = []
    for number in range(400):
        digest = WRONG._replace(username=f"u{number}")
        sent = signed(f"{PASSWORD}{number}\n", digest) if number % 2 else digest
        verdicts.append(judge(sent, secrets, None, diagnoser))
    assert all(verdict.verdict == "mismatch" for verdict in verdicts)
    assert all(bool(verdict.diagnosis) is bool(number % 2) for number, verdict in enumerate(verdicts))
    assert diagnoser.trials < 3000 + BUDGET + 400 * 20
    assert "mistakes found before" in verdicts[-2].reason


def texts_of(password: str, digest: DigestInput, secrets: Secrets, context: DigestContext) -> str:
    verdict = judge(digest, secrets, context)
    assert verdict.diagnosis is not None
    assert password not in repr(secrets)
    return f"{verdict!r} {verdict.diagnosis.text} {verdict.diagnosis.formula} {verdict.reason}"


@pytest.mark.parametrize("changed", ["username", "realm", "nonce", "cnonce", "uri", "nc", "qop"])
def test_a_value_that_is_the_password_is_not_shown(changed: str) -> None:
    """The client hashed the password where another value belongs: the context knows that value from elsewhere."""
    hashed = WRONG._replace(**{changed: PASSWORD})  # type: ignore[arg-type]
    digest = signed(PASSWORD, hashed)._replace(**{changed: getattr(WRONG, changed)})
    context = DigestContext(
        users=(PASSWORD,),
        realms=(PASSWORD,),
        nonces=(PASSWORD,),
        first=(WRONG.nonce, PASSWORD),
        uris=(PASSWORD,),
        request_uri=PASSWORD,
        previous_nc=PASSWORD,
        qop_offers=(PASSWORD,),
    )
    assert PASSWORD not in texts_of(PASSWORD, digest, Secrets.of({"1001": PASSWORD}), context)


# The beginning is no word of the program's own: a password like "DigestVer" stands in the name of a class, which is no
# leak. The lengths are those of passwords that the diagnosis cuts.
PASSWORDS = st.text(string.ascii_letters + string.digits + ";&%@ ", min_size=4, max_size=19).map("qX7Zk".__add__)


@given(PASSWORDS, st.integers(0, 11))
@example("qX7ZkDigestVer", 0)
@settings(max_examples=60, deadline=None)
def test_no_text_holds_the_password(password: str, which: int) -> None:
    forms = [
        password + "\n",
        password[:8],
        password.upper() + "A",
        password.swapcase(),
        password + " ",
        "",
        "1001",
        password.replace("&", "&amp;"),
        "other-secret",
        password + "\0",
        password.strip(),
        password[::-1],
    ]
    verdict = judge(signed(forms[which]), Secrets.of({"1001": password, "1002": "other-secret"}))
    assert password not in repr(verdict)
    assert "other-secret" not in repr(verdict)


def test_no_text_holds_an_ha1() -> None:
    recipe = recipe_of(signed(PASSWORD), Secret(PASSWORD))
    assert recipe is not None
    stored = recipe._ha1().decode()
    secrets = Secrets([Secret(stored, username="1001", realm="lab.invalid", kind="ha1")])
    for changed in ({"nc": "1"}, {"uri": "sip:lab.invalid:5060"}, {"qop": "AUTH"}):
        digest = signed(PASSWORD, WRONG._replace(**changed))  # type: ignore[arg-type]
        shown = digest._replace(nc=WRONG.nc, uri=WRONG.uri, qop=WRONG.qop)
        assert stored not in texts_of(stored, shown, secrets, DigestContext())


def test_a_recipe_does_not_print_what_it_holds() -> None:
    recipe = recipe_of(WRONG, Secret(PASSWORD))
    assert PASSWORD not in f"{recipe!r} {recipe} {recipe and recipe.formula()}"
    assert "********" in repr(recipe)


wire = st.text(max_size=30) | st.binary(max_size=30).map(lambda octets: octets.decode("utf-8", "surrogateescape"))


@given(
    st.tuples(*[wire] * 9),
    st.tuples(*[wire] * 6),
    st.sampled_from(["", "MD5", "MD5-sess", "SHA-256", "SHA-512-256-sess", "AKAv1-MD5", "AKAv2-MD5"]),
    st.sampled_from(["password", "ha1", "key"]),
)
@settings(max_examples=40, deadline=None)
def test_no_wire_value_makes_it_raise(
    values: tuple[str, ...], seen: tuple[str, ...], algorithm: str, kind: str
) -> None:
    username, realm, nonce, uri, response, qop, nc, cnonce, password = values
    digest = DigestInput(username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, escaped=(("realm", realm),))
    context = DigestContext(
        realms=seen,
        users=seen,
        request_uri=seen[0],
        uris=seen,
        hosts=seen,
        nonces=seen,
        first=(seen[1], seen[2]),
        previous_nc=seen[3],
        qop_offers=seen,
        earlier=(Sent(seen[4], seen[5]),),
        others=((seen[0], seen[1]),),
    )
    secret = Secret(password.encode("utf-8", "ignore"), username=username, kind=kind)  # type: ignore[arg-type]
    judge(digest, Secrets([secret]), context, Diagnoser(budget=300))
    diagnose(digest, secret, context, budget=300)


@pytest.mark.parametrize(
    "uri", ["", ":", "@", "[", "sip:", "sip:@", "sip:[::1", "sip:[::1]:5060", "a" * 1000, ";=;", "<>"]
)
def test_parts_of_what_may_be_no_uri(uri: str) -> None:
    assert isinstance(with_host(uri, "h:1"), str)
    assert all(isinstance(part(uri), str) for part in (host_of, host_port_of, user_of, scheme_of))


def test_parts_of_a_uri() -> None:
    uri = "sips:bob:pw@[::1]:5061;transport=tcp"
    assert (scheme_of(uri), user_of(uri), host_of(uri), host_port_of(uri)) == ("sips:", "bob", "[::1]", "[::1]:5061")
    assert with_host(uri, "a.b:7") == "sips:bob:pw@a.b:7;transport=tcp"
    assert with_host("sip:a", "b") == "sip:b"


def test_each_hypothesis_can_be_found() -> None:
    """Ids and titles are told apart, and each generator yields something for credentials with a rich context."""
    digest = signed(PASSWORD, WRONG._replace(username="10 01", opaque="op", body=b"x"))
    digest = digest._replace(escaped=(("realm", "a\\b"),))
    context = WIDE._replace(first=("f", "c"), earlier=(Sent(digest.response, "older"),), qop_offers=("auth",))
    secrets = Secrets.of({"1001": PASSWORD, "1002": "other"})
    silent = {"D02", "D08", "D35", "D36", "D37"}  # they need a header without qop or nc, hex digits, AKA, -sess
    for hypothesis in all_hypotheses():
        base = recipe_of(digest, Secret(PASSWORD))
        assert base is not None
        trials = list(itertools.islice(hypothesis.trials(base, Case(digest, Secret(PASSWORD), secrets, context)), 5))
        assert bool(trials) is (hypothesis.id not in silent), hypothesis.id
        assert all(trial.text and trial.text.count("{}") <= 1 for trial in trials)
