"""Numbers from the authors' published DPE (../shared/golden/dpe/README.md gives tolerances)."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from photoenhance.networks.dpe import DPEConfig, DPEDiscriminator, DPEGenerator
from photoenhance.networks.dpe_layers import ActivatedNorm, activate
from photoenhance.networks.dpe_scheme import DPEScheme
from photoenhance.networks.enlarged import enlarged
from photoenhance.networks.extension import Extension
from photoenhance.networks.generator import Tile
from photoenhance.zoo.dpe_names import (
    config_of,
    converted,
    critic_names,
    generator_names,
    generator_state,
)

MOST = 2048  # long side that the authors' demo reduces photos to
CORE = 1024  # side of its tiles


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden" / "dpe"


@pytest.fixture
def tiny(golden: Path) -> DPEGenerator:
    state = generator_state(load_file(golden / "tiny" / "weights.safetensors"))
    generator = DPEGenerator(config_of(state))
    generator.load_state_dict(state)
    return generator.eval().requires_grad_(requires_grad=False)


def image_of(pixels: np.ndarray) -> Tensor:
    """Of pixels in the network's published order, blue first."""
    return torch.from_numpy(pixels[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255


def published(image: Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).flip(-1).numpy()


def official(golden: Path, checkpoint: str) -> dict[str, list[int]]:
    content = json.loads((golden / "official_checkpoints.json").read_text())
    return {name: shape for name, shape, *_ in content["checkpoints"][checkpoint]["tensors"]}


@pytest.mark.parametrize(
    ("checkpoint", "sets", "networks"),
    [("27.500-new", 1, ["netG-604"]), ("90.000-new", 1, ["netG-999"]), ("90.000", 2, ["netG"])],
)
def test_every_published_tensor_has_its_place(
    golden: Path, checkpoint: str, sets: int, networks: list[str]
) -> None:
    shapes = official(golden, checkpoint)
    config = DPEConfig(norm_sets=sets)
    parts = [
        (f"{net}_var_scope/{net}_var_scope{scope}/{net}_", generator_names(sets), DPEGenerator)
        for net in networks
        for scope in ("AB" if sets == 2 else "A")
    ]
    if sets == 2:
        parts += [
            (f"netD_var_scope/netD_var_scope{scope}/netD_", critic_names(), DPEDiscriminator)
            for scope in "AB"
        ]

    seen = set()
    for prefix, names, network in parts:
        state = network(config).state_dict()
        assert set(state) == set(names)
        for ours, theirs in names.items():
            tensor = torch.empty(shapes[prefix + theirs])
            assert converted(ours, tensor).shape == state[ours].shape
            seen.add(prefix + theirs)

    assert seen == set(shapes)


def test_networks_have_the_published_sizes() -> None:
    def parameters(network: torch.nn.Module) -> int:
        return sum(tensor.numel() for tensor in network.parameters())

    assert parameters(DPEGenerator()) == 3_335_395
    assert parameters(DPEGenerator(DPEConfig(norm_sets=2))) == 3_338_115
    assert sum(buffer.numel() for buffer in DPEGenerator().buffers()) == 2_720
    assert parameters(DPEDiscriminator()) == 1_122_689


def test_every_stage_is_the_published_one(golden: Path, tiny: DPEGenerator) -> None:
    data = np.load(golden / "tiny" / "forward512.npz")
    stages = _Stages(tiny)

    with torch.inference_mode():
        output = tiny.unclamped(image_of(data["image"]))

    stages.seen[-1] = stages.seen[-1].flip(1)  # the residual: channels as published
    stages.seen.append(output.flip(1))
    assert len(stages.seen) == 54
    for k, stage in enumerate(stages.seen, 1):
        mean, deviation, least, most = data[f"t{k:02}_stat"]
        tolerance = 5e-6 * max(abs(least), abs(most))
        step = max(1, stage.shape[2] // 8)
        sampled = stage[0, :, ::step, ::step].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(sampled, data[f"t{k:02}"], rtol=0, atol=tolerance)
        summary = [stage.mean(), stage.std(correction=0), stage.min(), stage.max()]
        expected = [mean, deviation, least, most]
        np.testing.assert_allclose(np.array(summary), expected, rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(
        published(output)[::4, ::4], data["output_every4"], rtol=0, atol=5e-6
    )


class _Stages:
    """What the published graph computes, in its order."""

    def __init__(self, generator: DPEGenerator) -> None:
        self.seen: list[Tensor] = []
        for module in generator.modules():
            if isinstance(module, ActivatedNorm):
                module.register_forward_hook(self._after_norm)
            elif isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(self._after_convolution)
        generator.fusion.register_forward_pre_hook(lambda _, inputs: self.seen.append(inputs[0]))
        generator.overview_pool.register_forward_hook(
            lambda _, __, output: self.seen.append(activate(output))
        )

    def _after_convolution(self, module, inputs, output) -> None:
        self.seen.append(output)

    def _after_norm(self, module, inputs, output) -> None:
        before, joined = self.seen[-1], inputs[0]
        if joined.shape != before.shape:
            self.seen += [joined[:, : before.shape[1]], joined]
        self.seen += [activate(joined), output]


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_enlarged_kernels_give_the_published_image(
    golden: Path, tiny: DPEGenerator, scale: int
) -> None:
    data = np.load(golden / "tiny" / "rates.npz")
    image = image_of(data["image"])
    vector = torch.from_numpy(data["global"])[None, :, None, None]

    with torch.inference_mode():
        skips, deep = tiny.encode(image, 0, scale)
        output = tiny.decode(image, skips, deep, vector, 0, scale)

    np.testing.assert_allclose(published(output), data[f"rate{scale}"], rtol=0, atol=6e-6)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_enlarged_kernels_are_the_published_ones(golden: Path, kernel: int, scale: int) -> None:
    data = np.load(golden / "tiny" / "rates.npz")
    weight = torch.from_numpy(data[f"k{kernel}"]).permute(3, 2, 0, 1)

    spread = enlarged(weight, scale).permute(2, 3, 1, 0).numpy()

    np.testing.assert_allclose(spread, data[f"k{kernel}_rate{scale}"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("held", [2, 3, 4])
def test_folded_layers_give_the_published_image(
    golden: Path, tiny: DPEGenerator, monkeypatch: pytest.MonkeyPatch, scale: int, held: int
) -> None:
    data = np.load(golden / "tiny" / "rates.npz")
    image = image_of(data["image"])
    vector = torch.from_numpy(data["global"])[None, :, None, None]
    monkeypatch.setattr(tiny, "survey", lambda square: vector)
    scheme = DPEScheme(tiny, (64, 80), held, "tiles")
    scheme.scale = scale
    whole = Tile(image, 0, 0, 64, 80, (slice(0, 64), slice(0, 80)))

    with torch.inference_mode():
        output = scheme.render(whole, scheme.survey([whole]))

    expected = data[f"rate{scale}"].clip(0, 1)
    np.testing.assert_allclose(published(output), expected, rtol=0, atol=6e-6)


@pytest.mark.parametrize("size", ["300x400", "520x1100", "140x2100"])
def test_the_published_demo_in_full(golden: Path, tiny: DPEGenerator, size: str) -> None:
    photo = Image.open(golden / "tiny" / f"demo_{size}_in.png").convert("RGB")
    expected = np.array(Image.open(golden / "tiny" / f"demo_{size}_out.png").convert("RGB"))

    enhanced = _demo(tiny, photo)

    difference = np.abs(enhanced.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


@torch.inference_mode()
def _demo(generator: DPEGenerator, photo: Image.Image) -> np.ndarray:
    """What the authors' demo does to a photo, of this product's parts."""
    if max(photo.size) > MOST:
        photo = _resized(photo, MOST)
    image = image_of(np.array(photo)[..., ::-1])
    small = image_of(np.array(_resized(photo, 512))[..., ::-1])
    height, width = small.shape[2:]
    square = Extension((0, 512 - height), (0, 512 - width), repeats_edge=True).extend(small)
    vector = generator.survey(square)

    height, width = image.shape[2:]
    scale = generator.scale(height, width)
    margin = 64 * scale
    extension = Extension(_margins(height, margin), _margins(width, margin))
    extended = extension.extend(image)
    whole = torch.empty_like(extended)
    for top in range(0, height, CORE):
        for left in range(0, width, CORE):
            side = CORE + 2 * margin
            tile = extended[:, :, top : top + side, left : left + side]
            skips, deep = generator.encode(tile, 0, scale)
            done = generator.decode(tile, skips, deep, vector, 0, scale)
            inside = slice(margin, margin + CORE)
            rows, columns = (slice(first + margin, first + margin + CORE) for first in (top, left))
            whole[:, :, rows, columns] = done[:, :, inside, inside]
    levels = (extension.crop(whole) * 255 + 0.5).clamp(0, 255)
    return levels[0].permute(1, 2, 0).to(torch.uint8).numpy()


def _resized(photo: Image.Image, long: int) -> Image.Image:
    factor = long / max(photo.size)
    size = tuple(round(length * factor) for length in photo.size)
    return photo.resize(size, Image.Resampling.LANCZOS)


def _margins(length: int, margin: int) -> tuple[int, int]:
    missing = -length % CORE
    return margin, missing if missing >= margin else missing + margin


def test_the_published_width_by_formula(
    golden: Path,
    made_up: Callable[[str, list[int]], Tensor],
    drawn: Callable[[int], np.ndarray],
) -> None:
    data = np.load(golden / "full_width.npz")
    shapes = official(golden, "90.000")
    prefix = "netG_var_scope/netG_var_scopeA/netG_"
    names = [prefix + name for name in generator_names(1).values()]
    state = generator_state({name: made_up(name, shapes[name]) for name in names})
    generator = DPEGenerator(config_of(state)).eval()
    generator.load_state_dict(state)
    image = image_of(drawn(0))

    with torch.inference_mode():
        output = generator.unclamped(image)
        deep = generator.encode(image, 0)[1]
        vector = generator.vector(deep, 0)

    whole = published(output)
    np.testing.assert_allclose(whole[::8, ::8], data["output_every8"], rtol=0, atol=1e-5)
    summary = [whole.mean(), whole.std(), whole.min(), whole.max()]
    np.testing.assert_allclose(summary, data["output_stat"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(vector.flatten(), data["global_vector"], rtol=0, atol=1e-5)
    encoded = deep[0, :, ::4, ::4].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(encoded, data["encoded_every4"], rtol=0, atol=1e-5)
