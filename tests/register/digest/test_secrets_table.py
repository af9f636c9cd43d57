"""The table of secrets, and the secret that never shows itself."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from pathlib import Path

import pytest

from analyzer.register.digest.hashed_users import MOST_TABLES
from analyzer.register.digest.secret import MASK
from analyzer.register.digest.secrets import CredentialsError, Secret, Secrets, read_password_file

PASSWORD = "zQ9#vK2!xW7@"


def values(found: list[Secret]) -> list[bytes]:
    return [secret.reveal() for secret in found]


def test_lookup_goes_from_the_realm_to_any_realm_to_everybody() -> None:
    secrets = Secrets(
        [
            Secret("any", username="alice"),
            Secret("lab", username="alice", realm="lab"),
            Secret("other", username="alice", realm="other"),
            Secret("bob", username="bob", realm="lab"),
        ],
        for_all=Secret("all"),
    )
    assert values(secrets.lookup("alice", "lab")) == [b"lab", b"any", b"all"]
    assert values(secrets.lookup("alice", "third")) == [b"any", b"all"]
    assert values(secrets.lookup("bob", "third")) == [b"all"]
    assert values(secrets.lookup("nobody", "")) == [b"all"]


def test_lookup_is_exact() -> None:
    secrets = Secrets.of({"alice": "x"}, realm="Lab")
    assert not secrets.lookup("alice@Lab", "Lab")
    assert not secrets.lookup("ALICE", "Lab")
    assert not secrets.lookup("alice", "lab")
    assert secrets.lookup("alice", "Lab")


def test_a_realm_that_is_empty_on_the_wire_is_no_wildcard_twice() -> None:
    assert values(Secrets.of({"alice": "x"}).lookup("alice", "")) == [b"x"]


def test_old_and_new_password_are_both_there() -> None:
    secrets = Secrets([Secret("new", username="a"), Secret("old", username="a")])
    assert values(secrets.lookup("a", "r")) == [b"new", b"old"]


def test_elsewhere_gives_passwords_and_no_ha1() -> None:
    secrets = Secrets(
        [
            Secret("p", username="a", realm="x"),
            Secret("0" * 32, username="a", realm="y", kind="ha1"),
            Secret("q", username="a"),
        ]
    )
    assert values(secrets.elsewhere("a", "r")) == [b"p"]
    assert values(secrets.elsewhere("a", "x")) == []


def test_knows_users_and_size() -> None:
    secrets = Secrets(
        [Secret("p", username="a"), Secret("q", username="a"), Secret("r", username="b")], for_all=Secret("s")
    )
    assert list(secrets.users()) == ["a", "b"]
    assert secrets.knows("a")
    assert not secrets.knows("c")
    assert len(secrets) == len(list(secrets)) == 4
    assert not Secrets()


def test_hashed_users_are_made_once_and_for_few_realms() -> None:
    secrets = Secrets.of({"a": "x", "b": "y"})
    made: list[str] = []

    def hashed(user: str) -> str:
        made.append(user)
        return user * 2

    for _ in range(3):
        assert secrets.hashed.find("aa", "MD5", "r", hashed) == "a"
        assert secrets.hashed.find("bb", "MD5", "r", hashed) == "b"
        assert secrets.hashed.find("cc", "MD5", "r", hashed) is None
    assert made == ["a", "b"]
    for number in range(1000):
        secrets.hashed.find("aa", "MD5", str(number), hashed)
    assert len(made) == 2 * MOST_TABLES


def test_load_joins_files_and_the_password_for_everybody(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("alice,,pa\n")
    (tmp_path / "b.htdigest").write_text(f"bob:lab:{'0' * 32}\n")
    secrets = Secrets.load([tmp_path / "a.csv", str(tmp_path / "b.htdigest")], password="all")
    assert values(secrets.lookup("alice", "x")) == [b"pa", b"all"]
    assert secrets.lookup("bob", "lab")[0].is_ha1


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"s3cret\n", b"s3cret"),
        (b"s3cret\r\n", b"s3cret"),
        (b"s3cret", b"s3cret"),
        (b" s3cret \t\n", b" s3cret \t"),
        (b"s3cret\r\r\n", b"s3cret\r"),
        (b"first\nsecond\n", b"first"),
        (b"p\xe4ss\n", b"p\xe4ss"),
    ],
)
def test_password_file(tmp_path: Path, octets: bytes, value: bytes) -> None:
    (tmp_path / "pw").write_bytes(octets)
    secret = read_password_file(tmp_path / "pw")
    assert (secret.reveal(), secret.kind) == (value, "password")
    assert Secrets.load(password_file=tmp_path / "pw").lookup("anyone", "any")[0].reveal() == value


@pytest.mark.parametrize("octets", [b"", b"\n", b"\r\n", b"\nsecond\n"])
def test_password_file_without_password(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "pw").write_bytes(octets)
    with pytest.raises(CredentialsError, match="pw:1: the first line is empty"):
        read_password_file(tmp_path / "pw")


def test_password_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="No such file"):
        read_password_file(tmp_path / "missing")


def test_text_and_octets() -> None:
    assert Secret("pä").reveal() == "pä".encode()
    assert Secret("p\udce4").reveal() == b"p\xe4"
    assert (Secret(b"\xa5\x42").reveal(), Secret(b"\xa5").kind) == (b"\xa5\x42", "key")
    assert Secret(" ABCDEF\n", kind="ha1").reveal() == b"abcdef"
    assert Secret("\ud800").reveal(), "a surrogate that no octet made does not raise"


def test_same_as_and_identity() -> None:
    one, other = Secret("x", username="a"), Secret("x", username="b")
    assert one != other
    assert one.same_as(other)
    assert not one.same_as(Secret("x", kind="ha1"))
    assert other.of("c").same_as(one)
    assert other.of("c").username == "c"


SECRET = Secret(PASSWORD, username="alice", realm="lab", origin="users.csv:3")


@dataclasses.dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        f"{SECRET:>40}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031
        repr([SECRET, {"x": SECRET}]),
        repr(Holder(SECRET)),
        repr(Secrets([SECRET], for_all=SECRET)),
    ],
)
def test_nothing_printed_holds_it(shown: str) -> None:
    assert PASSWORD not in shown
    assert str(len(PASSWORD)) not in shown


def test_the_mask_does_not_tell_the_length() -> None:
    assert repr(Secret("a")) == repr(Secret("a" * 30))
    assert MASK in repr(SECRET)


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_pickled_or_copied(leave: object) -> None:
    assert callable(leave)
    with pytest.raises(TypeError, match="not pickled") as raised:
        leave(SECRET)
    assert PASSWORD not in str(raised.value)
    with pytest.raises(TypeError):
        leave(Secrets([SECRET])) if leave is not copy.copy else leave(SECRET)


def test_it_is_not_turned_into_a_report() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(Holder(SECRET))
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    assert PASSWORD not in json.dumps({"x": SECRET}, default=str)
    assert not hasattr(SECRET, "__dict__")


def test_it_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("the secret is %s %r", SECRET, SECRET)
    assert MASK in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"alice,lab,{PASSWORD}\n,lab,{PASSWORD}\n"),
        ("a.csv", f"alice,lab,{PASSWORD}\nbob,lab,,{PASSWORD}\n"),
        ("a.htdigest", f"alice:lab:{'0' * 32}\nbob:lab:{PASSWORD}\n"),
        ("sip.conf", f"[alice]\nsecret={PASSWORD}\n{PASSWORD}\n"),
        ("sip.conf", f"[alice]\nmd5secret={PASSWORD}\n"),
        ("dir.xml", f'<user id="a"><params><param name="a1-hash" value="{PASSWORD}"/></params></user>'),
        ("dir.xml", f'<user id="a"><params><param name="password" value="{PASSWORD}"></user>'),
        ("k.sql", f"INSERT INTO subscriber VALUES (1,'','lab','{PASSWORD}','','');"),
        ("k.sql", f"INSERT INTO subscriber VALUES (1,'alice','lab','','{PASSWORD}','');"),
        ("what", PASSWORD),
    ],
)
def test_an_error_names_the_line_and_not_its_content(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(CredentialsError) as raised:
        Secrets.load([tmp_path / name])
    error = raised.value
    assert error.source.endswith(name)
    assert (error.line is None) is (name == "what")
    shown = "".join(traceback.format_exception(error))
    assert PASSWORD not in shown
    assert error.__context__ is None or error.__suppress_context__
