"""Everything that a run of the benchmark found: as JSON for programs, as Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import analysis, paging, replaying, targets, textual
from benchmarks.alone import Need, Start
from benchmarks.measure import Measured
from benchmarks.race import Race, Result, steady
from benchmarks.spread import Spread, spread
from benchmarks.tabulation import Tabulation, as_record, rows_of

MEBI = 2**20
ONE_CORE, TWO_CORES = "sipcheck", "sipcheck --jobs 2"


@dataclass(slots=True)
class Results:
    """The parts that were run; those that were not are empty."""

    machine: Mapping[str, str]
    settings: Mapping[str, Any]
    races: list[Race] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    tabulation: Tabulation | None = None
    paging: paging.Paging | None = None
    analyses: list[analysis.Analysis] = field(default_factory=list)
    replaying: replaying.Replaying | None = None
    texts: textual.Texts | None = None

    def faults(self) -> list[str]:
        """What makes a part of the result worthless, one sentence each."""
        raced = [
            f"{race.name}, {result.tool}: {fault}"
            for race in self.races
            for result in race.results
            for fault in result.faults
        ]
        tabled = [f"tables: {fault}" for fault in self.tabulation.faults] if self.tabulation else []
        needed = [f"memory, {need.name}: {fault}" for need in self.needs for fault in need.faults]
        analysed = [f"storm analysis: {fault}" for one in self.analyses for fault in one.faults]
        paged = [f"page: {fault}" for fault in self.paging.faults] if self.paging else []
        replayed = self.replaying.faults if self.replaying else []
        found = raced + needed + tabled + paged + analysed + replayed
        return found + (self.texts.faults if self.texts else [])


def as_json(results: Results) -> dict[str, Any]:
    """The whole result with each single run, for json.dump."""
    return {
        "machine": dict(results.machine),
        "targets": targets.as_records(results.races, results.needs),
        "settings": dict(results.settings),
        "races": [_race_json(race) for race in results.races],
        "start": [_start_json(start) for start in results.starts],
        "memory": [_need_json(need) for need in results.needs],
        "tables": as_record(results.tabulation) if results.tabulation else None,
        "page": paging.as_record(results.paging) if results.paging else None,
        "analysis": [analysis.as_record(one) for one in results.analyses],
        "replay": replaying.as_record(results.replaying) if results.replaying else None,
        "texts": textual.as_record(results.texts) if results.texts else None,
        "faults": results.faults(),
    }


def _race_json(race: Race) -> dict[str, Any]:
    return {
        "name": race.name,
        "unit": race.unit,
        "capture": _capture_json(race.traffic.path.name, race.traffic.counts()),
        "results": [_result_json(race, result) for result in race.results],
    }


def _capture_json(name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {"file": name, **counts}


def _result_json(race: Race, result: Result) -> dict[str, Any]:
    lead, by_cpu = race.lead(result), race.lead(result, by_cpu=True)
    return {
        "tool": result.tool,
        "command": result.command,
        "packets": result.packets,
        "skipped": result.skipped,
        "faults": result.faults,
        "runs": [asdict(measured) for measured in result.runs],
        "rate": spread(result.rates)._asdict() if result.valid else None,
        "sipcheck_is_times_as_fast": lead._asdict() if lead else None,
        "by_cpu_time": by_cpu._asdict() if by_cpu else None,
    }


def _start_json(start: Start) -> dict[str, Any]:
    wall = spread(run.wall for run in start.runs)._asdict() if start.runs else None
    return {"name": start.name, "skipped": start.missing, "wall": wall, "runs": [asdict(run) for run in start.runs]}


def _need_json(need: Need) -> dict[str, Any]:
    capture = _capture_json(need.traffic.path.name, need.traffic.counts())
    return {"name": need.name, "capture": capture, "run": asdict(need.measured), "faults": need.faults}


def as_markdown(results: Results) -> str:
    """The tables."""
    aims = targets.rows_of(results.races, results.needs)
    parts = [f"### Targets\n\n{targets.HEAD}\n\n{_table(targets.COLUMNS, aims)}"] if aims else []
    parts += [_race_markdown(race) for race in results.races]
    if results.starts:
        parts.append(_starts_markdown(results.starts))
    if results.needs:
        parts.append(_needs_markdown(results.needs))
    if results.tabulation is not None and results.tabulation.found:
        parts.append(_tabulation_markdown(results.tabulation))
    if results.paging is not None and results.paging.sizes:
        parts.append(_paging_markdown(results.paging))
    if results.analyses:
        parts.append(_analysis_markdown(results.analyses))
    if results.replaying is not None:
        parts.append(_replaying_markdown(results.replaying))
    if results.texts is not None:
        parts.append(_texts_markdown(results.texts))
    parts.append("\n".join(f"- {name}: {value}" for name, value in results.machine.items()))
    if results.faults():
        parts.insert(0, "\n".join(["**Not to be relied on:**", "", *(f"- {fault}" for fault in results.faults())]))
    return "\n\n".join(parts) + "\n"


def _race_markdown(race: Race) -> str:
    totals = race.traffic.totals
    head = (
        f"### {race.name}: {totals.packets:,} packets, {totals.messages:,} SIP messages, {totals.users:,} phones\n\n"
        f"{_rounds(race)}; middle value, least and greatest in brackets.\n\n"
    )
    columns = ("program", race.unit, "wall s", "CPU s", "peak MiB", "sipcheck is times as fast", "by CPU time")
    rows = [_result_cells(race, result) for result in race.results]
    return head + _table(columns, rows) + _scale(race)


def _rounds(race: Race) -> str:
    count = max((len(result.runs) for result in race.results), default=0)
    return f"{count} round{'s' * (count != 1)}, in each every program once, in turn"


def _result_cells(race: Race, result: Result) -> Sequence[str]:
    if not result.valid:
        return (result.tool, f"skipped: {result.skipped}" if result.skipped else "MISMATCH", *("",) * 5)
    lead, by_cpu = race.lead(result), race.lead(result, by_cpu=True)
    return (
        result.tool,
        _cell(spread(result.rates), ",.0f"),
        _cell(steady(result, lambda run: run.wall), ".2f"),
        _cell(steady(result, _cpu), ".2f"),
        f"{steady(result, _peak).median / MEBI:,.0f}",
        _cell(lead, ".2f") if lead else "",
        _cell(by_cpu, ".2f") if by_cpu else "",
    )


def _scale(race: Race) -> str:
    """What the second core gives."""
    found = {result.tool: result for result in race.results if result.valid}
    if ONE_CORE not in found or TWO_CORES not in found:
        return ""
    lead = race.lead(found[ONE_CORE], TWO_CORES)
    return f"\n\n`--jobs 2` is {_cell(lead, '.2f')} times as fast as one process." if lead else ""


def _starts_markdown(starts: Sequence[Start]) -> str:
    rows = [
        (f"`{start.name}`", *(_cell(spread(values), ".0f") for values in _milliseconds(start)))
        if start.runs
        else (f"`{start.name}`", f"skipped: {start.missing}", "")
        for start in starts
    ]
    rounds = max(len(start.runs) for start in starts)
    return f"### Start\n\n{rounds} rounds.\n\n" + _table(("command", "wall ms", "CPU ms"), rows)


def _milliseconds(start: Start) -> tuple[list[float], list[float]]:
    """By the clock and of the processor."""
    return [run.wall * 1000 for run in start.runs], [run.cpu * 1000 for run in start.runs]


def _needs_markdown(needs: Sequence[Need]) -> str:
    rows = [
        (
            need.name,
            f"{need.traffic.totals.messages:,}",
            f"{need.traffic.totals.users:,}",
            f"{need.measured.peak / MEBI:,.0f}",
            f"{need.measured.own / MEBI:,.0f}",
            f"{need.measured.own / needs[0].measured.own:.2f}" if needs[0].measured.own else "",
            f"{need.measured.wall:.1f}",
            "MISMATCH" if need.faults else "",
        )
        for need in needs
    ]
    columns = ("capture", "messages", "phones", "peak MiB", "own MiB", "own, times the first", "wall s", "")
    note = "\n\nOwn memory is resident memory without the mapped pages of files, which the kernel takes back at will."
    return "### Memory of sipcheck\n\n" + _table(columns, rows) + note


def _tabulation_markdown(result: Tabulation) -> str:
    totals, peak = result.traffic.totals, spread(run.peak for run in result.runs).median
    rows = sum(result.found[0]["rows"].values())
    head = (
        f"### Tables: {totals.messages:,} messages, {rows:,} rows\n\n{len(result.runs)} rounds; middle value, "
        f"least and greatest in brackets; messages a second of the analysis and of pcap, rows a second of the rest; "
        f"peak of all steps in one process {peak / MEBI:,.0f} MiB.\n\n"
    )
    columns = ("step", "a second", "s", "MiB for a million messages", "of the capture's size")
    return head + _table(columns, rows_of(result))


def _paging_markdown(result: paging.Paging) -> str:
    totals, rounds = result.traffic.totals, len(result.sizes)
    head = (
        f"### Page: {totals.messages:,} messages, {totals.users:,} phones\n\n{rounds} round{'s' * (rounds != 1)}, "
        f"middle value, least and greatest in brackets.\n\n"
    )
    return head + _table(paging.COLUMNS, paging.rows_of(result))


def _analysis_markdown(analyses: Sequence[analysis.Analysis]) -> str:
    rounds = max(len(one.found) for one in analyses)
    head = (
        f"### Storm analysis of tables in memory\n\n{rounds} round{'s' * (rounds != 1)}; middle value, least and "
        f"greatest in brackets. A storm every hundred minutes; peak with the table, octets beside it.\n\n"
    )
    return head + _table(analysis.COLUMNS, analysis.rows_of(analyses))


def _replaying_markdown(result: replaying.Replaying) -> str:
    head = f"### Replay: one registration as {result.users:,} users, {replaying.AT_ONCE} at once, at Kamailio\n\n"
    if result.skipped:
        return f"{head}Skipped: {result.skipped}."
    rounds = min(len(runs) for runs in result.runs.values())
    tail = f"\n\n{rounds} round{'s' * (rounds != 1)}; ours is {_cell(result.lead, '.2f')} times as fast as SIPp."
    return head + _table(replaying.COLUMNS, replaying.rows_of(result)) + tail


def _texts_markdown(result: textual.Texts) -> str:
    head = (
        "### Text logs\n\nMiddle value of the rounds, on one core; octets and messages a second of processor time.\n\n"
    )
    of_grep, of_sed = (_cell(result.ratio(textual.SPARSE, one), ".2f") for one in (textual.GREP, textual.SED))
    of_capture = _cell(result.ratio(textual.DENSE, textual.CAPTURE), ".2f")
    tail = (
        f"\n\nsipcheck passes a log of which 1% is SIP {of_grep} times as fast as grep, {of_sed} times as fast as sed; "
        f"one of SIP alone {of_capture} times as fast as the capture of the same flow."
    )
    return head + _table(textual.COLUMNS, textual.rows_of(result)) + tail


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(values: Spread, form: str) -> str:
    return f"{values.median:{form}} ({values.low:{form}}-{values.high:{form}})"


def _cpu(run: Measured) -> float:
    return run.cpu


def _peak(run: Measured) -> float:
    return run.peak
