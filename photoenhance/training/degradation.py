"""Ordinary-looking photos made from good ones, so that the good one is known."""

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from photoenhance.networks.histogram import LUMA
from photoenhance.training.faults import FAULTS, GAMMA
from photoenhance.training.look import Look
from photoenhance.training.values import Number, Range, Section, Share

# Wider than any photo needs, and narrow enough that nothing leaves the range of float32.
Looks = Annotated[Number, Field(ge=-5, le=5)]
Stops = Annotated[Number, Field(ge=-20, le=20)]
Factor = Annotated[Number, Field(ge=0, le=10)]
Exponent = Annotated[Number, Field(ge=0.1, le=10)]
Deviation = Annotated[Number, Field(ge=0, le=2)]


class Shares(Section):
    """The shares of made sources that get one fault of snapshots each, and nothing else.

    Attributes:
        backlit: a subject in its own shadow.
        cast: light that is too warm or too cold.
        haze: a grey veil.
        under: too little light.
        flat: too little contrast.

    What each of them does is in `faults`.
    """

    backlit: Share = 0.0
    cast: Share = 0.0
    haze: Share = 0.0
    under: Share = 0.0
    flat: Share = 0.0

    @model_validator(mode="after")
    def _fit(self) -> "Shares":
        if sum(dict(self).values()) > 1:
            raise ValueError(f"the shares are more than 1 together: {dict(self)}")
        return self

    def drawn(self, random: np.random.Generator) -> str | None:
        """Draw one of the faults, or None."""
        shares = dict(self)
        if not any(shares.values()):
            return None
        left = random.random()
        for name, share in shares.items():
            left -= share
            if left < 0:
                return name
        return None


class Degradation(Section):
    """How each made source gets its faults: one of snapshots, or all that a plain photo has.

    The ranges are those of a neutral rendering of raw data, dull in every way at once; a photo that
    has only one fault looks otherwise, and shows by that what is wrong with it.

    Attributes:
        faults: shares of the sources with one fault of snapshots, of those that are not untouched.
        look: share of the look of the target photos that is taken away first, where 1 is all of
            it; nobody asks what their look is if both ends are 0.
        exposure: stops, in linear light.
        contrast: factor around the image's mean.
        gamma: exponent on the coded values.
        curve: share of an inverse S-curve, which flattens midtones and keeps black and white.
        saturation: factor on the distance from luma.
        white_balance: standard deviation of the log gains of red and blue.
        black: how far black is lifted at most, as a share of the range.
        softness: share of a blurred copy at most, its deviation between 0.5 and 1.2 pixels.
        noise: standard deviation of the noise at most, as a share of the range.
        shot: variance of a sensor's noise at most, per unit of linear light, log-uniform from a
            hundredth of it; dark photos have few photons.
        read: standard deviation of a sensor's own noise at most, in linear light, likewise.
        untouched: share of sources that stay as they are.

    Noise and untouched sources do not go together: a network soon learns that what has no noise is
    good, and leaves every real photo alone. Without both, the mildest faults teach it restraint.
    """

    faults: Shares = Shares()
    look: Range[Looks] = (0.0, 0.0)
    exposure: Range[Stops] = (-2.5, -0.1)
    contrast: Range[Factor] = (0.64, 1.08)
    gamma: Range[Exponent] = (0.87, 1.18)
    curve: Range[Share] = (0.0, 0.5)
    saturation: Range[Factor] = (0.5, 1.1)
    white_balance: Deviation = 0.02
    black: Share = 0.04
    softness: Share = 0.7
    noise: Share = 0.0
    shot: Share = 0.0
    read: Share = 0.0
    untouched: Share = 0.0

    @property
    def wants_look(self) -> bool:
        """Whether the look of the target photos has to be known."""
        return any(self.look)

    def apply(
        self, clean: NDArray[np.float32], random: np.random.Generator, look: Look | None = None
    ) -> NDArray[np.float32]:
        """Degrade one image.

        Args:
            clean: `(H, W, 3)`, sRGB in [0, 1]; and so is the result.
            random: draws the faults.
            look: that of the target photos, or None to leave it.
        """
        if random.random() < self.untouched:
            return clean
        fault = self.faults.drawn(random)
        if fault is not None:
            return FAULTS[fault](clean, random)
        if look is not None:
            clean = look.removed(clean, random.uniform(*self.look))
        gains = np.exp(random.normal(0, self.white_balance, 3))
        gains[1] = 1
        gains *= 2 ** random.uniform(*self.exposure)
        light = clean**GAMMA * gains.astype(np.float32)
        if self.shot or self.read:
            light = self._sensed(light, random)
        image = np.clip(light, 0, 1) ** (1 / GAMMA)
        image = image ** np.float32(random.uniform(*self.gamma))
        # The inverse of the S-curve 3x^2 - 2x^3.
        bend = np.float32(random.uniform(*self.curve))
        image = (1 - bend) * image + bend * (0.5 - np.sin(np.arcsin(1 - 2 * image) / 3))
        mean = image.mean()
        image = (image - mean) * np.float32(random.uniform(*self.contrast)) + mean
        luma = (image @ LUMA)[..., None]
        image = luma + (image - luma) * np.float32(random.uniform(*self.saturation))
        black = np.float32(random.uniform(0, self.black))
        image = black + (1 - black) * image
        blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.2))
        image = image + (blurred - image) * np.float32(random.uniform(0, self.softness))
        noise = random.standard_normal(image.shape, dtype=np.float32)
        image = image + noise * np.float32(random.uniform(0, self.noise))
        return np.clip(image, 0, 1)

    def _sensed(
        self, light: NDArray[np.float32], random: np.random.Generator
    ) -> NDArray[np.float32]:
        """Add what a sensor adds to linear light: noise that grows with it, and some of its own."""
        shot = np.float32(self.shot * 10 ** random.uniform(-2, 0))
        read = np.float32(self.read * 10 ** random.uniform(-2, 0))
        noise = random.standard_normal(light.shape, dtype=np.float32)
        return light + noise * np.sqrt(shot * np.clip(light, 0, 1) + read**2)
