"""Names of metrics -> what measures them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoenhance.metrics import fidelity, tone
from photoenhance.metrics.image import Image
from photoenhance.metrics.multiscale import ms_ssim
from photoenhance.metrics.niqe import NIQE, read_pristine
from photoenhance.metrics.protocol import STANDARD, Protocol


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An image, and what it can be compared with.

    Attributes:
        image: `(H, W, 3)`, sRGB in [0, 1].
        reference: how it should be; same shape and range.
        source: what it was made from; same shape and range.
    """

    image: Image
    reference: Image | None = None
    source: Image | None = None


Measure = Callable[[View], float]


def measures(
    names: Sequence[str], files: Mapping[str, Path], protocol: Protocol = STANDARD
) -> dict[str, Measure]:
    """Make the metrics of these names; each gives nan for a view that it cannot judge.

    Args:
        names: keys of `catalog.METRICS`.
        files: by metric, for those that need one.
        protocol: of PSNR and SSIM.

    Raises:
        WeightsError: a file cannot be read or does not suit its metric.
    """
    return {name: _measure(name, files, protocol) for name in names}


def _measure(name: str, files: Mapping[str, Path], protocol: Protocol) -> Measure:  # noqa: PLR0911
    match name:
        case "psnr":
            return _compared(lambda image, other: fidelity.psnr(image, other, protocol))
        case "ssim":
            return _compared(lambda image, other: fidelity.ssim(image, other, protocol))
        case "ms-ssim":
            return _compared(ms_ssim)
        case "delta-e":
            return _compared(fidelity.delta_e)
        case "lpips":
            # torch is loaded only by those who need it.
            from photoenhance.metrics.learned import read_lpips  # noqa: PLC0415

            return _compared(read_lpips(files[name]))
        case "nima":
            from photoenhance.metrics.learned import read_nima  # noqa: PLC0415

            return _alone(read_nima(files[name]))
        case "niqe":
            return _alone(NIQE(read_pristine(files[name])))
        case "sharpness-change":
            return _changed(tone.sharpness_change)
        case _:
            return _alone(_PLAIN[name])


_PLAIN: dict[str, Callable[[Image], float]] = {
    "colourfulness": tone.colourfulness,
    "contrast": tone.contrast,
    "clipped-shadows": tone.clipped_shadows,
    "clipped-highlights": tone.clipped_highlights,
}


def _alone(judge: Callable[[Image], float]) -> Measure:
    return lambda view: judge(view.image)


def _compared(judge: Callable[[Image, Image], float]) -> Measure:
    def measure(view: View) -> float:
        return float("nan") if view.reference is None else judge(view.image, view.reference)

    return measure


def _changed(judge: Callable[[Image, Image], float]) -> Measure:
    def measure(view: View) -> float:
        return float("nan") if view.source is None else judge(view.image, view.source)

    return measure
