"""Our models -> ONNX, for photos of any size, which other programs can then run."""

import json
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photoenhance.errors import ConfigError, ImageError, WeightsError
from photoenhance.imaging.atomic import replacing
from photoenhance.networks.generator import Generator
from photoenhance.zoo.graphs import any_size
from photoenhance.zoo.load import LoadedModel
from photoenhance.zoo.options import with_options

OPSET = 17
EXAMPLE = (64, 96)  # a size that no network extends
PROOFS = ((51, 85), (40, 530))  # sizes that every network extends, and one that DPE reduces
TOLERANCE = 1e-4  # of values in [0, 1]
INPUT, OUTPUT = "image", "enhanced"


def export_onnx(model: LoadedModel, path: Path, options: Sequence[str] = ()) -> None:
    """Write a model as ONNX and make sure that ONNX Runtime gives the same picture.

    The file takes `image` `(N, 3, H, W)`, sRGB in [0, 1], of any size and gives `enhanced`, alike.

    Args:
        model: what to export.
        path: the file.
        options: those that the model was loaded with, for the record.

    Raises:
        ConfigError: the extra `onnx` is not installed.
        WeightsError: this kind of model cannot be exported, the results differ, or the file
            cannot be written.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"ONNX: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            hint="Install it with `pip install 'photoenhance[onnx]'`.",
        )
    header = with_options(model.header, options)
    network = any_size(model.generator)
    if network is None:
        config = ", ".join(f"{name}={value}" for name, value in header.config.items())
        raise WeightsError(
            f"{model.name}: {header.architecture} used so has no graph for photos of any size "
            f"({config})",
            hint="Try --model-option halve_wide=false for enlightengan, context=native for dpe.",
        )
    properties = {
        "architecture": header.architecture,
        "config": json.dumps(dict(header.config), sort_keys=True),
        "origin": header.origin,
        "weights_sha256": model.sha256,
    }
    content = _described(_traced(network.eval()), properties, model.generator)
    difference = max(_difference(model, content, size) for size in PROOFS)
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


def _described(content: bytes, properties: dict[str, str], generator: Generator) -> bytes:
    """Write into an ONNX file what it is."""
    import onnx  # noqa: PLC0415 (an extra)

    graph = onnx.load_from_string(content)
    graph.producer_name = "photoenhance"
    graph.doc_string = f"{INPUT} and {OUTPUT}: (N, 3, H, W), sRGB, values in [0, 1], any size"
    if generator.work_size is not None:
        size, share = generator.work_size, generator.local_share
        graph.doc_string += f"; the weights are for photos of {size} pixels on the short side"
        if share < 1:
            graph.doc_string += (
                f", and {share:.0%} of what the result differs by from one colour transform for "
                "the whole photo is to be kept"
            )
    if generator.histogram is not None:
        graph.doc_string += (
            f"; what {OUTPUT} differs by from {INPUT} is to be added to what the model predicts "
            "from the photo's histogram, which is not in this file"
        )
    onnx.helper.set_model_props(graph, properties)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def _difference(model: LoadedModel, content: bytes, size: tuple[int, int]) -> float:
    """The largest difference between the file's and our own result on noise of this size."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model.generator(image).numpy()
    return float(np.abs(_run(content, image) - expected).max())


def _run(content: bytes, image: Tensor) -> NDArray[np.float32]:
    import onnxruntime  # noqa: PLC0415 (an extra)

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {INPUT: image.numpy()})[0]
