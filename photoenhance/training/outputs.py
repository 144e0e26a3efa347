"""What a run writes for people: the generator to use, and samples."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from photoenhance.errors import ConfigError, TrainingError
from photoenhance.imaging.atomic import replacing
from photoenhance.networks.generator import Generator
from photoenhance.tensors import pixels_of
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.events import CheckpointSaved, SampleSaved, Validated
from photoenhance.training.validation import Validator
from photoenhance.training.watch import is_flat
from photoenhance.zoo import checkpoint

CHECKPOINT = "generator.safetensors"


class Outputs:
    """Writes the best generator so far, by validation; or the latest where nothing is validated.

    Args:
        config: the run.
        folder: made if need be.
        generator: the averaged one.
        samples: whose sources are enhanced for people to look at.
        validator: judges, or None.

    Attributes:
        best: step and score of the best generator; step 0 is none.
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
    def has_settled(self) -> bool:
        """Whether the run has not become better for as long as it may."""
        return 0 < self.config.validation.patience <= self.stale

    def validate(self, step: int) -> Validated | None:
        """Judge the generator and write it if it is the best so far; None without a validator."""
        if self.validator is None:
            return None
        judgement = self.validator.judge(self.generator)
        is_best = judgement.score < self.best_score
        self.stale = 0 if is_best else self.stale + 1
        if is_best:
            self.best_step, self.best_score = step, judgement.score
            self._write(step)
        return Validated(step, judgement, is_best)

    def save(self, step: int) -> CheckpointSaved | None:
        """Write the generator, unless validation has found a best one."""
        if self.validator is not None and self.best_step:
            return None
        self._write(step)
        return CheckpointSaved(step, self.folder / CHECKPOINT)

    def sample(self, step: int) -> SampleSaved:
        """Write some sources above what becomes of them.

        Raises:
            TrainingError: the generator gives one flat colour.
        """
        sources = self.samples.source
        with torch.inference_mode():
            enhanced = self.generator(sources)
        if is_flat(enhanced) and not is_flat(sources):
            raise TrainingError(
                "the generator gives one flat colour",
                hint="Try a lower --set optimiser.generator_rate, or another --seed; the state "
                "before is kept.",
            )
        rows = [torch.cat(list(images), dim=2) for images in (sources, enhanced)]
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

    def _write(self, step: int) -> None:
        config = self.config
        origin = (
            f"trained with photoenhance, recipe {config.recipe}, {step} of {config.steps} steps"
        )
        shape: Any = self.generator.config
        header = checkpoint.Header(config.architecture, dataclasses.asdict(shape), origin)
        checkpoint.write(self.folder / CHECKPOINT, self.generator.state_dict(), header)


def make(folder: Path) -> None:
    """Make a run's folder.

    Raises:
        ConfigError: the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be made: {error.strerror}"
        raise ConfigError(msg, hint="Choose another --output.") from error
