from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from photoenhance.errors import ConfigError
from photoenhance.training import config, dpe, enlightengan, events, oneway, setup, state
from photoenhance.training.events import Progress
from photoenhance.training.features import EncoderFeatures, perceptual_features
from photoenhance.training.loop import Run, train
from photoenhance.training.validation import Judgement
from photoenhance.zoo import store
from photoenhance.zoo.load import load_generator

SMALL = {"width": 8, "crop": 80, "batch": 3, "made": 2, "pool": 4}


@pytest.fixture
def run(tmp_path: Path, draw) -> Run:
    for name, count in (("target", 6), ("source", 3)):
        (tmp_path / name).mkdir()
        for k in range(count):
            pixels = draw(84 + k, 100)
            Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    return Run(
        target=tmp_path / "target",
        source=tmp_path / "source",
        output=tmp_path / "run",
        perceptual=None,
        device=torch.device("cpu"),
        precision="fp32",
        log_every=1,
        save_every=2,
    )


def settings(**overrides: object) -> config.TrainConfig:
    values = {**SMALL, **overrides}
    return config.load("photo", values, ["losses.fidelity=0", "losses.adversarial=0.1"])


def weights(run: Run) -> dict[str, Tensor]:
    return load_generator(run.output).generator.state_dict()


def test_the_same_seed_gives_the_same_weights(run: Run, tmp_path: Path) -> None:
    other = replace(run, output=tmp_path / "again")

    list(train(settings(steps=3), run))
    list(train(settings(steps=3), other))

    first, second = weights(run), weights(other)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_tells_what_it_does(run: Run) -> None:
    told = list(train(settings(steps=3), run))

    assert told[0] == events.Started(6, 3, 0, None, "cpu", "fp32", 1)
    progress = [event for event in told if isinstance(event, events.Progress)]
    assert [event.step for event in progress] == [1, 2, 3]
    assert set(progress[0].terms) == {
        "real_enhanced",
        "real_source",
        "adversarial",
        "reconstruction",
        "color",
    }
    assert progress[0].rate > progress[2].rate
    saved = [event.step for event in told if isinstance(event, events.CheckpointSaved)]
    assert saved == [2, 3]
    samples = [event.path for event in told if isinstance(event, events.SampleSaved)]
    with Image.open(samples[-1]) as grid:
        assert grid.size == (3 * 80, 3 * 80)  # the originals of two of three are known


def test_a_run_tells_how_long_it_will_take_before_its_fifth_step(run: Run) -> None:
    told = list(train(settings(steps=6), run))

    kinds = [type(event) for event in told]
    estimated = next(event for event in told if isinstance(event, events.Estimated))
    progress = [event for event in told if isinstance(event, events.Progress)]
    assert kinds.count(events.Estimated) == 1
    assert kinds.index(events.Estimated) < told.index(progress[4])
    assert estimated.seconds == min(event.seconds for event in progress[:4])
    assert estimated.left == 6 * estimated.seconds


def test_training_comes_closer_to_the_wanted_photos(run: Run) -> None:
    fast = settings(steps=40)
    both = fast.losses.model_copy(update={"log_mse": 0.2, "tone": 1.0})
    darker = fast.degradation.__class__(
        exposure=(-1, -1), contrast=(0.8, 0.8), untouched=0, softness=0, noise=0
    )

    told = list(train(fast.model_copy(update={"degradation": darker, "losses": both}), run))

    terms = [event.terms for event in told if isinstance(event, events.Progress)]
    first, last = (
        {name: np.mean([each[name] for each in some]) for name in some[0]}
        for some in (terms[:5], terms[-5:])
    )
    assert last["reconstruction"] < 0.7 * first["reconstruction"]
    assert last["tone"] < 0.7 * first["tone"]
    assert last["log_mse"] < first["log_mse"] + 0.2 * np.log10(0.7**2) < 0


def test_no_level_is_dead_after_training(run: Run) -> None:
    list(train(settings(steps=6), run))

    after = load_generator(run.output).generator
    for level in range(1, 6):
        assert after.attention(level).weight.abs().max() > 0.05
    image = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        maps = after.encode(image)
    assert all(features.std() > 1e-3 for features in maps)


@pytest.mark.parametrize("recipe", ["dpe", "dpe-one-way", "enlightengan", "tone"])
def test_batch_norms_of_0_leave_all_running_statistics_as_they_are(
    recipe: str, small, run_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")
    going = run_in("run", save_every=1)

    list(train(small(recipe, "validation.every=0", batch_norms=0.0, steps=1), going))

    after = state.read(state.path_of(going.output, 1)).parts
    networks = [part["network"] for part in after.values() if "network" in part]
    means = [
        tensor
        for network in networks
        for name, tensor in network.items()
        if name.endswith("running_mean")
    ]
    assert means
    assert all(not mean.any() for mean in means)


def judging(*scores: float | None):
    """A validator that finds these scores, one after the other."""
    remaining = iter(scores)

    class Judge:
        name = "a list"

        def judge(self, generator: nn.Module) -> Judgement:
            del generator
            return Judgement(next(remaining))

    return Judge()


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((2.0, 1.0, 3.0), 2),
        ((None, 2.0, None), 2),
        ((2.0, float("nan"), float("nan")), 1),
        ((2.0, None, 2.0), 3),
        ((None, None, None), 3),
    ],
)
def test_the_best_model_is_the_last_with_the_lowest_score(
    run: Run, monkeypatch: pytest.MonkeyPatch, scores, best: int
) -> None:
    monkeypatch.setattr(setup, "build_validator", lambda *_: judging(*scores))
    looking = settings(steps=3).model_copy(update={"validation": config.Validation(every=1)})

    told = list(train(looking, run))

    assert told[0].judged_by == "a list"
    assert told[-1] == events.Ended(3, "done", best)
    assert f"{best} of 3 steps" in load_generator(run.output).header.origin


def test_bfloat16_trains_too(run: Run) -> None:
    told = list(train(settings(steps=2), replace(run, precision="bf16")))

    assert told[0].precision == "bf16"
    assert all(torch.isfinite(tensor).all() for tensor in weights(run).values())


def test_a_vgg_of_a_file_is_used_as_deep_as_it_goes(shared: Path) -> None:
    file = shared / "weights" / "vgg19-to-relu3_1.safetensors"

    features, name = perceptual_features(file, ("relu1_1", "relu2_1", "relu5_1"))

    assert features.layers == ("relu1_1", "relu2_1")
    assert file.name in name


def test_without_any_vgg_the_bundled_encoder_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    features, name = perceptual_features(None, ("relu1_1",))

    assert isinstance(features, EncoderFeatures)
    assert "bundled" in name
    assert [m.shape[-1] for m in features(torch.rand(1, 3, 64, 64))] == [64, 32, 16, 8, 4]
    assert isinstance(features, nn.Module)
    assert store.find("uegan").is_file()


@pytest.mark.parametrize(
    "recipe",
    ["photo", "dpe", *(pytest.param(r, marks=pytest.mark.slow) for r in ("enlightengan", "uegan"))],
)
def test_frozen_critics_change_no_bit_of_what_is_learnt(
    recipe: str, small, run_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")
    config = small(recipe, "validation.every=0", steps=2)
    list(train(config, run_in("frozen")))
    for module in (dpe, enlightengan, oneway):
        monkeypatch.setattr(module, "frozen", lambda *networks: nullcontext())

    list(train(config, run_in("learning")))

    frozen, learning = (state.read(state.latest(run_in(n).output)) for n in ("frozen", "learning"))
    first, second = frozen.parts["average"]["network"], learning.parts["average"]["network"]
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("with_source", "judged"), [(True, True), (False, False)])
def test_only_photos_of_the_source_folder_are_judged_where_the_recipe_wants_it(
    small, run_in, *, with_source: bool, judged: bool
) -> None:
    changes = {} if with_source else {"source": None}
    chosen = small("style", "losses.fidelity=0", made=1, steps=1)

    told = list(train(chosen, run_in("run", **changes)))

    terms = next(event.terms for event in told if isinstance(event, Progress))
    assert ("adversarial" in terms) is judged
    assert ("real_enhanced" in terms) is judged
    assert "reconstruction" in terms


def test_a_run_begins_with_the_weights_of_its_init(small, run_in) -> None:
    first = run_in("first", source=None)
    list(train(small("style", steps=1), first))
    again = config.load("style", {"init": str(first.output), "width": 8, "crop": 80})

    generator = setup.build_generator(again)

    for name, weights in load_generator(first.output).generator.state_dict().items():
        assert generator.state_dict()[name].equal(weights)


def test_weights_of_another_shape_are_refused_and_their_shape_is_named() -> None:
    with pytest.raises(ConfigError, match=r"init: uegan has width 16, .* width 24") as raised:
        setup.build_generator(config.load("style", {"width": 24}))

    assert "--recipe photo" in raised.value.hint


def test_what_reads_the_histogram_learns_beside_the_network(small, run_in) -> None:
    run = run_in("histogram", source=None)

    list(train(small("snapshots", crop=64, steps=3), run))

    learnt = load_generator(run.output).generator
    assert all(float(p.detach().abs().max()) > 0 for p in learnt.histogram.parameters())
    assert float(learnt.histogram.perceptron[-1].weight.detach().abs().max()) > 1e-4
