"""The captures of the benchmark: made once, kept in a folder outside git, with what they hold beside them as JSON.

    python -m benchmarks.traffic storm --messages 200000 --users 10000 -o storm.pcap --users-file users.csv
    python -m benchmarks.traffic media --packets 1000000 --users 1000 -o media.pcap

The same arguments make the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from heapq import merge
from itertools import islice
from pathlib import Path

import click
import dpkt

from benchmarks.frames import write_capture
from benchmarks.grown import grow
from benchmarks.media import MediaPlan, media
from benchmarks.population import LIMIT, SERVER, write_users
from benchmarks.storm import Storm, StormPlan, Totals

EDITION = 1
"""Goes up when the generators change, so that no older file is taken for the new traffic."""

SIP_SHARE = 0.02
_CALLS = 100
_MEDIA_PER_SECOND = _CALLS * 2 * 50


@dataclass(frozen=True, slots=True)
class Traffic:
    """A capture, where it lies, and what it holds."""

    path: Path
    totals: Totals

    def counts(self, packets: int = 0) -> dict[str, int]:
        """What is in it by name; of the first `packets` alone, packets and messages."""
        if not 0 < packets < self.totals.packets:
            return asdict(self.totals)
        return {"packets": packets, "messages": _messages_among(self.path, packets)}


def make_storm(path: Path, plan: StormPlan) -> Totals:
    """Write a registration storm; what it holds."""
    storm = Storm(plan)
    storm.totals.packets = write_capture(path, storm.packets())
    return storm.totals


def make_media(path: Path, packets: int, users: int, seed: int) -> Totals:
    """Write a capture of `packets` packets, 98% of them RTP and RTCP of calls, 2% SIP of registrations."""
    messages = round(packets * SIP_SHARE)
    seconds = (packets - messages) / _MEDIA_PER_SECOND  # both kinds of traffic last as long
    storm = Storm(StormPlan(messages, users, seed=seed, rate=messages / 4 / seconds))
    speech = media(MediaPlan(packets - messages, calls=_CALLS, seed=seed))
    storm.totals.packets = write_capture(path, merge(storm.packets(), speech))
    return storm.totals


def storm_in(folder: Path, messages: int, users: int, seed: int = 1) -> Traffic:
    """The storm of these sizes in `folder`, made if it is not there."""
    path = folder / f"storm-{messages}-messages-{users}-users-seed-{seed}.pcap"
    return _kept(path) or _keep(path, lambda part: make_storm(part, StormPlan(messages, users, seed=seed)))


def media_in(folder: Path, packets: int, users: int, seed: int = 1) -> Traffic:
    """The RTP-heavy capture of these sizes in `folder`, made if it is not there."""
    path = folder / f"media-{packets}-packets-{users}-users-seed-{seed}.pcap"
    return _kept(path) or _keep(path, lambda part: make_media(part, packets, users, seed))


def grown_in(folder: Path, messages: int) -> Traffic:
    """The samples grown to at least so many messages in `folder`, made if they are not there."""
    path = folder / f"grown-{messages}-messages.pcap"
    return _kept(path) or _keep(path, lambda part: grow(part, messages))


def _messages_among(path: Path, packets: int) -> int:
    """How many of the first packets come from or go to the registrar, which speaks nothing but SIP."""
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        return sum(SERVER in (octets[26:30], octets[30:34]) for _, octets in islice(reader, packets))


def _kept(path: Path) -> Traffic | None:
    """The capture at `path` if it was finished, by this edition of the generators."""
    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        if note["edition"] == EDITION and note["bytes"] == path.stat().st_size:
            return Traffic(path, Totals(**note["totals"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _keep(path: Path, make: Callable[[Path], Totals]) -> Traffic:
    """Make a capture beside its place, and move it there when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    totals = make(part)
    part.replace(path)
    note = {"edition": EDITION, "bytes": path.stat().st_size, "totals": asdict(totals)}
    _note(path).write_text(json.dumps(note, indent=1), encoding="utf-8")
    return Traffic(path, totals)


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


@click.group()
def commands() -> None:
    """Make captures of any size; the same arguments make the same bytes."""


_OUT = click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The capture to write.")
_SEED = click.option("--seed", default=1, show_default=True, help="Other numbers, names and moments.")
_USERS_FILE = click.option("--users-file", type=click.Path(path_type=Path), help="Write the right passwords as CSV.")


@commands.command("storm")
@click.option("--messages", type=click.IntRange(4), required=True, help="SIP messages, one per packet.")
@click.option("--users", type=click.IntRange(1, LIMIT), required=True, help="Phones that register again and again.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), default=500.0, show_default=True, help="Begun a second."
)
@click.option(
    "--retransmitted", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="Share of requests."
)
@_SEED
@_USERS_FILE
@_OUT
def storm_command(
    messages: int, users: int, rate: float, retransmitted: float, seed: int, users_file: Path | None, out: Path
) -> None:
    """Write a registration storm."""
    totals = make_storm(out, StormPlan(messages, users, seed=seed, rate=rate, retransmitted=retransmitted))
    _finish(totals, users_file, users, seed)


@commands.command("media")
@click.option("--packets", type=click.IntRange(200), required=True, help="Packets, 2% of them SIP.")
@click.option("--users", type=click.IntRange(1, LIMIT), required=True, help="Phones that register.")
@_SEED
@_USERS_FILE
@_OUT
def media_command(packets: int, users: int, seed: int, users_file: Path | None, out: Path) -> None:
    """Write a capture that is mostly RTP."""
    _finish(make_media(out, packets, users, seed), users_file, users, seed)


def _finish(totals: Totals, users_file: Path | None, users: int, seed: int) -> None:
    if users_file is not None:
        write_users(users_file, users, seed)
    click.echo(json.dumps(asdict(totals), indent=1))


if __name__ == "__main__":
    commands()
