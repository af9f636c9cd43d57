"""A growing file, one that is renamed and one that is emptied, and a pipe: what comes, in order, and nothing twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer.capture.followed import Followed, FollowedFile, FollowedPipe
from analyzer.defect import SourceError


class Steps:
    """What happens while the reader waits: one step at each look that finds nothing, then the end."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.followed: Followed | None = None
        self.looks = 0

    def __call__(self) -> None:
        self.looks += 1
        if self.steps:
            self.steps.pop(0)()
        elif self.followed is not None:
            self.followed.end()


def file_of(path: Path, *steps: Callable[[], object], quiet: float = 0.0) -> FollowedFile:
    """A followed file that waits no real time."""
    calm = Steps(*steps)
    calm.followed = followed = FollowedFile(str(path), calm, quiet=quiet, poll=0.0)
    return followed


def appending(path: Path, octets: bytes) -> Callable[[], object]:
    """A step that writes more."""

    def append() -> None:
        with path.open("ab") as out:
            out.write(octets)

    return append


def paragraphs(followed: Followed) -> Iterator[bytes]:
    """All that is read, cut where the stream ends for the time being."""
    while True:
        text = followed.readall()
        if text:
            yield text
        if not followed.more():
            return


def whole(followed: Followed) -> bytes:
    """All that is read."""
    return b"".join(paragraphs(followed))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    return path


def test_what_is_there_and_what_comes_later(log: Path) -> None:
    followed = file_of(log, appending(log, b"two\n"), appending(log, b"three\n"))
    assert list(paragraphs(followed)) == [b"one\n", b"two\n", b"three\n"]
    assert followed.lines == 3
    assert followed.turns == []


def test_a_line_that_is_not_whole_is_waited_for(log: Path) -> None:
    log.write_bytes(b"one\ntw")
    followed = file_of(log, lambda: None, lambda: None, appending(log, b"o\n"))
    assert list(paragraphs(followed)) == [b"one\ntwo\n"]
    assert followed.lines == 2


def test_the_last_line_counts_though_it_is_not_whole(log: Path) -> None:
    log.write_bytes(b"one\ntw")
    assert whole(file_of(log)) == b"one\ntw"


def test_a_log_that_is_renamed_and_begun_anew(log: Path, tmp_path: Path) -> None:
    def rotate() -> None:
        log.rename(tmp_path / "a.log.1")
        with (tmp_path / "a.log.1").open("ab") as out:
            out.write(b"last words\n")
        log.write_bytes(b"new\n")

    followed = file_of(log, rotate)
    assert whole(followed) == b"one\nlast words\nnew\n"
    assert followed.turns == [2]


def test_a_log_that_is_gone_for_a_while(log: Path, tmp_path: Path) -> None:
    followed = file_of(
        log, lambda: log.rename(tmp_path / "a.log.1"), lambda: None, lambda: log.write_bytes(b"new\n"), lambda: None
    )
    assert whole(followed) == b"one\nnew\n"
    assert followed.turns == [1]


def test_an_open_line_ends_where_the_log_is_renamed(log: Path, tmp_path: Path) -> None:
    def rotate() -> None:
        log.rename(tmp_path / "a.log.1")
        log.write_bytes(b"new\n")

    log.write_bytes(b"one\nhalf")
    followed = file_of(log, rotate)
    assert whole(followed) == b"one\nhalf\nnew\n"
    assert followed.turns == [2]


def test_a_log_that_is_emptied(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")

    def empty() -> None:
        os.truncate(log, 0)
        appending(log, b"new\n")()

    followed = file_of(log, empty, appending(log, b"more\n"))
    assert whole(followed) == b"one\ntwo\nnew\nmore\n"
    assert followed.turns == [2]


def test_again_gives_all_that_was_read(log: Path) -> None:
    followed = file_of(log, appending(log, b"two\n"))
    assert followed.readall() == b"one\n"
    assert followed.more()
    followed.again(100)
    assert whole(followed) == b"one\ntwo\n"
    assert followed.passed == 0


def test_again_gives_up_what_is_too_much(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    followed = file_of(log, appending(log, b"three\n"))
    assert followed.readall() == b"one\ntwo\n"
    assert followed.more()
    followed.again(5)
    followed.recognised()
    assert whole(followed) == b"three\n"
    assert followed.passed == 2


def test_calm_is_told_at_each_look_in_vain(log: Path) -> None:
    calm = Steps(lambda: None, lambda: None)
    calm.followed = followed = FollowedFile(str(log), calm, quiet=0.0, poll=0.0)
    assert whole(followed) == b"one\n"
    assert calm.looks == 3


def test_a_pipe_gives_what_it_has_and_ends_with_its_writer() -> None:
    reader, writer = os.pipe()
    steps = Steps(lambda: os.write(writer, b"two\n"), lambda: os.close(writer))
    followed = FollowedPipe(reader, steps, quiet=0.0, poll=0.0)
    os.write(writer, b"one\n")
    assert list(paragraphs(followed)) == [b"one\n", b"two\n"]
    assert followed.ended
    os.close(reader)


@pytest.mark.parametrize(("name", "reason"), [("", "is no file that grows"), ("none.log", "no such file")])
def test_what_cannot_be_followed(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        FollowedFile(str(tmp_path / name), lambda: None)


def test_a_log_that_is_replaced_by_a_pipe_is_waited_for(log: Path) -> None:
    """Opening a pipe would hang until somebody writes to it: whoever can rename a log must not stop its reader."""

    def replace_by_a_pipe() -> None:
        log.unlink()
        os.mkfifo(log)

    def put_back() -> None:
        log.unlink()
        log.write_bytes(b"two\n")

    assert whole(file_of(log, replace_by_a_pipe, lambda: None, put_back)) == b"one\ntwo\n"
