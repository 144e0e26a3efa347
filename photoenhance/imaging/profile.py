"""ICC profiles, read as far as exact arithmetic in float needs it: curves and a matrix."""

import struct
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
_COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")
_CURVES = (b"rTRC", b"gTRC", b"bTRC")
_PARAMETERS = (1, 3, 4, 5, 7)  # how many numbers each kind of parametric curve has
_TABLE_POINTS = 4097


class Curve(Protocol):
    """The tone curve of one channel; both ways map [0, 1] to [0, 1]."""

    def linear(self, encoded: Values) -> Values:
        """Map a channel's values to light."""
        ...

    def encoded(self, linear: Values) -> Values:
        """Map light to a channel's values; what lies outside [0, 1] is clipped."""
        ...


@dataclass(frozen=True, slots=True)
class ParametricCurve:
    """`(a * x + b) ** gamma + e` from `d` on, `c * x + f` below.

    Source: ICC.1:2022, 10.18, with all five kinds written as the last one.
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def linear(self, encoded: Values) -> Values:
        """Map a channel's values to light."""
        power = np.maximum(self.a * encoded + self.b, 0) ** self.gamma + self.e
        return np.clip(np.where(encoded >= self.d, power, self.c * encoded + self.f), 0, 1)

    def encoded(self, linear: Values) -> Values:
        """Map light to a channel's values."""
        linear = np.clip(linear, 0, 1)
        power = (np.maximum(linear - self.e, 0) ** (1 / self.gamma) - self.b) / self.a
        if self.d > 0 and self.c > 0:
            power = np.where(linear >= self.c * self.d + self.f, power, (linear - self.f) / self.c)
        return np.clip(power, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class TableCurve:
    """A curve sampled at equal distances, made monotone so that it has a way back."""

    samples: NDArray[np.float64]

    def linear(self, encoded: Values) -> Values:
        """Map a channel's values to light."""
        places = np.linspace(0, 1, self.samples.size)
        return np.interp(encoded, places, self.samples)

    def encoded(self, linear: Values) -> Values:
        """Map light to a channel's values."""
        places = np.linspace(0, 1, _TABLE_POINTS)
        result: Values = np.interp(linear, self.linear(places), places)
        return result.astype(linear.dtype, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What an ICC profile says about the colours of a picture.

    Attributes:
        space: the colour model of the pixels, such as `RGB ` or `GRAY`.
        curves: one for grey, three for RGB; empty where the profile maps colours by tables, which
            outrank curves and matrix.
        matrix: `(3, 3)` float64, linear RGB -> XYZ under D50; None for grey and for tables.
    """

    space: bytes
    curves: tuple[Curve, ...]
    matrix: NDArray[np.float64] | None


def parse(data: bytes) -> Profile:
    """Read a profile.

    Raises:
        ValueError: it is damaged, or of a kind that describes no picture.
    """
    if len(data) < 132 or data[36:40] != b"acsp" or data[12:16] not in _CLASSES:
        raise ValueError("not a profile of a picture")
    tags = _tags(data)
    space = data[16:20]
    has_tables = b"A2B0" in tags or b"A2B1" in tags
    if space == b"GRAY" and b"kTRC" in tags:
        return Profile(space, (_curve(tags[b"kTRC"]),), None)
    if space == b"RGB " and not has_tables:
        missing = [tag for tag in (*_COLORANTS, *_CURVES) if tag not in tags]
        if missing:
            raise ValueError(f"no tag {missing[0]!r}")
        matrix = np.array([_xyz(tags[tag]) for tag in _COLORANTS]).T
        if abs(np.linalg.det(matrix)) < 1e-6:
            raise ValueError("a matrix without a way back")
        return Profile(space, tuple(_curve(tags[tag]) for tag in _CURVES), matrix)
    if not has_tables:
        raise ValueError("no way to colours that a viewer sees")
    return Profile(space, (), None)


def cicp_of(data: bytes) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer that a profile names itself by, or None."""
    try:
        tag = _tags(data).get(b"cicp", b"")
    except (ValueError, struct.error):
        return None
    return (tag[8], tag[9]) if tag[:4] == b"cicp" and len(tag) >= 12 else None


def _tags(data: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", data, 128)
    if not 0 < count <= 1000 or 132 + 12 * count > len(data):
        raise ValueError("a damaged table of tags")
    tags = {}
    for index in range(count):
        name, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * index)
        tags[name] = data[offset : offset + size]
    return tags


def _xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ " or len(tag) < 20:
        raise ValueError("a damaged colorant")
    return tuple(number / 65536 for number in struct.unpack_from(">3i", tag, 8))


def _curve(tag: bytes) -> Curve:
    try:
        if tag[:4] == b"curv":
            return _sampled_curve(tag)
        if tag[:4] == b"para":
            return _parametric_curve(tag)
    except struct.error as error:
        raise ValueError("a curve cut short") from error
    raise ValueError(f"a curve of kind {tag[:4]!r}")


def _sampled_curve(tag: bytes) -> Curve:
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return ParametricCurve(1.0)
    if count == 1:
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256
        if gamma <= 0:
            raise ValueError("a gamma of 0")
        return ParametricCurve(gamma)
    if 12 + 2 * count > len(tag):
        raise ValueError("a curve cut short")
    samples = np.frombuffer(tag, ">u2", count, 12).astype(np.float64) / 65535
    if samples[-1] <= samples[0]:
        raise ValueError("a curve that does not rise")
    return TableCurve(np.maximum.accumulate(samples))


def _parametric_curve(tag: bytes) -> Curve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind >= len(_PARAMETERS):
        raise ValueError(f"a parametric curve of kind {kind}")
    numbers = [n / 65536 for n in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)]
    gamma, a, b, c = (numbers + [1.0, 0.0, 0.0][len(numbers) - 1 :])[:4]
    if gamma <= 0 or a <= 0:
        raise ValueError("a curve that does not rise")
    if kind in (0, 1, 2):
        offset = c if kind == 2 else 0.0
        return ParametricCurve(gamma, a, b, c=0.0, d=-b / a, e=offset, f=offset)
    d = numbers[4]
    e, f = (numbers[5], numbers[6]) if kind == 4 else (0.0, 0.0)
    return ParametricCurve(gamma, a, b, c, d, e, f)
