"""Every key of every recipe, with values that people might write: a step, or a clear error."""

import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from pydantic import BaseModel
from safetensors.torch import load_file
from torch import nn

from photoenhance.errors import PhotoEnhanceError
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.vgg import VGGName, layers_of
from photoenhance.training import config
from photoenhance.training.events import Ended
from photoenhance.training.loop import Run, train
from photoenhance.training.outputs import CHECKPOINT

RECIPES = (
    *("photo", "style", "uegan", "light", "enlightengan"),
    *("tone", "dpe", "dpe-one-way", "dpe-supervised"),
)
EVERYWHERE = ("degradation", "validation")  # what is the same to all recipes: tried with the first
SMALL = {
    "uegan": ["width=8", "crop=80", "pool=4", "init=''"],
    "enlightengan": ["width=4", "crop=64"],
    "dpe": ["crop=64", "network.side=64", "network.widths='4-4-6-8'"],
}
NUMBERS = ("0", "1", "-1", "0.5", "1e-300", "1e38", "1000000000", "inf", "nan", "true", "'1'")
PAIRS = (
    *("[0, 1]", "[1, 0]", "[1, 1]", "[-1, -0.5]", "[0.5]", "[0, inf]", "[nan, nan]"),
    *("[-1e9, 1e9]", "['0', '1']", "1"),
)
FLAGS = ("true", "false", "1", "'true'")
LISTS = (
    *("[]", "['relu1_1']", "['relu1_1', 'relu1_1']", "['relu2_1', 'relu1_1']", "['relu5_3']"),
    *("['relu5_4']", "['relu6_1']", "['conv1_1']", "[1]", "1", "relu1_1"),
    "['relu1_1', 'relu1_2', 'relu2_1', 'relu2_2', 'relu3_1', 'relu3_2']",
)
WORDS = ("word", "1", "[]", "2020-01-01")


def values_of(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every key and what is tried for it."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        match kind:
            case type() if issubclass(kind, BaseModel):
                yield from values_of(kind, f"{prefix}{name}.")
                yield f"{prefix}{name}", ("1", "word", "{}", "[]")
            case type() if issubclass(kind, bool):
                yield f"{prefix}{name}", FLAGS
            case type() if issubclass(kind, int | float):
                yield f"{prefix}{name}", NUMBERS
            case _ if getattr(kind, "__args__", ())[1:] == (Ellipsis,):
                yield f"{prefix}{name}", LISTS
            case _ if getattr(kind, "__origin__", None) is tuple:
                yield f"{prefix}{name}", PAIRS
            case _ if getattr(kind, "__origin__", None) is dict:
                yield f"{prefix}{name}", ("1", "{}", "{ side = 64 }", "{ unknown = 1 }")
            case _:
                choices = tuple(f"'{each}'" for each in getattr(kind, "__args__", ()))
                yield f"{prefix}{name}", (*choices, *WORDS)


def assignments(recipe: str) -> Iterator[str]:
    """Everything that is tried with a recipe."""
    architecture = config.load(recipe, {}).architecture
    keys = dict(values_of(config.TrainConfig))
    if recipe != RECIPES[0]:
        keys = {key: each for key, each in keys.items() if not key.startswith(EVERYWHERE)}
    keys["steps"] = ("0", "-1", "1.5", "true", "nan", "1000000000000")
    keys["crop"] = (*NUMBERS, "16", "32", "48", "72", "80", "96")
    keys["width"] = (*NUMBERS, "8", "16", "100000")
    for field in fields(ARCHITECTURES[architecture].config):
        keys[f"network.{field.name}"] = (*FLAGS, *WORDS, "64", "-64", "0.5", "inf", "'4-4'")
    for key, values in keys.items():
        yield from (f"{key}={value}" for value in values)


EVERYTHING = [(recipe, each) for recipe in RECIPES for each in assignments(recipe)]
SAMPLE = random.Random(14).sample(EVERYTHING, 40)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, draw) -> Path:
    """Two folders of the same names, so that they can be pairs."""
    folder = tmp_path_factory.mktemp("photos")
    for name, shift in (("target", 0), ("source", 30)):
        (folder / name).mkdir()
        for k in range(3):
            pixels = draw(84 + k, 100) // 2 + 60 - shift
            Image.fromarray(pixels).save(folder / name / f"{k:02}.png")
    return folder


@pytest.fixture
def thin_vgg(monkeypatch) -> None:
    """In the place of torchvision's networks: ones of the same depth, four channels wide."""

    def features(network: VGGName) -> list[nn.Conv2d]:
        torch.manual_seed(0)
        return [
            nn.Conv2d(4 if place else 3, 4, 3, padding=1)
            for place in range(len(layers_of(network)))
        ]

    def build(network: VGGName, **_: object) -> SimpleNamespace:
        return SimpleNamespace(features=features(network))

    models = SimpleNamespace(vgg16=partial(build, "vgg16"), vgg19=partial(build, "vgg19"))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "0")


@cache
def architecture_of(recipe: str) -> str:
    return config.load(recipe, {}).architecture


def outcome(recipe: str, assignment: str, folders: Path, output: Path) -> str:
    """Take one step, and say how it ended; any exception but ours is the test's failure."""
    has_source = recipe not in ("style", "snapshots", "snapshots-finish", "light", "tone")
    run = Run(
        target=folders / "target",
        source=folders / "source" if has_source else None,
        output=output,
        perceptual=None,
        device=torch.device("cpu"),
        precision="fp32",
    )
    changes = [*SMALL[architecture_of(recipe)], "batch=2", "validation.every=0"]
    try:
        settings = config.load(recipe, {"steps": 1}, [*changes, assignment])
        ended = list(train(settings, run))[-1]
    except PhotoEnhanceError as error:
        return "refused" if error.message and error.hint else f"no hint: {error.message}"
    assert isinstance(ended, Ended)
    for name, tensor in load_file(output / CHECKPOINT).items():
        assert tensor.isfinite().all(), f"done, and {name} is not finite"
    return "done"


@pytest.mark.parametrize(("recipe", "assignment"), SAMPLE)
@pytest.mark.usefixtures("thin_vgg")
def test_a_sample_of_values_is_learnt_with_or_refused(
    recipe: str, assignment: str, folders: Path, tmp_path: Path
) -> None:
    assert outcome(recipe, assignment, folders, tmp_path / "run") in ("done", "refused")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.usefixtures("thin_vgg")
def test_every_value_is_learnt_with_or_refused(recipe: str, folders: Path, tmp_path: Path) -> None:
    """Some 4,500 steps: about twelve minutes on one idle core."""
    found: Counter[str] = Counter()
    faults = {}

    for number, assignment in enumerate(assignments(recipe)):
        try:
            ended = outcome(recipe, assignment, folders, tmp_path / str(number))
        except Exception as error:  # (each of them is a fault that is to be named)
            ended = f"{type(error).__name__}: {error}"
        found[ended] += 1
        if ended not in ("done", "refused"):
            faults[assignment] = ended
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)

    print(recipe, found["done"], found["refused"])  # noqa: T201 (with -s)
    assert faults == {}
    assert min(found["done"], found["refused"]) > 50
