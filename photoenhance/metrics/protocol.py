"""Ways of measuring that published tables have used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protocol:
    """How PSNR and SSIM are taken.

    Attributes:
        name: what `--protocol` takes.
        border: pixels left out on every side.
        has_gaussian_window: SSIM's authors' window of 11 pixels; else a uniform one of 7 with
            sample covariances, scikit-image's default.
        is_8_bit: pixels are rounded to 8 bits first, as if they had been saved so.
        inflates_mean: whether the mean as published, a sum over n - 1, is shown beside the true
            one.
    """

    name: str
    border: int = 0
    has_gaussian_window: bool = False
    is_8_bit: bool = False
    inflates_mean: bool = False


STANDARD = Protocol("standard", has_gaussian_window=True)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        STANDARD,
        Protocol("scikit-image"),
        # Source: the published code of Ni et al. 2020 (UEGAN), its PSNR and SSIM of test results.
        Protocol("uegan", border=4, is_8_bit=True, inflates_mean=True),
    )
}
