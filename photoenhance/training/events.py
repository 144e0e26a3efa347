"""What a training run tells while it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from photoenhance.training.validation import Judgement


@dataclass(frozen=True, slots=True)
class Started:
    """The run is about to take its first step.

    Attributes:
        targets: photos in the target folder to learn from.
        sources: photos in the source folder; None if every source is made of a target.
        held: photos of both that are left out, to judge by.
        features: in what the fidelity loss compares; None without that loss.
        device: where the run computes.
        precision: in which arithmetic.
        processes: how many work together.
        judged_by: by what the best generator is found; None if the last one is given out.
    """

    targets: int
    sources: int | None
    held: int
    features: str | None
    device: str
    precision: str
    processes: int
    judged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run goes on after this step, where it was interrupted.

    Attributes:
        step: after which.
        path: the state that it goes on from.
        changes: settings that are no longer what they were, as `key: before -> now`.
    """

    step: int
    path: Path
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimated:
    """It is known how long the run will take.

    Attributes:
        seconds: a step.
        left: all steps that are to be done, in seconds; looks at held-out photos not counted.
    """

    seconds: float
    left: float


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
class Validated:
    """The averaged generator was judged by photos that it does not learn from.

    Attributes:
        step: after which.
        judgement: what was found.
        is_best: whether no earlier one was better; then it was written.
    """

    step: int
    judgement: Judgement
    is_best: bool


@dataclass(frozen=True, slots=True)
class SampleSaved:
    """A grid of sources above enhanced images was written."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """The averaged generator was written, to be used."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class StateSaved:
    """Everything was written that the run needs to go on later."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over.

    Attributes:
        step: steps done.
        reason: "done", "settled" (no better for long) or "interrupted".
        best: step of the generator that was given out.
    """

    step: int
    reason: str
    best: int


Event = (
    Started
    | Resumed
    | Estimated
    | Progress
    | Validated
    | SampleSaved
    | CheckpointSaved
    | StateSaved
    | Ended
)
