"""Photos to measure with.

Usage: python -m benchmarks.subjects MEGAPIXELS > photo.jpg
"""

import io
import sys

import numpy as np
from PIL import Image

from photoenhance.imaging.photo import Photo

QUALITY = 95


def drawn(megapixels: float) -> Photo:
    """Draw a 3:2 photo of about this size with gradients, waves and grain."""
    height = max(round((megapixels * 1e6 / 1.5) ** 0.5), 32)
    width = height * 3 // 2
    columns = np.arange(width, dtype=np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    random = np.random.default_rng(0)
    for row in range(height):
        line = columns * (80 / width) + 60 + 60 * row / height
        line += 40 * np.sin(columns / 37) * np.cos(row / 23)
        grain = random.normal(0, 3, (width, 3)).astype(np.float32)
        pixels[row] = np.clip(line[:, None] * (1.0, 0.9, 0.8) + grain, 0, 255)
    return Photo(pixels)


def jpeg_of(photo: Photo) -> bytes:
    """Return a photo as Pillow writes it."""
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(jpeg_of(drawn(float(sys.argv[1]))))
