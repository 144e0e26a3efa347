"""From JPEG to JPEG: ours, guided, beside Pillow, which only decodes and encodes.

Usage: python -m benchmarks.files (FILE | MEGAPIXELS) WIDTH REPEATS
Prints medians in seconds, and the peak memory above the imports, as JSON. All take turns in one
process; the memory is that of our first photo, before Pillow has held any.
"""

import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.case import peak_mib
from benchmarks.subjects import QUALITY
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode
from photoenhance.inference import guided
from photoenhance.inference.enhancer import WORK_SIZE, Enhancer
from photoenhance.inference.threads import limit_threads
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator


def main() -> None:
    """Measure the file, or a drawn photo of the size, that the command line names."""
    subject, width, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limit_threads()
    torch.manual_seed(0)
    generator = UEGANGenerator(UEGANConfig(width))
    generator.initialise(gain=1.387, last=0.25)
    enhancer = Enhancer(generator, torch.device("cpu"), rendering="guided")
    before = peak_mib()
    file = _file(subject)
    _ours(file, enhancer)
    above = peak_mib() - before
    photo = read(io.BytesIO(file))
    small = _small(photo)
    timed = {
        "pillow": lambda: _pillow(file),
        "network": lambda: enhancer.enhance(small),
        "jpeg": lambda: _ours(file, enhancer),
    }
    found = {"megapixels": photo.pixels.shape[0] * photo.pixels.shape[1] / 1e6, "above_mib": above}
    for prefix, times in zip(("", "cpu_"), _medians(timed, repeats), strict=True):
        found |= {f"{prefix}{name}_seconds": seconds for name, seconds in times.items()}
        beyond = times["jpeg"] - times["network"]
        found[f"{prefix}beyond_ratio"] = beyond / times["pillow"]
    print(json.dumps(found))


def _file(subject: str) -> bytes:
    """Read a photo, or let one be drawn where its memory does not count."""
    if Path(subject).is_file():
        return Path(subject).read_bytes()
    command = [sys.executable, "-m", "benchmarks.subjects", subject]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def _medians(
    timed: dict[str, Callable[[], object]], repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Let all take turns; return seconds by the clock and of all CPUs."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
    for _ in range(repeats):
        for name, call in timed.items():
            clock, processor = time.perf_counter(), time.process_time()
            call()
            taken = time.perf_counter() - clock, time.process_time() - processor
            found[name].append(taken)
    clock, processor = (
        {name: statistics.median(taken[k] for taken in all_) for name, all_ in found.items()}
        for k in range(2)
    )
    return clock, processor


def _small(photo: Photo) -> Photo:
    """Reduce a photo to the size that the network sees."""
    height, width = guided.small_size(*photo.pixels.shape[:2], WORK_SIZE)
    return Photo(np.array(Image.fromarray(photo.pixels).resize((width, height))))


def _ours(file: bytes, enhancer: Enhancer) -> bytes:
    photo = enhancer.enhance(read(io.BytesIO(file))).photo
    return encode(photo, "jpeg", quality=QUALITY)


def _pillow(file: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(file)) as image:
        image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
