"""How near a short run comes to a look: `python -m benchmarks.styles PHOTOS RUNS [-- OPTIONS]`.

Makes three styles of about thirty finished photos (every seventh of those that are not held out,
none of which `tones.plain` was measured in), trains on each with `photoenhance train`, and enhances
every tenth photo, which no run has seen, as it is without the style. What the style's own curves
make of it is the reference. A folder of real photos that share a look has no such reference: name
it with `--real`, and only what is kept of the structure is measured.

What stands behind `--` goes to `photoenhance train`. CPU seconds are those of all threads.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.inference.enhancer import Enhancer
from photoenhance.metrics.fidelity import delta_e
from photoenhance.zoo.load import load_generator

HELD, SEVENTH = 10, 7  # every tenth photo is judged by; every seventh of the others is learnt from
CONSTANT = 0.03**2 / 2  # Wang et al. 2004, C3 for images in [0, 1]
LUMA = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709

Pixels = NDArray[np.float64]  # (..., 3), sRGB in [0, 1]


def main() -> None:
    """Train and measure; print one line a style."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.styles", description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of finished photos")
    parser.add_argument("runs", type=Path, help="folder for the styles, the runs and the results")
    parser.add_argument("--style", nargs="*", choices=STYLES, default=list(STYLES))
    parser.add_argument("--real", nargs="*", type=Path, default=[], help="folders with a look")
    parser.add_argument("--tag", default="run", help="a word for the folders of these runs")
    parser.add_argument("--json", type=Path, help="append all measurements to this file")
    ours, train = sys.argv[1:], []
    if "--" in ours:
        place = ours.index("--")
        ours, train = ours[:place], ours[place + 1 :]
    options = parser.parse_args(ours, argparse.Namespace(train=train))

    learnt, held = split(options.photos)
    for name in options.style:
        target = options.runs / name
        if not target.exists():
            made(target, learnt, STYLES[name])
        told(options, measured(options, name, target, held, STYLES[name]))
    for target in options.real:
        told(options, measured(options, target.name, target, held, None))


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the photos that styles are made of, and those that runs are judged by."""
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".jpg")
    held = paths[HELD - 1 :: HELD]
    return [path for path in paths if path not in held][::SEVENTH], held


def made(folder: Path, paths: Sequence[Path], style: Callable[[Pixels], Pixels]) -> None:
    """Give photos a style, and write them as JPEG."""
    folder.mkdir(parents=True)
    for path in paths:
        image = Image.fromarray(bytes_of(style(pixels_of(path))))
        image.save(folder / path.name, quality=95, subsampling=0)


def measured(
    options: argparse.Namespace,
    name: str,
    target: Path,
    held: Sequence[Path],
    style: Callable[[Pixels], Pixels] | None,
) -> dict[str, object]:
    """Train on a style, enhance the held-out photos, and say how near they came."""
    run = options.runs / f"{name}-{options.tag}"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.monotonic()
    command = ["train", "--target", target, "-o", run, *options.train]
    subprocess.run([sys.executable, "-m", "photoenhance", *map(str, command)], check=True)
    seconds = time.monotonic() - start
    worked = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    enhancer = Enhancer(load_generator(str(run)).generator, device=torch.device("cpu"))
    results = run / "held-out"
    results.mkdir(exist_ok=True)
    away, left, kept = [], [], []
    for path in held:
        photo = read(path)
        plain, enhanced = photo.pixels / 255, enhancer.enhance(photo).photo.pixels / 255
        shown = [plain, enhanced]
        kept.append(structure_kept(enhanced, plain))
        if style is not None:
            wanted = style(plain)
            away.append(delta_e(plain, wanted))
            left.append(delta_e(enhanced, wanted))
            shown.append(wanted)
        row = Image.fromarray(bytes_of(np.concatenate(shown, axis=1)))
        row.save(results / path.with_suffix(".png").name)
    return {
        "style": name,
        "tag": options.tag,
        "options": options.train,
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        "cpu_seconds": worked,
        "delta_e_before": statistics.mean(away) if away else None,
        "delta_e": statistics.mean(left) if left else None,
        "delta_e_worst": max(left) if left else None,
        "structure_kept": statistics.mean(kept),
        "structure_least": min(kept),
    }


def told(options: argparse.Namespace, row: dict[str, object]) -> None:
    """Print a row, and append it to the file that was asked for."""
    text = json.dumps(row)
    print(text, flush=True)
    if options.json:
        with options.json.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def film(pixels: Pixels) -> Pixels:
    """Warm, faded film: lifted black, soft white, pale colours, amber lights, greenish shadows."""
    image = saturated(pixels, 0.72)
    image = np.interp(image, (0, 0.25, 0.5, 0.75, 1), (0.11, 0.30, 0.53, 0.75, 0.93))
    share = (image @ LUMA)[..., None]
    lights, shadows = np.array([0.05, 0.01, -0.09]), np.array([0.0, 0.015, -0.01])
    return np.clip(image + share * lights + (1 - share) * shadows, 0, 1)


def cool(pixels: Pixels) -> Pixels:
    """Cool and contrasty: an S-curve, blue shadows, less red, somewhat stronger colours."""
    image = 0.35 * pixels + 0.65 * pixels**2 * (3 - 2 * pixels)
    image = saturated(image, 1.08)
    share = 1 - (image @ LUMA)[..., None]
    return np.clip(image + share * np.array([-0.035, -0.005, 0.045]) - [0.02, 0, -0.015], 0, 1)


def pastel(pixels: Pixels) -> Pixels:
    """High key and pastel: everything light, black lifted, pale and slightly rosy colours."""
    image = saturated(pixels**0.74, 0.72)
    return np.clip(0.07 + 0.93 * image + np.array([0.015, -0.005, 0.01]), 0, 1)


def saturated(pixels: Pixels, factor: float) -> Pixels:
    """Multiply the distance of each pixel from its luma."""
    luma = (pixels @ LUMA)[..., None]
    return np.asarray(np.clip(luma + (pixels - luma) * factor, 0, 1))


def structure_kept(image: Pixels, reference: Pixels) -> float:
    """Return the structure term of SSIM, Wang et al. 2004, eq. 10, of the mean of the channels."""
    x, y = (each.mean(axis=2) for each in (image, reference))
    mean_x, mean_y = (cv2.blur(each, (8, 8)) for each in (x, y))
    variance_x, variance_y = cv2.blur(x**2, (8, 8)) - mean_x**2, cv2.blur(y**2, (8, 8)) - mean_y**2
    spread = np.sqrt(np.clip(variance_x, 0, None) * np.clip(variance_y, 0, None))
    covariance = cv2.blur(x * y, (8, 8)) - mean_x * mean_y
    return float(((covariance + CONSTANT) / (spread + CONSTANT)).mean())


def pixels_of(path: Path) -> Pixels:
    """Read a photo."""
    photo: Photo = read(path)
    return photo.pixels / 255


def bytes_of(pixels: Pixels) -> NDArray[np.uint8]:
    """Round to 8 bits."""
    return (pixels * 255 + 0.5).astype(np.uint8)


STYLES: dict[str, Callable[[Pixels], Pixels]] = {"film": film, "cool": cool, "pastel": pastel}


if __name__ == "__main__":
    main()
