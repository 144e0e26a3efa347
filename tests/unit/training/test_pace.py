from pathlib import Path

import pytest
import torch
from PIL import Image

from photoenhance.errors import TrainingError
from photoenhance.training import config, pace
from photoenhance.training.loop import Run

SMALL = {"width": 8, "crop": 80, "batch": 2}


@pytest.fixture
def run(tmp_path: Path, draw) -> Run:
    (tmp_path / "target").mkdir()
    for number in range(3):
        Image.fromarray(draw(84 + number, 100)).save(tmp_path / "target" / f"{number}.png")
    device = torch.device("cpu")
    return Run(tmp_path / "target", None, tmp_path / "run", None, device, "fp32")


def settings(*assignments: str, **overrides: object) -> config.TrainConfig:
    return config.load("photo", {**SMALL, **overrides}, ["losses.fidelity=0", *assignments])


def test_some_steps_are_timed_and_the_rest_reckoned(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pace, "ENOUGH", 0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    found = pace.measure(settings(steps=1000), run)

    assert (found.measured, found.steps) == (pace.LEAST, 1000)
    assert found.seconds > 0
    assert found.total_seconds == 1000 * found.seconds
    assert not run.output.exists()


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_shortest_runs_can_be_timed(run: Run, steps: int) -> None:
    found = pace.measure(settings(steps=steps), run)

    assert found.measured == max(1, steps - pace.WARM_UP)


def test_steps_that_fail_are_an_error(run: Run) -> None:
    diverging = settings("optimiser.generator_rate=1e30", "losses.adversarial=0", steps=50)

    with pytest.raises(TrainingError, match="nan"):
        pace.measure(diverging, run)
