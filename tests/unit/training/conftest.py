from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from photoenhance.training import config
from photoenhance.training.loop import Run

# Every recipe, as small as its networks allow.
SMALL = {
    "uegan": ["init=''", "width=8", "crop=80", "pool=4", "losses.fidelity_layers=['relu1_1']"],
    "enlightengan": ["width=4", "crop=80", "optimiser.epoch=2"],
    "dpe": ["crop=64", "network.side=64", "network.widths='4-4-6-8'", "optimiser.epoch=2"],
}


@pytest.fixture
def small() -> Callable[..., config.TrainConfig]:
    """A recipe with tiny networks, crops and batches."""

    def load(recipe: str, *assignments: str, **overrides: object) -> config.TrainConfig:
        whole = config.load(recipe, {})
        changes = [*SMALL[whole.architecture], "validation.every=2"]
        if whole.optimiser.critic_steps > 1:
            changes.append("optimiser.critic_steps=2")
        values = {"batch": 2, "made": 2, "steps": 6, **overrides}
        return config.load(recipe, values, [*changes, *assignments])

    return load


@pytest.fixture
def folders(tmp_path: Path, draw) -> Path:
    """Two folders of the same names, so that they can be pairs."""
    for name, shift in (("target", 0), ("source", 30)):
        (tmp_path / name).mkdir()
        for k in range(12):
            pixels = draw(84 + k, 100) // 2 + 60 - shift
            Image.fromarray(pixels).save(tmp_path / name / f"{k:02}.png")
    return tmp_path


@pytest.fixture
def run_in(folders: Path) -> Callable[..., Run]:
    """A run over the folders that writes below them."""

    def make(name: str, **changes: object) -> Run:
        values: dict = {
            "target": folders / "target",
            "source": folders / "source",
            "output": folders / name,
            "perceptual": None,
            "device": torch.device("cpu"),
            "precision": "fp32",
            "log_every": 1,
            "save_every": 3,
        }
        return Run(**{**values, **changes})

    return make
