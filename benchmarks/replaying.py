"""How many registrations a second a replay as many users reaches at a real registrar, next to SIPp.

Both say the same captured registration (REGISTER, 401, REGISTER with the digest, 200; repaired) for every user, on
loopback, to a fresh Kamailio each time, with as many at once: `sipcheck replay client --users`, and SIPp with the
scenario that `sipcheck replay sipp` writes. By the clock, the start of the program included. A registration that did
not end with 200 is a fault, and so is one of which the registrar has no binding at the end (some twenty are looked at).

The registrar is the one of the tests, so this part needs what they need (the extra `test`, Kamailio, SIPp).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.competitors import sipcheck_words
from benchmarks.measure import ROOT, Measured, run
from benchmarks.race import Notify
from benchmarks.spread import Spread, ratio, spread

CAPTURE = ROOT / "samples" / "userinfo-in-request-uri" / "input.pcap"
DOMAIN = "lab.invalid"
AT_ONCE = 100
REQUESTS = 2
"""Requests of one registration."""
_UNBRIDLED = 100_000  # registrations a second: the number at once is what holds either program back
OURS, THEIRS = "sipcheck replay client --users", "sipp"
COLUMNS = ("program", "registrations/s", "requests/s", "CPU s", "peak MiB")
Player = Callable[[str, Path, int], Measured]


@dataclass(slots=True)
class Replaying:
    """Some rounds with so many users; the runs of each program, in their order."""

    users: int
    runs: dict[str, list[Measured]] = field(default_factory=lambda: {OURS: [], THEIRS: []})
    faults: list[str] = field(default_factory=list)
    skipped: str = ""

    def rates(self, program: str) -> Spread:
        """Registrations a second of a program."""
        return spread(self.users / one.wall for one in self.runs[program])

    @property
    def lead(self) -> Spread:
        """How many times as fast as SIPp ours is, round by round."""
        return ratio([one.wall for one in self.runs[THEIRS]], [one.wall for one in self.runs[OURS]])


def replaying(users: int, folder: Path, rounds: int, say: Notify) -> Replaying:
    """Run both `rounds` times, in turn, each at a registrar of its own."""
    result = Replaying(users, skipped=_missing())
    if result.skipped:
        return result
    from tests.replay.peers import kamailio_server  # late: it needs what the tests need

    _write_users(folder, users)
    for _ in range(rounds):
        for program, player in ((OURS, _ours), (THEIRS, _theirs)):
            with kamailio_server(memory=64 + users // 50) as server:
                measured = player(server.target, folder, users)
                missed = [user for user in map(_user, _asked(users)) if len(server.bindings(user)) != 1]
            result.faults += _faults(program, measured, folder, users)
            if missed:
                result.faults.append(f"replay, {program}: the registrar has no binding of {', '.join(missed)}")
            result.runs[program].append(measured)
            say(f"replay: {program}, {users:,} users in {measured.wall:.1f} s")
    return result


def _missing() -> str:
    """Why this part cannot be run; empty where it can."""
    try:
        from tests.tools import find_tool
    except ImportError as error:
        return f"there is no {error.name}: pip install -e '.[test]'"
    lacking = [name for name in ("kamailio", "sipp") if find_tool(name) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else ""


def _asked(users: int) -> range:
    """Some twenty users of whom the registrar is asked: the list of all does not fit into one answer of it."""
    return range(0, users, max(1, users // 20))


def _user(number: int) -> str:
    return f"u{number:05d}"


def _write_users(folder: Path, users: int) -> None:
    """The same users in the forms of both programs, and the scenario."""
    from tests.replay.peers import password

    names = [_user(number) for number in range(users)]
    lines = [f"{name},,{password(name)}" for name in names]
    (folder / "users.csv").write_text("\n".join(["username,realm,password", *lines, ""]), encoding="ascii")
    command = ["replay", "sipp", str(CAPTURE), "--speed", "0", "--keep", "--force"]
    written = ["-o", str(folder / "scenario.xml"), "--csv", str(folder / "sipp.csv")]
    run([*sipcheck_words(), *command, *written], folder)
    lines = [f"{name};{DOMAIN};{password(name)};{name}" for name in names]
    (folder / "sipp.csv").write_text("\n".join(["SEQUENTIAL", *lines, ""]), encoding="ascii")


def _ours(target: str, folder: Path, users: int) -> Measured:
    del users
    command = ["replay", "client", str(CAPTURE), "--target", target, "--speed", "0", "--keep", "--format", "json"]
    whom = ["--users", str(folder / "users.csv"), "--credentials", str(folder / "users.csv")]
    pace = ["--rate", str(_UNBRIDLED), "--concurrency", str(AT_ONCE)]
    return run([*sipcheck_words(), *command, *whom, *pace], folder)


def _theirs(target: str, folder: Path, users: int) -> Measured:
    scenario = ["-sf", str(folder / "scenario.xml"), "-inf", str(folder / "sipp.csv"), "-auth_uri", target]
    pace = ["-m", str(users), "-r", str(_UNBRIDLED), "-l", str(AT_ONCE), "-timeout", "300s", "-timeout_error"]
    return run(["sipp", target, *scenario, "-t", "u1", *pace, "-nostdin"], folder)


def _faults(program: str, measured: Measured, folder: Path, users: int) -> Iterator[str]:
    """What did not go as captured."""
    if measured.status:
        said = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip()
        yield f"replay, {program}: exit status {measured.status}: {said.rpartition(chr(10))[2]}"
    elif program == OURS:
        told = json.loads((folder / "stdout").read_text(encoding="utf-8"))
        if told["same"] != users:
            yield f"replay, {program}: {told['same']:,} of {users:,} as captured"


def as_record(result: Replaying) -> dict[str, Any]:
    """For JSON, each single run."""
    runs = {program: [asdict(one) for one in runs] for program, runs in result.runs.items()}
    return {"users": result.users, "skipped": result.skipped, "runs": runs, "faults": result.faults}


def rows_of(result: Replaying) -> Iterator[Sequence[str]]:
    """Cells of the table: program, registrations and requests a second, CPU seconds, MiB at the peak."""
    for program, runs in result.runs.items():
        rate, cpu = result.rates(program), spread(one.cpu for one in runs)
        yield (
            program,
            f"{rate.median:,.0f} ({rate.low:,.0f}-{rate.high:,.0f})",
            f"{rate.median * REQUESTS:,.0f}",
            f"{cpu.median:.2f}",
            f"{spread(one.peak for one in runs).median / 2**20:,.0f}",
        )
