from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photoenhance.networks import ARCHITECTURES
from photoenhance.training import config, grid
from photoenhance.training.loop import Run
from photoenhance.zoo import checkpoint


@pytest.fixture
def ended(run_in: Callable[..., Run]) -> Run:
    """A run that has given out a network which changes photos a little."""
    run = run_in("run", source=None)
    run.output.mkdir()
    torch.manual_seed(0)
    architecture = ARCHITECTURES["uegan"]
    generator = architecture.generator(architecture.config(width=8))
    header = checkpoint.Header("uegan", {"width": 8}, "a test")
    checkpoint.write(run.output / "generator.safetensors", generator.state_dict(), header)
    return run


def columns(path: Path, count: int) -> list[np.ndarray]:
    """The first photo's pictures."""
    pixels = np.asarray(Image.open(path))
    width = (pixels.shape[1] - grid.GAP) // count - grid.GAP
    return [
        pixels[grid.HEADER :, grid.GAP + k * (width + grid.GAP) :][:80, :width].astype(float)
        for k in range(count)
    ]


def test_targets_are_shown_made_plain_enhanced_and_as_they_are(ended: Run) -> None:
    path = grid.write(config.load("photo", {}), ended)

    plain, enhanced, original = columns(path, 3)
    held = np.asarray(Image.open(sorted(ended.target.iterdir())[9]), dtype=float)
    np.testing.assert_allclose(original, held[:80], atol=1)
    assert np.abs(plain - original).mean() > 3
    assert np.abs(enhanced - plain).mean() > 0.1


def test_photos_of_the_source_folder_are_shown_as_they_are(ended: Run) -> None:
    run = replace(ended, source=ended.target.with_name("source"))

    before, after = columns(grid.write(config.load("photo", {}), run), 2)

    first = np.asarray(Image.open(sorted(run.source.iterdir())[0]), dtype=float)
    np.testing.assert_allclose(before, first[:80], atol=1)
    assert np.abs(after - before).mean() > 0.1


def test_without_photos_held_out_some_of_the_others_are_shown(ended: Run) -> None:
    for path in sorted(ended.target.iterdir())[:-4]:
        path.unlink()

    pixels = np.asarray(Image.open(grid.write(config.load("photo", {}), ended)))

    assert 4 * 90 < pixels.shape[0] < 5 * (95 + grid.GAP) + grid.HEADER


def test_photos_that_cannot_be_read_are_passed_over(ended: Run) -> None:
    sorted(ended.target.iterdir())[9].write_bytes(b"no photo")

    assert grid.write(config.load("photo", {}), ended).stat().st_size > 0
