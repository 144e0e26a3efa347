"""How well models mend the faults of snapshots: `python -m benchmarks.faults FOLDER`.

Gives every tenth good photo of a folder the faults that ordinary snapshots have, lets models and
three baselines enhance it, and prints the mean CIEDE2000 colour difference to the photo as it was,
on every second pixel of every second row. `none` is the photo as it is, which should stay so: for
it, the table also has the mean and the least SSIM. A fault depends on nothing but the photo and its
place among those that are measured, so that runs can be compared.

Each of `--model`, `--rendering` and `--strength` may have several values; all combinations are
measured. `--model` without a name leaves the baselines. Photos of the size that a model sees have
no smaller copy: a guided rendering of them is the exact one.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch

from benchmarks.baselines import BASELINES, Pixels
from benchmarks.styles import bytes_of
from photoenhance.errors import ConfigError, PhotoEnhanceError
from photoenhance.imaging.folders import Filter, Unreadable, photos_in
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.inference.budget import AskedRendering
from photoenhance.inference.enhancer import Enhancer
from photoenhance.inference.threads import limit_threads
from photoenhance.metrics.fidelity import delta_e, ssim
from photoenhance.metrics.image import Image, image_of, luma
from photoenhance.metrics.protocol import PROTOCOLS
from photoenhance.zoo.catalog import CATALOG
from photoenhance.zoo.load import load_generator

RENDERINGS = get_args(AskedRendering)
BUNDLED = tuple(card.name for card in CATALOG.values() if card.published is None)
AS_IS = "as is"
SEED = 7
GAMMA = 2.2
UNTOUCHED = "none"

Random = np.random.Generator
Enhance = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class Score:
    """What became of one photo with one fault.

    Attributes:
        photo: its file's name.
        fault: a key of `FAULTS`.
        column: what enhanced it.
        delta_e: mean CIEDE2000 difference to the photo without the fault.
        ssim: similarity to it, in scikit-image's window, of photos without a fault; else None.
    """

    photo: str
    fault: str
    column: str
    delta_e: float
    ssim: float | None


def main() -> None:
    """Measure everything, with progress on standard error; print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, help="good photos")
    parser.add_argument("--model", nargs="*", default=BUNDLED, help="names, files or runs")
    parser.add_argument("--rendering", "--render", nargs="+", choices=RENDERINGS, default=["auto"])
    parser.add_argument("--strength", nargs="+", type=float, default=[1.0])
    parser.add_argument(
        "--every",
        type=int,
        default=10,
        metavar="N",
        help="measure every Nth photo by name, from the first",
    )
    parser.add_argument("--json", type=Path, help="write all measurements here")
    options = parser.parse_args()
    if options.every < 1:
        parser.error(f"--every {options.every}: must be at least 1")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder does not exist")
    limit_threads()
    try:
        paths = chosen(options.folder, options.every)
        columns = columns_of(options.model, options.rendering, options.strength)
        scores = list(_with_progress(measured(paths, columns), len(paths)))
    except PhotoEnhanceError as error:
        parser.exit(error.exit_code, f"{error}\n{error.hint or ''}\n")
    print(table(scores))
    if options.json:
        rows = [asdict(score) for score in scores]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def chosen(folder: Path, every: int) -> list[Path]:
    """Return every Nth photo of a folder by name, beginning with the first.

    Raises:
        ConfigError: there is none.
    """
    names = list(photos_in(folder, Filter(), without=folder / "-"))
    for each in names:
        if isinstance(each, Unreadable):
            raise ConfigError(each.reason, hint="Name a folder of good photos.")
    if not names:
        raise ConfigError(f"{folder}: holds no photo", hint="Name a folder of good photos.")
    return [folder / str(name) for name in names][::every]


def columns_of(
    models: Sequence[str], renderings: Sequence[AskedRendering], strengths: Sequence[float]
) -> dict[str, Enhance]:
    """Return what photos are measured after: nothing, each model in each way, each baseline."""
    columns: dict[str, Enhance] = {AS_IS: lambda pixels: pixels}
    for model in models:
        generator = load_generator(model).generator
        for rendering in renderings:
            for strength in strengths:
                enhancer = Enhancer(
                    generator, torch.device("cpu"), rendering=rendering, strength=strength
                )
                words = [model, *([rendering] if rendering != "auto" else [])]
                words += [f"{strength:g}"] if strength != 1 else []
                columns[" ".join(words)] = partial(_enhanced, enhancer)
    return columns | BASELINES


def measured(paths: Sequence[Path], columns: Mapping[str, Enhance]) -> Iterator[Score]:
    """Decode each photo once; yield a score for each of its faults and each column."""
    for place, path in enumerate(paths):
        original = bytes_of(image_of(read(path)))
        for number, fault in enumerate(FAULTS):
            faulty = with_fault(original, fault, np.random.default_rng([SEED, number, place]))
            for column, enhance in columns.items():
                yield _score(path.name, fault, column, enhance(faulty), original)


def with_fault(pixels: Pixels, fault: str, random: Random) -> Pixels:
    """Give 8-bit pixels a fault, as strong as chance has it."""
    return bytes_of(FAULTS[fault](pixels / 255, random))


def backlit(image: Image, random: Random) -> Image:
    """Take up to 2.5 stops of light: more below, more where the surroundings are dark."""
    height, width = image.shape[:2]
    chance = random.standard_normal((3, 3)).astype(np.float32)
    uneven = cv2.resize(chance, (width, height), interpolation=cv2.INTER_CUBIC)
    stops = random.uniform(1.5, 2.5)
    surroundings = cv2.GaussianBlur(luma(image).astype(np.float32), (0, 0), sigmaX=width / 12)
    down = np.linspace(-1, 1, height)[:, np.newaxis]
    leaning = 3 * down + 0.7 * uneven - 4 * (surroundings - surroundings.mean())
    shade = 1 / (1 + np.exp(-1.5 * leaning))
    return _coded(_light(image) * np.exp2(-stops * shade)[..., np.newaxis])


def cast(image: Image, random: Random) -> Image:
    """Make red lighter and blue darker by 8 to 17 %, or the other way round."""
    warmth = random.choice([-1, 1]) * random.uniform(0.08, 0.17)
    return _coded(_light(image) * (1 + warmth * np.array([1, 0, -1])))


def haze(image: Image, random: Random) -> Image:
    """Let 10 to 30 % of the light come from a grey veil."""
    share = random.uniform(0.1, 0.3)
    return _coded((1 - share) * _light(image) + share * 0.6)


def under(image: Image, _: Random) -> Image:
    """Take one and a half stops of light."""
    return _coded(_light(image) * 2**-1.5)


def flat(image: Image, _: Random) -> Image:
    """Leave three fifths of the contrast around the mean."""
    mean = image.mean()
    return np.clip(mean + 0.6 * (image - mean), 0, 1)


def untouched(image: Image, _: Random) -> Image:
    """Leave everything as it is."""
    return image


def _light(image: Image) -> Image:
    return image**GAMMA


def _coded(light: Image) -> Image:
    return light.clip(0, 1) ** (1 / GAMMA)


# The place of a fault among them is part of its seed.
FAULTS: dict[str, Callable[[Image, Random], Image]] = {
    "backlit": backlit,
    "cast": cast,
    "haze": haze,
    "under": under,
    "flat": flat,
    UNTOUCHED: untouched,
}


def table(scores: Sequence[Score]) -> str:
    """Return means over photos in Markdown: a row for each fault, a column for what enhanced it."""
    columns = list(dict.fromkeys(score.column for score in scores))
    rows = [["fault", *columns], ["---"] * (len(columns) + 1)]
    for fault in dict.fromkeys(score.fault for score in scores):
        means = (
            statistics.mean(s.delta_e for s in scores if (s.fault, s.column) == (fault, column))
            for column in columns
        )
        rows.append([fault, *(f"{mean:.2f}" for mean in means)])
    for name, summary in (("mean", statistics.mean), ("least", min)):
        similar = (
            summary([s.ssim for s in scores if s.column == column and s.ssim is not None])
            for column in columns
        )
        rows.append([f"{name} SSIM of {UNTOUCHED}", *(f"{value:.3f}" for value in similar)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _enhanced(enhancer: Enhancer, pixels: Pixels) -> Pixels:
    return np.asarray(enhancer.enhance(Photo(pixels)).photo.pixels, np.uint8)


def _score(photo: str, fault: str, column: str, enhanced: Pixels, original: Pixels) -> Score:
    image, reference = enhanced / 255, original / 255
    every_second = (slice(None, None, 2), slice(None, None, 2))
    similarity = ssim(image, reference, PROTOCOLS["scikit-image"]) if fault == UNTOUCHED else None
    away = delta_e(image[every_second], reference[every_second])
    return Score(photo, fault, column, away, similarity)


def _with_progress(scores: Iterator[Score], photos: int) -> Iterator[Score]:
    """Pass scores on; name each photo that is done, and the time that the others will take."""
    start = time.monotonic()
    for done, (photo, of_photo) in enumerate(groupby(scores, lambda score: score.photo), 1):
        yield from of_photo
        left = (time.monotonic() - start) / done * (photos - done)
        print(f"{done} of {photos}: {photo}, {left:.0f} s left", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
