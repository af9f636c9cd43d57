"""From a flow to the two files, and to the command that plays them."""

from __future__ import annotations

import enum
import os
import re
import stat
from dataclasses import dataclass, field, replace
from math import ceil

from analyzer.evidence import SECOND
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.auth import Challenge
from analyzer.sip.grammar import PORT
from analyzer.sip.timers import TIMER_F
from replay.agent import Mapping
from replay.flow import Flow
from replay.plan import Step, steps_of
from replay.sipp.captured import Captured
from replay.sipp.errors import SippError
from replay.sipp.fixed import Fixed
from replay.sipp.marks import Marks
from replay.sipp.requests import UNBROKEN, Speaker
from replay.sipp.script import Script, plain
from replay.sipp.users import Users, fits_domain, fits_user, users_of
from replay.uris import SipUri

MOST_OCTETS = 65_535
"""What SIPp 3.6.1 reads of a scenario; of a longer one, nothing."""
_MODES = {"UDP": "u1", "TCP": "t1", "TLS": "l1"}
_PATIENCE = TIMER_F // SECOND + 8
"""Seconds beyond the pauses before SIPp gives up: one request that nobody answers (64*T1), and some more."""
_RATE = 10
"""Calls that SIPp begins in a second, unless told."""
_HOST = re.compile(rf"(\[[^\]]*\]|[^:]*)(?::{PORT})?")
_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """`xml` and `csv` are the files; only the second holds secrets. `users` counts its lines, `pause` is the time that
    the scenario waits by itself in milliseconds, `warnings` say what SIPp cannot do as the flow has it."""

    xml: str
    csv: bytes = field(repr=False)
    users: int
    transport: str
    auth_uri: str
    pause: int
    warnings: tuple[str, ...] = ()

    def command(self, xml: str, csv: str, target: str = "HOST:PORT", *, local: str = "", calls: int = 1) -> list[str]:
        """The words of the command that plays it `calls` times, each with the next line of the CSV file.

        `local` is the address to speak from; SIPp's own choice may not reach a target on loopback.
        """
        words = ["sipp", target, "-sf", xml, "-inf", csv, "-t", _MODES[self.transport], "-m", str(calls)]
        words += ["-i", local] if local else []
        words += ["-auth_uri", self.auth_uri] if self.auth_uri else []
        seconds = ceil(self.pause / 1000 + calls / _RATE) + _PATIENCE
        words += ["-timeout", f"{seconds}s", "-timeout_error"]
        return [*words, "-default_behaviors", "all,-bye", "-nostdin", "-trace_err"]


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom the flow registers: user and domain of To as written, user name and realm of the digest."""

    user: str
    domain: str
    username: str
    realm: str

    def mapping(self, marks: Marks, asked: Mapping) -> Mapping:
        """Their places become fields of the CSV file, where the file can hold them; the rest as `asked`."""
        user, domain = fits_user(self.user), fits_domain(self.domain)
        pairs = []
        if user and domain:
            pairs.append(((self.user, self.domain), (marks.user, marks.domain)))
        if domain:
            pairs.append((("", self.domain), ("", marks.domain)))
        if user:
            pairs.append(((self.user, ""), (marks.user, "")))
        return Mapping((*pairs, *asked.pairs))

    def keyword(self) -> str:
        """The digest's user name as keywords; users of the file may have one that is not that of their URI."""
        if self.username == self.user and fits_user(self.user):
            return "[field0]"
        return "[field3]"


def scenario(
    flow: Flow,
    *,
    repaired: bool = True,
    secrets: Secrets | None = None,
    transport: str = "",
    speed: float = 1.0,
    keep: bool = False,
    mapping: Mapping = Mapping(),  # noqa: B008 - a frozen value
) -> Scenario:
    """Write a flow down for SIPp: `repaired` (ending in success, its bindings removed unless `keep`) or as captured.

    `secrets` are the users of the CSV file, that of the flow first. `transport` is UDP, TCP or TLS (empty: that of the
    flow). Recorded gaps are divided by `speed`, 0 leaves them out. `mapping` puts other users and domains in place.
    Raises SippError where SIPp could not read it.
    """
    way = transport.upper() or _transport(flow)
    task = _Task(flow, steps_of(flow), _subject(flow), way, repaired, speed, keep, mapping)
    secrets = secrets or Secrets()
    users = task.users(secrets)
    for fullness in _Fullness:
        written = task.written(secrets, users.warnings, fullness)
        if len(written.xml) <= MOST_OCTETS:
            break
    else:
        much = f"{len(task.steps)} requests make a scenario of {len(written.xml):,} octets"
        raise SippError(f"{much}, and SIPp 3.6 reads {MOST_OCTETS:,}: choose fewer (--call-id)")
    return replace(written, csv=users.csv(), users=len(users.rows))


def write_scenario(
    flow: Flow,
    out_xml: str | os.PathLike[str],
    out_csv: str | os.PathLike[str],
    *,
    repaired: bool = True,
    secrets: Secrets | None = None,
    transport: str = "",
    speed: float = 1.0,
    keep: bool = False,
    mapping: Mapping = Mapping(),  # noqa: B008 - a frozen value
) -> Scenario:
    """As `scenario`, into two files; the CSV file, which holds passwords, is for its owner alone (mode 0600).

    Raises SippError also where a file cannot be written.
    """
    made = scenario(
        flow, repaired=repaired, secrets=secrets, transport=transport, speed=speed, keep=keep, mapping=mapping
    )
    written: list[tuple[str, bytes]] = [(os.fspath(out_csv), made.csv), (os.fspath(out_xml), made.xml.encode("ascii"))]
    opened: list[tuple[int, bool]] = []
    try:
        for path, _ in written:  # all of them before anything is written: one that cannot be takes the other with it
            opened.append(_opened(path, for_owner=path == written[0][0]))
        for (descriptor, _), (_, octets) in zip(opened, written, strict=True):
            _fill(descriptor, octets)
    except (OSError, KeyboardInterrupt) as error:
        for (path, _), (_, was_there) in zip(written, opened, strict=False):
            if not was_there:
                os.unlink(path)
        if isinstance(error, KeyboardInterrupt):
            raise
        where = error.filename or written[max(0, len(opened) - 1)][0]
        raise SippError(f"{plain(str(where))}: {error.strerror or 'cannot be written'}") from None
    finally:
        for descriptor, _ in opened:
            os.close(descriptor)
    return made


def _opened(path: str, *, for_owner: bool) -> tuple[int, bool]:
    """A file to be written, as it is, and whether it was there before; `for_owner`: one that nobody else can read, also
    where it was there with another mode."""
    was_there = os.path.lexists(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600 if for_owner else 0o666)
    if for_owner and stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor, was_there


def _fill(descriptor: int, octets: bytes) -> None:
    """Make these the file's content; a pipe or a terminal has none that goes before."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.ftruncate(descriptor, 0)
    with open(descriptor, "wb", closefd=False) as stream:
        stream.write(octets)


class _Fullness(enum.IntEnum):
    """What a scenario has beside the flow; it goes step by step where SIPp could not read it all."""

    ALL = 0
    NO_COMMENTS = 1
    LEAST = 2  # no branches for a 423 that was not captured, either


@dataclass(slots=True)
class _Task:
    """What is to be written."""

    flow: Flow
    steps: tuple[Step, ...]
    subject: _Subject
    transport: str
    repaired: bool
    speed: float
    keep: bool
    mapping: Mapping
    paused: int = 0

    def users(self, secrets: Secrets) -> Users:
        """The captured user, where the file can hold it, and those of the secrets."""
        subject = self.subject
        user, domain = self.mapping.apply(subject.user, subject.domain)
        user = user if user and fits_user(subject.user) else ""
        domain = domain if fits_domain(subject.domain) else ""
        username = self.mapping.user(subject.username, subject.domain) or ""
        return users_of(secrets, user, domain, username, subject.realm)

    def written(self, secrets: Secrets, missing: tuple[str, ...], fullness: _Fullness) -> Scenario:
        """The scenario without its users."""
        self.paused = 0
        captured = [step.exchange.request.raw for step in self.steps]
        marks = Marks([*captured, plain(str(self.mapping.pairs)).encode()])
        speaker = Speaker(marks, self.transport, self.subject.mapping(marks, self.mapping), self.subject.keyword())
        doubts = (*missing, *_doubts(self.flow, self.steps, self.transport, repaired=self.repaired))
        script = Script(f"sipcheck {self.flow.aor}", explained=fullness is _Fullness.ALL)
        _head(script, self.flow, doubts, repaired=self.repaired)
        if self.repaired:
            Fixed(script, speaker, self._pause, self.keep, wary=fullness < _Fullness.LEAST).write(self.steps)
        else:
            Captured(script, speaker, self._pause, secrets).write(self.steps)
        uris = [] if self.repaired else _digest_uris(self.steps)
        user, domain = self.mapping.apply(self.subject.user, self.subject.domain)
        uris = uris or [marks.real(uri, user or "", domain) for uri in speaker.uris]
        auth_uri, doubt = _auth_uri(uris)
        return Scenario(script.text(), b"", 0, self.transport, auth_uri, self.paused, doubts + doubt)

    def _pause(self, step: Step) -> int:
        """Milliseconds to wait before a step."""
        wait = round(step.wait / self.speed / _MILLISECOND) if self.speed > 0 else 0
        self.paused += wait
        return wait


def _subject(flow: Flow) -> _Subject:
    request = flow.exchanges[0].request
    address = request.to or request.from_
    uri = SipUri.of(address.uri.text) if address is not None and address.uri is not None else None
    user, hostport = ((uri.user or ""), uri.hostport) if uri is not None else ("", "")
    domain = found[1] if (found := _HOST.fullmatch(hostport)) else hostport
    sent = [one for exchange in flow.exchanges for one in exchange.request.credentials if one.is_digest]
    realms = [one.realm for one in (*sent, *_challenges(flow)) if one.realm]
    username = next((one.username for one in sent if one.username), "") or user
    return _Subject(user, domain, username, realms[0] if realms else "")


def _challenges(flow: Flow) -> list[Challenge]:
    return [one for exchange in flow.exchanges if exchange.final for one in exchange.final.challenges]


def _transport(flow: Flow) -> str:
    found = flow.exchanges[0].request.raw_message.transport.upper()
    return found if found in _MODES else "UDP"


def _digest_uris(steps: tuple[Step, ...]) -> list[str]:
    sent = [one.uri or "" for step in steps for one in step.exchange.request.credentials if one.is_digest]
    return list(dict.fromkeys(uri for uri in sent if uri))


def _auth_uri(uris: list[str]) -> tuple[str, tuple[str, ...]]:
    """What `-auth_uri` takes (SIPp puts `sip:` before it), and what that leaves undone."""
    sip = [uri for uri in uris if uri.lower().startswith("sip:") and len(uri) > 4]
    if len(sip) == len(uris) == 1:
        return sip[0][4:], ()
    if not sip:
        return "", ("the digest is computed for sip:HOST:PORT of the target, not for the Request-URI",)
    return sip[0][4:], (f"SIPp computes every digest for one URI, here {plain(sip[0])[:60]}, and the flow has others",)


def _doubts(flow: Flow, steps: tuple[Step, ...], transport: str, *, repaired: bool) -> tuple[str, ...]:
    """What SIPp 3.6.1 will do otherwise than the flow has it."""
    doubts = []
    challenges = _challenges(flow)
    names = list(dict.fromkeys(one.algorithm or "MD5" for one in challenges if one.is_digest))
    others = [plain(name)[:30] for name in names if name.upper() != "MD5"]
    if others:
        doubts.append(f"the challenge is {', '.join(others[:4])}: SIPp 3.6.1 computes MD5 only, and ends there")
    if any("auth-int" in one.qop_options for one in challenges):
        doubts.append("the challenge offers qop auth-int: what SIPp 3.6.1 computes for it does not fit")
    if len({one.realm for one in challenges}) > 1:
        doubts.append("several realms have challenged: SIPp answers the latest challenge alone")
    if transport == "TLS":
        doubts.append("SIPp needs to be built with TLS for this, which Debian's package is not")
    if flow.unseen:
        doubts.append(f"{flow.unseen} requests were not captured, only their answers: they are left out")
    broken = sorted({rule for step in steps for rule in step.exchange.rules & UNBROKEN})
    if broken and not repaired:
        doubts.append(f"SIPp computes its own credentials, so these are not broken again: {', '.join(broken)}")
    return tuple(doubts)


def _head(script: Script, flow: Flow, doubts: tuple[str, ...], *, repaired: bool) -> None:
    """Comments: what this is, and what to know before playing it."""
    mode = "repaired" if repaired else "as captured"
    script.comment(f"{flow.aor} out of {', '.join(flow.sources[:5])}, {mode}, for SIPp 3.6")
    script.comment("users: the file of -inf, with user;domain;password;username in each line")
    script.comment("SIPp 3.6.1 answers MD5 challenges only (no SHA-256), each for the URI of -auth_uri")
    for doubt in doubts:
        script.comment(f"note: {doubt}")
