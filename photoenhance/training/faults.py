"""Faults of ordinary snapshots, made on finished photos: one fault a photo, of a random strength.

Ranges are wide enough for photos that most people would keep, and end where a fault begins to
show. Light is linear here: coded values are its power of 1 / GAMMA.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.networks.histogram import LUMA

GAMMA = 2.2  # sRGB's curve, near enough for changes of exposure

Image = NDArray[np.float32]


def coded(light: NDArray[Any]) -> Image:
    """Return the sRGB values in [0, 1] of linear light, which may leave that range."""
    return np.asarray(np.clip(light, 0, 1) ** (1 / GAMMA), dtype=np.float32)


def backlit(image: Image, random: np.random.Generator) -> Image:
    """Take 1 to 3 stops from what is low in the photo or dark on the whole, smoothly.

    That is a subject in its own shadow in front of a bright sky.
    """
    height, width = image.shape[:2]
    down = np.linspace(-1, 1, height)[:, None]
    uneven = cv2.resize(
        random.standard_normal((3, 3)).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    around = cv2.GaussianBlur(image @ LUMA, (0, 0), width * random.uniform(0.05, 0.12))
    shade = random.uniform(1.5, 3.5) * down + random.uniform(0.4, 1.0) * uneven
    shade -= random.uniform(2.5, 5.0) * (around - around.mean())
    share = 1 / (1 + np.exp(-1.5 * shade))
    return coded(image**GAMMA * 2 ** (-random.uniform(1.0, 3.0) * share)[..., None])


def cast(image: Image, random: np.random.Generator) -> Image:
    """Tint the light with 3 to 25 % more red and less blue, or the reverse; green varies by 2 %."""
    amount = random.choice([-1, 1]) * random.uniform(0.03, 0.25)
    return coded(image**GAMMA * np.array([1 + amount, 1 + random.normal(0, 0.02), 1 - amount]))


def haze(image: Image, random: np.random.Generator) -> Image:
    """Put a grey veil of 5 to 35 % before the light."""
    share = random.uniform(0.05, 0.35)
    return coded(image**GAMMA * (1 - share) + share * random.uniform(0.5, 0.7))


def under(image: Image, random: np.random.Generator) -> Image:
    """Take half a stop to 2.5 stops from the light."""
    return coded(image**GAMMA * 2 ** -random.uniform(0.5, 2.5))


def flat(image: Image, random: np.random.Generator) -> Image:
    """Leave 40 to 90 % of the contrast around the mean of the coded values."""
    mean = image.mean()
    return np.clip((image - mean) * np.float32(random.uniform(0.4, 0.9)) + mean, 0, 1)


FAULTS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "backlit": backlit,
    "cast": cast,
    "haze": haze,
    "under": under,
    "flat": flat,
}
