"""Formulas by which the golden data's READMEs make up what is too large to store."""

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def made_up() -> Callable[[str, list[int]], Tensor]:
    """Draw the weight of DPE that has this published name and shape."""

    def draw(name: str, shape: list[int]) -> Tensor:
        z = np.random.RandomState(crc32(name.encode()) % 2**31).standard_normal(shape)
        values = {
            "w": lambda: z * np.sqrt(1 / np.prod(shape[:-1])),
            "b": lambda: 0.1 * z,
            "offset": lambda: 0.1 * z,
            "scale": lambda: 1 + 0.1 * z,
            "mean": lambda: 0.3 * z,
            "var": lambda: np.exp(0.3 * z),
        }[name.rsplit("_", 1)[-1]]()
        return torch.from_numpy(values.astype(np.float32))

    return draw


@pytest.fixture(scope="session")
def drawn() -> Callable[[int], np.ndarray]:
    """Draw DPE's picture of this number; `(512, 512, 3)` uint8, blue first."""

    def draw(number: int) -> np.ndarray:
        i, j = np.mgrid[0:512, 0:512]
        planes = [
            ((i // 16) * (23 + 2 * number) + (j // 16) * (41 + number)) % 256,
            255 * i // 512,
            (255 * j // 512 + (i // 32 % 2) * (30 + number)) % 256,
        ]
        return np.stack(planes, axis=-1).astype(np.uint8)

    return draw
