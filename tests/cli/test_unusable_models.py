"""Models that cannot be used: refused before any work, with what to do about it."""

import shlex
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

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


WEB_PAGE = b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>"
FOREIGN = {
    "a model.pth": b"PK\x03\x04" + bytes(100),
    "old.pth": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(100),
    "net.pth.tar": bytes(100),
    "x.onnx": b"\x08\x07" + bytes(100),
    "90.000-new.ckpt.index": bytes(100),
    "90.000-new.ckpt.data-00000-of-00001": bytes(100),
    "demo.zip": b"PK\x03\x04" + bytes(100),
    "theirs.safetensors": save({"x": torch.ones(2)}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_published_files_are_to_be_imported_first(cli, draw, name):
    draw("a.png")
    Path(name).write_bytes(FOREIGN[name])

    ended = cli("enhance", "a.png", "-o", "out", "--model", name)

    assert ended.code == 3
    error, hint = ended.err.splitlines()
    assert error == f"Error: {name}: not a photoenhance checkpoint, but perhaps published weights"
    assert f"`photoenhance models import {shlex.quote(name)}`" in hint


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (WEB_PAGE, "a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not the weights but Git LFS's pointer"),
    ],
)
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_what_is_no_weights_is_called_what_it_is(cli, draw, name, content, what):
    draw("a.png")
    Path(name).write_bytes(content)

    enhanced = cli("enhance", "a.png", "-o", "out", "--model", name)
    imported = cli("models", "import", name)

    for ended in (enhanced, imported):
        assert ended.code == 3
        assert ended.err.startswith(f"Error: {name}: {what}")
        assert "models import" not in ended.err


def test_a_mistyped_model_is_asked_for(cli, draw):
    draw("a.png")

    ended = cli("enhance", "a.png", "-o", "out", "--model", "ueagn")

    assert ended.code == 3
    error, hint = ended.err.splitlines()
    assert error == "Error: ueagn: no model, file or training run of this name"
    assert hint.startswith("Hint: Did you mean uegan? Choose one of: snapshots, uegan, ")


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
