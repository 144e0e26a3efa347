"""A picture of whole photos before and after, to see at a glance what a run has learnt."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from photoenhance.imaging.atomic import replacing
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.training import setup
from photoenhance.training.config import TrainConfig
from photoenhance.training.data import PhotoFolder, Pixels
from photoenhance.training.look import Look
from photoenhance.training.loop import Run
from photoenhance.zoo.load import load_generator

NAME = "before-after.png"
MOST = 6  # photos that are shown
SIDE = 420  # pixels of the longer side of each picture
GAP, HEADER = 8, 34
PAPER, INK = 255, (60, 60, 60)
# What stands above the columns: photos of the source folder, or targets made worse.
REAL = ("before", "after")
MADE = ("your photo made plain", "what the model makes of it", "your photo")


def write(config: TrainConfig, run: Run) -> Path:
    """Enhance some of a run's photos with the model it gave out, and write them side by side.

    Shows photos that were held out or, where none was, some of those that the run learnt from.
    Photos of the source folder are shown as they are; without one, target photos are made worse
    and shown beside their originals.

    Raises:
        ConfigError: the photos cannot be found again.
        WeightsError: the run gave no model out.
        ImageError: the picture cannot be written.
    """
    photos = setup.find_photos(config, run)
    enhancer = Enhancer(load_generator(run.output).generator, run.device)
    names: tuple[str, ...] = REAL
    if photos.source is not None:
        rows = [[pixels] for pixels in _some(photos.held_source, photos.source)]
    else:
        look = setup.find_look(config, photos)
        targets = _some(photos.held_target, photos.target)
        names = MADE
        rows = [[_plain(pixels, config, k, look), pixels] for k, pixels in enumerate(targets)]
    for row in rows:
        row.insert(1, np.asarray(enhancer.enhance(Photo(row[0])).photo.pixels, dtype=np.uint8))
    path = run.output / NAME
    with replacing(path) as file:
        file.write(cv2.imencode(".png", _grid(names, rows)[..., ::-1])[1].tobytes())
    return path


def _some(held: PhotoFolder, learnt: PhotoFolder) -> list[Pixels]:
    """Return a few readable photos, evenly spread over those held out, or else over the others."""
    for folder in (held, learnt):
        order = _spread(len(folder.paths))
        found = [index for index in order if folder.is_readable(index)][:MOST]
        if found:
            return [folder.pixels(index) for index in sorted(found)]
    return []


def _spread(count: int) -> list[int]:
    """Order indices so that the first MOST of them are spread evenly, and the others follow."""
    first = np.linspace(0, count - 1, min(count, MOST)).round().astype(int).tolist()
    return [*first, *(index for index in range(count) if index not in first)]


def _plain(pixels: Pixels, config: TrainConfig, index: int, look: Look | None) -> Pixels:
    """Take all of the look away or, in a recipe that asks for none, make the photo worse."""
    image = pixels.astype(np.float32) / np.float32(255)
    if look is not None:
        image = look.removed(image, 1.0)
    else:
        always = config.degradation.model_copy(update={"untouched": 0.0})
        image = always.apply(image, np.random.default_rng((config.seed, index)))
    return (image * 255 + 0.5).astype(np.uint8)


def _grid(names: Sequence[str], rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Put photos into rows of one height each, below the names of the columns."""
    shrunk = [[_shrunk(pixels) for pixels in row] for row in rows]
    width = max((pixels.shape[1] for row in shrunk for pixels in row), default=SIDE)
    line = len(names) * (width + GAP) + GAP
    header = np.full((HEADER, line, 3), PAPER, np.uint8)
    for column, name in enumerate(names):
        place = (GAP + column * (width + GAP), HEADER - 12)
        cv2.putText(header, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return np.concatenate([header, *(_line(row, width, line) for row in shrunk)])


def _line(row: Sequence[Pixels], width: int, line: int) -> Pixels:
    height = max(pixels.shape[0] for pixels in row)
    strip = np.full((height + GAP, line, 3), PAPER, np.uint8)
    for column, pixels in enumerate(row):
        left = GAP + column * (width + GAP) + (width - pixels.shape[1]) // 2
        strip[: pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return strip


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    factor = min(SIDE / max(height, width), 1)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
