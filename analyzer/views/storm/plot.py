"""`sipcheck storm --plot`: one picture a storm, for a person who has never seen a SIP message.

Four parts, from top to bottom one story: how many requests came (with the phases shaded), how long an answer took, how
many users could not be called; beside them at which moment of their interval the phones refresh. Colours are told apart
by the colour-blind too (Okabe and Ito), and each line is named where it runs, or in a legend beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyzer.escape import Told, visible
from analyzer.evidence import SECOND
from analyzer.storm.values import Phase, Storm
from analyzer.views.storm.summary import verdict
from analyzer.views.words import Clock, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIRST, _RETRY, _COPIES, _SLOW, _UNBOUND = "#0072B2", "#56B4E9", "#E69F00", "#CC79A7", "#D55E00"
_GREY = "#555555"
_SHADES = {"onset": "#F0E442", "peak": "#D55E00", "amplification": "#E69F00", "recovery": "#009E73"}
_IN_WORDS = {
    "onset": "it grows",
    "peak": "the most at once",
    "amplification": "mostly repeats",
    "recovery": "the load falls",
}


class PlotUnavailable(Told):
    """There is nothing to draw with, or the file's name ends in no form that can be drawn; one line says which."""


def plot_storms(storms: Sequence[Storm], path: str, clock: Clock) -> None:
    """Draw the storms, one below the other, to `path` (png, svg, pdf). Raises PlotUnavailable, OSError."""
    try:
        import matplotlib

        matplotlib.use("agg")
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotUnavailable("--plot needs matplotlib: pip install 'sipcheck[plot]'") from None
    ending = path.rpartition(".")[2].lower()
    figure = Figure(figsize=(13, 8.5 * max(1, len(storms))), layout="constrained")
    if ending not in figure.canvas.get_supported_filetypes():
        raise PlotUnavailable(f"--plot: {path} ends in no form that can be drawn; png and svg can")
    if storms:
        parts = figure.subfigures(len(storms), 1, squeeze=False)[:, 0]
        for part, storm in zip(parts, storms, strict=True):
            _draw(part, storm, clock)
    else:
        figure.text(0.5, 0.5, "No storm in this capture", ha="center", va="center", fontsize=20)
    # Without date and random names the same capture gives the same octets.
    with matplotlib.rc_context({"svg.hashsalt": "sipcheck"}):
        figure.savefig(path, dpi=110, metadata={"Date": None} if ending == "svg" else None)


def _draw(figure: Any, storm: Storm, clock: Clock) -> None:
    figure.suptitle(_title(storm, clock), fontsize=13, x=0.01, ha="left")
    grid = figure.add_gridspec(3, 2, width_ratios=[3.2, 1], height_ratios=[1.6, 1, 1])
    rate = figure.add_subplot(grid[0, 0])
    latency = figure.add_subplot(grid[1, 0], sharex=rate)
    unbound = figure.add_subplot(grid[2, 0], sharex=rate)
    _draw_rate(rate, storm)
    _draw_latency(latency, storm)
    _draw_unbound(unbound, storm)
    for axes in (rate, latency, unbound):
        _shade(axes, storm)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    rate.tick_params(labelbottom=False)
    latency.tick_params(labelbottom=False)
    rate.set_xlim(0, _length(storm) + storm.series.width)
    unbound.set_xlabel(f"seconds since {clock.at(storm.start)}")
    _draw_causes(figure.add_subplot(grid[0, 1]), storm)
    _draw_what_if(figure.add_subplot(grid[1, 1]), storm)
    _draw_phase(figure, grid[2, 1], storm)


def _title(storm: Storm, clock: Clock) -> str:
    return (
        f"{verdict(storm)}\n{clock.at(storm.start)}, {duration(storm.end - storm.start)}: {storm.users:,} users, "
        f"{storm.requests:,} registration requests, at most {storm.peak_rate:,.0f} in a second"
    )


def _length(storm: Storm) -> float:
    return (storm.end - storm.start) / SECOND


def _middles(storm: Storm) -> list[float]:
    """The middle of each step, in seconds since the storm's start."""
    offset = (storm.series.start - storm.start) / SECOND
    return [offset + (number + 0.5) * storm.series.width for number in range(len(storm.series.first))]


def _draw_rate(axes: Axes, storm: Storm) -> None:
    series = storm.series
    new = [first - again for first, again in zip(series.first, series.retries, strict=True)]
    stacks = (
        (new, "asked for the first time", _FIRST),
        (series.retries, "tried again after a failure", _RETRY),
        (series.copies, "sent again: no answer in time", _COPIES),
    )
    kept = [stack for stack in stacks if any(stack[0])]
    rates, names, colours = zip(*kept, strict=True)
    axes.stackplot(_middles(storm), *rates, labels=names, colors=colours, step="mid", edgecolor="none", zorder=2)
    axes.plot(
        _middles(storm), series.answered, color="black", linewidth=1, drawstyle="steps-mid", label="answered", zorder=3
    )
    if storm.usual_rate is not None:
        axes.axhline(storm.usual_rate, color=_GREY, linestyle=":", linewidth=1.2, label="usual rate")
    axes.set_ylabel("requests per second")
    axes.set_ylim(0, 1.25 * max(map(sum, zip(series.first, series.copies, strict=True)), default=1.0))
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.02), ncols=5, frameon=False, fontsize=9)


def _draw_latency(axes: Axes, storm: Storm) -> None:
    middles = _middles(storm)
    nothing = float("nan")
    slow = [value if value is not None else nothing for value in storm.series.slow]
    median = [value if value is not None else nothing for value in storm.series.median]
    axes.plot(middles, slow, color=_SLOW, marker=".", markersize=4, linewidth=1, label="slowest twentieth")
    axes.plot(middles, median, color=_FIRST, marker=".", markersize=4, linewidth=1, label="middle")
    axes.axhline(0.5, color=_GREY, linestyle=":", linewidth=1.2, label="phones repeat after 0.5 s")
    axes.set_yscale("log")
    from matplotlib.ticker import FuncFormatter, NullLocator

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("time to an answer")
    _draw_silences(axes, storm)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.02), ncols=4, frameon=False, fontsize=9)


def tick(seconds: float) -> str:
    """A time at an axis, whose ticks are powers of ten."""
    return f"{seconds:g} s" if seconds >= 0.1 else f"{seconds * 1000:g} ms"


def _draw_silences(axes: Axes, storm: Storm) -> None:
    """Where the server answered nobody."""
    for number, silence in enumerate(storm.silences):
        begin = (silence.start - storm.start) / SECOND
        end = ((silence.end or storm.end) - storm.start) / SECOND
        label = "" if number else "the server answered nobody"
        axes.axvspan(begin, end, facecolor="none", edgecolor=_GREY, hatch="//", alpha=0.35, linewidth=0, label=label)


def _draw_unbound(axes: Axes, storm: Storm) -> None:
    axes.fill_between(_middles(storm), storm.series.unbound, color=_UNBOUND, step="mid", linewidth=0, zorder=2)
    axes.set_ylabel("users who cannot\nbe called")
    axes.set_ylim(0, max(1.0, 1.15 * max(storm.series.unbound, default=0)))
    if not any(storm.series.unbound):
        axes.text(0.5, 0.5, "none, as far as can be seen", transform=axes.transAxes, ha="center", color=_GREY)
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))


def _shade(axes: Axes, storm: Storm) -> None:
    named = axes.get_subplotspec().rowspan.start == 0  # type: ignore[union-attr]
    for phase in storm.phases:
        begin, end = (phase.start - storm.start) / SECOND, (phase.end - storm.start) / SECOND
        axes.axvspan(begin, end, color=_SHADES[phase.phase], alpha=0.16, linewidth=0, zorder=0)
        if named and end - begin > 0.02 * _length(storm):
            _name(axes, phase, (begin + end) / 2, (end - begin) / _length(storm))


def _name(axes: Axes, phase: Phase, place: float, part: float) -> None:
    """Name a phase that takes `part` of the width: with a word of explanation, without, upright where it is narrow."""
    axes.text(
        place,
        0.98,
        f"{phase.phase}\n{_IN_WORDS[phase.phase]}" if part > 0.15 else phase.phase,
        transform=axes.get_xaxis_transform(),
        rotation="horizontal" if part > 0.1 else "vertical",
        ha="center",
        va="top",
        fontsize=9,
        color=_GREY,
    )


def _draw_causes(axes: Axes, storm: Storm) -> None:
    shares: list[tuple[str, float]] = [(cause.cause, cause.share) for cause in storm.causes[:5]]
    rest = 1 - sum(share for _, share in shares)
    shares += [("ordinary", rest)] if rest >= 0.005 else []
    places = range(len(shares))
    colours = [_GREY if name == "ordinary" else _COPIES for name, _ in shares]
    axes.barh(places, [share for _, share in shares], color=[_UNBOUND, *colours[1:]], height=0.45)
    for place, (name, share) in zip(places, shares, strict=True):
        axes.text(0, place - 0.32, f"{visible(name)}: {share:.0%}", fontsize=10, va="bottom")
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shares) - 0.4 if len(shares) > 2 else 2.4, -0.8)
    axes.set_title("why: share of the requests", fontsize=11, loc="left")
    axes.axis("off")


def _draw_what_if(axes: Axes, storm: Storm) -> None:
    axes.axis("off")
    cases = [case for case in storm.what_if if case.change.startswith("jitter")]
    if not cases:
        return
    rows = [("as it was", storm.peak_rate), *((case.change, case.peak_rate) for case in cases)]
    axes.barh(range(len(rows)), [rate for _, rate in rows], color=[_UNBOUND] + [_FIRST] * len(cases), height=0.7)
    for place, (name, rate) in enumerate(rows):
        axes.text(rate, place, f" {rate:,.0f} {name}", va="center", fontsize=9)
    axes.set_xlim(0, 1.9 * max(rate for _, rate in rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title("highest rate, if phones spread out", fontsize=11, loc="left")


def _draw_phase(figure: Figure, place: Any, storm: Storm) -> None:
    coherence = storm.coherence
    if coherence is None:
        axes = figure.add_subplot(place)
        axes.axis("off")
        axes.text(
            0.5, 0.5, "too few refreshes\nto see whether phones\nkeep step", ha="center", va="center", color=_GREY
        )
        return
    import math

    polar = figure.add_subplot(place, projection="polar")
    slices = len(coherence.histogram)
    angles = [2 * math.pi * (number + 0.5) / slices for number in range(slices)]
    polar.bar(angles, coherence.histogram, width=2 * math.pi / slices, color=_FIRST, edgecolor="white", linewidth=0.5)
    polar.set_theta_zero_location("N")  # type: ignore[attr-defined]
    polar.set_theta_direction(-1)  # type: ignore[attr-defined]
    polar.set_xticks([0, math.pi / 2, math.pi, 3 * math.pi / 2])
    polar.set_xticklabels([f"{part * coherence.period:.3g} s" for part in (0, 0.25, 0.5, 0.75)], fontsize=9)
    polar.set_yticklabels([])
    told = "all at once" if coherence.length > 0.8 else "in step" if coherence.length > 0.5 else "spread out"
    polar.set_title(
        f"when phones refresh in their interval\nof {coherence.period:.3g} s: {told} ({coherence.length:.2f} of 1)",
        fontsize=11,
    )
