"""One measurement in a process of its own, so that its peak memory is its own.

Usage: python -m benchmarks.case CASE MEGAPIXELS WIDTH
Prints seconds by the clock and of all CPUs, and the peak memory above the imports, as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.plain import PlainUEGAN
from benchmarks.subjects import drawn
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.inference.threads import limit_threads
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator
from photoenhance.tensors import image_of, pixels_of

Result = dict[str, float]
SIDE = 2048  # of the matrices whose product is timed


def main() -> None:
    """Measure the case that the command line names."""
    case, megapixels, width = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    limit_threads()
    torch.manual_seed(0)
    if case == "matmul":
        print(json.dumps(product()))
        return
    network = PlainUEGAN if case == "plain" else UEGANGenerator
    generator = network(UEGANConfig(width)).eval().requires_grad_(requires_grad=False)
    generator.initialise(gain=1.387, last=0.25)
    photo = drawn(megapixels)
    if case == "openvino":
        enhance = whole_in_openvino(generator, photo)
    else:
        rendering = "whole" if case == "plain" else case
        enhancer = Enhancer(generator, torch.device("cpu"), rendering=rendering)
        enhancer.enhance(drawn(0.05))
        enhance = lambda photo: enhancer.enhance(photo).photo.pixels  # noqa: E731
    print(json.dumps(measured(enhance, photo)))


def measured(enhance: Callable[[Photo], np.ndarray], photo: Photo) -> Result:
    """Enhance a photo once; what was used before does not count."""
    before = peak_mib()
    clock, processor = time.perf_counter(), time.process_time()
    pixels = enhance(photo)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    megapixels = photo.pixels.shape[0] * photo.pixels.shape[1] / 1e6
    return {
        "megapixels": megapixels,
        "seconds_per_megapixel": clock / megapixels,
        "cpu_seconds_per_megapixel": processor / megapixels,
        "above_mib": peak_mib() - before,
        "peak_mib": peak_mib(),
        "checksum": int(pixels.sum(dtype=np.int64)),
    }


def product() -> Result:
    """Time a matrix product, in 10^9 multiplications and additions a second."""
    matrix = torch.randn(SIDE, SIDE)
    matrix @ matrix
    found = []
    for clock in (time.perf_counter, time.process_time):
        seconds = []
        for _ in range(5):
            start = clock()
            matrix @ matrix
            seconds.append(clock() - start)
        found.append(SIDE**3 / 1e9 / sorted(seconds)[2])
    return {"gmac_per_second": found[0], "gmac_per_cpu_second": found[1]}


def whole_in_openvino(generator: UEGANGenerator, photo: Photo) -> Callable[[Photo], np.ndarray]:
    """Compile the network for a photo's size with OpenVINO, which is for comparison only."""
    import openvino  # noqa: PLC0415 (no dependency)

    def image(photo: Photo) -> torch.Tensor:
        cpu = image_of(photo.pixels, torch.device("cpu"))
        return generator.extension(*cpu.shape[2:]).extend(cpu)

    example = image(photo)
    model = openvino.convert_model(generator, example_input=example)
    model.reshape(list(example.shape))
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.compile_model(model, "CPU", settings)

    def enhance(photo: Photo) -> np.ndarray:
        enhanced = torch.from_numpy(compiled(image(photo).numpy())[0])
        return pixels_of(enhanced, photo.pixels.dtype)

    return enhance


def peak_mib() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
