"""The picture: what is drawn is what the storm has, in words that need no knowledge of SIP."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from analyzer.storm.analysis import storms
from analyzer.storm.values import CauseShare, Phase, Silence, Storm
from analyzer.views.storm.plot import PlotUnavailable, _draw, plot_storms, tick
from analyzer.views.words import Clock
from tests.storm.fleets import Pairs, avalanche, periodic, table, together

SECOND = 1_000_000_000
CLOCK = Clock()


@cache
def restart() -> Storm:
    return storms(avalanche(300, 20.0, np.random.default_rng(7))).storms[0]


@cache
def in_step() -> Storm:
    rng = np.random.default_rng(7)
    calm = table(periodic(300, 120.0, 240.0, rng), granted=240, prefix="calm")
    made = together(calm, table(periodic(400, 60.0, 240.0, rng, spread=0.005), granted=120, prefix="s"))
    return storms(made).storms[0]


def drawn(storm: Storm) -> Any:
    """The figure of a storm."""
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    _draw(figure, storm, CLOCK)
    figure.canvas.draw()
    return figure


def texts(figure: Any) -> str:
    """All that is written in it."""
    written = [text.get_text() for axes in figure.axes for text in axes.texts]
    written += [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center")]
    written += [axes.get_ylabel() for axes in figure.axes]
    for axes in figure.axes:
        legend = axes.get_legend()
        written += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join([figure.get_suptitle(), *written])


def test_the_title_is_the_verdict_with_its_numbers() -> None:
    title = drawn(restart()).get_suptitle()
    assert title.startswith("Everybody registered again at once after a restart\n")
    assert f"{restart().users:,} users, {restart().requests:,} registration requests" in title


def test_the_words_are_for_everybody() -> None:
    written = texts(drawn(restart()))
    assert "users who cannot\nbe called" in written
    assert "sent again: no answer in time" in written
    assert "the server answered nobody" in written
    assert not any(word in written for word in ("REGISTER", "SIP", "Timer", "401", "AOR"))


def test_the_heights_are_those_of_the_storm() -> None:
    rate, latency, unbound, *_ = drawn(restart()).axes
    highest = max(first + copies for first, copies in zip(restart().series.first, restart().series.copies, strict=True))
    tops = [path.vertices[:, 1].max() for drawn_ in rate.collections for path in drawn_.get_paths()]
    assert max(tops) == pytest.approx(highest)
    assert rate.get_ylim()[1] > highest
    assert unbound.get_ylim()[1] > restart().outage.peak
    assert latency.get_yscale() == "log"
    answered = next(line for line in rate.lines if line.get_label() == "answered")
    assert answered.get_ydata().tolist() == pytest.approx(list(restart().series.answered))


def test_each_phase_is_shaded_and_named() -> None:
    figure = drawn(restart())
    for axes in figure.axes[:3]:
        shades = [patch for patch in axes.patches if patch.get_hatch() is None]
        assert len(shades) == len(restart().phases)
        assert shades[0].get_x() == 0
    names = [text.get_text().split("\n")[0] for text in figure.axes[0].texts]
    assert names == [phase.phase for phase in restart().phases if phase.end - phase.start > 0.02 * 24 * SECOND]


def test_a_phase_too_narrow_for_its_name_has_none() -> None:
    begin, end = restart().start, restart().end
    narrow = begin + (end - begin) // 100
    phases = (Phase("onset", begin, narrow, 1.0), Phase("peak", narrow, end, 9.0))
    figure = drawn(replace(restart(), phases=phases))
    assert [text.get_text().split("\n")[0] for text in figure.axes[0].texts] == ["peak"]


def test_what_there_is_none_of_is_not_in_the_legend() -> None:
    written = texts(drawn(in_step()))
    assert "asked for the first time" in written
    assert "sent again" not in written
    assert "tried again" not in written
    assert "answered nobody" not in written


def test_tries_after_a_failure_are_told_from_first_ones() -> None:
    rng = np.random.default_rng(1)
    first = 100 + np.linspace(0, 1, 60, endpoint=False)
    loop = Pairs((first[:, None] + np.arange(30)).ravel(), np.repeat(np.arange(60), 30))
    calm = table(periodic(300, 120.0, 240.0, rng), granted=240, prefix="calm")
    storm = storms(together(calm, table(loop, statuses=(401, 403), prefix="wrong"))).storms[0]
    assert "tried again after a failure" in texts(drawn(storm))
    assert sum(storm.series.retries) > 0.8 * sum(storm.series.first)


def test_every_silence_is_hatched_and_named_once() -> None:
    start = restart().start
    several = tuple(Silence(start + n * SECOND, start + (n + 1) * SECOND, 9) for n in (0, 4, 8))
    figure = drawn(replace(restart(), silences=several))
    hatched = [patch for patch in figure.axes[1].patches if patch.get_hatch()]
    assert [round(patch.get_x()) for patch in hatched] == [0, 4, 8]
    assert texts(figure).count("the server answered nobody") == 1


def test_a_silence_that_lasts_is_drawn_to_the_end() -> None:
    figure = drawn(replace(restart(), silences=(Silence(restart().start, None, 9),)))
    (patch,) = [patch for patch in figure.axes[1].patches if patch.get_hatch()]
    assert patch.get_width() == pytest.approx((restart().end - restart().start) / SECOND)


def test_causes_and_the_rest_add_up_to_all() -> None:
    causes = (CauseShare("scan", 0.6, "x"), CauseShare("restart", 0.1, "x"))
    axes = drawn(replace(restart(), causes=causes)).axes[3]
    assert [text.get_text() for text in axes.texts] == ["scan: 60%", "restart: 10%", "ordinary: 30%"]
    assert sum(patch.get_width() for patch in axes.patches) == pytest.approx(1.0)


def test_what_would_have_been_is_below_what_was() -> None:
    axes = drawn(in_step()).axes[4]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths[0] == in_step().peak_rate
    assert all(width <= widths[0] for width in widths[1:])


def test_the_clock_of_refreshes() -> None:
    figure = drawn(in_step())
    polar = figure.axes[5]
    assert polar.name == "polar"
    assert in_step().coherence is not None
    heights = [patch.get_height() for patch in polar.patches]
    assert heights == list(in_step().coherence.histogram)  # type: ignore[union-attr]
    assert "all at once" in polar.get_title() or "in step" in polar.get_title()
    assert "too few refreshes" in texts(drawn(replace(in_step(), coherence=None)))


def test_nobody_without_a_binding_is_said() -> None:
    series = replace(in_step().series, unbound=tuple(0 for _ in in_step().series.unbound))
    assert "none, as far as can be seen" in texts(drawn(replace(in_step(), series=series)))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(100, "100 s"), (1, "1 s"), (0.1, "0.1 s"), (0.01, "10 ms"), (0.001, "1 ms"), (1e-4, "0.1 ms")],
)
def test_ticks(seconds: float, shown: str) -> None:
    assert tick(seconds) == shown


def test_a_hostile_cause_is_no_escape_sequence(tmp_path: Path) -> None:
    hostile = replace(restart(), causes=(CauseShare("scan", 1.0, "\x1b[2J $\\frac{"),))
    plot_storms([hostile], str(tmp_path / "x.svg"), CLOCK)
    assert (tmp_path / "x.svg").stat().st_size > 10_000


@pytest.mark.parametrize("count", [0, 1, 3])
def test_as_many_parts_as_storms(count: int, tmp_path: Path) -> None:
    target = tmp_path / "x.png"
    plot_storms([restart()] * count, str(target), CLOCK)
    height = int.from_bytes(target.read_bytes()[20:24], "big")  # of the PNG's header
    assert height == round(8.5 * 110) * max(1, count)


def test_a_form_that_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(PlotUnavailable, match="png and svg can"):
        plot_storms([restart()], str(tmp_path / "x.xyz"), CLOCK)
