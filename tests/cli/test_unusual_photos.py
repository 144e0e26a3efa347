"""The bundled models and photos that are hardly pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODELS = ["uegan", "dpe", "enlightengan"]


@pytest.mark.parametrize("model", MODELS)
def test_blank_and_black_photos_pass(cli, model):
    rng = np.random.default_rng(0)
    size = (120, 160)
    page = np.full((*size, 3), 255, np.uint8)
    page[60, 80] = 128
    photos = {
        "blank page": rng.integers(244, 253, size)[..., None].repeat(3, -1).astype(np.uint8),
        "overexposed": rng.integers(252, 256, (*size, 3)).astype(np.uint8),
        "lens cap": rng.integers(0, 3, (*size, 3)).astype(np.uint8),
        "one grey pixel": page,
        "white": np.full((*size, 3), 255, np.uint8),
        "black": np.zeros((*size, 3), np.uint8),
        "grey": np.full((*size, 3), 119, np.uint8),
    }
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(f"{name}.png")

    ended = cli("enhance", *(f"{name}.png" for name in photos), "-o", "out", "--model", model)

    assert ended.code == 0, ended.err
    assert {file.stem for file in Path("out").iterdir()} == set(photos)
