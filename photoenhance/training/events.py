"""What a training run tells while it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Started:
    """The run is about to take its first step.

    Attributes:
        targets: photos in the target folder.
        sources: photos in the source folder; None if every source is made of a target.
        features: in what the fidelity loss compares; None without that loss.
        device: where the run computes.
        precision: in which arithmetic.
    """

    targets: int
    sources: int | None
    features: str | None
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Some steps are done.

    Attributes:
        step: steps done so far.
        terms: the loss terms, each weighted, averaged since the last event of this kind.
        rate: learning rate of the generator.
        seconds: a step, averaged likewise.
    """

    step: int
    terms: Mapping[str, float]
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class SampleSaved:
    """A grid of sources above enhanced images was written."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """The averaged generator was written."""

    step: int
    path: Path


Event = Started | Progress | SampleSaved | CheckpointSaved
