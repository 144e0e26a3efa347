"""The whole description of a training run."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from photoenhance.errors import ConfigError
from photoenhance.training.degradation import Degradation

Positive = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Losses(_Section):
    """The weight of each term of the generator's loss; a term of weight 0 is not computed.

    Attributes:
        adversarial: relativistic hinge, summed over the discriminator's scales.
        fidelity: structure of the source, in the features of a frozen network.
        identity: target photos are to come back as they are.
        reconstruction: made sources are to come back as the photos of which they were made.
        color: the same, in CIE a* and b*.
        fidelity_layers: layers of VGG-19 that `fidelity` compares.
    """

    adversarial: Weight
    fidelity: Weight
    identity: Weight
    reconstruction: Weight
    color: Weight
    fidelity_layers: tuple[str, ...]


class Optimiser(_Section):
    """Adam for both networks.

    Attributes:
        generator_rate: learning rate.
        discriminator_rate: learning rate.
        betas: decay of the running mean and of the running square of the gradient.
        weight_decay: L2, added to the gradient.
        constant: share of the steps after which both rates begin to fall linearly to zero.
    """

    generator_rate: Rate
    discriminator_rate: Rate
    betas: tuple[float, float]
    weight_decay: Weight
    constant: Annotated[float, Field(ge=0, le=1)]


class TrainConfig(_Section):
    """One run, from photos to weights.

    Attributes:
        recipe: name of the recipe that the run began with.
        architecture: what is trained.
        width: channels of the network's finest level.
        steps: updates of both networks.
        crop: side of the square crops, in pixels.
        batch: sources a step, and targets a step.
        made: sources a step that are made of target photos; all of them without a source folder.
        pool: earlier enhanced images that the discriminator may see again.
        average: decay of the running average of the generator's weights.
        gain: gain of the orthogonal initial weights of the generator.
        last: factor on the initial weights of its last convolution.
        seed: of everything random.
        losses: weights of the loss terms.
        optimiser: rates and schedule.
        degradation: how sources are made.
    """

    recipe: str
    architecture: Literal["uegan"]
    width: Annotated[int, Field(gt=0, multiple_of=8)]
    steps: Positive
    crop: Annotated[int, Field(ge=80, multiple_of=16)]
    batch: Positive
    made: Annotated[int, Field(ge=0)]
    pool: Positive
    average: Annotated[float, Field(ge=0, lt=1)]
    gain: Rate
    last: Rate
    seed: int
    losses: Losses
    optimiser: Optimiser
    degradation: Degradation


def recipes() -> list[str]:
    """Name the recipes, sorted."""
    files = resources.files("photoenhance.training").joinpath("recipes").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load(recipe: str, overrides: Mapping[str, Any], assignments: Sequence[str] = ()) -> TrainConfig:
    """Read a recipe and replace some of its values.

    Args:
        recipe: one of `recipes()`.
        overrides: keys of `TrainConfig` and their values; None leaves the recipe's.
        assignments: `key=value`, such as "losses.identity=0.2", with values as TOML writes them.

    Raises:
        ConfigError: there is no such recipe or key, or a value is out of its range.
    """
    if recipe not in recipes():
        known = ", ".join(recipes())
        raise ConfigError(f"recipe {recipe}: there is none", hint=f"Choose one of: {known}.")
    file = resources.files("photoenhance.training").joinpath("recipes", f"{recipe}.toml")
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    values |= {key: value for key, value in overrides.items() if value is not None}
    for assignment in assignments:
        _merge(values, _assigned(assignment))
    try:
        return TrainConfig(recipe=recipe, **values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{key}: {first['msg']}", hint=f"Correct {key}.") from error


def _assigned(assignment: str) -> dict[str, Any]:
    try:
        return tomllib.loads(assignment)
    except tomllib.TOMLDecodeError as error:
        msg = f"--set {assignment}: not KEY=VALUE as TOML writes it"
        raise ConfigError(msg, hint="Write, for example, --set losses.identity=0.2") from error


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
