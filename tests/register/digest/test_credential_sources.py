"""Credential files that are no files, and files that are too much: one line, exit code 2, and no hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer.capture.tshark import program
from analyzer.capture.tshark.program import check_keylog
from analyzer.defect import SourceError
from analyzer.register.digest import credential_files
from analyzer.register.digest import credential_lines as _lines
from analyzer.register.digest import credential_source as _source
from analyzer.register.digest.credential_files import freeswitch_xml, kamailio_sql, parse_credentials
from analyzer.register.digest.credential_files import read_credentials as read
from analyzer.register.digest.secret import CredentialsError
from analyzer.register.digest.secrets import read_password_file
from tests.shared import ROOT

CAPTURE = ROOT / "samples" / "wrong-password" / "input.pcapng"
ROW = b"alice,,s3cret\n"


def refused(read: Callable[[Path], object], path: str | Path) -> str:
    """The one line with which a file is refused, without its name."""
    with pytest.raises(CredentialsError) as caught:
        read(Path(path))
    text = str(caught.value)
    assert "\n" not in text
    assert "s3cret" not in text
    assert text.startswith(str(path))
    return text.removeprefix(str(path)).lstrip(":")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "PATIENCE", 0.05)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds at a thousandth of their size."""
    monkeypatch.setattr(_source, "MOST_OCTETS", 300_000)
    monkeypatch.setattr(_source, "MOST_LINES", 8000)
    monkeypatch.setattr(credential_files, "MOST_ENTRIES", 2000)


def writing(path: Path, pieces: Iterator[bytes] | list[bytes]) -> threading.Thread:
    """A writer that opens the pipe, writes each piece by itself, and ends, also where nobody reads on."""

    def write() -> None:
        try:
            with open(path, "wb", buffering=0) as pipe:
                for piece in pieces:
                    pipe.write(piece)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def endless(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_without_end(device: str) -> None:
    assert refused(read, device) == " is longer than 0 MiB, which no credential file is"
    if device == "/dev/zero":  # the other has line feeds
        assert refused(read_password_file, device) == "1: the first line is longer than 65536 octets"


def test_the_real_bound_is_reached_by_a_device() -> None:
    assert refused(read, "/dev/zero") == " is longer than 256 MiB, which no credential file is"


@pytest.mark.parametrize("reader", [read, read_password_file])
def test_a_folder(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    assert refused(reader, tmp_path) == " Is a directory"


@pytest.mark.parametrize("reader", [read, read_password_file])
@pytest.mark.usefixtures("impatient")
def test_a_pipe_that_nobody_writes_to(fifo: Path, reader: Callable[[Path], object]) -> None:
    assert refused(reader, fifo) == " nothing was written to this pipe for 0.05 seconds"


@pytest.mark.usefixtures("impatient")
def test_a_pipe_whose_writer_says_nothing_more(fifo: Path) -> None:
    done = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield ROW
        done.wait(30)

    writer = writing(fifo, pieces())
    assert refused(read, fifo) == " nothing was written to this pipe for 0.05 seconds"
    done.set()
    writer.join(30)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("piece", [b"x" * 1000, b"alice,,s\n" * 100, b"\n" * 1000, b"\0"])
def test_a_pipe_whose_writer_never_ends(fifo: Path, piece: bytes) -> None:
    writer = writing(fifo, endless(piece))
    assert "is longer than" in refused(read, fifo)
    writer.join(30)
    assert not writer.is_alive()


@pytest.mark.parametrize("pieces", [[ROW], [ROW[:3], ROW[3:]], [bytes([octet]) for octet in ROW], [ROW * 9000]])
def test_a_pipe_whose_writer_ends_is_a_file(fifo: Path, pieces: list[bytes]) -> None:
    writer = writing(fifo, pieces)
    found = read(fifo)
    assert {(one.username, one.reveal()) for one in found} == {("alice", b"s3cret")}
    assert len(found) == len(b"".join(pieces)) // len(ROW)
    writer.join(30)


def test_of_a_password_the_first_line_is_enough(fifo: Path) -> None:
    """What comes after it is not waited for: the writer may keep the pipe open."""
    done = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"s3c"
        yield b"ret\r\nmore"
        done.wait(30)

    writer = writing(fifo, pieces())
    assert read_password_file(fifo).reveal() == b"s3cret"
    done.set()
    writer.join(30)


def test_a_link_is_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "users").write_bytes(ROW)
    (tmp_path / "link").symlink_to("users")
    assert [one.username for one in read(tmp_path / "link")] == ["alice"]
    (tmp_path / "circle").symlink_to("circle")
    assert refused(read, tmp_path / "circle") == " Too many levels of symbolic links"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"a,,b\n" * 2001, " holds more than 2000 secrets"),
        (b"a:lab:" + b"0" * 32 + b"\n" + (b"b:c:" + b"1" * 32 + b"\n") * 2000, " holds more than 2000 secrets"),
        (b"INSERT INTO subscriber VALUES " + b"(1,'a','d','p')," * 2001, " holds more than 2000 secrets"),
        (b"a,,b\n" + b"\n" * 8000, " has more than 8000 lines"),
        (b"a,,b\r" * 8001, " has more than 8000 lines"),
    ],
)
def test_too_much_of_something(tmp_path: Path, octets: bytes, reason: str) -> None:
    (tmp_path / "users").write_bytes(octets)
    assert refused(read, tmp_path / "users") == reason


@pytest.mark.usefixtures("small")
def test_as_much_as_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "users").write_bytes(b"a,,b\n" * 2000)
    assert len(read(tmp_path / "users")) == 2000


def of_text(text: str | bytes) -> str:
    octets = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(CredentialsError) as caught:
        parse_credentials(octets, "file")
    return str(caught.value)


LONG = "x" * _lines.LONGEST_LINE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"a,,b\n{LONG},,c\n", 2),
        (f"a:lab:{'0' * 32}\n\nb:{LONG}:{'0' * 32}\n", 3),
        (f"[a]\nsecret=b\n[b]({LONG})\n", 3),
        (f"a,,b\n{',' * len(LONG)}\n", 2),
    ],
)
def test_a_line_without_end_among_others(text: str, line: int) -> None:
    assert of_text(text) == f"file:{line}: is longer than 1048576 octets"


@pytest.mark.parametrize("octets", [b"," * (1 << 21), b"\0" * (1 << 21), b":" * (1 << 21), b" " * (1 << 21)])
def test_a_first_line_without_end_is_of_no_format(octets: bytes) -> None:
    assert of_text(octets).startswith("file: is none of:")


USER = '<user id="a"><params><param name="password" value="{}"/></params></user>'


def test_xml_that_nests_deeper_than_the_parser_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeswitch_xml, "MOST_DEPTH", 100)
    assert of_text("<a>" * 101) == "file:1: has elements nested deeper than 100"
    side_by_side = "<d>" + "<x><y/></x>" * 1000 + USER.format("p") + "</d>"
    assert len(parse_credentials(side_by_side.encode(), "file")) == 1


def test_xml_of_very_many_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeswitch_xml, "MOST_ELEMENTS", 100)
    assert of_text("<d>" + "<x/>\n" * 200 + "</d>") == "file:100: has more than 100 elements"


def test_xml_of_very_many_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeswitch_xml, "MOST_ENTRIES", 10)
    assert of_text("<d>" + USER.format("p") * 20 + "</d>") == "file:1: holds more than 10 secrets"


def test_variables_of_xml_are_no_bomb() -> None:
    """A variable of 60,000 characters that is named 60,000 times would be 3.6 GB."""
    variable = f'<X-PRE-PROCESS cmd="set" data="v={"x" * 60_000}"/>'
    text = f"<d>{variable}{USER.format('$${v}' * 60_000)}</d>"
    tracemalloc.start()
    assert of_text(text) == "file:1: has a value of more than 65536 characters"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(text)


def test_entities_of_xml_are_refused() -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><d>&b;</d>'
    assert of_text(bomb) == "file:1: has a document type declaration"


def test_a_long_value_that_is_no_password_does_not_matter() -> None:
    text = f'<d><user id="a"><param name="note" value="{"x" * 70_000}"/><param name="password" value="p"/></user></d>'
    assert [one.reveal() for one in parse_credentials(text.encode(), "file")] == [b"p"]


def test_an_insert_of_one_endless_row() -> None:
    text = "INSERT INTO subscriber VALUES (1,'a'" + ",'p'" * 5000
    assert of_text(text) == f"file:1: has more than {kamailio_sql.MOST_COLUMNS} columns"


def test_a_copy_of_one_endless_row() -> None:
    text = "COPY subscriber (id, username, password) FROM stdin;\n1\ta\tp" + "\tp" * 5000
    assert of_text(text) == f"file:2: has more than {kamailio_sql.MOST_COLUMNS} columns"


@pytest.mark.parametrize("fill", ["x", "''", "\\x", "(", "x''"])
def test_a_quote_without_its_fellow_does_not_take_the_stack(fill: str) -> None:
    """What follows it is searched with little memory, and the row ends there."""
    text = "INSERT INTO subscriber VALUES (1,'a','lab','p'),(2,'" + fill * 300_000
    tracemalloc.start()
    assert of_text(text) == "file:1: has no user name"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * len(text)


def test_a_long_value_of_sql_is_read() -> None:
    text = f"INSERT INTO subscriber VALUES (1,'a','lab','{'x' * 200_000}');"
    assert [len(one.reveal()) for one in parse_credentials(text.encode(), "file")] == [200_000]


def test_asterisk_sections_without_secrets_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.register.digest.credential_files.asterisk_conf.MOST_ENTRIES", 10)
    assert of_text("[a]\n" * 20) == "file:11: has more than 10 sections"


def test_asterisk_includes_and_circles_of_templates_go_nowhere() -> None:
    """An include is not followed, and a template takes from those above it alone."""
    text = "[a](!,b)\nsecret=pa\n#include file\n[b](!,a)\n#include /dev/zero\n[c](b,a,c)\n[d](d)\nsecret=pd\n"
    found = parse_credentials(text.encode(), "file")
    assert [(one.username, one.reveal()) for one in found] == [("c", b"pa"), ("d", b"pd")]


def sipcheck(*words: str | Path, shell: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analyzer", "verify-digest", str(CAPTURE), *map(str, words)]
    if shell:
        command = ["bash", "-c", f'"$@" --credentials {shell}', "bash", *command]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("option", ["--credentials", "--password-file"])
def test_the_command_says_one_line(option: str) -> None:
    done = sipcheck(option, "/dev/zero")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "/dev/zero" in done.stderr


def test_a_shells_substitution_is_a_file() -> None:
    users = ROOT / "samples" / "wrong-password" / "users.csv"
    plain, piped = sipcheck("--credentials", users), sipcheck(shell=f"<(cat {users})")
    assert (piped.returncode, piped.stdout) == (plain.returncode, plain.stdout)
    assert plain.returncode == 1


def refused_keys(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        check_keylog(str(path))
    return str(caught.value)


KEYS = b"CLIENT_RANDOM " + b"0" * 64 + b" " + b"1" * 96 + b"\n"


def test_a_key_log_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "LOOKED_AT", 10_000)
    (tmp_path / "keys").write_bytes(b"# words\n" + KEYS + b"x" * 100_000)
    check_keylog(str(tmp_path / "keys"))
    (tmp_path / "keys").write_bytes(b"x" * 20_000 + b"\n" + KEYS)
    assert "is no TLS key log" in refused_keys(tmp_path / "keys")


def test_a_key_log_that_is_too_long(tmp_path: Path) -> None:
    with open(tmp_path / "keys", "wb") as file:
        file.write(KEYS)
        file.truncate(program.MOST_KEYS + 1)  # a hole: it takes no room
    assert "the key log is longer than 1024 MiB" in refused_keys(tmp_path / "keys")
    with open(tmp_path / "keys", "r+b") as file:
        file.truncate(program.MOST_KEYS)
    check_keylog(str(tmp_path / "keys"))


def test_a_key_log_that_is_no_file(fifo: Path, tmp_path: Path) -> None:
    for path in (fifo, tmp_path, Path("/dev/zero")):
        assert "the key log must be a plain file" in refused_keys(path)
