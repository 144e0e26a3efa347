"""What a report is made from and made of, as plain values."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo and what became of it, before anybody has looked at either.

    Attributes:
        name: that the reader knows the photo by.
        before: the file as it was.
        after: the file that was made of it.
        facts: what is known of the making, in a few words each.
        notes: what the reader should be warned of.
    """

    name: str
    before: Path
    after: Path
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo that there is nothing to show of, and why."""

    name: str
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that the two photos of a pair are compared by.

    Attributes:
        name: in a word or two.
        before: of the photo as it was; None where the number is one of the change itself.
        after: of what was made of it, or of the change; nan where it cannot be told.
        digits: after the decimal point, as many as mean something.
        unit: written behind the number; may be empty.
        meaning: one sentence for who does not know the measure.
    """

    name: str
    before: float | None
    after: float
    digits: int = 0
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as the page shows it.

    Attributes:
        link: address of a file beside the page, or None where the page holds the picture itself.
        data: a WebP file, empty where there is a link.
    """

    link: str | None
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Row:
    """A pair as the page shows it.

    Attributes:
        name: that the reader knows the photo by.
        size: width and height of the original in pixels.
        before: the photo as it was.
        after: what was made of it.
        histograms: SVG paths of red, green and blue; of the photo before, and after.
        measures: the same ones in every row.
        facts: what is known of the making, in a few words each.
        notes: what the reader should be warned of.
    """

    name: str
    size: tuple[int, int]
    before: Picture
    after: Picture
    histograms: tuple[tuple[str, ...], tuple[str, ...]]
    measures: tuple[Measure, ...]
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole page.

    Attributes:
        title: the headline.
        rows: the photos.
        failures: the photos that could not be enhanced or shown.
        settings: what all were made with: names and values, to be read by people.
        models: that made them, as a reader would say it; empty if that is not known.
        origin: who made the page, and when.
    """

    title: str
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    models: str = ""
    origin: str = "photoenhance"
