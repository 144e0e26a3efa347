"""From a photo's own colours to sRGB, and changes made in sRGB back to its own colours."""

import io
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photoenhance.imaging import profile as icc
from photoenhance.imaging.decode import in_8_bits, strips
from photoenhance.imaging.photo import Photo, Pixels

Floats = NDArray[np.float32]

# Source: IEC 61966-2-1, its primaries adapted to D50 by the Bradford method, as ICC profiles hold
# them.
_SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
_SAME = 1 / 255  # spaces that differ by less than an 8-bit step, as rounded tags do, are one
_GRID = 33


class _Space(Protocol):
    """A photo's colour space, seen from sRGB."""

    def to_srgb(self, pixels: Pixels) -> Floats:
        """Return sRGB; colours outside it lie outside [0, 1], where the space can tell."""
        ...

    def from_srgb(self, colors: Floats) -> Floats:
        """Return the space's own values in [0, 1]; what it cannot hold is clipped."""
        ...


class ColorConverter:
    """Converts strips of one photo to sRGB, and carries changes back into the photo's colours.

    A change is carried back as a difference: each pixel moves as far as sRGB moved, seen from the
    photo's own space, and is rounded once. So 16-bit pixels keep their depth, a change of nothing
    gives the very pixels back, and a colour outside sRGB keeps its distance to sRGB's gamut, by
    which it is moved out again, instead of being clipped into it. Only what the photo's own space
    cannot hold is clipped.
    """

    def __init__(self, space: _Space) -> None:
        self._space = space

    def to_srgb(self, pixels: Pixels) -> Floats:
        """Convert a strip to sRGB, colours outside it clipped.

        Args:
            pixels: `(h, w, 3)` uint8 or uint16 in the photo's space.

        Returns:
            `(h, w, 3)` float32 in [0, 1].
        """
        return np.clip(self._space.to_srgb(pixels), 0, 1)

    def apply_change(self, pixels: Pixels, before: Floats, after: Floats) -> Pixels:
        """Give pixels the change that was made to their sRGB version.

        Args:
            pixels: `(h, w, 3)` uint8 or uint16 in the photo's space.
            before: `to_srgb(pixels)`.
            after: what became of `before`; float32 in [0, 1].

        Returns:
            Pixels as they came in; where `after` equals `before`, the same ones bit for bit.
        """
        beyond = self._space.to_srgb(pixels) - before
        change = self._space.from_srgb(after + beyond) - self._space.from_srgb(before + beyond)
        top = np.iinfo(pixels.dtype).max
        changed = pixels + np.rint(change * np.float32(top)).astype(np.int32)
        return np.clip(changed, 0, top).astype(pixels.dtype)


def converter(photo: Photo) -> ColorConverter | None:
    """Make the converter of a photo; None where its pixels are sRGB already.

    Raises:
        ValueError: the photo's profile is none that `is_usable` accepts.
    """
    if photo.icc_profile is None:
        return None
    space = _space(photo.icc_profile, photo.pixels.dtype)
    levels = np.linspace(0, 255, 18).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 18, 3)
    if photo.format.is_grey:
        grid = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    image = np.clip(space.to_srgb(grid), 0, 1)
    if np.abs(image - grid / np.float32(255)).max() < _SAME:
        return None
    return ColorConverter(space)


def is_usable(profile: bytes, *, is_grey: bool) -> bool:
    """Tell whether a profile fits the pixels of a photo, grey or RGB, and can be read."""
    try:
        model = icc.parse(profile)
        if model.space == b"RGB " or (model.space == b"GRAY" and is_grey):
            return bool(model.curves) or _TableSpace(profile) is not None
    except (ValueError, ImageCms.PyCMSError, OSError):
        pass
    return False


def brought_to_srgb(profile: bytes, pixels: Pixels) -> NDArray[np.uint8] | None:
    """Convert pixels by a profile that leads to colours but not back, as scanners have them.

    Returns:
        `(H, W, 3)` sRGB, or None where the profile is no such one.
    """
    try:
        if icc.parse(profile).space != b"RGB ":
            return None
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = _transform(own, ImageCms.createProfile("sRGB"))
    except (ValueError, ImageCms.PyCMSError, OSError):
        return None
    result = np.empty(pixels.shape, np.uint8)
    for top, bottom in strips(pixels.shape[1], pixels.shape[0]):
        result[top:bottom] = np.rint(_looked_up(transform, in_8_bits(pixels[top:bottom])) * 255)
    return result


def encode_srgb(linear: Floats) -> Floats:
    """Apply the sRGB curve to light; below 0 it goes on point-symmetrically.

    Source: IEC 61966-2-1.
    """
    size = np.abs(linear)
    curve = 1.055 * np.maximum(size, 0.0031308) ** np.float32(1 / 2.4) - 0.055
    return np.copysign(np.where(size <= 0.0031308, 12.92 * size, curve), linear)


def decode_srgb(encoded: Floats) -> Floats:
    """Undo `encode_srgb`."""
    size = np.abs(encoded)
    curve = ((size + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.copysign(np.where(size <= 0.04045, size / np.float32(12.92), curve), encoded)


def _space(profile: bytes, dtype: np.dtype[Any]) -> _Space:
    model = icc.parse(profile)
    return _ShaperSpace(model, dtype) if model.curves else _TableSpace(profile)


class _ShaperSpace:
    """A space of one curve a channel and, for RGB, a matrix; exact in float."""

    def __init__(self, model: icc.Profile, dtype: np.dtype[Any]) -> None:
        self._curves = model.curves if len(model.curves) == 3 else model.curves * 3
        matrix = np.eye(3) if model.matrix is None else np.linalg.inv(_SRGB_TO_XYZ) @ model.matrix
        self._to_linear_srgb = matrix.T.astype(np.float32)
        self._from_linear_srgb = np.linalg.inv(matrix).T.astype(np.float32)
        self._tables = {
            each: self._table(np.iinfo(each).max) for each in {np.dtype(np.uint8), dtype}
        }

    def to_srgb(self, pixels: Pixels) -> Floats:
        """Return sRGB, beyond [0, 1] for colours outside it."""
        linear = np.empty(pixels.shape, np.float32)
        table = self._tables[pixels.dtype]
        for channel in range(3):
            linear[..., channel] = table[channel][pixels[..., channel]]
        return encode_srgb(linear @ self._to_linear_srgb)

    def from_srgb(self, colors: Floats) -> Floats:
        """Return the space's own values in [0, 1]."""
        linear = decode_srgb(colors) @ self._from_linear_srgb
        for channel, curve in enumerate(self._curves):
            linear[..., channel] = curve.encoded(linear[..., channel])
        return linear

    def _table(self, top: int) -> list[Floats]:
        levels = np.arange(top + 1) / top
        return [curve.linear(levels).astype(np.float32) for curve in self._curves]


class _TableSpace:
    """A space that only a profile's tables describe: littleCMS looks up, in 8 bits.

    The way back is a lattice of colours sampled once and interpolated between, so that a change
    of less than an 8-bit step is still one.
    """

    def __init__(self, profile: bytes) -> None:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        self._forward = _transform(own, srgb)
        levels = np.rint(np.linspace(0, 255, _GRID)).astype(np.uint8)
        axes = np.meshgrid(levels, levels, levels, indexing="ij")
        nodes = np.stack(axes, axis=-1).reshape(_GRID, _GRID * _GRID, 3)
        lattice = _looked_up(_transform(srgb, own), nodes)
        self._lattice = lattice.reshape(_GRID, _GRID, _GRID, 3)

    def to_srgb(self, pixels: Pixels) -> Floats:
        """Return sRGB in [0, 1]: tables say nothing of what lies beyond."""
        return _looked_up(self._forward, in_8_bits(pixels))

    def from_srgb(self, colors: Floats) -> Floats:
        """Return the space's own values, linearly interpolated between the lattice's nodes."""
        places = np.clip(colors, 0, 1) * np.float32(_GRID - 1)
        low = np.minimum(places.astype(np.intp), _GRID - 2)
        part = places - low
        result = np.zeros(colors.shape, np.float32)
        for corner in np.ndindex(2, 2, 2):
            weight = np.where(corner, part, 1 - part).prod(axis=-1, keepdims=True)
            index = low + np.array(corner)
            result += weight * self._lattice[index[..., 0], index[..., 1], index[..., 2]]
        return result


def _transform(source: Any, target: Any) -> Any:
    return ImageCms.buildTransform(
        source, target, "RGB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


def _looked_up(transform: Any, pixels: Pixels) -> Floats:
    strip = Image.fromarray(np.ascontiguousarray(pixels))
    converted = ImageCms.applyTransform(strip, transform)
    return np.asarray(converted, dtype=np.float32) / np.float32(255)
