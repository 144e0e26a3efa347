"""What a run writes for people: the generator to use, and samples."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from filelock import FileLock, Timeout

from photoenhance.errors import ConfigError, TrainingError, WeightsError
from photoenhance.imaging.atomic import remove_leftovers, replacing
from photoenhance.networks.generator import Generator
from photoenhance.tensors import pixels_of
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.events import CheckpointSaved, SampleSaved, Validated
from photoenhance.training.validation import Validator
from photoenhance.training.watch import is_flat
from photoenhance.zoo import checkpoint

CHECKPOINT = "generator.safetensors"
LOCK = ".photoenhance.lock"


class Outputs:
    """Writes the best generator so far, by validation; or the latest where nothing is validated.

    Args:
        config: the run.
        folder: of the run.
        generator: the averaged one.
        samples: whose sources are enhanced for people to look at.
        validator: judges, or None.

    Attributes:
        best_step: step of the best generator; 0 is none.
        best_score: what validation gave it.
        stale: validations since the best one.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        generator: Generator,
        samples: Batch,
        validator: Validator | None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.generator = generator
        self.samples = samples
        self.validator = validator
        self.best_step = 0
        self.best_score = float("inf")
        self.stale = 0

    @property
    def judged_by(self) -> str | None:
        """By what the best generator is found, for people; None if it is not."""
        return None if self.validator is None else self.validator.name

    @property
    def has_settled(self) -> bool:
        """Whether the run has not become better for as long as it may."""
        return 0 < self.config.validation.patience <= self.stale

    def validate(self, step: int) -> Validated | None:
        """Judge the generator; None without a validator. What is the best is yet to be written."""
        if self.validator is None:
            return None
        judgement = self.validator.judge(self.generator)
        # What is no number is never the best. Of equal scores, the last is: it learnt longest.
        score = float("nan") if judgement.score is None else judgement.score
        is_best, is_better = score <= self.best_score, score < self.best_score
        self.stale = 0 if is_better else self.stale + 1
        if is_best:
            self.best_step, self.best_score = step, score
        return Validated(step, judgement, is_best)

    def write(self, step: int) -> CheckpointSaved | None:
        """Write the generator of a step, unless validation has found a better one before."""
        if self.best_step not in (0, step):
            return None
        config = self.config
        origin = (
            f"trained with photoenhance, recipe {config.recipe}, {step} of {config.steps} steps"
        )
        shape: Any = self.generator.config
        header = checkpoint.Header(config.architecture, dataclasses.asdict(shape), origin)
        checkpoint.write(self.folder / CHECKPOINT, self.generator.state_dict(), header)
        return CheckpointSaved(step, self.folder / CHECKPOINT)

    def complete(self, step: int) -> None:
        """Write the generator of a resumed state, if a full disk or a kill has kept it back."""
        if not is_complete(self.folder, self.best_step or step):
            self.write(step)

    def sample(self, step: int) -> SampleSaved:
        """Write some sources above what becomes of them and, where it is known, what should.

        Raises:
            TrainingError: the generator gives one flat colour, or no numbers.
        """
        sources = self.samples.source
        with torch.inference_mode():
            enhanced = self.generator(sources)
        hint = (
            "Try a lower --set optimiser.generator_rate, or another --seed; what was saved before "
            "is untouched."
        )
        if not bool(torch.isfinite(enhanced).all()):
            raise TrainingError("the generator gives values that are no numbers", hint=hint)
        if is_flat(enhanced) and not is_flat(sources):
            raise TrainingError("the generator gives one flat colour", hint=hint)
        rows = [torch.cat(list(images), dim=2) for images in (sources, enhanced)]
        originals = self.samples.original
        if len(originals):
            unknown = torch.ones_like(sources[len(originals) :])
            rows.append(torch.cat([*originals, *unknown], dim=2))
        grid = pixels_of(torch.cat(rows, dim=1)[None], np.dtype(np.uint8))
        path = self.folder / f"samples-{step:06d}.png"
        with replacing(path) as file:
            file.write(cv2.imencode(".png", grid[..., ::-1])[1].tobytes())
        return SampleSaved(step, path)

    def state_dict(self) -> dict[str, Any]:
        """Return which generator is the best."""
        return {"step": self.best_step, "score": self.best_score, "stale": self.stale}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.best_step, self.best_score = state["step"], state["score"]
        self.stale = state["stale"]


def is_complete(folder: Path, best: int) -> bool:
    """Whether a run's folder holds the generator of its best step."""
    try:
        origin = checkpoint.read_header(folder / CHECKPOINT).origin
    except WeightsError:  # missing, or damaged
        return False
    return f", {best} of " in origin


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a run's folder and keep other runs out of it within the block.

    The system lets go of the lock of a process that was killed.

    Raises:
        ConfigError: the folder cannot be made or written to, or another run is at work in it.
    """
    hint = "Choose another --output."
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        msg = f"{folder}: another run is at work in this folder"
        raise ConfigError(msg, hint="Wait for its end, or choose another --output.") from error
    except NotImplementedError:  # a file system without locks
        yield
        return
    except OSError as error:
        msg = f"{folder}: cannot be used: {error.strerror}"
        raise ConfigError(msg, hint=hint) from error
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()
