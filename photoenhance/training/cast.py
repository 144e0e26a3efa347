"""A colour cast: all photos of a collection are tinted in the same direction."""

import math
from dataclasses import dataclass

VISIBLE = 2.0  # difference of the mean a* and b* from which a tint of all photos is seen
# Hue angles in CIE a* and b* of mid-grey with a little of each colour of sRGB.
HUES = {"red": 20, "yellow": 109, "green": 144, "cyan": 199, "blue": 291, "magenta": 325}


@dataclass(frozen=True, slots=True)
class Cast:
    """By how much enhanced photos are tinted, compared to how they should be.

    Attributes:
        strength: distance of the mean a* and b*, in units of CIE L*a*b*.
        towards: the name of the tint.
        grows: whether it is visible, and larger than that of the photos before by as much.
    """

    strength: float
    towards: str
    grows: bool


def cast(a: float, b: float, *, before: float) -> Cast:
    """Describe the tint of enhanced photos.

    Args:
        a: mean a*, minus what it should be.
        b: likewise.
        before: strength of the tint of the photos before, or what chance alone makes of it.
    """
    strength, hue = math.hypot(a, b), math.degrees(math.atan2(b, a))
    towards = min(HUES, key=lambda name: abs((hue - HUES[name] + 180) % 360 - 180))
    return Cast(strength, towards, strength > before + VISIBLE)
