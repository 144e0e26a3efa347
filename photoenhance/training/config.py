"""The whole description of a training run."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from photoenhance.errors import ConfigError, in_words
from photoenhance.training.degradation import Degradation

Positive = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]

ObjectiveName = Literal["one-way", "enlightengan", "dpe-two-way", "dpe-one-way", "supervised"]

WORD = re.compile(r"(?!(?:true|false|inf|nan)$)[A-Za-z][\w-]*")  # what is no value of TOML
LARGEST_CROP = 4096
# Objectives that are made for one paper's generator; the others take any.
ARCHITECTURE_OF: dict[ObjectiveName, str] = {
    "enlightengan": "enlightengan",
    "dpe-one-way": "dpe",
    "dpe-two-way": "dpe",
}
UEGAN_SMALLEST = 80  # side of what its discriminator can judge, as a multiple of 16
DPE_SIDE = 512  # of what its critic judges, if the config names no other


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Losses(_Section):
    """The weight of each term of the generator's loss; a term of weight 0 is not computed.

    Attributes:
        adversarial: pass for a target in the eyes of the (global) discriminator.
        local: the same for small crops and a discriminator of their own.
        fidelity: structure of the source, in the features of a frozen network.
        identity: targets, or for DPE sources, are to come back as they are.
        cycle: there and back again is to change nothing.
        penalty: at the start, on critics whose gradient is steeper than 1; then it adapts itself.
        reconstruction: made or paired sources are to become their originals.
        color: the same, in CIE a* and b*.
        log_mse: the same, in the logarithm of the squared error of each: minus a tenth of the PSNR.
        relativistic: the form of UEGAN's adversarial loss.
        identity_form: the form of UEGAN's identity loss.
        penalty_rule: how the weight of the penalty adapts: as in DPE's paper, or as in its code.
        fidelity_layers: layers of VGG-19 that `fidelity` compares.
    """

    adversarial: Weight = 0.0
    local: Weight = 0.0
    fidelity: Weight = 0.0
    identity: Weight = 0.0
    cycle: Weight = 0.0
    penalty: Weight = 0.0
    reconstruction: Weight = 0.0
    color: Weight = 0.0
    log_mse: Weight = 0.0
    relativistic: Literal["hinge", "least-squares"] = "hinge"
    identity_form: Literal["l1", "charbonnier"] = "l1"
    penalty_rule: Literal["paper", "released"] = "paper"
    fidelity_layers: tuple[str, ...] = ()

    @property
    def know_originals(self) -> bool:
        """Whether made sources are held to what they were made of, and not to their structure."""
        return bool(self.reconstruction or self.color or self.log_mse)


class Optimiser(_Section):
    """Adam for all networks.

    Attributes:
        generator_rate: learning rate.
        discriminator_rate: learning rate.
        betas: decay of the running mean and of the running square of the gradient.
        weight_decay: L2, added to the gradient.
        constant: share of the steps after which all rates begin to fall linearly to zero.
        epoch: steps between two changes of the rates.
        late: apply each change one step late and one epoch early, as UEGAN's code does.
        critic_steps: the generator learns in the first of this many steps, the critics in all.
        clip: the longest that a network's gradient may be; 0 leaves it as it is.
    """

    generator_rate: Rate
    discriminator_rate: Rate
    betas: tuple[float, float]
    weight_decay: Weight
    constant: Share
    epoch: Positive = 1
    late: bool = False
    critic_steps: Positive = 1
    clip: Weight = 0.0


class Framing(_Section):
    """How photos become squares.

    Attributes:
        kind: "zoom" takes a window of random size, "crop" one of the crop's own size, "square" one
            as large as the photo's short side, "whole" the photo with its long side reduced to the
            crop's, mirrored to a square.
        symmetries: "mirror" flips left and right, "flips" also up and down, "all" also turns.
        pairing: "random" draws targets for themselves; "fixed" gives each source always the target
            of the same place in the folder, as the published codes do.
        brightness: share of sources of "enlightengan" that are divided by 2 to 4.
    """

    kind: Literal["zoom", "crop", "square", "whole"] = "zoom"
    symmetries: Literal["mirror", "flips", "all"] = "mirror"
    pairing: Literal["random", "fixed"] = "random"
    brightness: Share = 0.0


class Validation(_Section):
    """How the best checkpoint is found.

    Attributes:
        every: steps between two looks; 0 never looks, and the last checkpoint counts as the best.
        photos: most photos of each folder that are held out for it.
        patience: looks without improvement after which the run ends; 0 goes on to the end.
    """

    every: Annotated[int, Field(ge=0)] = 500
    photos: Positive = 32
    patience: Annotated[int, Field(ge=0)] = 0


class TrainConfig(_Section):
    """One run, from photos to weights.

    Attributes:
        recipe: name of the recipe that the run began with.
        architecture: what is trained.
        objective: by which losses, in which order.
        width: channels of the network's finest level.
        network: other values of the network's config.
        initial: "paper" draws the paper's initial weights, "alive" ones that keep every level at
            work and begin near the identity.
        gain: gain of "alive" initial weights of the generator.
        last: factor on the initial weights of its last convolution.
        steps: updates of the networks.
        crop: side of the square crops, in pixels.
        batch: sources a step, and targets a step.
        made: sources a step that are made of target photos; all of them without a source folder.
        pool: earlier enhanced images that the discriminator may see again.
        average: decay of the running average of the generator's weights; 0 keeps the last.
        batch_norms: share of the steps in which batch normalisations use the batch's statistics. In
            the rest they use the running ones, as they will be used, and those stay as they are.
        seed: of everything random.
        losses: weights of the loss terms.
        optimiser: rates and schedule.
        framing: how photos become squares.
        validation: how the best checkpoint is found.
        degradation: how sources are made.
    """

    recipe: str
    architecture: Literal["uegan", "enlightengan", "dpe"]
    objective: ObjectiveName
    width: Positive
    network: dict[str, bool | int | float | str] = {}
    initial: Literal["paper", "alive"] = "alive"
    gain: Rate = 0.7
    last: Rate = 0.05
    steps: Positive
    crop: Annotated[int, Field(ge=32, le=LARGEST_CROP, multiple_of=16)]
    batch: Positive
    made: Annotated[int, Field(ge=0)]
    pool: Positive = 50
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999
    batch_norms: Share = 1.0
    seed: int = 1990
    losses: Losses
    optimiser: Optimiser
    framing: Framing = Framing()
    validation: Validation = Validation()
    degradation: Degradation = Degradation()


def recipes() -> dict[str, str]:
    """Name the recipes, sorted, each with the comment in its first line."""
    files = resources.files("photoenhance.training").joinpath("recipes").iterdir()
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    return {
        name.removesuffix(".toml"): text.splitlines()[0].lstrip("# ")
        for name, text in sorted(texts.items())
        if name.endswith(".toml")
    }


def load(
    recipe: str | Path, overrides: Mapping[str, Any], assignments: Sequence[str] = ()
) -> TrainConfig:
    """Read a recipe and replace some of its values.

    Args:
        recipe: one of `recipes()`, or a TOML file. A file may begin with `base = "NAME"`, and then
            holds only what differs from that recipe.
        overrides: keys of `TrainConfig` and their values; None leaves the recipe's.
        assignments: `key=value`, such as "losses.identity=0.2", with values as TOML writes them.

    Raises:
        ConfigError: there is no such recipe or key, or a value is out of its range.
    """
    values = _recipe(recipe)
    values |= {key: value for key, value in overrides.items() if value is not None}
    for assignment in assignments:
        _merge(values, _assigned(assignment))
    name = recipe.stem if isinstance(recipe, Path) else recipe
    return parse({**values, "recipe": name})


def parse(values: Mapping[str, Any]) -> TrainConfig:
    """Check the values of a whole config.

    Raises:
        ConfigError: a value is missing, unknown or out of its range.
    """
    try:
        config = TrainConfig(**values)
    except ValidationError as error:
        raise _wrong(error.errors()[0]) from error
    _check_fit(config)
    return config


def _wrong(details: Mapping[str, Any]) -> ConfigError:
    key = ".".join(str(part) for part in details["loc"])
    if details["type"] not in ("extra_forbidden", "unexpected_keyword_argument"):
        return ConfigError(f"{key}: {in_words(details)}", hint=f"Correct {key}.", options=[key])
    close = get_close_matches(key, _keys(), n=1)
    section = key.rpartition(".")[0]
    beside = (each for each in _keys() if each.rpartition(".")[0] == section)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(beside)}."
    return ConfigError(f"{key}: {in_words(details)}", hint=hint)


def _keys() -> list[str]:
    """Every key of a recipe, with the names of sections before a point."""
    keys = []
    for name, field in TrainConfig.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += [f"{name}.{each}" for each in kind.model_fields]
        elif isinstance(kind, type) and is_dataclass(kind):
            keys += [f"{name}.{each.name}" for each in fields(kind)]
        else:
            keys.append(name)
    return keys


def _check_fit(config: TrainConfig) -> None:
    """Refuse values that are right by themselves and do not go together."""
    wanted = ARCHITECTURE_OF.get(config.objective, config.architecture)
    if config.architecture != wanted:
        raise ConfigError(
            f"objective: {config.objective} trains {wanted}, not {config.architecture}",
            hint=f"Choose a recipe of {wanted}, or another objective.",
        )
    if config.objective == "enlightengan" and not config.losses.fidelity:
        raise ConfigError(
            "losses.fidelity: the objective enlightengan cannot do without it",
            hint="Give it a weight above 0, or choose the objective one-way.",
        )
    smallest = _smallest_crop(config)
    if config.crop < smallest:
        raise ConfigError(
            f"crop: {config.crop} is too small for the discriminator of {config.architecture}; "
            f"at least {smallest}",
            hint=f"Take --crop {smallest} or more, or a recipe without a discriminator.",
            options=["crop"],
        )


def _smallest_crop(config: TrainConfig) -> int:
    if config.objective == "supervised":
        return 0
    if config.objective == "one-way" and not config.losses.adversarial:
        return 0
    match config.architecture:
        case "uegan":
            return UEGAN_SMALLEST
        case "dpe":
            return int(config.network.get("side", DPE_SIDE))
    return 0


def _recipe(recipe: str | Path) -> dict[str, Any]:
    if isinstance(recipe, Path):
        changes = _read(recipe)
        base = changes.pop("base", None)
        values = {} if base is None else _recipe(str(base))
        _merge(values, changes)
        return values
    if recipe not in recipes():
        close = get_close_matches(recipe, recipes(), n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise ConfigError(
            f"recipe {recipe}: there is none",
            hint=f"{meant}Choose one of: {', '.join(recipes())}.",
            options=["recipe"],
        )
    file = resources.files("photoenhance.training").joinpath("recipes", f"{recipe}.toml")
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    base = values.pop("base", None)
    if base is None:
        return values
    merged = _recipe(str(base))
    _merge(merged, values)
    return merged


def _read(file: Path) -> dict[str, Any]:
    hint = "Name a recipe (--list-recipes), or a TOML file like those."
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"recipe {file}: cannot be read: {error}", hint=hint) from error


def _assigned(assignment: str) -> dict[str, Any]:
    key, _, value = assignment.partition("=")
    # A word needs no quotes of its own: the shell would take them away.
    written = f'{key}="{value.strip()}"' if WORD.fullmatch(value.strip()) else assignment
    try:
        return tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"--set {assignment}: is not KEY=VALUE",
            hint="Write, for example, --set losses.identity=0.2 or --set framing.kind=square.",
            options=["set"],
        ) from error


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
