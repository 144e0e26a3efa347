"""How near an image comes to its reference."""

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from photoenhance.metrics.image import Image
from photoenhance.metrics.protocol import STANDARD, Protocol

GAUSSIAN_WINDOW = 11  # that scikit-image makes of a standard deviation of 1.5
UNIFORM_WINDOW = 7
STRIP = 64  # rows; the formula takes thirty times the memory of what it is given


def psnr(image: Image, reference: Image, protocol: Protocol = STANDARD) -> float:
    """Peak signal to noise ratio in dB, of one error over all pixels and channels.

    Args:
        image: `(H, W, 3)`, sRGB in [0, 1].
        reference: same shape and range.
        protocol: the border left out and the depth of the pixels.

    Returns:
        Infinity for identical images; nan if the border leaves nothing.
    """
    image, reference = _seen(image, protocol), _seen(reference, protocol)
    if not image.size:
        return float("nan")
    if np.array_equal(image, reference):  # scikit-image would warn of a division by zero
        return float("inf")
    return float(peak_signal_noise_ratio(reference, image, data_range=1))


def ssim(image: Image, reference: Image, protocol: Protocol = STANDARD) -> float:
    """Structural similarity, averaged over channels and pixels.

    Args:
        image: `(H, W, 3)`, sRGB in [0, 1].
        reference: same shape and range.
        protocol: the window, the border left out and the depth of the pixels.

    Returns:
        1 for identical images; nan if a side is shorter than the window.

    Source: Wang et al. 2004, eq. 13, https://doi.org/10.1109/TIP.2003.819861.
    Differs: colour is the mean of three channels; pixels nearer to the border than half a window
    are left out, as in the authors' code.
    """
    image, reference = _seen(image, protocol), _seen(reference, protocol)
    window = GAUSSIAN_WINDOW if protocol.has_gaussian_window else UNIFORM_WINDOW
    if min(image.shape[:2]) < window:
        return float("nan")
    similarity = structural_similarity(
        reference,
        image,
        data_range=1,
        channel_axis=2,
        gaussian_weights=protocol.has_gaussian_window,
        use_sample_covariance=not protocol.has_gaussian_window,
    )
    return float(similarity)


def delta_e(image: Image, reference: Image) -> float:
    """Mean CIEDE2000 colour difference of `(H, W, 3)` sRGB images in [0, 1]; 0 for identical ones.

    Source: Sharma, Wu and Dalal 2005, https://doi.org/10.1002/col.20070; white is D65.
    """
    total = 0.0
    for top in range(0, len(image), STRIP):
        rows = slice(top, top + STRIP)
        total += deltaE_ciede2000(rgb2lab(reference[rows]), rgb2lab(image[rows])).sum()
    return total / (image.shape[0] * image.shape[1])


def _seen(image: Image, protocol: Protocol) -> Image:
    height, width = image.shape[:2]
    border = protocol.border
    inside = image[border : max(border, height - border), border : max(border, width - border)]
    return np.floor(inside * 255 + 0.5) / 255 if protocol.is_8_bit else inside
