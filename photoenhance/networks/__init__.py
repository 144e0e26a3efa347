"""The networks, by the name of their architecture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from photoenhance.networks.dpe import DPEConfig, DPEDiscriminator, DPEGenerator
from photoenhance.networks.enlightengan import (
    EnlightenGANConfig,
    EnlightenGANGenerator,
    photo_discriminator,
)
from photoenhance.networks.generator import Generator
from photoenhance.networks.uegan import UEGANConfig, UEGANDiscriminator, UEGANGenerator


@dataclass(frozen=True, slots=True)
class Architecture:
    """What it takes to build one paper's networks.

    Attributes:
        config: the class that fixes their shapes; its fields are what a checkpoint's header holds.
        generator: builds the generator of a config.
        discriminator: builds the discriminator of a config.
        options: fields of the config that change how the same weights are used.
    """

    config: Callable[..., Any]
    generator: Callable[[Any], Generator]
    discriminator: Callable[[Any], nn.Module]
    options: tuple[str, ...] = ()


ARCHITECTURES: dict[str, Architecture] = {
    "uegan": Architecture(UEGANConfig, UEGANGenerator, UEGANDiscriminator),
    "enlightengan": Architecture(
        EnlightenGANConfig,
        EnlightenGANGenerator,
        photo_discriminator,
        options=("align_corners", "truncate", "halve_wide"),
    ),
    "dpe": Architecture(DPEConfig, DPEGenerator, DPEDiscriminator, options=("context",)),
}
