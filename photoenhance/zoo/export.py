"""Our models -> ONNX, for photos of any size, which other programs can then run."""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photoenhance.errors import ConfigError, ImageError, WeightsError
from photoenhance.imaging.atomic import replacing
from photoenhance.networks.enlightengan import EnlightenGANGenerator
from photoenhance.networks.generator import Generator
from photoenhance.networks.uegan import UEGANGenerator
from photoenhance.zoo.load import LoadedModel

OPSET = 17
EXAMPLE = (64, 96)  # a size that no network extends
PROOF = (51, 85)  # a size that every network extends
TOLERANCE = 1e-4  # of values in [0, 1]
INPUT, OUTPUT = "image", "enhanced"
Sides = Callable[[Tensor], tuple[Tensor, Tensor]]  # an axis' length -> pixels before and after it


def export_onnx(model: LoadedModel, path: Path) -> None:
    """Write a model as ONNX and make sure that ONNX Runtime gives the same picture.

    The file takes `image` `(N, 3, H, W)`, sRGB in [0, 1], of any size and gives `enhanced`, alike.

    Raises:
        ConfigError: the extra `onnx` is not installed.
        WeightsError: this kind of model cannot be exported, the results differ, or the file
            cannot be written.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"ONNX: {' and '.join(missing)} is not installed",
            hint="Install it with `pip install 'photoenhance[onnx]'`.",
        )
    network = _AnySize(model.generator, _sides(model)).eval()
    content = _described(_traced(network), model)
    image = torch.rand(1, 3, *PROOF, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model.generator(image).numpy()
    difference = float(np.abs(_run(content, image) - expected).max())
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"{model.name}: ONNX Runtime's result differs by {difference:.1e}",
            hint="Report this with the versions of torch, onnx and onnxruntime.",
        )
    try:
        with replacing(path) as file:
            file.write(content)
    except ImageError as error:
        raise WeightsError(error.message, hint=error.hint) from error


class _AnySize(nn.Module):
    """A generator behind an extension whose sizes the graph works out for itself."""

    def __init__(self, generator: Generator, sides: Sides) -> None:
        super().__init__()
        self.generator = generator
        self.sides = sides

    def forward(self, image: Tensor) -> Tensor:
        """Extend, enhance and crop; while it is traced, sizes are tensors."""
        top, bottom = self.sides(_length(image, 2))
        left, right = self.sides(_length(image, 3))
        height, width = _length(image, 2), _length(image, 3)
        extended = _reflected(_reflected(image, 2, top, bottom), 3, left, right)
        enhanced = self.generator(extended)
        return enhanced[:, :, top : top + height, left : left + width]


def _sides(model: LoadedModel) -> Sides:
    """How a generator's own `extension` lengthens an axis, as arithmetic on tensors."""
    generator = model.generator
    if isinstance(generator, UEGANGenerator):
        multiple, smallest = generator.multiple, generator.smallest

        def at_the_end(length: Tensor) -> tuple[Tensor, Tensor]:
            wanted = ((length + multiple - 1) // multiple * multiple).clamp(min=smallest)
            return torch.zeros_like(length), wanted - length

        return at_the_end
    if isinstance(generator, EnlightenGANGenerator) and not generator.config.halve_wide:

        def centred(length: Tensor) -> tuple[Tensor, Tensor]:
            missing = (length + 15) // 16 * 16 - length
            return missing // 2, missing - missing // 2

        return centred
    raise WeightsError(
        f"{model.name}: models of {model.header.architecture} cannot be exported as they are used",
        hint="Choose a model of uegan, or of enlightengan without halve_wide.",
    )


def _length(image: Tensor, dim: int) -> Tensor:
    return torch.as_tensor(image.shape[dim])


def _reflected(image: Tensor, dim: int, before: Tensor, after: Tensor) -> Tensor:
    """Mirror an axis without repeating its ends, as `networks.extension.mirrored` does."""
    length = _length(image, dim)
    period = (2 * (length - 1)).clamp(min=1)
    run = torch.arange(length + before + after)  # type: ignore[call-overload]  # traced
    places = torch.remainder(run - before, period)
    return image.index_select(dim, torch.minimum(places, period - places))


def _traced(network: nn.Module) -> bytes:
    """Trace a network into an ONNX file's bytes.

    Differs: this is torch's older exporter; the newer one took 25 times as long for the same graph.
    """
    axes = {0: "N", 2: "H", 3: "W"}
    with TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
        file = Path(folder) / "network.onnx"
        warnings.simplefilter("ignore")  # of what is constant on purpose
        torch.onnx.export(
            network,
            (torch.rand(1, 3, *EXAMPLE),),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: axes, OUTPUT: axes},
        )
        return file.read_bytes()


def _described(content: bytes, model: LoadedModel) -> bytes:
    """Write into an ONNX file what it is."""
    import onnx  # noqa: PLC0415 (an extra)

    graph = onnx.load_from_string(content)
    graph.producer_name = "photoenhance"
    graph.doc_string = f"{INPUT} and {OUTPUT}: (N, 3, H, W), sRGB, values in [0, 1], any size"
    header = model.header
    properties = {
        "architecture": header.architecture,
        "config": str(dict(header.config)),
        "origin": header.origin,
        "weights_sha256": model.sha256,
    }
    onnx.helper.set_model_props(graph, properties)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def _run(content: bytes, image: Tensor) -> NDArray[np.float32]:
    import onnxruntime  # noqa: PLC0415 (an extra)

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {INPUT: image.numpy()})[0]
