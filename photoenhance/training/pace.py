"""How long a run's steps take on this machine: by taking some of them."""

import statistics
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from photoenhance.training.config import TrainConfig
from photoenhance.training.events import Progress
from photoenhance.training.loop import Run, train

WARM_UP = 2  # the first steps allocate memory and decode what later ones find
LEAST, MOST = 3, 20  # steps that are measured
ENOUGH = 8.0  # seconds of measuring, if the least number of steps is done by then


@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured.

    Attributes:
        measured: how many steps.
        seconds: a step, the median.
        steps: of the whole run.
        total_seconds: all of them together.
    """

    measured: int
    seconds: float
    steps: int
    total_seconds: float


def measure(config: TrainConfig, run: Run) -> Pace:
    """Take the first steps of a run, with all it computes, in a folder that then vanishes.

    Raises:
        ConfigError: the run could not begin.
        TrainingError: it diverges at once.
    """
    validation = config.validation.model_copy(update={"every": 0})
    tried = config.model_copy(update={"validation": validation})
    seconds: list[float] = []
    with TemporaryDirectory(prefix="photoenhance-check-") as folder:
        trial = replace(run, output=Path(folder), log_every=1, save_every=config.steps + 1)
        with closing(train(tried, trial)) as events:
            for event in events:
                if isinstance(event, Progress):
                    is_warm = event.step > min(WARM_UP, config.steps - 1)
                    seconds += [event.seconds] if is_warm else []
                    if len(seconds) == MOST or (len(seconds) >= LEAST and sum(seconds) > ENOUGH):
                        break
    step = statistics.median(seconds)
    return Pace(len(seconds), step, config.steps, step * config.steps)
