"""What is made up without end: clients, Call-IDs, realms, nonces, names, passwords. Work grows with how many there are,
also while the oldest are given up all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from analyzer.evidence import Item, Source
from analyzer.register import bounded, challenges, exchanges, registry
from analyzer.register.digest.credential_files import parse_credentials
from analyzer.register.digest.diagnosis.diagnoser import Diagnoser
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import CredentialsError
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import judge
from analyzer.run.pipeline import Analysis
from tests.hardness.growth import squares, trap
from tests.register.traffic import answer, request

Run = Callable[[], object]
CHALLENGE = 'WWW-Authenticate: Digest realm="{}", nonce="{}"\r\n'


def tight(items: Iterable[Item]) -> Run:
    """Analysis with room for few, so that things are given up from early on."""
    kept = list(items)

    def run() -> None:
        registry.MOST_REGISTRATIONS = 60
        registry.MOST_STREAMS = 60
        exchanges.MOST_EXCHANGES = 20
        challenges.MOST_NONCES = 40
        bounded.MOST_OCTETS = 20_000
        analysis = Analysis([Source("bulk")], detail=False, secrets=Secrets(for_all=Secret("s3cret")))
        for item in kept:
            analysis.feed(item)
        assert not analysis.finish().failed

    return run


def clients(count: int, every: float, status: int) -> Iterator[Item]:
    for number in range(count):
        name = f"u{number}"
        given: dict[str, Any] = {"user": name, "call": name, "branch": f"z9hG4bK{number}", "contact": f"h{number}"}
        yield request(number * every, **given)
        if status:
            yield answer(number * every, status, extra=CHALLENGE.format("r", f"n{number}"), **given)


@trap(150, full=100_000)
def made_up_clients(n: int) -> Run:
    return tight(clients(n, 1, 0))


@trap(150, full=100_000)
def made_up_clients_that_are_challenged(n: int) -> Run:
    return tight(clients(n, 1, 401))


@trap(150, full=100_000)
def made_up_clients_that_are_served(n: int) -> Run:
    return tight(clients(n, 1, 200))


@trap(150, full=100_000)
def made_up_clients_within_a_second(n: int) -> Run:
    """None can be given up: all wait for an answer."""
    return tight(clients(n, 0, 0))


@trap(150, full=1_000_000)
def call_ids(n: int) -> Run:
    return tight(request(number, call=f"c{number}", branch=f"z9hG4bK{number}") for number in range(n))


def challenged(count: int, realm: str, nonce: str) -> Iterator[Item]:
    for number in range(count):
        extra = CHALLENGE.format(realm.format(number), nonce.format(number))
        yield request(number, branch=f"z9hG4bK{number}", cseq=number)
        yield answer(number, 401, branch=f"z9hG4bK{number}", cseq=number, extra=extra)


@trap(100, full=100_000)
def realms(n: int) -> Run:
    return tight(challenged(n, "r{}", "n"))


@trap(100, full=100_000)
def realms_that_are_long(n: int) -> Run:
    return tight(challenged(n, "r{}" + "r" * 2000, "n"))


@trap(100, full=1_000_000)
def nonces_that_are_long(n: int) -> Run:
    return tight(challenged(n, "r", "n{}" + "n" * 2000))


@trap(8_000, full=60_000)
def names_that_are_long(n: int) -> Run:
    """Ten requests, each with names of its own that fill it."""

    def items() -> Iterator[Item]:
        for number in range(10):
            name = f"u{number}" + "x" * n
            values = f'username="{name}", realm="{name}", nonce="{name}", uri="sip:{name}", cnonce="{name}"'
            extra = f'Authorization: Digest {values}, response="{number:032x}"\r\n'
            yield request(number, user=name, call=name, branch=f"z9hG4bK{number}", contact=f"h{name}", extra=extra)

    return tight(items())


@trap(150, full=100_000)
def hashed_users_of_ever_new_realms(n: int) -> Run:
    """Fifty users are known; beyond the bound of the run a request costs nothing for them."""
    secrets = Secrets.of({f"u{number}": "p" for number in range(50)})
    sent = [DigestInput("0" * 32, f"r{number}", "n", "sip:a", "1" * 32, userhash=True) for number in range(n)]

    def run() -> None:
        diagnoser = Diagnoser()
        for digest in sent:
            judge(digest, secrets, None, diagnoser)

    return run


@trap(150, full=20_000)
def passwords_of_one_user(n: int) -> Run:
    """The table is made once; a request then costs the same for any number of them."""

    def run() -> None:
        secrets = Secrets(Secret(f"p{number}", username="u", realm=f"r{number % 2}") for number in range(n))
        diagnoser = Diagnoser(budget=50, total=100)
        for number in range(n):
            judge(DigestInput("u", f"r{number % 3}", "n", "sip:a", f"{number:032x}"), secrets, None, diagnoser)

    return run


def reading(text: str) -> Run:
    octets = text.encode()

    def run() -> None:
        try:
            parse_credentials(octets, "file")
        except CredentialsError:
            pass

    return run


USER = '<user id="u{0}"><params><param name="password" value="$${{v}}{0}"/></params></user>'
FILES: dict[str, Callable[[int], str]] = {
    "rows of CSV": lambda n: "".join(f"u{number},,p\n" for number in range(n)),
    "a row of CSV": lambda n: "u,,p\n" + "," * n,
    "quotes of CSV": lambda n: "u,,p\n" + '"\n",' * n,
    "htdigest": lambda n: "".join(f"u{number}:r:{'0' * 32}\n" for number in range(n)),
    "colons": lambda n: f"u:r:{'0' * 32}\n" + ":" * n,
    "sections": lambda n: "".join(f"[u{number}](u{number - 1})\nsecret=p\n" for number in range(n)),
    "one section of many templates": lambda n: "[a](!)\nsecret=p\n" + f"[b]({','.join(['a'] * n)})\n",
    "register lines": lambda n: "[general]\n" + "".join(f"register => u{number}:p@h\n" for number in range(n)),
    "a register line": lambda n: "[general]\nregister => " + "?:@" * n + "\n",
    "block comments": lambda n: "[a]\nsecret=p\n" + ";-- x\n--;\n" * n,
    "users of XML": lambda n: "<d>" + "".join(USER.format(number) for number in range(n)) + "</d>",
    "depth of XML": lambda n: "<d>" + "<a>" * n + "</a>" * n + "</d>",
    "variables of XML": lambda n: '<d><X-PRE-PROCESS cmd="set" data="v=x"/>' + USER.format("$${v}" * n) + "</d>",
    "rows of SQL": lambda n: "INSERT INTO subscriber VALUES " + "(1,'u','r','p')," * n,
    "statements of SQL": lambda n: "INSERT INTO subscriber VALUES (1,'u','r','p');\n" * n,
    "a row of SQL": lambda n: "INSERT INTO subscriber VALUES (1,'u','r'" + ",'p'" * n,
    "a value of SQL": lambda n: "INSERT INTO subscriber VALUES (1,'u','r','" + "''" * n,
    "quotes without fellow": lambda n: "INSERT INTO subscriber VALUES (1,'u','r','p'),('" * n,
    "rows of COPY": lambda n: "COPY subscriber (username, password) FROM stdin;\n" + "u\tp\n" * n,
}


def _file(name: str, text: Callable[[int], str]) -> None:
    def build(n: int) -> Run:
        return reading(text(n))

    build.__name__ = name.replace(" ", "_")
    trap(2_000, full=200_000)(build)


for _name, _text in FILES.items():
    _file(_name, _text)


@pytest.mark.timeout(600)
def test_work_grows_with_what_is_made_up() -> None:
    assert squares(__name__) == {}
