"""One measurement in a process of its own, so that its peak memory is its own.

Usage: python -m benchmarks.case RENDERING MEGAPIXELS WIDTH [TILE]
Prints seconds, peak memory above the imports and the photo, and a checksum as JSON.
"""

import json
import resource
import sys
import time

import numpy as np
import torch

from benchmarks.plain import PlainUEGAN
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator


def photo_of(megapixels: float) -> Photo:
    """Draw a 3:2 photo of this size with gradients and grain."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5) // 16 * 16
    width = height * 3 // 2 // 16 * 16
    columns = np.linspace(0, 255, width, dtype=np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    random = np.random.default_rng(0)
    for row in range(height):
        line = columns * (0.3 + 0.7 * row / height)
        pixels[row] = np.clip(line[:, None] + random.normal(0, 8, (width, 3)), 0, 255)
    return Photo(pixels)


def main() -> None:
    """Measure the case that the command line names."""
    rendering, megapixels, width = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    tile = int(sys.argv[4]) if len(sys.argv) > 4 else None
    torch.manual_seed(0)
    network = PlainUEGAN if rendering == "plain" else UEGANGenerator
    generator = network(UEGANConfig(width))
    generator.initialise(gain=1.387, last=0.25)
    named = "whole" if rendering == "plain" else rendering
    enhancer = Enhancer(generator, torch.device("cpu"), rendering=named, tile=tile)
    enhancer.enhance(photo_of(0.05))
    photo = photo_of(megapixels)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    enhanced = enhancer.enhance(photo)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    pixels = photo.pixels.shape[0] * photo.pixels.shape[1] / 1e6
    print(
        json.dumps(
            {
                "rendering": enhanced.rendering,
                "tile": enhanced.tile,
                "megapixels": pixels,
                "seconds_per_megapixel": seconds / pixels,
                "above_mib": (peak - before) / 1024,
                "peak_mib": peak / 1024,
                "checksum": int(enhanced.photo.pixels.sum(dtype=np.int64)),
            }
        )
    )


if __name__ == "__main__":
    main()
