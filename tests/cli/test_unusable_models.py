"""Models that cannot be used: refused before any work, with what to do about it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from photoenhance.zoo import checkpoint, store
from photoenhance.zoo.catalog import CATALOG


@pytest.fixture
def of_nan(model):
    """A checkpoint one of whose numbers is none."""
    header, tensors = checkpoint.read(model)
    tensors["enc1.main.1.bias"][0] = torch.nan
    checkpoint.write(Path("nan.safetensors"), tensors, header)
    return "nan.safetensors"


@pytest.mark.parametrize(
    "command",
    [
        ["enhance", "photos", "-o", "out", "--model"],
        ["evaluate", "--inputs", "photos", "--model"],
        ["train", "--target", "photos", "--width", "8", "--steps", "1", "--init"],
        ["models", "import"],
        ["models", "export"],
    ],
    ids=" ".join,
)
def test_weights_that_are_no_numbers_exit_3_before_any_work(cli, draw, of_nan, command):
    draw(*(f"photos/{k}.png" for k in range(4)), size=(96, 96))

    ended = cli(*command, of_nan)

    assert ended.code == 3
    assert "enc1.main.1.bias holds numbers that are not finite" in ended.err
    assert not Path("out").exists()
    assert not Path("photos-model", "generator.safetensors").exists()


def test_doctor_finds_weights_that_are_no_numbers(cli, of_nan):
    ended = cli("doctor", "--model", of_nan, "--device", "cpu")

    assert ended.code == 3
    assert "holds numbers that are not finite" in ended.out


@pytest.mark.parametrize("has_header", [True, False])
def test_the_bundled_model_cannot_pass_for_the_authors(cli, has_header):
    path = store.path(CATALOG["uegan"])
    if not has_header:
        save_file(load_file(path), "bare.safetensors")
        path = Path("bare.safetensors")

    ended = cli("models", "import", path, "--name", "uegan-fivek")

    assert ended.code == 3
    error, hint = ended.err.splitlines()
    assert error == f"Error: {path}: is not uegan-fivek: width 16, expected 32"
    assert hint == "Hint: Import it under another name with --name, or get the right file."
