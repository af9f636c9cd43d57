"""What the writer of a log says in words of its own, as a witness to what its messages show.

A server that logs `will exceed max contacts of 1` beside its 403 knows why it refused; whatever is guessed from the
digest or the status comes after that. Notices that go with a response come with it (`RawMessage.notices`); those that
stand alone (no response at all, a registration given up) are tied here to the client that they name.

What a client's side says is its own view: that it takes a 403 for final tells what it does next, and not why it was
refused. Only that it could not answer a challenge is a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from analyzer.evidence import Fidelity, LogNotice
from analyzer.register.binding import Binding
from analyzer.register.bounded import Notes
from analyzer.register.identity import domain_of
from analyzer.register.registration import Registration
from analyzer.sip.message import Message

MOST_USERS = 100_000
"""Users whose registrations can be found by a notice."""
_SIDE_BY_SIDE = 16
"""Registrations of one user that are looked through, the latest."""
_WEAK = ("failed", "failed-unknown", "other", "no-request")
"""Causes that another notice beside them says better."""


def leading(notices: Sequence[LogNotice]) -> LogNotice | None:
    """The notice that tells most of why: the server's before the client's, the closer before the vaguer."""
    telling = [one for one in notices if is_cause(one)]
    return min(telling, key=lambda one: (one.notice.side != "server", one.notice.cause in _WEAK), default=None)


def is_cause(said: LogNotice) -> bool:
    """Whether a notice says why something failed, and not only that it did."""
    notice = said.notice
    return notice.state == "refused" if notice.side == "server" else notice.state == "gave up"


def of_a_witness(notices: Sequence[LogNotice]) -> str:
    """The cause by the log's own words, in the words of a report; empty where it tells none. Equal for all who were
    told the same."""
    found = leading(notices)
    if found is None:
        return ""
    notice = found.notice
    said = f' "{notice.said}"' if notice.said else ""
    who = "the server's log" if notice.side == "server" else "its own log"
    return f"{who}:{said}, {notice.meaning}" if said else f"{who}: {notice.meaning}"


class Witnesses:
    """Ties what a log says to the client that it names.

    It remembers for rules, which get an attempt's `notices`: which registrations a user of a text log has.
    """

    def __init__(self, removed: Callable[[Registration, Binding, LogNotice], None]) -> None:
        """`removed` is told of each contact that a server says it took away."""
        self._removed = removed
        self._users: Notes[str, tuple[Registration, ...]] = Notes(MOST_USERS)

    def know(self, registration: Registration, request: Message) -> None:
        """A request of a registration, in a log: it may be named later."""
        if request.raw_message.fidelity is not Fidelity.TEXT_LOG:
            return
        user = _user(registration.aor)
        known = self._users.get(user) or ()
        if not known or known[-1] is not registration:
            others = tuple(one for one in known if one is not registration)
            self._users.note(user, (*others[1 - _SIDE_BY_SIDE :], registration))

    def take(self, said: LogNotice) -> None:
        """Tie a notice that goes with no response; the others have come with theirs."""
        if not said.alone or said.notice.method:
            return
        if said.notice.state == "removed":
            self._remove(said)
            return
        found = next((one for one in self._named(said)), None)
        if found is None:
            return
        if said.group is not None:
            said.group.tied += 1
        current = found.current
        if current is not None and not current.ended:
            current.told += (said,)
            if said.notice.state == "no answer" and current.last.state == "open":
                current.last.state = "timeout"
        else:
            found.history.tell(said)

    def _remove(self, said: LogNotice) -> None:
        """A server says that it took a contact away: note it at whose that was."""
        for one in reversed(self._users.get(_user(said.notice.account)) or ()):
            found = [binding for binding in one.bindings if binding.contact == said.notice.contact]
            if found:
                one.history.removed = said
                if said.group is not None:
                    said.group.tied += 1
                self._removed(one, found[-1], said)
                return

    def _named(self, said: LogNotice) -> Iterator[Registration]:
        """The registrations that a notice can be about, those that are trying first, the latest first."""
        notice = said.notice
        known = reversed(self._users.get(_user(notice.account)) or ())
        fitting = [one for one in known if _is_at(one, said)]
        yield from sorted(fitting, key=lambda one: one.current is None or one.current.ended)


def _is_at(one: Registration, said: LogNotice) -> bool:
    """Whether host, server and address of a notice are those of a registration."""
    notice = said.notice
    host = notice.account.rpartition("@")[2] if "@" in notice.account else ""
    if host and _without_port(host) != _without_port(domain_of(one.aor)):
        return False
    if notice.side == "server":
        return not notice.host or (notice.host == one.source.host and said.port in (0, one.source.port))
    if not notice.server:
        return True
    named = notice.server.removeprefix("sip:").removeprefix("sips:").partition(";")[0].rpartition("@")[2]
    endpoint = one.registrar.endpoint
    if named in (endpoint.written, endpoint.host):
        return True
    return _without_port(named) == one.registrar.domain and named.rpartition(":")[2] in (
        _without_port(named), str(endpoint.port)
    )  # fmt: skip


def _user(account: str) -> str:
    """`bob` of `sip:bob@example.com`, `bob@example.com:5060` or `bob`."""
    plain = account.removeprefix("sip:").removeprefix("sips:")
    return plain.rpartition("@")[0] or plain


def _without_port(host: str) -> str:
    bare, colon, port = host.rpartition(":")
    return (bare if colon and port.isdigit() and (":" not in bare or bare.endswith("]")) else host).lower()
