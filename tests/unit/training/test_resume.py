from dataclasses import replace

import pytest
import torch

from photoenhance.errors import TrainingError
from photoenhance.training import config, events, state
from photoenhance.training.loop import train


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")


def same(one: object, other: object) -> bool:
    """Whether two nested states are equal bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def steps_of(told: list[events.Event]) -> int:
    """How many steps are done, by what was told."""
    return sum(isinstance(event, events.Progress) for event in told)


# One of each objective, but one; one whose sources depend on all photos, and one with dropout.
OFTEN = ("photo", "style", "light", "enlightengan", "dpe", "dpe-supervised")


@pytest.mark.parametrize(
    "recipe",
    [
        name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow)
        for name in config.recipes()
    ],
)
def test_an_interrupted_run_becomes_what_it_would_have_been(recipe: str, small, run_in) -> None:
    chosen = small(recipe)
    # All that `snapshots` compares is known of made sources alone.
    places = {"source": None} if recipe == "snapshots" else {}
    through_run, again = (run_in(name, **places) for name in ("through", "stopped"))
    list(train(chosen, through_run))
    first: list[events.Event] = []
    stopped = replace(again, interrupted=lambda: steps_of(first) >= 4)

    for event in train(chosen, stopped):
        first.append(event)
    second = list(train(chosen, again))

    assert first[-1] == events.Ended(4, "interrupted", first[-1].best)
    assert any(isinstance(event, events.Resumed) and event.step == 4 for event in second)
    through = state.read(state.path_of(through_run.output, 6))
    resumed = state.read(state.path_of(again.output, 6))
    assert same(through.parts, resumed.parts)
    assert same(through.own_memories, resumed.own_memories)
    weights = "generator.safetensors"
    assert (again.output / weights).read_bytes() == (through_run.output / weights).read_bytes()


def test_other_settings_are_refused_with_the_differences(small, run_in) -> None:
    list(train(small("photo", steps=3), run_in("run")))

    with pytest.raises(TrainingError) as raised:
        list(train(small("photo", "losses.color=2.0", steps=6), run_in("run")))

    assert "losses.color: 3.0 -> 2.0; steps: 3 -> 6" in raised.value.message
    assert "--override" in raised.value.hint


def test_override_goes_on_with_other_settings(small, run_in) -> None:
    list(train(small("photo", steps=3), run_in("run")))

    told = list(train(small("photo", steps=6), run_in("run", override=True)))

    assert told[-1].step == 6
    assert any(isinstance(event, events.Resumed) for event in told)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (["width=8"], ["width=16"]),
        (["losses.adversarial=0"], ["losses.adversarial=0.1"]),
    ],
)
def test_override_cannot_change_the_networks(small, run_in, before, now) -> None:
    list(train(small("photo", *before, "validation.every=0", steps=3), run_in("run")))
    changed = small("photo", *now, "validation.every=0", steps=6)

    with pytest.raises(TrainingError, match="its networks are not those of the new settings"):
        list(train(changed, run_in("run", override=True)))


def test_other_photos_are_refused(small, run_in, folders) -> None:
    list(train(small("photo", steps=3), run_in("run")))
    (folders / "target" / "00.png").rename(folders / "target" / "renamed.png")

    with pytest.raises(TrainingError, match="photos: other files than before"):
        list(train(small("photo", steps=3), run_in("run")))


def test_only_the_newest_states_are_kept(small, run_in) -> None:
    list(train(small("photo", steps=5), run_in("run", save_every=1, keep=2)))

    names = sorted(path.name for path in run_in("run").output.glob("state-*"))

    assert names == ["state-0000004.pt", "state-0000005.pt"]


def test_a_damaged_state_is_named(small, run_in) -> None:
    list(train(small("photo", steps=3), run_in("run")))
    path = state.latest(run_in("run").output)
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(TrainingError, match="damaged"):
        list(train(small("photo", steps=3), run_in("run")))
