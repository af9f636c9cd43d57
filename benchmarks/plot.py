"""The picture of a run: a row for each capture with speed on the left and peak memory on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("agg")  # no window, no display
from matplotlib import pyplot

from benchmarks.race import Race, Result, steady
from benchmarks.results import MEBI, Results
from benchmarks.spread import Spread, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OURS, _OTHERS = "#1f6fb4", "#9a9a9a"


def draw(results: Results, path: Path) -> bool:
    """Write the picture as PNG; False where no program did its job, so that there is nothing to show."""
    races = [race for race in results.races if any(result.valid for result in race.results)]
    if not races:
        return False
    height = sum(1.3 + 0.42 * len(_shown(race)) for race in races)
    figure, grid = pyplot.subplots(
        len(races), 2, figsize=(12, height), squeeze=False, width_ratios=(3, 2), layout="constrained"
    )
    for race, (speed, memory) in zip(races, grid, strict=True):
        _draw_speed(race, speed)
        _draw_memory(race, memory)
    figure.suptitle(_caption(results), fontsize=9, color="#444444", x=0.01, ha="left")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return True


def _shown(race: Race) -> list[Result]:
    """Those that did the job, the fastest first."""
    return sorted((result for result in race.results if result.valid), key=lambda result: -spread(result.rates).median)


def _draw_speed(race: Race, axes: Axes) -> None:
    shown = _shown(race)
    rates = [spread(result.rates) for result in shown]
    labels = [f" {rate.median:,.0f}{_lead(race, result)}" for rate, result in zip(rates, shown, strict=True)]
    _bars(axes, shown, rates, labels)
    axes.set_xscale("log")
    axes.set_xlim(min(rate.median for rate in rates) / 3, max(rate.median for rate in rates) * 100)
    totals = race.traffic.totals
    axes.set_title(f"{race.name}: {totals.packets:,} packets, {totals.messages:,} of them SIP", loc="left", fontsize=11)
    axes.set_xlabel(f"{race.unit} (logarithmic; line: slowest to fastest round)", fontsize=9)


def _lead(race: Race, result: Result) -> str:
    lead = race.lead(result)
    return f"   (sipcheck is {lead.median:.2g} times as fast)" if lead else ""


def _draw_memory(race: Race, axes: Axes) -> None:
    shown = _shown(race)
    peaks = [Spread(*(value / MEBI for value in steady(result, lambda run: run.peak))) for result in shown]
    _bars(axes, shown, peaks, [f" {peak.median:,.0f}" for peak in peaks])
    axes.set_xlim(0, max(peak.high for peak in peaks) * 1.2)
    axes.set_yticklabels([])
    axes.set_title("peak memory", loc="left", fontsize=11)
    axes.set_xlabel("MiB", fontsize=9)


def _bars(axes: Axes, shown: Sequence[Result], values: Sequence[Spread], labels: Sequence[str]) -> None:
    """Horizontal bars from the top, each with its spread and its label."""
    places = range(len(shown))
    medians = [value.median for value in values]
    reach = ([value.median - value.low for value in values], [value.high - value.median for value in values])
    colors = [_OURS if result.tool.startswith("sipcheck") else _OTHERS for result in shown]
    axes.barh(places, medians, xerr=reach, color=colors, ecolor="#333333", height=0.62)
    axes.set_yticks(places, [result.tool for result in shown])
    axes.invert_yaxis()
    for place, value, label in zip(places, values, labels, strict=True):
        axes.text(value.high, place, label, va="center", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _caption(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {machine[name]}" for name in ("tshark", "sngrep", "pyshark") if name in machine)
    return f"{machine['processor']}, {machine['cores']} cores, {machine['Python']}; {versions}"
