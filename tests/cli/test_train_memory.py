"""What training says when the memory is at its end."""

import numpy as np
import pytest
import torch

from photoenhance.training import setup
from photoenhance.training.oneway import OneWayObjective

SMALL = (
    *("--steps", "2", "--width", "8", "--crop", "80", "--batch", "2"),
    *("--recipe", "style", "--set", "init=''"),
)


@pytest.mark.parametrize("command", [("train",), ("train", "check")])
@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(1 << 55, dtype=torch.uint8),
        lambda: np.empty(1 << 55, np.uint8),
        pytest.param(lambda: raised(torch.OutOfMemoryError("CUDA out of memory.")), id="cuda"),
    ],
)
def test_a_lack_of_memory_names_what_needs_it(
    cli, draw, tmp_path, monkeypatch, command, allocate
) -> None:
    draw(*(tmp_path / "style" / f"{k}.jpg" for k in range(12)), size=(90, 120))
    monkeypatch.setattr(OneWayObjective, "turns", lambda *_: allocate())

    failed = cli(*command, "--target", tmp_path / "style", *SMALL)

    assert failed.code == 4
    expected = "Error: device cpu: out of memory with batch 2, crop 80 and width 8\nHint: Take a"
    assert expected in failed.err
    assert "Traceback" not in failed.err


def raised(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("command", [("train",), ("train", "check")])
def test_a_network_that_has_no_place_is_refused_before_it_takes_any(
    cli, draw, tmp_path, monkeypatch, command
) -> None:
    draw(*(tmp_path / "style" / f"{k}.jpg" for k in range(12)), size=(90, 120))
    monkeypatch.setattr(setup, "available_bytes", lambda _: 1 << 20)

    failed = cli(*command, "--target", tmp_path / "style", *SMALL)

    assert failed.code == 4
    assert "Error: width: 8 needs 0.0 GB for weights alone; 0.0 GB are free on dev" in failed.err
    assert "Hint: Take a smaller --width.\n" in failed.err
