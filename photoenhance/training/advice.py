"""What to tell of a run before it begins: one rule a function."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from photoenhance.training.census import MEASURES, Census, Overlap
from photoenhance.training.config import TrainConfig
from photoenhance.training.data import KEPT_SIDE
from photoenhance.training.folders import hint
from photoenhance.training.look import Look
from photoenhance.training.pace import Pace

LEAST = 3  # different photos, below which there is no look to learn
FEW = 20  # different photos, below which a look is learnt by heart rather than understood
HELD = 10  # photos, below which none is held out
MANY_REPEATS = 0.1
SMALL_SHARE = 0.1
FLAT = 1.0  # contrast in percent, below which a photo is one flat colour
# Distances, in units of the photos' own deviation, at which folders look alike. Two halves of one
# collection are apart by 2.3 over the root of the photos in each, in the measure that differs most.
ALIKE, CHANCE = 0.25, 3.0
# Looks that are none, in CIE 1976 colour differences: FAINT, or MISTAKEN over the root of the count
# of photos. Subjects alone make 2.7 +- 0.6 with 30 photos, and 3.9 +- 1.5 with 10.
FAINT, MISTAKEN = 2.5, 18.0
LONG = 12 * 3600  # seconds: a night


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that the user should know or do.

    Attributes:
        finding: what is the case.
        hint: what to do, as an imperative.
        is_grave: training would be pointless.
    """

    finding: str
    hint: str
    is_grave: bool = False


def on_folder(census: Census, config: TrainConfig, role: str) -> Iterator[Advice]:
    """Advise on one folder.

    Args:
        census: of its photos.
        config: the run.
        role: "target" or "source".
    """
    if census.is_empty:
        yield Advice(
            f"not one {role} photo can be read",
            hint(),
            is_grave=True,
        )
        return
    if census.broken:
        yield Advice(
            f"{_photos(len(census.broken), role)} cannot be read and are left out",
            "Replace them, or take them out of the folder.",
        )
    yield from _on_number(census, role)
    yield from _on_size(census, config, role)
    if (census.tones[:, MEASURES.index("contrast")] < FLAT).all():
        yield Advice(
            f"all {role} photos are flat: one colour each", "Choose real photos.", is_grave=True
        )


def _on_number(census: Census, role: str) -> Iterator[Advice]:
    copies = len(census.repeats)
    different = census.count - copies
    said = f"there are {different} different {role} photos"
    if different == 1:
        said = f"there is 1 {role} photo" if not copies else f"all {role} photos show one picture"
    if different < LEAST:
        yield Advice(
            f"{said}: no look can be learnt from so few",
            "Collect more: 30 are a beginning, some hundreds are good.",
            is_grave=role == "target",
        )
    elif different < FEW:
        held = ", and none is held out to judge by" if census.count < HELD else ""
        yield Advice(
            f"{said}: the model may learn them by heart{held}",
            "Collect more: 30 are a beginning, some hundreds are good.",
        )
    if copies > MANY_REPEATS * census.count:
        yield Advice(
            f"{_photos(copies, role)} show what another one shows already",
            "Keep one of each: repeated photos count double, and photos that are held out are "
            "learnt from all the same, so that validation flatters.",
        )


def _on_size(census: Census, config: TrainConfig, role: str) -> Iterator[Advice]:
    is_whole = config.framing.kind == "whole"
    sides = census.sizes.max(axis=1) if is_whole else census.sizes.min(axis=1)
    small = int((sides < config.crop).sum())
    if (sides < config.crop / 2).all():
        yield Advice(
            f"all {role} photos are smaller than half of the crops of {config.crop} pixels: the "
            "model would see nothing but enlarged ones",
            "Choose larger photos, or a smaller --crop.",
            is_grave=True,
        )
    elif small > SMALL_SHARE * census.count:
        yield Advice(
            f"{_photos(small, role)} of {census.count} are smaller than the crops of "
            f"{config.crop} pixels and will be enlarged, which teaches softness",
            "Choose larger photos, or a smaller --crop.",
        )


def on_colour(target: Census, source: Census | None, config: TrainConfig) -> Iterator[Advice]:
    """Advise on black and white photos."""
    if target.count and target.grey == target.count:
        if source is None:
            yield Advice(
                "all target photos are black and white, and sources would be made of them: the "
                "model would never see a colour",
                "Add ordinary colour photos with --source.",
                is_grave=True,
            )
        else:
            yield Advice(
                "all target photos are black and white: the model will take the colour away",
                "Go on if that is the look you want.",
            )
    elif target.grey > SMALL_SHARE * target.count:
        yield Advice(
            f"{target.grey} of {target.count} target photos are black and white: between them and "
            "the others, colours will come out pale",
            "Train on colour photos, or on black and white ones.",
        )
    if source is not None and source.count and source.grey == source.count > 0:
        is_grave = target.grey < target.count and config.made == 0
        yield Advice(
            "all source photos are black and white: how to treat colour is not learnt from them",
            "Choose colour photos as sources.",
            is_grave=is_grave,
        )


def on_both(
    target: Census,
    source: Census,
    shared: Overlap,
    distances: Mapping[str, float],
    config: TrainConfig,
) -> Iterator[Advice]:
    """Advise on what sources and targets are to each other."""
    is_paired = config.objective == "supervised"
    if shared.unchanged >= 0.9 * source.count:
        yield Advice(
            "the source photos are the target photos: there is nothing to learn from them",
            "Name other photos with --source, or leave it out: sources are then made of targets.",
            is_grave=True,
        )
        return
    if shared.count >= 0.8 * source.count and not is_paired:
        yield Advice(
            "the folders hold the same pictures, before and after",
            "Train on the pairs, which is surer: --recipe dpe-supervised.",
        )
    elif shared.count and not is_paired:
        yield Advice(
            f"{_photos(shared.count, 'source')} {_are(shared.count)} among the targets, too",
            "Take them out of one of the folders.",
        )
    if max(distances.values()) < max(ALIKE, CHANCE / min(source.count, target.count) ** 0.5):
        yield Advice(
            "the sources look like the targets already, by brightness, contrast, colour and "
            "warmth: the model will change little",
            "Choose sources that need the look, or targets that have more of it.",
        )


def on_look(look: Look, photos: int, reference: str) -> Iterator[Advice]:
    """Advise on the look that sources are to lose.

    Args:
        look: of the target photos.
        photos: how many there are.
        reference: what they were compared with.
    """
    if look.size < max(FAINT, MISTAKEN / photos**0.5):
        yield Advice(
            f"the target photos hardly differ from {reference} in tone and colour, by no more than "
            "their subjects may: the model will change little, and perhaps the wrong things",
            "Choose photos that have more of the look, or more photos.",
        )


def on_judging(shared: Overlap, role: str) -> Iterator[Advice]:
    """Advise on photos that the run learns from and is judged by."""
    if shared.count:
        yield Advice(
            f"{_photos(shared.count, role)} {_are(shared.count)} among those of --val-pairs: the "
            "best model would be chosen by photos that it has learnt by heart",
            f"Take them out of the {role} folder.",
        )


def on_norms(config: TrainConfig) -> Iterator[Advice]:
    """Advise on the batch of a network that normalises by batches."""
    if config.batch == 1 and config.batch_norms:
        yield Advice(
            "the network normalises each image by its batch, and a batch is one image: colours and "
            "light will come out uneven",
            "Choose a --batch of 2 or more.",
        )


def on_memory(folders: Sequence[Census], cache_bytes: int) -> Iterator[Advice]:
    """Advise on the memory for decoded photos."""
    needed = sum(_kept_bytes(census) for census in folders)
    if needed > cache_bytes:
        yield Advice(
            f"decoded, the photos take {needed / 2**30:.1f} GiB, and {cache_bytes / 2**30:.1f} "
            "GiB are kept: the others are decoded whenever they are drawn",
            f"Raise it if there is memory: --cache-gb {np.ceil(needed / 2**30):.0f}; or decode "
            "with more --workers.",
        )


def on_time(pace: Pace) -> Iterator[Advice]:
    """Advise on how long the run takes."""
    if pace.total_seconds > LONG:
        yield Advice(
            f"the run takes about {pace.total_seconds / 3600:.0f} hours on this machine",
            "Choose fewer --steps, a smaller --width or --crop, or a GPU. A run that is "
            "interrupted goes on later where it was.",
        )


def _kept_bytes(census: Census) -> float:
    if census.is_empty:
        return 0.0
    sizes = census.sizes.astype(np.float64)
    factor = np.minimum(KEPT_SIDE / sizes.min(axis=1), 1)
    return float((sizes.prod(axis=1) * factor**2 * 3).sum())


def _photos(count: int, role: str) -> str:
    return f"{count} {role} photo{'s' * (count != 1)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
