"""What each objective knows of a run's config, and what it demands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from photoenhance.networks.vgg import VGGName

ObjectiveName = Literal["one-way", "enlightengan", "dpe-two-way", "dpe-one-way", "supervised"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What one objective knows and demands.

    Attributes:
        weights: of the generator's terms; at least one of them is above 0.
        of_sources: those in which photos of the source folder count.
        keys: other keys of the config that only some objectives know, and this one does.
        architecture: the one that it trains, or None for any.
        network: values that it demands of the network's config.
        required: weights that it cannot do without.
        discriminator: whether it has one, or only where `losses.adversarial` is above 0.
        paired: whether sources have originals without being made of them.
        vgg: the network whose layers `losses.fidelity_layers` names.
    """

    weights: tuple[str, ...]
    of_sources: tuple[str, ...]
    keys: tuple[str, ...] = ()
    architecture: str | None = None
    network: Mapping[str, object] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    discriminator: Literal["always", "never", "if adversarial"] = "always"
    paired: bool = False
    vgg: VGGName = "vgg19"

    @property
    def known(self) -> tuple[str, ...]:
        """All keys that it knows and some other objective does not."""
        return tuple(f"losses.{name}" for name in self.weights) + self.keys


NEEDS: dict[ObjectiveName, Needs] = {
    "one-way": Needs(
        weights=(
            *("adversarial", "fidelity", "identity"),
            *("reconstruction", "color", "tone", "log_mse"),
        ),
        of_sources=("adversarial", "fidelity"),
        keys=(
            *("losses.judged", "losses.relativistic", "losses.identity_form"),
            *("losses.fidelity_layers", "pool"),
        ),
        discriminator="if adversarial",
    ),
    "enlightengan": Needs(
        weights=("adversarial", "local", "fidelity"),
        of_sources=("adversarial", "local", "fidelity"),
        keys=("losses.fidelity_layers", "framing.brightness"),
        architecture="enlightengan",
        required=("fidelity",),
        vgg="vgg16",
    ),
    "dpe-one-way": Needs(
        weights=("adversarial", "identity", "reconstruction", "color"),
        of_sources=("adversarial", "identity"),
        keys=("losses.penalty", "losses.penalty_rule", "optimiser.critic_steps"),
        architecture="dpe",
        network={"norm_sets": 1},
    ),
    "dpe-two-way": Needs(
        weights=("adversarial", "identity", "cycle"),
        of_sources=("adversarial", "identity", "cycle"),
        keys=("losses.penalty", "losses.penalty_rule", "optimiser.critic_steps"),
        architecture="dpe",
        network={"norm_sets": 2},
    ),
    "supervised": Needs(
        weights=("log_mse",), of_sources=("log_mse",), discriminator="never", paired=True
    ),
}
