"""The metrics by name, and what each needs. Importable without NumPy and scikit-image."""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["nothing", "reference", "source"]


@dataclass(frozen=True, slots=True)
class MetricFile:
    """Numbers that a metric needs, which do not come with photoenhance.

    Attributes:
        option: of the command line, by which the file is named.
        name: of the file, where it lies among the user's own data.
        origin: where it comes from, in words.
        sha256: of the one known file, if there is one; others are used with a note.
    """

    option: str
    name: str
    origin: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class MetricCard:
    """What somebody should know of a metric before trusting its number.

    Attributes:
        name: what `--metrics` takes.
        title: heading of a column, with the unit.
        meaning: one line.
        needs: beside the photo itself: nothing, its reference, or the source it was made from.
        better: which values are better; None where that is a matter of taste.
        decimals: worth printing.
        file: that it cannot do without, if any.
    """

    name: str
    title: str
    meaning: str
    needs: Needs
    better: Literal["higher", "lower"] | None
    decimals: int
    file: MetricFile | None = None


NIQE_FILE = MetricFile(
    option="--niqe-parameters",
    name="niqe_pris_params.npz",
    origin="the pristine model that NIQE's authors published, as the file of this name in "
    "BasicSR's basicsr/metrics",
    sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
)
LPIPS_FILE = MetricFile(
    option="--lpips-weights",
    name="lpips.safetensors",
    origin="torchvision's AlexNet (features.*) and LPIPS's own lin0 to lin4 of version 0.1, saved "
    "as one .safetensors file under the names they have there",
)
NIMA_FILE = MetricFile(
    option="--nima-weights",
    name="nima.safetensors",
    origin="a NIMA on MobileNetV2, its state dict saved as .safetensors; UEGAN's authors have one "
    "named pretrain-model.pth",
)

METRICS: dict[str, MetricCard] = {
    card.name: card
    for card in (
        MetricCard("psnr", "PSNR dB", "peak signal to noise ratio", "reference", "higher", 2),
        MetricCard("ssim", "SSIM", "structural similarity", "reference", "higher", 4),
        MetricCard("ms-ssim", "MS-SSIM", "the same at five scales", "reference", "higher", 4),
        MetricCard("delta-e", "ΔE2000", "mean difference of colour", "reference", "lower", 2),
        MetricCard(
            "lpips", "LPIPS", "perceptual distance", "reference", "lower", 4, file=LPIPS_FILE
        ),
        MetricCard("niqe", "NIQE", "unnaturalness", "nothing", "lower", 2, file=NIQE_FILE),
        MetricCard("nima", "NIMA", "predicted liking, 1-10", "nothing", "higher", 2, NIMA_FILE),
        MetricCard("colourfulness", "colour", "Hasler and Süsstrunk's", "nothing", None, 1),
        MetricCard("contrast", "contrast %", "deviation of luma", "nothing", None, 1),
        MetricCard("clipped-shadows", "black %", "pixels lost in black", "nothing", "lower", 2),
        MetricCard("clipped-highlights", "white %", "pixels lost in white", "nothing", "lower", 2),
        MetricCard("sharpness-change", "sharper %", "finer detail or less", "source", None, 1),
    )
}
