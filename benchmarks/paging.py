"""What a page costs beside the analysis: `sipcheck report` and `sipcheck pcap` in turn on one capture, and its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.competitors import sipcheck_words
from benchmarks.measure import Measured, run
from benchmarks.race import Notify
from benchmarks.spread import Spread, spread
from benchmarks.traffic import Traffic

MEBI = 2**20
MOST_OCTETS = 10 * 10**6
"""What a page may have, however many clients there are."""
MOST_SECONDS = 3.0
"""What it may take of the processor beyond the analysis, in the middle of the rounds."""
COLUMNS = ("command", "wall s", "CPU s", "peak MiB", "page MiB")
PLAIN, PAGE = "sipcheck pcap", "sipcheck report"


@dataclass(slots=True)
class Paging:
    """Some rounds over one capture: the runs of both commands, and the octets of each page."""

    traffic: Traffic
    runs: dict[str, list[Measured]] = field(default_factory=lambda: {PLAIN: [], PAGE: []})
    sizes: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def more(self, name: str) -> Spread:
        """Seconds (`wall` or `cpu`) that a page takes beyond the analysis, round by round."""
        pairs = zip(self.runs[PAGE], self.runs[PLAIN], strict=True)
        return spread(getattr(page, name) - getattr(plain, name) for page, plain in pairs)


def paging(traffic: Traffic, folder: Path, rounds: int, say: Notify) -> Paging:
    """Run both `rounds` times, in turn."""
    result, page = Paging(traffic), folder / "page.html"
    capture = str(traffic.path)
    for _ in range(rounds):
        page.unlink(missing_ok=True)
        plain = run([*sipcheck_words(), "pcap", capture], folder)
        made = run([*sipcheck_words(), "report", capture, "-o", str(page)], folder)
        if not page.exists() or plain.status not in (0, 1):
            said = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip()
            result.faults.append(f"exit status {plain.status} and {made.status}: {said.rpartition(chr(10))[2]}")
            break
        result.runs[PLAIN].append(plain)
        result.runs[PAGE].append(made)
        result.sizes.append(page.stat().st_size)
        result.faults += _faults(page, traffic)
        say(f"page: {page.stat().st_size / MEBI:.1f} MiB, {made.cpu - plain.cpu:.1f} s of CPU beyond the analysis")
    result.faults += _slow(result)
    return result


def _slow(result: Paging) -> Iterator[str]:
    """Whether a page takes too long; by the processor's time, as others use the machine, too."""
    seconds = result.more("cpu").median if result.sizes else 0.0
    if seconds > MOST_SECONDS:
        yield f"the page takes {seconds:.1f} s beyond the analysis, more than {MOST_SECONDS:g}"


def _faults(page: Path, traffic: Traffic) -> Iterator[str]:
    """What a page has not, or has too much of."""
    text = page.read_text(encoding="utf-8")
    if f"<h1>{traffic.totals.users:,} clients" not in text:
        yield f"the page does not tell of {traffic.totals.users:,} clients"
    if page.stat().st_size > MOST_OCTETS:
        yield f"the page has {page.stat().st_size:,} octets, more than {MOST_OCTETS:,}"


def as_record(result: Paging) -> dict[str, Any]:
    """For JSON, each single run."""
    return {
        "capture": {"file": result.traffic.path.name, **result.traffic.counts()},
        "runs": {name: [asdict(measured) for measured in runs] for name, runs in result.runs.items()},
        "octets": result.sizes,
        "faults": result.faults,
    }


def rows_of(result: Paging) -> Iterator[Sequence[str]]:
    """Cells of the table, and a last row with what the page takes more."""
    for name, runs in result.runs.items():
        wall, cpu = spread(one.wall for one in runs), spread(one.cpu for one in runs)
        peak = spread(one.peak for one in runs).median / MEBI
        size = f"{spread(result.sizes).median / MEBI:.1f}" if name == PAGE else ""
        yield name, f"{wall.median:.2f}", f"{cpu.median:.2f}", f"{peak:,.0f}", size
    wall, cpu = result.more("wall"), result.more("cpu")
    yield (
        "the page alone",
        f"{wall.median:.2f} ({wall.low:.2f}-{wall.high:.2f})",
        f"{cpu.median:.2f} ({cpu.low:.2f}-{cpu.high:.2f})",
        "",
        "",
    )
