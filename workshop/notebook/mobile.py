"""Pictures of stage 09: a map of stations around a rider, and what late reports do to a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from string import ascii_uppercase
from typing import NamedTuple

from ..examples.stations import STATIONS, Station

DEGREE = 111_195  # meters of a degree of latitude, on a sphere of 6,371 km
REACH = 500  # meters
SHADE = (0.0, 0.45, 0.7, 0.12)
ASKED, NOT_ASKED, RIGHT, WRONG = "#0072b2", "#999999", "#0072b2", "#d55e00"


class Report(NamedTuple):
    """A report that came: minutes since the first one, its seq, and the bikes that it tells."""

    minute: float
    seq: int
    bikes: int


def draw_map(
    rider: tuple[float, float], cells: Collection[str], stations: Iterable[Station] = STATIONS
) -> None:
    """Draws stations as circles by their bikes, a rider, and the cells that were asked.

    `cells` are named as in the table: "3888:-7706". A station in one of them is blue and has a
    letter, the others are gray. An empty circle has no bikes.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Ellipse, Rectangle

    lat, lon = rider
    figure, axes = plt.subplots(figsize=(9, 5.6), layout="constrained")
    for cell in cells:
        row, column = map(int, cell.split(":"))
        corner = (column / 100, row / 100)
        axes.add_patch(Rectangle(corner, 0.01, 0.01, facecolor=SHADE, edgecolor=ASKED))
    width = REACH / (DEGREE * cos(radians(lat)))
    axes.add_patch(
        Ellipse(
            (lon, lat), 2 * width, 2 * REACH / DEGREE, fill=False, linestyle="--", edgecolor="black"
        )
    )
    letters = iter(ascii_uppercase)
    for station in stations:
        place, is_asked = (station.lon, station.lat), station.cell in cells
        color = ASKED if is_asked else NOT_ASKED
        label = None
        if is_asked:
            letter = next(letters)
            axes.annotate(letter, place, xytext=(9, 5), textcoords="offset points", fontsize=9)
            label = f"{letter}  {station.name}: {station.bikes}"
        axes.scatter(
            *place,
            s=30 + 30 * station.bikes,
            facecolors=color if station.bikes else "none",
            edgecolors=color,
            label=label,
        )
    axes.scatter([lon], [lat], marker="*", s=150, color="black", zorder=3)
    axes.set_xlabel("longitude")
    axes.set_ylabel("latitude")
    axes.set_aspect(1 / cos(radians(lat)))  # so that a meter is as long in both directions
    axes.ticklabel_format(useOffset=False)
    axes.autoscale_view()
    axes.tick_params(labelsize=8)
    if axes.texts:
        look = {"frameon": False, "handlelength": 0, "markerscale": 0, "fontsize": 8}
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), **look)
    plt.show()


def draw_reports(reports: Sequence[Report], rows: Mapping[str, Sequence[int]]) -> None:
    """Draws the reports that came, and below what each of several functions had in the row then.

    `rows` gives for each function the seq in the row after each report. Where a row goes back to
    an older report, it is drawn as the fault that it is.
    """
    import matplotlib.pyplot as plt

    if not reports or not any(rows.values()):
        print("Nothing came yet: run the cells above first.")
        return
    figure, panels = plt.subplots(
        len(rows), sharex=True, sharey=True, figsize=(8, 2 + 1.6 * len(rows)), layout="constrained"
    )
    minutes = [report.minute for report in reports]
    for axes, (name, row) in zip(panels if len(rows) > 1 else [panels], rows.items(), strict=True):
        axes.scatter(minutes, [report.seq for report in reports], s=18, color="black", zorder=3)
        axes.step(minutes, row, where="post", color=RIGHT)
        for at, (before, after) in zip(minutes[1:], pairwise(row), strict=True):
            if after < before:
                axes.plot([at, at], [before, after], color=WRONG, linewidth=3)
        axes.set_title(f"{name}: the line is the row, a dot is a report", fontsize=9, loc="left")
        axes.set_ylabel("seq")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("minutes since the first report")
    plt.show()


def went_back(row: Sequence[int]) -> int:
    """How often a row went back to an older report."""
    return sum(after < before for before, after in pairwise(row))
