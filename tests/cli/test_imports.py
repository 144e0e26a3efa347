"""Each published layout: file -> `models import` -> `enhance`, against the published numbers."""

import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo.load import load_generator

BUNDLE = "golden/dpe/tiny/tf_ckpt/90.000-new.ckpt"


def uegan(shared, *, is_bare, is_new):
    state = OrderedDict(load_file(shared / "golden/uegan/g_small.safetensors"))
    saved = state if is_bare else {"G_net": state, "D_net": {}, "epoch": 92.0}
    torch.save(saved, "original", _use_new_zipfile_serialization=is_new)
    return "original"


def enlightengan_state(shared):
    return load_file(shared / "golden/enlightengan/generator.safetensors")


def enlightengan(shared, *, is_new):
    state = enlightengan_state(shared)
    named = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    torch.save(named, "original", _use_new_zipfile_serialization=is_new)
    return "original"


def enlightengan_onnx(shared, *, aligned):
    pytest.importorskip("onnx")
    architecture = ARCHITECTURES["enlightengan"]
    generator = architecture.generator(architecture.config(width=4, align_corners=aligned)).eval()
    generator.load_state_dict(enlightengan_state(shared))
    torch.onnx.export(generator, (torch.rand(1, 3, 32, 32),), "original.onnx", dynamo=False)
    return "original.onnx"


def dpe_archive(shared):
    with zipfile.ZipFile("original.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for end in (".index", ".data-00000-of-00001"):
            content = (shared / (BUNDLE + end)).read_bytes()
            archive.writestr(f"demo/LPGAN_exp_G3_999/90.000-new.ckpt{end}", content)
    return "original.zip"


LAYOUTS = {
    "uegan's training file, old": ("uegan", lambda s: uegan(s, is_bare=False, is_new=False)),
    "uegan's training file, new": ("uegan", lambda s: uegan(s, is_bare=False, is_new=True)),
    "uegan's bare state, old": ("uegan", lambda s: uegan(s, is_bare=True, is_new=False)),
    "uegan's safetensors": ("uegan", lambda s: s / "golden/uegan/g_small.safetensors"),
    "enlightengan's file, old": ("ac1", lambda s: enlightengan(s, is_new=False)),
    "enlightengan's file, new": ("ac1", lambda s: enlightengan(s, is_new=True)),
    "enlightengan's onnx, aligned": ("ac1", lambda s: enlightengan_onnx(s, aligned=True)),
    "enlightengan's onnx": ("ac0", lambda s: enlightengan_onnx(s, aligned=False)),
    "dpe's checkpoint": ("dpe", lambda s: s / (BUNDLE + ".index")),
    "dpe's archive": ("dpe", dpe_archive),
}


def published(shared, key):
    """An image, RGB, and what the authors' code makes of it in [0, 1], with the step between."""
    golden = shared / "golden"
    if key == "uegan":
        data = np.load(golden / "uegan/forward.npz")
        pixels, output = data["a_96x128.input_u8"][0], data["a_96x128.output"][0]
        return pixels, output.transpose(1, 2, 0) / 2 + 0.5, 1
    if key == "dpe":  # in the order blue, green, red
        data = np.load(golden / "dpe/tiny/forward512.npz")
        return data["image"][..., ::-1], data["output_every4"][..., ::-1], 4
    data = np.load(golden / "enlightengan/forward_96x128.npz")
    return data["rgb_u8"], data[f"out_{key}"][0].transpose(1, 2, 0) / 2 + 0.5, 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's exporter to ONNX
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_imported_original_gives_the_published_pictures(cli, shared, home, layout):
    key, make = LAYOUTS[layout]
    pixels, expected, step = published(shared, key)
    Image.fromarray(np.ascontiguousarray(pixels)).save("photo.png")
    original = make(shared)

    imported = cli("models", "import", original, "--name", "golden")
    enhanced = cli("enhance", "photo.png", "-o", "out.png", "--model", "golden")

    assert (imported.code, enhanced.code) == (0, 0), imported.err + enhanced.err
    assert Path(imported.out.strip()) == home / "data" / "models" / "golden.safetensors"
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        output = load_generator("golden").generator(image)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(output[::step, ::step], expected.clip(0, 1), rtol=0, atol=1e-5)
    written = np.array(Image.open("out.png"))[::step, ::step]
    difference = np.abs(written - 255 * expected.clip(0, 1))
    assert difference.max() < 0.5 + 255e-5


def test_the_imitation_of_the_torch_of_2018_gives_its_own_pictures(cli, shared, draw):
    path = shared / "golden/enlightengan/legacy_module_prefix.pth"
    draw("photo.png", size=(48, 64))
    cli("models", "import", path, "--name", "golden")

    assert cli("enhance", "photo.png", "-o", "out.png", "--model", "golden").code == 0

    state = torch.load(path, weights_only=True)
    architecture = ARCHITECTURES["enlightengan"]
    generator = architecture.generator(architecture.config(width=2)).eval()
    generator.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
    image = torch.from_numpy(np.array(Image.open("photo.png"))).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        expected = generator(image)[0].permute(1, 2, 0).numpy()
    assert np.abs(np.array(Image.open("out.png")) - 255 * expected).max() < 0.5 + 255e-5
