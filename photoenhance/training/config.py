"""The whole description of a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from photoenhance.errors import ConfigError, in_words
from photoenhance.losses.perceptual import UEGAN_LAYER_WEIGHTS
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.vgg import layers_of
from photoenhance.training import recipe_files
from photoenhance.training.degradation import Degradation
from photoenhance.training.needs import NEEDS, Needs, ObjectiveName
from photoenhance.training.values import (
    Count,
    Flag,
    Number,
    Pair,
    Positive,
    Range,
    Rate,
    Section,
    Share,
    Weight,
)

CROP_MULTIPLE = 16
LARGEST_CROP = 4096
LARGEST_WIDTH = 512  # 16 times the papers': weights, gradients and averages of some 30 GB
LARGEST_BATCH = 4096
LARGEST_POOL = 1000
LARGEST_SEED = 2**63 - 1  # of torch's generators
MOST_STEPS = 10**9
KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}

OF_ORIGINALS = (
    "reconstruction",
    "color",
    "tone",
    "log_mse",
)  # terms that know what a source was made of


def _multiple(side: int) -> int:
    below = side // CROP_MULTIPLE * CROP_MULTIPLE
    if side > below:
        near = f"{below} and {below + CROP_MULTIPLE} are"
        raise ValueError(f"{side} is not a multiple of {CROP_MULTIPLE}; {near}")
    return side


Side = Annotated[Positive, Field(ge=32, le=LARGEST_CROP), AfterValidator(_multiple)]
Decay = Annotated[Number, Field(ge=0, lt=1)]
Gain = Annotated[Number, Field(gt=0, le=10)]
WindowShare = Annotated[Number, Field(gt=0, le=1)]


class Losses(Section):
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
        tone: the same, of enhanced images as `--render tone` renders them: as one colour transform.
        log_mse: the same, in the logarithm of the squared error of each: minus a tenth of the PSNR.
        judged: the enhanced images that the discriminator of "one-way" judges: "all", or those of
            the source folder alone, since made ones are held to their originals; with "sources" and
            no such folder there is no discriminator.
        relativistic: the form of UEGAN's adversarial loss.
        identity_form: the form of UEGAN's identity loss.
        penalty_rule: how the weight of the penalty adapts: as in DPE's paper, or as in its code.
        fidelity_layers: layers that `fidelity` compares, shallow first: of a VGG-19, or of the
            VGG-16 of EnlightenGAN's objective.

    What each objective knows of them is in `needs`.
    """

    adversarial: Weight = 0.0
    local: Weight = 0.0
    fidelity: Weight = 0.0
    identity: Weight = 0.0
    cycle: Weight = 0.0
    penalty: Weight = 0.0
    reconstruction: Weight = 0.0
    color: Weight = 0.0
    tone: Weight = 0.0
    log_mse: Weight = 0.0
    judged: Literal["all", "sources"] = "all"
    relativistic: Literal["hinge", "least-squares"] = "hinge"
    identity_form: Literal["l1", "charbonnier"] = "l1"
    penalty_rule: Literal["paper", "released"] = "paper"
    fidelity_layers: tuple[str, ...] = ()

    @property
    def know_originals(self) -> bool:
        """Whether made sources are held to what they were made of, and not to their structure."""
        return any(dict(self)[name] for name in OF_ORIGINALS)


class Optimiser(Section):
    """Adam for all networks.

    Attributes:
        generator_rate: learning rate.
        discriminator_rate: learning rate.
        betas: decay of the running mean and of the running square of the gradient.
        weight_decay: L2, added to the gradient.
        constant: share of the steps after which all rates begin to fall linearly to zero.
        epoch: steps between two changes of the rates; a recipe means them for its own steps, and a
            run of other steps has epochs of another length.
        late: apply each change one step late and one epoch early, as UEGAN's code does.
        critic_steps: the generator learns in the first of this many steps, the critics in all.
        clip: the longest that a network's gradient may be; 0 leaves it as it is.
    """

    generator_rate: Rate
    discriminator_rate: Rate
    betas: Pair[Decay]
    weight_decay: Weight
    constant: Share
    epoch: Positive = 1
    late: Flag = False
    critic_steps: Positive = 1
    clip: Weight = 0.0


class Framing(Section):
    """How photos become squares.

    Attributes:
        kind: "zoom" takes a window of random size, "crop" one of the crop's own size, "square" one
            as large as the photo's short side or a `share` of it, "whole" the photo with its long
            side reduced to the crop's, mirrored to a square.
        share: of the short side that the side of a "square" is; drawn from this range.
        symmetries: "mirror" flips left and right, "flips" also up and down, "all" also turns.
        pairing: "random" draws targets for themselves; "fixed" gives each source always the target
            of the same place in the folder, as the published codes do.
        brightness: share of sources of "enlightengan" that are divided by 2 to 4.
    """

    kind: Literal["zoom", "crop", "square", "whole"] = "zoom"
    share: Range[WindowShare] = (1.0, 1.0)
    symmetries: Literal["mirror", "flips", "all"] = "mirror"
    pairing: Literal["random", "fixed"] = "random"
    brightness: Share = 0.0


class Validation(Section):
    """How the best checkpoint is found.

    Attributes:
        every: steps between two looks; 0 never looks, and the last checkpoint counts as the best.
        photos: most photos of each folder that are held out for it.
        patience: looks without improvement after which the run ends; 0 goes on to the end.
    """

    every: Count = 500
    photos: Positive = 32
    patience: Count = 0


class TrainConfig(Section):
    """One run, from photos to weights.

    Attributes:
        recipe: name of the recipe that the run began with.
        architecture: what is trained.
        objective: by which losses, in which order.
        width: channels of the network's finest level.
        network: other values of the network's config; see `network_config`.
        init: a model to begin with, as `enhance --model` takes it; empty begins from nothing.
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
    width: Annotated[Positive, Field(le=LARGEST_WIDTH)]
    network: dict[str, Any] = Field(default_factory=dict)
    init: str = ""
    initial: Literal["paper", "alive"] = "alive"
    gain: Gain = 0.7
    last: Gain = 0.05
    steps: Annotated[Positive, Field(le=MOST_STEPS)]
    crop: Side
    batch: Annotated[Positive, Field(le=LARGEST_BATCH)]
    made: Annotated[Count, Field(le=LARGEST_BATCH)]
    pool: Annotated[Positive, Field(le=LARGEST_POOL)] = 50
    average: Decay = 0.999
    batch_norms: Share = 1.0
    seed: Annotated[Count, Field(le=LARGEST_SEED)] = 1990
    losses: Losses
    optimiser: Optimiser
    framing: Framing = Framing()
    validation: Validation = Validation()
    degradation: Degradation = Degradation()


def recipes() -> dict[str, str]:
    """Name the recipes, sorted, each with the comment in its first line."""
    return recipe_files.summaries()


def load(
    recipe: str | Path, overrides: Mapping[str, Any], assignments: Sequence[str] = ()
) -> TrainConfig:
    """Read a recipe and replace some of its values.

    Args:
        recipe: one of `recipes()`, or a TOML file.
        overrides: keys of `TrainConfig` and their values; None leaves the recipe's.
        assignments: `key=value`, such as "losses.identity=0.2", with values as TOML writes them.

    Raises:
        ConfigError: there is no such recipe or key, a value is out of its range, or two values do
            not go together.
    """
    values = recipe_files.values_of(recipe, overrides, assignments)
    name = recipe.stem if isinstance(recipe, Path) else recipe
    return parse({**values, "recipe": name})


def parse(values: Mapping[str, Any]) -> TrainConfig:
    """Check the values of a whole config, each by itself and all together.

    Raises:
        ConfigError: a value is missing, unknown or out of its range; or two do not go together.
    """
    try:
        config = TrainConfig.model_validate(dict(values))
    except ValidationError as error:
        raise _wrong(error.errors()[0]) from error
    _check_together(config)
    return config


def network_config(config: TrainConfig) -> Any:
    """Make the config of a run's network, an instance of its architecture's class.

    Raises:
        ConfigError: the network has no such value, or cannot have it.
    """
    kind = ARCHITECTURES[config.architecture].config
    kinds = {each.name: each.type for each in fields(kind) if each.name != "width"}
    for name, value in config.network.items():
        if name not in kinds:
            raise _unknown(f"network.{name}", [f"network.{each}" for each in kinds])
        if type(value) is not kinds[name] and (type(value), kinds[name]) != (int, float):
            raise ConfigError(
                f"network.{name}: {value} is not {KINDS[kinds[name]]}",
                hint=f"Correct network.{name}.",
            )
    try:
        made = kind(width=config.width, **config.network)
        with torch.device("meta"):
            ARCHITECTURES[config.architecture].generator(made)  # which may know better
    except ValueError as error:
        name = str(error).partition(":")[0]
        message = f"network.{error}" if name in kinds else str(error)
        raise ConfigError(message, hint=f"Correct {message.partition(':')[0]}.") from error
    return made


def _wrong(details: Mapping[str, Any]) -> ConfigError:
    # The place in a list is no part of a key.
    key = ".".join(part for part in details["loc"] if isinstance(part, str))
    if details["type"] == "extra_forbidden":
        return _unknown(key, _keys())
    return ConfigError(f"{key}: {in_words(details)}", hint=f"Correct {key}.", options=[key])


def _unknown(key: str, known: Sequence[str]) -> ConfigError:
    close = get_close_matches(key, known, n=1)
    section = key.rpartition(".")[0]
    beside = [each for each in known if each.rpartition(".")[0] == section]
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(beside)}."
    return ConfigError(f"{key}: there is no such value", hint=hint)


def _keys(section: type[BaseModel] | None = None) -> list[str]:
    """Every key of a section, or of a whole recipe, with names of sections before a point."""
    keys = []
    for name, field in (section or TrainConfig).model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += [f"{name}.{each}" for each in _keys(kind)]
        else:
            keys.append(name)
    return keys


def _check_together(config: TrainConfig) -> None:
    """Refuse values that are right by themselves and do not go together."""
    needs = NEEDS[config.objective]
    _check_architecture(config, needs)
    _check_known(config, needs)
    _check_weights(config.losses, config.objective, needs)
    _check_originals(config, needs)
    _check_layers(config.losses, needs)
    network = network_config(config)
    _check_histogram(config, network)
    _check_norms(config, needs, network)
    _check_sizes(config, needs, network)


def _check_architecture(config: TrainConfig, needs: Needs) -> None:
    if needs.architecture not in (None, config.architecture):
        raise ConfigError(
            f"objective: {config.objective} trains {needs.architecture}, not {config.architecture}",
            hint=f"Choose a recipe of {needs.architecture}, or another objective.",
        )


def _check_known(config: TrainConfig, needs: Needs) -> None:
    """Refuse what only other objectives know, unless it is what it would be anyway."""
    for key in sorted({key for each in NEEDS.values() for key in each.known} - {*needs.known}):
        value, default = _value_of(key, config)
        if value != default:
            raise ConfigError(
                f"{key}: the objective {config.objective} does not know it; it knows "
                f"{', '.join(needs.known)}",
                hint=f"Leave {key} out, or choose another objective.",
            )


def _value_of(key: str, config: TrainConfig) -> tuple[Any, Any]:
    """Return a value and its default."""
    section: BaseModel = config
    *sections, name = key.split(".")
    for each in sections:
        section = dict(section)[each]
    return dict(section)[name], type(section).model_fields[name].default


def _check_weights(losses: Losses, objective: ObjectiveName, needs: Needs) -> None:
    weights = {name: dict(losses)[name] for name in needs.weights}
    for name in needs.required:
        if not weights[name]:
            raise ConfigError(
                f"losses.{name}: the objective {objective} cannot do without it",
                hint="Give it a weight above 0, or choose the objective one-way.",
            )
    if not any(weights.values()):
        raise ConfigError(
            f"losses: all that the objective {objective} knows are 0, so nothing would be learnt",
            hint=f"Give one of them a weight above 0: {', '.join(weights)}.",
        )


def _check_originals(config: TrainConfig, needs: Needs) -> None:
    for name in OF_ORIGINALS:
        if dict(config.losses)[name] and not config.made and not needs.paired:
            raise ConfigError(
                f"losses.{name}: compares made sources with what they were made of, and made is 0",
                hint=f"Give made a number above 0, or set losses.{name}=0.",
            )


def _check_layers(losses: Losses, needs: Needs) -> None:
    if not losses.fidelity:
        return
    known, most = layers_of(needs.vgg), len(UEGAN_LAYER_WEIGHTS)
    places = [known.index(layer) if layer in known else -1 for layer in losses.fidelity_layers]
    if not places or len(places) > most or -1 in places or sorted(set(places)) != places:
        raise ConfigError(
            f"losses.fidelity_layers: {list(losses.fidelity_layers)} are not one to {most} layers "
            f"of {needs.vgg}, shallow first",
            hint=f"There are: {', '.join(known)}.",
        )


def _check_histogram(config: TrainConfig, network: Any) -> None:
    if config.objective != "one-way" and network.histogram:
        raise ConfigError(
            f"network.histogram: the objective {config.objective} has no use for it",
            hint="Leave it out, or choose the objective one-way.",
        )


def _check_norms(config: TrainConfig, needs: Needs, network: Any) -> None:
    for name, wanted in needs.network.items():
        found = asdict(network)[name]
        if found != wanted:
            raise ConfigError(
                f"network.{name}: the objective {config.objective} needs {wanted}, found {found}",
                hint=f"Set network.{name}={wanted}, or choose another objective.",
            )
    least = ARCHITECTURES[config.architecture].least_batch(network)
    if config.batch < least:
        raise ConfigError(
            f"batch: {config.batch} is too small for the norms of {config.architecture}; at least "
            f"{least}",
            hint=f"Take --batch {least} or more.",
            options=["batch"],
        )


def _check_sizes(config: TrainConfig, needs: Needs, network: Any) -> None:
    judged = needs.discriminator == "always" or (
        needs.discriminator == "if adversarial" and config.losses.adversarial > 0
    )
    architecture = ARCHITECTURES[config.architecture]
    side = architecture.least_side(network)
    least = -(-side // CROP_MULTIPLE) * CROP_MULTIPLE
    if judged and config.crop < least:
        key = architecture.side_key
        cure = f"a network.{key} of at most {config.crop}" if key else "a recipe without one"
        named = f", whose network.{key} is {side}" if key else ""
        raise ConfigError(
            f"crop: {config.crop} is too small for the discriminator of {config.architecture}"
            f"{named}; at least {least}",
            hint=f"Take --crop {least} or more, or {cure}.",
            options=["crop"],
        )
