"""Captures that were made to have the two reports differ, by what other methods and other clients have a say in."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from analyzer.columnar import partial, shared
from analyzer.judge import judge
from analyzer.register import exchanges, reconstruct, responding
from analyzer.run.pipeline import analyze
from tests.columnar.captures import SECOND, Both, Packet, as_json, assert_same, packets, storm, write
from tests.columnar.keeping_open import asked, between, ends_of, ping
from tests.columnar.phones import Phone, together

_TO = re.compile(rb"\r\nTo: [^<\r]*<sip:([^@>]+)@")
_What = Callable[[bytes, bytes, int, str], list[Packet]]


def _saying(several: list[Packet], old: bytes, new: bytes) -> list[Packet]:
    return [one.saying(one.message.replace(old, new)) for one in several]


def _phones(several: list[Packet]) -> list[tuple[str, bytes, bytes]]:
    """Each user, with the two ends of the first request."""
    found: dict[str, tuple[str, bytes, bytes]] = {}
    for one in several:
        user = _TO.search(one.message)
        if user is not None and one.message.startswith(b"REGISTER"):
            found.setdefault(user[1].decode(), (user[1].decode(), *ends_of(one)))
    return list(found.values())


def _kept(several: list[Packet], what: _What = asked, *, every: float = 3.0) -> list[Packet]:
    """A storm whose phones, every third left out, do something each `every` seconds."""
    begin, end = several[0].time, several[-1].time
    whole = list(several)
    for number, (user, source, target) in enumerate(_phones(several)):
        if number % 3:
            for time in range(begin + 7_000 * number, end, int(every * SECOND)):
                whole += what(source, target, time, user)
    return sorted(whole, key=lambda one: one.time)


def _storm(folder: Path, *, seed: int = 1, lost: float = 0.1, rate: float = 60.0) -> list[Packet]:
    return packets(storm(folder, 1200, 80, seed=seed, rate=rate, lost=lost))


def _same(several: list[Packet], folder: Path) -> Both:
    return assert_same(write(folder / "attacked.pcap", several))


@pytest.mark.parametrize("back", [0, 300_000, 800_000])
@pytest.mark.parametrize("is_told_last", [False, True])
def test_who_was_heard_last_is_who_comes_last_in_the_file(
    back: int, is_told_last: bool, folder: Path, tmp_path: Path
) -> None:
    """A server dies, and of its last two messages, one of them in columns, the second has an earlier time."""
    whole = _kept(_storm(folder, seed=3, lost=0.0))
    time = whole[-1].time + SECOND
    (user, phone, server), (other, source, target) = (_phones(whole)[at] for at in (5, 7))
    pair = [asked(phone, server, time, user), asked(source, target, time, other, method="MESSAGE")]
    one, two = pair[::-1] if is_told_last else pair
    whole += [one[0], two[0], one[1]._replace(time=time + 500_000), two[1]._replace(time=time + 500_000 - back)]
    first = next(one.message for one in whole if ends_of(one) == (source, target) and b"REGISTER" in one.message)
    asks = re.sub(rb"branch=[^;\r]*", b"branch=z9hG4bKanew", re.sub(rb"Call-ID: [^\r]*", b"Call-ID: anew", first))
    begin = time + 500_000 - back // 2
    for after in (0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5):
        whole.append(between(source, target, begin + int(after * SECOND), asks))
    found = _same([*whole, *ping(source, target, time + 80 * SECOND)], tmp_path)
    assert found.columns is not None, found.why
    assert ("was last heard" in found.objects) == bool(back)


def test_a_clock_that_is_set_back_in_two_steps(folder: Path, tmp_path: Path) -> None:
    """Each is less than a second, and between them is no message."""
    whole = _kept(_storm(folder, seed=2))
    user, source, target = _phones(whole)[4]
    for _ in range(5):
        whole += asked(source, target, whole[-1].time + SECOND, user)
    time = whole[-1].time
    whole.append(Packet(time - 900_000, bytes(12) + b"\x08\x06" + bytes(28)))
    for number in range(8):
        whole += asked(source, target, time - 1_800_000 + number * SECOND, user)
    assert _same(whole, tmp_path).why == "times step back"


@pytest.mark.parametrize(
    "said",
    [
        b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\n\r\n",
        b"OPTIONS rtsp://192.0.2.7/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    ],
    ids=["SSDP", "RTSP", "RTSP of all"],
)
def test_what_begins_as_another_protocol_does_is_no_message(said: bytes, folder: Path, tmp_path: Path) -> None:
    whole = _kept(_storm(folder))
    ends = bytes((10, 0, 0, 1, 7, 108)), bytes((239, 255, 255, 250, 7, 108))
    news = [between(*ends, whole[0].time + number * SECOND, said) for number in range(8)]
    found = _same(sorted(whole + news, key=lambda one: one.time), tmp_path)
    assert found.columnar > 30, found.why


@pytest.mark.parametrize("every", [1, 7])
def test_an_answer_of_another_method_is_none(every: int, folder: Path, tmp_path: Path) -> None:
    turn = count()

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        one, two = asked(source, target, time, user)
        return [one, *_saying([two], b"7 OPTIONS", b"7 NOTIFY")] if next(turn) % every == 0 else [one, two]

    found = _same(_kept(_storm(folder), what), tmp_path)
    assert found.columnar > 30, found.why


@pytest.mark.parametrize("method", ["OPTIONS", "SUBSCRIBE"])
@pytest.mark.parametrize("user_of", [1, 5])
def test_who_goes_by_a_route_is_for_the_object_path(method: str, user_of: int, folder: Path, tmp_path: Path) -> None:
    """The messages have a user in To, as REGISTER has."""

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        more = "" if int(user) % user_of else "Route: <sip:192.0.2.77;lr>\r\n"
        own = asked(source, target, time, user, method=method, more=more)
        return _saying(own, b"To: <sip:example.com>", b"To: <sip:%s@example.com>" % user.encode())

    found = _same(_kept(_storm(folder), what, every=5.0), tmp_path)
    assert found.columnar > 0, found.why


@pytest.mark.parametrize("gruu", ["sip:{}@198.51.100.7:5060", "sip:{}@198.51.100.7:5060;gr"])
def test_a_temporary_gruu_that_another_method_names(gruu: str, folder: Path, tmp_path: Path) -> None:
    several = _storm(folder, seed=3, lost=0.0)
    users = [user.encode() for user, *_ in _phones(several)[:8]]

    def given(one: Packet) -> Packet:
        user = _TO.search(one.message)
        if user is None or user[1] not in users or not one.message.startswith(b"SIP/2.0 200"):
            return one
        mark = b';temp-gruu="%s"' % gruu.format(user[1].decode()).encode()
        granted = re.sub(rb"expires=\d+", b"expires=10", one.message)
        return one.saying(re.sub(rb"(Contact: <[^>]*>)", rb"\1" + mark, granted))

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        return asked(source, target, time, user, more=f"Contact: <{gruu.format(user)}>\r\n")

    found = _same(_kept([given(one) for one in several], what), tmp_path)
    assert "R5627-4.2-refresh-margin" in found.objects
    assert found.columnar > 30 or "GRUU" in found.why


@pytest.mark.parametrize("methods", [3, 300])
@pytest.mark.parametrize("is_first", [False, True])
def test_many_methods(methods: int, is_first: bool, folder: Path, tmp_path: Path) -> None:
    whole = _kept(_storm(folder))
    user, source, target = _phones(whole)[0]
    time, step = (whole[0].time - 400 * SECOND, SECOND) if is_first else (whole[len(whole) // 2].time, 3000)
    for number in range(methods):
        whole += asked(source, target, time + number * step, user, method=f"M{number:03}")
    found = _same(sorted(whole, key=lambda one: one.time), tmp_path)
    assert found.columnar > 30 or methods > 256, found.why


def _scanned(several: list[Packet], change: Callable[[bytes, int], bytes]) -> list[Packet]:
    """Requests of seventy other users, who are refused."""
    first = next(one for one in several if one.message.startswith(b"REGISTER"))
    source, target = bytes((198, 51, 100, 9)) + struct.pack("!H", 5060), ends_of(first)[1]
    found = []
    for number in range(70):
        asks = change(re.sub(rb"sip:\d+@example", b"sip:u%d@example" % number, first.message), number)
        kept = [
            line for line in asks.split(b"\r\n") if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
        ]
        refused = b"\r\n".join([b"SIP/2.0 403 Forbidden", *kept, b"Content-Length: 0", b"", b""])
        time = several[0].time + SECOND + number * 20_000
        found += [between(source, target, time, asks), between(target, source, time + 5000, refused)]
    return found


def _one_call(message: bytes, number: int) -> bytes:
    call = re.sub(rb"Call-ID: [^\r]*", b"Call-ID: one-for-all", message)
    return re.sub(rb"branch=[^;\r]*", b"branch=z9hG4bKq%d" % number, call)


def _old_branches(message: bytes, number: int) -> bytes:
    call = re.sub(rb"Call-ID: [^\r]*", b"Call-ID: scan%d" % number, message)
    return re.sub(rb"branch=[^;\r]*", b"branch=q%d" % number, call)


@pytest.mark.parametrize("change", [_one_call, _old_branches])
@pytest.mark.parametrize(("room", "is_read"), [(60, False), (140, True)])
def test_more_clients_than_are_kept_whole(
    change: Callable[[bytes, int], bytes],
    room: int,
    is_read: bool,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Columns keep the last exchange of each client, however many there are; the object path says that it does not.
    Where it has to give up any of those that are passed on to it, it reads all."""
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", room)
    several = _storm(folder, rate=10.0)
    _, source, target = _phones(several)[0]
    later = several[-1].time + 60 * SECOND
    whole = [*several, *_scanned(several, change), *asked(source, target, later, "nobody")]
    found = _same(sorted(whole, key=lambda one: one.time), tmp_path)
    assert found.columnar > 30 if is_read else found.why == "there are too many clients"
    alone = as_json(analyze(tmp_path / "attacked.pcap", columnar="never", tables=False))
    assert "was not kept whole" in alone and "was not kept whole" not in found.objects


@pytest.mark.parametrize(("clients", "is_read"), [(149, False), (150, True)])
def test_as_many_clients_as_a_report_may_have(
    clients: int, is_read: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (partial, shared):
        monkeypatch.setattr(module, "MOST_CLIENTS", clients)
    several = _storm(folder, rate=10.0)
    whole = [*several, *_scanned(several, _one_call)]
    found = _same(sorted(whole, key=lambda one: one.time), tmp_path)
    assert (found.columns is not None) == is_read, found.why


def _tagged(odd: tuple[int, ...] = ()) -> list[Packet]:
    """Phones with a tag in To, which some of the grants do not repeat."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        for turn in range(4):
            phone.registers(number * 0.3 + turn * 60)
    granted = count()

    def tagged(one: Packet) -> Packet:
        if one.message.startswith(b"REGISTER"):
            return one.saying(re.sub(rb"(\r\nTo: <[^>]*>)", rb"\1;tag=own", one.message))
        is_odd = one.message.startswith(b"SIP/2.0 200") and next(granted) in odd
        return one.saying(re.sub(rb"(\r\nTo: <[^>]*>;tag=)[^\r]*", rb"\1other" if is_odd else rb"\1own", one.message))

    return [tagged(one) for one in together(*phones)]


@pytest.mark.parametrize("room", [30, 40])
def test_as_many_findings_as_are_kept(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MAX_FINDINGS", room)
    found = _same(_tagged(), tmp_path)
    assert found.columnar > 20 or found.why == "there are too many findings"
    assert ("were counted but not kept" in found.objects) == (room == 30)


@pytest.mark.parametrize("odd", [(), (30, 50, 70)])
def test_a_tag_in_to_that_is_not_repeated(odd: tuple[int, ...], tmp_path: Path) -> None:
    found = _same(_tagged(odd), tmp_path)
    assert found.columnar > 20, found.why
    assert ("the request it was" in found.objects) == bool(odd)


def _courses(
    courses: list[tuple[list[bytes], list[int], int]], change: Callable[[Packet, bytes], Packet]
) -> list[Packet]:
    """Phones that register in turn, each time with a value and after so many seconds: of each course so many."""
    phones: list[Phone] = []
    for values, gaps, number in courses:
        for _ in range(number):
            phone, at = Phone(len(phones), host=20 + len(phones) % 5), len(phones) * 0.31
            for value, gap in zip(values, gaps, strict=True):
                at, known = at + gap, len(phone.packets)
                phone.registers(at)
                phone.packets[known:] = [change(one, value) for one in phone.packets[known:]]
            phones.append(phone)
    whole = together(*phones)
    return [*whole, *ping(*ends_of(whole[0]), whole[0].time + 300 * SECOND)]


@pytest.mark.parametrize("later", [b"", b"Other 2.0"])
def test_a_phone_that_does_not_name_its_program_any_more(later: bytes, tmp_path: Path) -> None:
    """Most name it again at last, and speak for the classes of the others."""

    def named(one: Packet, agent: bytes) -> Packet:
        line = b"User-Agent: %s\r\n" % agent if agent and one.message.startswith(b"REGISTER") else b""
        return one.saying(one.message.replace(b"Content-Length", line + b"Content-Length"))

    old = b"Phone 1.0"
    courses = [([old, later, old], [0, 20, 20], 30), ([old, later], [0, 20], 10), ([old, old], [0, 20], 20)]
    found = _same(_courses(courses, named), tmp_path)
    assert 0 < found.columnar <= 20, found.why


def test_a_grant_that_ends_with_the_one_before(tmp_path: Path) -> None:
    """Nothing was renewed then, which the time between them tells."""

    def granted(one: Packet, seconds: bytes) -> Packet:
        return one.saying(one.message.replace(b"expires=3600", b"expires=" + seconds))

    grants = [b"3600", b"3580", b"3600"]
    found = _same(_courses([(grants, [0, 40, 40], 40), (grants, [0, 20, 40], 10)], granted), tmp_path)
    assert 20 < found.columnar <= 40, found.why
    assert '"not_renewed": 1' in found.objects


@pytest.mark.parametrize(("module", "name"), [(reconstruct, "MOST_HOSTS"), (responding, "MOST_PAIRS")])
@pytest.mark.parametrize("room", [100, 200, 300, 1000])
def test_as_many_hosts_as_are_remembered(
    module: ModuleType, name: str, room: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, room)
    several = _storm(folder, rate=20.0)
    _, _, server = _phones(several)[0]
    for number in range(300):
        source = bytes((10, 1, number // 200, number % 200 + 1, 19, 196))
        several += asked(source, server, several[0].time + SECOND + number * 20_000, f"h{number}")
    found = _same(sorted(several, key=lambda one: one.time), tmp_path)
    assert found.columnar > 30 or found.why == "there are too many hosts"
    assert found.columnar > 30 or room < 1000


@pytest.mark.parametrize("room", [10, 25])
def test_as_many_requests_without_an_answer_as_are_remembered(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty phones lose an answer twice, and an OPTIONS of theirs is answered in between."""
    monkeypatch.setattr(responding, "MOST_UNHEARD", room)
    phones = [Phone(number, host=20 + number % 30) for number in range(60)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.3)
        phone.registers(number * 0.3 + 60)
        for after in (100, 200) if number < 20 else ():
            phone.granted(number * 0.3 + after)
            phone.packets.pop()
    whole = together(*phones)
    for user, source, target in _phones(whole):
        for after in (20, 40, 160):
            whole += asked(source, target, whole[0].time + after * SECOND, user)
    whole.sort(key=lambda one: one.time)
    found = _same([*whole, *ping(*ends_of(whole[0]), whole[0].time + 400 * SECOND)], tmp_path)
    assert found.columnar > 30 or (room == 10 and found.why == "too many requests have no answer")
