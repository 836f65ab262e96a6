"""Ink on paper: how the charts are drawn with matplotlib, the same to the byte each time."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

from exchange.indicators.charts_over_time import ChartPoint
from exchange.indicators.figure import Figure, Interval
from exchange.indicators.funnel import Funnel, limits_at
from exchange.reports.facts import Band, IndexPoint
from exchange.reports.markdown import plain
from exchange.reports.numbers import number, percent, shortest

# Greys and hatches, no hue: a fax, a photocopy and a colour-blind reader see the same.
_INK = "#1a1a1a"
_FILLS = (("#3d3d3d", ""), ("#ffffff", "///"), ("#b5b5b5", ""), ("#ffffff", "...."))
_HIDDEN = "×"
# A point that varies more than is ordinary: another shape, for who reads a copy in black and white.
_SIGNAL: Mapping[str, Any] = {"fmt": "D", "markerfacecolor": "white", "markersize": 7, "markeredgewidth": 1.4}
# A practice in a funnel by where it lies, each in a shape of its own.
_PLACES: Mapping[str, Mapping[str, Any]] = {
    "inside": {"marker": "o", "markersize": 5},
    "warning": {"marker": "D", "markersize": 6, "markerfacecolor": "white", "markeredgewidth": 1.4},
    "alarm": {"marker": "D", "markersize": 7},
}
# So many sizes for which the limits of a funnel are worked out.
_STEPS = 240
_STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "hatch.linewidth": 0.7,
    "svg.hashsalt": "outcome-exchange",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "figure.dpi": 100,
}


def draw(
    paint: Callable[[Any], None], *, name: str, title: str, description: str, height: float = 2.9
) -> tuple[bytes, bytes]:
    """Return a chart as SVG with title and description, and as PNG for Word."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = dict(_STYLE)
    with mpl.rc_context(style), warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes; the table beside the chart has it as it is.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(7.0, height), layout="constrained")
        paint(figure.add_subplot())
        svg, png = io.BytesIO(), io.BytesIO()
        # A date or a version in the metadata would make two identical runs differ.
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(svg, metadata=nothing)  # type: ignore[no-untyped-call]  # untyped upstream
        FigureCanvasAgg(figure)
        figure.savefig(png, format="png", dpi=180, metadata={"Software": None})
    return _described(svg.getvalue(), name, title, description), png.getvalue()


def _described(svg: bytes, name: str, title: str, description: str) -> bytes:
    """Put title and desc first in the SVG and let the root name them, so that a screen reader reads both."""
    text = svg.decode("utf-8")
    at = text.index(">", text.index("<svg")) + 1
    opening = text[:at].replace("<svg", f'<svg role="img" aria-labelledby="{name}-title {name}-desc"', 1)
    inside = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return (opening + inside + text[at:]).encode("utf-8")


def _wrapped(text: str, width: int) -> str:
    """Break a label into at most three lines; a name of 300 characters must not push the chart off the page."""
    lines = textwrap.wrap(plain(text), width, break_long_words=True) or [""]
    return "\n".join(lines if len(lines) <= 3 else [*lines[:2], lines[2][: width - 1] + "…"])


def index(
    axes: Any,
    points: Sequence[IndexPoint],
    band: Band | None,
    target: float | None,
    labels: Mapping[str, str],
    language: str,
) -> None:
    """Draw the points of the index with their bounds, the allowed band as a grey field and the target as a line."""
    places = list(range(len(points)))
    tops = [point.upper if point.upper is not None else point.value for point in points]
    lows = [point.lower if point.lower is not None else point.value for point in points]
    floor = min([*lows, 100, target or 100, *([band.lower] if band and band.lower is not None else [])])
    ceiling = max([*tops, 100, target or 100, *([band.upper] if band else [])])
    margin = max(8.0, (ceiling - floor) * 0.12)
    axes.set_ylim(max(0.0, floor - margin), ceiling + margin)
    axes.set_xlim(-0.6, len(points) - 0.4)
    if band is not None:
        lowest = band.lower if band.lower is not None else 0.0
        axes.axhspan(lowest, band.upper, color="#e4e4e4", zorder=0, label=_wrapped(labels["band"], 60))
        axes.axhline(band.upper, color="#8a8a8a", linewidth=1, zorder=1)
    axes.axhline(100, color=_INK, linewidth=0.8, linestyle=":", label=labels["national"], zorder=1)
    if target is not None:
        axes.axhline(target, color=_INK, linewidth=1.2, linestyle="--", label=labels["target"], zorder=1)
    below = [point.value - low for point, low in zip(points, lows, strict=True)]
    above = [top - point.value for point, top in zip(points, tops, strict=True)]
    values = [point.value for point in points]
    style = {"color": _INK, "capsize": 5, "markersize": 7, "linewidth": 1.4}
    axes.errorbar(places, values, yerr=[below, above], fmt="o", label=labels["official"], **style)
    for place, point in zip(places, points, strict=True):
        text = shortest(point.value, language)
        paper = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
        axes.annotate(text, (place, point.value), (9, 0), textcoords="offset points", va="center", bbox=paper)
    axes.set_xticks(places, [f"{point.year}\n{point.edition}".strip() for point in points])
    axes.set_ylabel(_wrapped(labels["axis"], 34))
    axes.set_title(labels["title"])
    _legend(axes)


def _legend(axes: Any) -> None:
    """Put the legend under the axes, where it can never cover a point."""
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, fontsize=8, ncols=2)


def sessions(
    axes: Any,
    classes: Sequence[str],
    own: Sequence[float | None],
    reference: Sequence[float],
    labels: Mapping[str, str],
    language: str,
) -> None:
    """Draw two bars per class; a class that may not be shown has a cross where its bar would be."""
    width = 0.4
    highest = max([*(share for share in own if share is not None), *reference])
    for side, (shares, (fill, hatch), name) in enumerate(
        zip((own, reference), _FILLS[:2], (labels["own"], labels["reference"]), strict=True)
    ):
        places = [place + (side - 0.5) * width for place in range(len(classes))]
        heights = [(share or 0) * 100 for share in shares]
        axes.bar(places, heights, width, facecolor=fill, hatch=hatch, edgecolor=_INK, linewidth=0.8, label=name)
        for place, share in zip(places, shares, strict=True):
            text = _HIDDEN if share is None else percent(share, language, 0).removesuffix("%")
            axes.annotate(
                text, (place, (share or 0) * 100), (0, 2), textcoords="offset points", ha="center", fontsize=7.5
            )
    axes.set_ylim(0, highest * 100 * 1.15)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_xlabel(labels["classes"])
    axes.set_ylabel(labels["axis"])
    axes.set_title(labels["title"])
    _legend(axes)


def bars(
    axes: Any,
    names: Sequence[str],
    ranges: Sequence[str],
    values: Sequence[int | None],
    title: str,
    axis: str,
    language: str,
) -> None:
    """Draw one horizontal bar per class, its limits under its name and its count at its end."""
    places = list(range(len(names)))
    fills = [_FILLS[place % len(_FILLS)] for place in places]
    for place, value, (fill, hatch) in zip(places, values, fills, strict=True):
        axes.barh(place, value or 0, 0.62, facecolor=fill, hatch=hatch, edgecolor=_INK, linewidth=0.8)
        axes.annotate(_shown(value, language), (value or 0, place), (4, 0), textcoords="offset points", va="center")
    texts = [f"{name}\n({limits})" if limits else name for name, limits in zip(names, ranges, strict=True)]
    axes.set_yticks(places, texts)
    axes.invert_yaxis()
    axes.set_xlim(0, max([1, *(value for value in values if value is not None)]) * 1.12)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(axis)
    axes.set_title(_wrapped(title, 62))


def grouped(
    axes: Any,
    titles: Sequence[str],
    steps: Sequence[str],
    values: Sequence[Sequence[int | None]],
    title: str,
    axis: str,
    language: str,
) -> None:
    """Draw four thin bars per agreement: sent, due, answered, unanswered."""
    height = 0.8 / len(steps)
    for place, (step, (fill, hatch)) in enumerate(zip(steps, _FILLS, strict=True)):
        lines = [row - 0.4 + (place + 0.5) * height for row in range(len(titles))]
        lengths = [row[place] or 0 for row in values]
        axes.barh(lines, lengths, height, facecolor=fill, hatch=hatch, edgecolor=_INK, linewidth=0.8, label=step)
        for line, row in zip(lines, values, strict=True):
            axes.annotate(
                _shown(row[place], language),
                (row[place] or 0, line),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
            )
    axes.set_yticks(range(len(titles)), [_wrapped(text, 30) for text in titles])
    axes.invert_yaxis()
    axes.set_xlim(0, max([1, *(value or 0 for row in values for value in row)]) * 1.12)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(axis)
    axes.set_title(title)
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, fontsize=8, ncols=4)


def trend(
    axes: Any,
    points: Sequence[Figure],
    limits: Sequence[ChartPoint],
    labels: Mapping[str, str],
    names: Sequence[str],
    write: Callable[[float], str],
    *,
    shares: bool,
) -> None:
    """Draw a figure per period with its interval; what may not be shown is a cross, and never a point at zero.

    `labels` may hold target, baseline, limits, centre, signal, hidden; `write` writes a number as its kind asks.
    """
    known = [
        (place, one.value, one.interval)
        for place, one in enumerate(points)
        if one.masked is None and one.value is not None
    ]
    lines = {name: getattr(points[0], name) for name in ("target", "baseline") if getattr(points[0], name) is not None}
    tops = [interval.upper if interval else value for _, value, interval in known]
    highest = max([*tops, *lines.values(), *(one.upper for one in limits), 0.1])
    # Shares always from 0 to 100 %, so that a small change does not look like a great one.
    axes.set_ylim(0, 1.12 if shares else highest * 1.12)
    if shares:
        axes.set_yticks((0, 0.25, 0.5, 0.75, 1))
    axes.set_xlim(-0.5, len(points) - 0.4)
    for (name, value), style in zip(lines.items(), ("--", ":"), strict=False):
        axes.axhline(value, color=_INK, linewidth=1.2, linestyle=style, label=labels[name], zorder=1)
    _limits(axes, limits, labels)
    # A line only between neighbours: across a gap nobody knows what lay there.
    for (a, before, _), (b, after, _) in pairwise(known):
        if b == a + 1:
            axes.plot((a, b), (before, after), color="#8a8a8a", linewidth=1, zorder=2)
    _marks(axes, known, {place for place, one in enumerate(limits) if one.signals}, labels, write)
    hidden = [place for place, one in enumerate(points) if one.masked is not None]
    if hidden:
        floor = [axes.get_ylim()[0]] * len(hidden)
        axes.plot(hidden, floor, "x", color=_INK, markersize=7, label=labels["hidden"], clip_on=False, zorder=4)
    axes.set_xticks(range(len(points)), names, fontsize=8 if len(points) < 9 else 6.5)
    axes.yaxis.set_major_formatter(lambda value, _place: write(value))
    axes.set_ylabel(_wrapped(labels["axis"], 26))
    axes.set_title(_wrapped(labels["title"], 76), fontsize=9.5)
    _legend(axes)


def _marks(
    axes: Any,
    known: Sequence[tuple[int, float, Interval | None]],
    signals: Collection[int],
    labels: Mapping[str, str],
    write: Callable[[float], str],
) -> None:
    """Draw each point with its interval and its number; one outside ordinary variation has its own shape."""
    mark: Any = {"fmt": "o", "color": _INK, "capsize": 4, "markersize": 5.5, "linewidth": 1.2, "zorder": 3}
    paper = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    told: set[str] = set()
    for place, value, interval in known:
        low, high = (interval.lower, interval.upper) if interval else (value, value)
        reach = [[max(0.0, value - low)], [max(0.0, high - value)]]
        name, look = ("signal", _SIGNAL) if place in signals else ("official", {})
        label = None if name in told else labels[name]
        told.add(name)
        axes.errorbar([place], [value], yerr=reach, label=label, **{**mark, **look})
        axes.annotate(
            write(value), (place, value), (6, 4), textcoords="offset points", fontsize=7.5, zorder=4, bbox=paper
        )


def _limits(axes: Any, limits: Sequence[ChartPoint], labels: Mapping[str, str]) -> None:
    """Draw the limits of ordinary variation and what they lie around, each in a line of its own."""
    for side, label, style in (("upper", "limits", "-."), ("lower", "", "-."), ("centre", "centre", "-")):
        values = [getattr(one, side) for one in limits]
        if values:
            look = {"color": "#6e6e6e", "linewidth": 0.9, "linestyle": style, "zorder": 1}
            axes.step(range(len(limits)), values, where="mid", label=labels[label] if label else None, **look)


def funnel(axes: Any, drawn: Funnel, labels: Mapping[str, str], language: str) -> None:
    """Draw each practice by its size between limits that narrow with it; who lies outside is named.

    `labels` holds title, axis-share, axis-cases, centre, limits, outer, inside, warning, alarm.
    """
    sizes = [one.denominator for one in drawn.points]
    first, last = max(1, math.floor(min(sizes) * 0.8)), math.ceil(max(sizes) * 1.05) + 1
    at = sorted({round(first * (last / first) ** (step / _STEPS)) for step in range(_STEPS + 1)})
    reach = [limits_at(size, drawn.centre, drawn.phi) for size in at]
    for level, (label, style) in enumerate((("limits", "--"), ("outer", "-"))):
        look = {"color": "#6e6e6e", "linewidth": 1, "linestyle": style, "zorder": 1}
        axes.plot(at, [one[level][0] for one in reach], label=labels[label], **look)
        axes.plot(at, [one[level][1] for one in reach], **look)
    axes.axhline(drawn.centre, color=_INK, linewidth=0.8, linestyle=":", label=labels["centre"], zorder=1)
    paper = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    for name, mark in _PLACES.items():
        points = [one for one in drawn.points if one.position.rpartition("-")[2] == name]
        if points:
            look = {"color": _INK, "linestyle": "none", "zorder": 3, "label": labels[name], **mark}
            axes.plot([one.denominator for one in points], [one.value for one in points], **look)
        for one in points if name != "inside" else ():
            axes.annotate(
                _wrapped(one.name, 28), (one.denominator, one.value), (6, 4), textcoords="offset points",
                fontsize=7.5, zorder=4, bbox=paper, annotation_clip=False,
            )  # fmt: skip
    axes.set_ylim(0, 1.05)
    axes.set_xlim(first, last)
    if last > 20 * first:  # a few vast practices would push all others into one corner
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _place: number(value, language, 0))
    axes.xaxis.set_minor_formatter(lambda _value, _place: "")
    axes.yaxis.set_major_formatter(lambda value, _place: percent(value, language, 0))
    axes.set_xlabel(labels["axis-cases"])
    axes.set_ylabel(labels["axis-share"])
    axes.set_title(_wrapped(labels["title"], 76), fontsize=9.5)
    _legend(axes)


def _shown(value: int | None, language: str) -> str:
    """Write a count at the end of its bar."""
    return _HIDDEN if value is None else number(value, language, 0)
