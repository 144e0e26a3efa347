"""What a run's folder holds, however the run ends."""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from photoenhance.errors import ConfigError, ImageError, TrainingError
from photoenhance.training import events, outputs, state
from photoenhance.training.curves import Curves
from photoenhance.training.loop import Run, train
from photoenhance.training.outputs import CHECKPOINT, claimed
from photoenhance.training.watch import PATIENCE, Watch
from photoenhance.zoo.load import load_generator


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")


def checksum(folder: Path) -> str:
    return hashlib.sha256((folder / CHECKPOINT).read_bytes()).hexdigest()


def fails(config, run: Run, message: str) -> None:
    with pytest.raises(TrainingError, match=message) as raised:
        list(train(config, run))
    assert "what was saved before is untouched" in raised.value.hint


def test_a_run_that_diverges_leaves_the_last_good_model(small, run_in) -> None:
    run = run_in("run", source=None)
    without = ("losses.adversarial=0", "losses.fidelity=0", "validation.every=0")
    list(train(small("photo", *without, steps=3), run))
    good, last = checksum(run.output), state.latest(run.output)

    wild = small("photo", *without, "optimiser.generator_rate=1e12", steps=40)
    fails(wild, replace(run, override=True), "is nan|is inf|no numbers|flat")

    assert checksum(run.output) == good
    assert state.latest(run.output) == last
    told = list(train(small("photo", *without, steps=6), replace(run, override=True)))
    assert isinstance(told[1], events.Resumed)
    assert told[-1].step == 6


def test_weights_that_are_no_numbers_after_the_last_step_are_not_given_out(small, run_in) -> None:
    run = run_in("run")

    fails(small("style", "optimiser.generator_rate=1e30", steps=1), run, "no numbers")

    assert not list(run.output.glob("*.safetensors"))
    assert not list(run.output.glob("state-*"))


def test_a_flat_colour_is_not_given_out(small, run_in, monkeypatch) -> None:
    run = run_in("run")
    config = small("style", "validation.every=0", steps=6)
    list(train(config.model_copy(update={"steps": 3}), run))
    good = checksum(run.output)
    answers = iter([True, False])  # of what was enhanced, and of the sources
    monkeypatch.setattr(outputs, "is_flat", lambda images: next(answers))
    fails(config, replace(run, override=True), "one flat colour")

    assert checksum(run.output) == good
    assert state.step_of(state.latest(run.output)) == 3


def test_a_discriminator_that_has_won_ends_the_run_and_leaves_the_model(
    small, run_in, monkeypatch
) -> None:
    run = run_in("run")
    config = small("photo", "losses.fidelity=0", "validation.every=0", steps=6)
    list(train(config.model_copy(update={"steps": 3}), run))
    good = checksum(run.output)
    look = Watch.look
    won = {"real_enhanced": torch.tensor(0.0)}
    monkeypatch.setattr(
        Watch, "look", lambda self, terms: [look(self, won) for _ in range(PATIENCE)]
    )

    fails(config, replace(run, override=True), "the discriminator has won")

    assert checksum(run.output) == good


def test_after_an_error_before_the_first_state_the_same_folder_is_begun_anew(small, run_in) -> None:
    run = run_in("run")
    fails(small("style", "optimiser.generator_rate=1e30", steps=1), run, "no numbers")

    told = list(train(small("style", steps=1), run))

    assert told[-1] == events.Ended(1, "done", 1)


def test_a_state_is_written_with_every_best(small, run_in) -> None:
    run = run_in("run", save_every=1000)

    told = list(train(small("style", "validation.every=2", steps=4), run))

    best = [each.step for each in told if isinstance(each, events.Validated) and each.is_best]
    states = [each.step for each in told if isinstance(each, events.StateSaved)]
    models = [each.step for each in told if isinstance(each, events.CheckpointSaved)]
    assert best
    assert set(best) <= set(states)
    assert models == best
    assert f"{best[-1]} of 4 steps" in load_generator(run.output).header.origin


def test_a_model_that_a_full_disk_kept_back_is_written_when_the_run_goes_on(
    small, run_in, monkeypatch
) -> None:
    run, config = run_in("run"), small("style", "validation.every=0", steps=6)
    through = run_in("through")
    list(train(config, through))

    def full(*args: object) -> None:
        raise ImageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(outputs.checkpoint, "write", full)
        with pytest.raises(ImageError):
            list(train(config, run))
    assert not (run.output / CHECKPOINT).exists()

    going = train(config, run)
    told = [next(going) for _ in range(3)]
    assert isinstance(told[1], events.Resumed)
    assert (run.output / CHECKPOINT).exists()
    list(going)

    assert checksum(run.output) == checksum(through.output)


def test_a_run_whose_last_model_a_full_disk_kept_back_only_writes_that(
    small, run_in, monkeypatch
) -> None:
    run, config = run_in("run", save_every=1000), small("style", "validation.every=0", steps=3)

    def full(*args: object) -> None:
        raise ImageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(outputs.checkpoint, "write", full)
        with pytest.raises(ImageError):
            list(train(config, run))
    assert state.step_of(state.latest(run.output)) == 3

    told = list(train(config, run))

    assert told[-1] == events.Ended(3, "done", 3)
    assert not any(isinstance(event, events.Progress) for event in told)
    assert outputs.is_complete(run.output, 3)


def test_a_second_run_in_the_same_folder_is_refused(small, run_in) -> None:
    run, config = run_in("run"), small("style", steps=4)
    first = train(config, run)
    next(first)

    with pytest.raises(ConfigError, match="another run is at work in this folder"):
        list(train(config, run))

    told = list(first)
    assert told[-1].reason == "done"


def test_what_a_killed_run_left_half_written_goes(tmp_path: Path) -> None:
    left = tmp_path / ".photoenhance-0123456789abcdef.part"
    left.write_bytes(b"half a state")

    with claimed(tmp_path):
        assert not left.exists()


def test_a_run_that_is_closed_early_writes_nothing(small, run_in) -> None:
    run = run_in("run", save_every=1000)
    going = train(small("style", "validation.every=0", steps=100), run)
    while not isinstance(next(going), events.Progress):
        pass

    going.close()

    assert [path.name for path in run.output.iterdir()] == [outputs.LOCK]


def test_a_log_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "events.jsonl").mkdir()
    log = Curves(tmp_path, tensorboard=False)

    with caplog.at_level(logging.WARNING):
        for step in range(3):
            log.add(events.Progress(step, {}, 1e-4, 0.1))

    assert len(caplog.records) == 1
    assert "the run goes on" in caplog.text
