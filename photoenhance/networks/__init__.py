"""The networks, by the name of their architecture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from photoenhance.networks.dpe import DPEConfig, DPEDiscriminator, DPEGenerator
from photoenhance.networks.enlightengan import (
    EnlightenGANConfig,
    EnlightenGANDiscriminator,
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
        least_side: of the images that this discriminator can judge.
        side_key: field of the config that this side follows; "" if it is always the same.
        least_batch: images that the generator's batch norms need at once to learn.
        options: fields of the config that change how the same weights are used.
    """

    config: type[Any]
    generator: Callable[[Any], Generator]
    discriminator: Callable[[Any], nn.Module]
    least_side: Callable[[Any], int]
    side_key: str = ""
    least_batch: Callable[[Any], int] = lambda _: 1
    options: tuple[str, ...] = ()


ARCHITECTURES: dict[str, Architecture] = {
    "uegan": Architecture(
        UEGANConfig,
        UEGANGenerator,
        UEGANDiscriminator,
        least_side=lambda _: UEGANDiscriminator.smallest,
    ),
    "enlightengan": Architecture(
        EnlightenGANConfig,
        EnlightenGANGenerator,
        photo_discriminator,
        least_side=lambda _: EnlightenGANDiscriminator.smallest,
        options=("align_corners", "truncate", "halve_wide"),
    ),
    "dpe": Architecture(
        DPEConfig,
        DPEGenerator,
        DPEDiscriminator,
        least_side=lambda config: config.side,
        side_key="side",
        # The global vector's last norm sees side / 64 places a side.
        least_batch=lambda config: 2 if config.side == 64 else 1,
        options=("context",),
    ),
}
