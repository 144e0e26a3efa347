"""Metrics that are networks: LPIPS and NIMA."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.metrics.image import Image
from photoenhance.networks import lpips
from photoenhance.networks.nima import nima_of

SMALLEST = 31  # below, AlexNet has nothing left to pool


def read_lpips(file: Path) -> Callable[[Image, Image], float]:
    """Make the metric of a file of weights; it compares `(H, W, 3)` sRGB images in [0, 1].

    The metric gives 0 for identical images and nan for sides below 31 pixels.

    Raises:
        WeightsError: the file is missing, damaged, or holds other weights.
    """
    network = lpips.LPIPS()
    tensors = _read(file)
    try:
        network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise _unsuitable(file, "LPIPS on AlexNet", str(error)) from error

    @torch.inference_mode()
    def distance(image: Image, reference: Image) -> float:
        if min(image.shape[:2]) < SMALLEST:
            return float("nan")
        return float(network(_tensor(image), _tensor(reference)))

    return distance


def read_nima(file: Path) -> Callable[[Image], float]:
    """Make the metric of a file of weights; it rates `(H, W, 3)` sRGB images in [0, 1] 1 to 10.

    Raises:
        WeightsError: the file is missing, damaged, or holds other weights.
    """
    try:
        network = nima_of(_read(file))
    except ValueError as error:
        raise _unsuitable(file, "NIMA on MobileNetV2", str(error)) from error

    @torch.inference_mode()
    def rating(image: Image) -> float:
        return float(network.score(_tensor(image)))

    return rating


def _read(file: Path) -> dict[str, Tensor]:
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(file).items()}
    except OSError as error:
        reason = error.strerror or "no such file"
        raise WeightsError(f"{file}: cannot be read: {reason}", hint="Check the path.") from error
    except SafetensorError as error:
        raise WeightsError(
            f"{file}: no .safetensors file, or a damaged one: {error}",
            hint="Copy or convert the file again.",
        ) from error
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise WeightsError(
                f"{file}: {name} holds numbers that are not finite",
                hint="The file is damaged: get it again or name another.",
            )
    return tensors


def _tensor(image: Image) -> Tensor:
    planes = np.ascontiguousarray(np.moveaxis(image, 2, 0), np.float32)
    return torch.from_numpy(planes)[None]


def _unsuitable(file: Path, expected: str, reason: str) -> WeightsError:
    last = reason.splitlines()[-1].strip()
    return WeightsError(
        f"{file}: does not hold the weights of {expected}: {last}", hint="Name another file."
    )
