"""What the page of a training run is made of, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curve:
    """One number as it went during a run.

    Attributes:
        name: in a word or two.
        points: step and value, in the order of the steps; values that are no numbers are left out.
        meaning: one sentence for who does not know the number.
        unit: written behind the number; may be empty.
        best: the step whose model was given out, if this number had a say in it; 0 is none.
    """

    name: str
    points: tuple[tuple[int, float], ...]
    meaning: str = ""
    unit: str = ""
    best: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Curves that belong together, under a headline."""

    title: str
    meaning: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of the same photos after some steps.

    Attributes:
        step: how many.
        size: width and height of the picture in pixels.
        data: a WebP file: sources above, enhanced images below, originals where they are known.
    """

    step: int
    size: tuple[int, int]
    data: bytes


@dataclass(frozen=True, slots=True)
class RunReport:
    """The whole page of a run.

    Attributes:
        title: the headline.
        lead: a sentence on how the run went.
        facts: what one wants to know first: names and values, to be read by people.
        groups: the curves.
        samples: in the order of their steps.
        settings: what the run was made with, likewise.
        result: whole photos before and after; None where the run has not ended.
    """

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    samples: tuple[Sample, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    result: Sample | None = None
