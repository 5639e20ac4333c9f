"""The page of stage 08's report, as a browser reads it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

from .logs import Hour

CLOSE = 0.02  # of the tallest bar


def rides_by_month(found: list[Hour]) -> list[int]:
    """The rides of each month, in the order of the months."""
    months: Counter[str] = Counter()
    for each in sorted(found, key=lambda each: each.day):
        months[each.day[:7]] += each.casual + each.registered
    return list(months.values())


class Page(HTMLParser):
    """Its charts, the bars in them, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.charts, self.text = 0, ""
        self.heights: list[float] = []

    @classmethod
    def of(cls, html: str) -> Page:
        """A page that was read."""
        page = cls()
        page.feed(html)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.charts += tag == "svg"
        if tag == "rect":
            try:
                self.heights.append(float((dict(attrs).get("height") or "").removesuffix("px")))
            except ValueError:
                self.heights.append(-1.0)

    def handle_data(self, data: str) -> None:
        self.text += data

    def shares(self) -> list[float]:
        """The height of each bar, as a share of the tallest."""
        tallest = max(self.heights, default=0)
        return [round(each / tallest, 2) if tallest > 0 else 0.0 for each in self.heights]
