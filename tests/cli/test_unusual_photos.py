"""The bundled models and photos that are hardly pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODELS = ["uegan", "dpe", "enlightengan"]


@pytest.mark.parametrize("model", MODELS)
def test_blank_and_black_photos_pass(cli, model):
    rng = np.random.default_rng(0)
    size = (64, 80)
    page = np.full((*size, 3), 255, np.uint8)
    page[30, 40] = 128
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


@pytest.mark.parametrize("rendering", ["exact", "guided"])
def test_a_cut_out_comes_out_the_same_whatever_it_hides(cli, draw, rendering):
    draw("subject.png", size=(96, 128))
    picture = np.array(Image.open("subject.png"))
    alpha = np.zeros((96, 128, 1), np.uint8)
    alpha[20:70, 30:100] = 255
    for name, hidden in {"black": 0, "white": 255}.items():
        pixels = np.where(alpha > 0, picture, np.uint8(hidden))
        Image.fromarray(np.concatenate([pixels, alpha], axis=-1)).save(f"{name}.png")

    way = ("--model", "uegan", "--rendering", rendering, "--work-size", "64")
    ended = cli("enhance", "black.png", "white.png", "-o", "out", *way)

    assert ended.code == 0, ended.err
    black, white = (np.array(Image.open(f"out/{name}.png")) for name in ("black", "white"))
    assert np.array_equal(black[20:70, 30:100], white[20:70, 30:100])
    assert (white[alpha[..., 0] == 0] == (255, 255, 255, 0)).all()


def test_a_transparent_photo_stays_as_it_is_and_that_is_said(cli):
    Image.fromarray(np.full((30, 40, 4), (9, 200, 90, 0), np.uint8)).save("glass.png")

    ended = cli("enhance", "glass.png", "-o", "out")

    assert ended.code == 0
    assert "nothing was changed: the whole photo is transparent" in ended.err
    assert np.array_equal(np.array(Image.open("out/glass.png")), np.array(Image.open("glass.png")))
