"""Named tensors -> the architecture whose generator they are, told by their names and shapes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from torch import Tensor

from photoenhance.zoo import dpe_names
from photoenhance.zoo.build import COUNTERS
from photoenhance.zoo.catalog import ConfigValue
from photoenhance.zoo.onnx_file import Graph

Tensors = Mapping[str, Tensor]


class UnknownLayoutError(ValueError):
    """Tensors that are no generator which is known here."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A generator's weights by our names.

    Attributes:
        architecture: a key of `networks.ARCHITECTURES`.
        config: what the shapes tell of its config.
        tensors: its state dict, but for counters of norms.
    """

    architecture: str
    config: Mapping[str, ConfigValue]
    tensors: Tensors


def recognise(tensors: Tensors) -> Weights:
    """Find out what tensors are, whatever stands before their names.

    Raises:
        UnknownLayoutError: they are no generator that is known here, or not quite one.
        WeightsError: they are DPE's, and not complete.
    """
    if any(dpe_names.NETWORK.match(name) for name in tensors):
        return _authors_dpe(tensors)
    for anchor, read in _LAYOUTS.items():
        ends = [name for name in tensors if name == anchor or name.endswith(f".{anchor}")]
        if len(ends) == 1:
            return read(_without_prefix(tensors, ends[0].removesuffix(anchor)))
    raise UnknownLayoutError(_what_else(tensors))


def from_graph(graph: Graph) -> Weights:
    """Find out what the weights of an ONNX file are, by their names or else by their order.

    Raises:
        UnknownLayoutError: they are no generator that is known here.
    """
    try:
        return recognise(graph.tensors)
    except UnknownLayoutError:
        named = _named_by_order(graph)
        if not named:
            raise
        return recognise(named)


def _without_prefix(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix) and not name.endswith(COUNTERS)
    }


def _kernel(tensors: Tensors, name: str) -> Tensor:
    if name not in tensors or tensors[name].dim() != 4:
        raise UnknownLayoutError(f"what should be a generator, but without a usable {name}")
    return tensors[name]


def _uegan(tensors: Tensors) -> Weights:
    return Weights("uegan", {"width": _kernel(tensors, "enc1.main.1.weight").shape[0]}, tensors)


def _enlightengan(tensors: Tensors) -> Weights:
    first = _kernel(tensors, "conv1_1.weight")
    if first.shape[1] not in (3, 4):
        raise UnknownLayoutError(f"an EnlightenGAN for {first.shape[1]} channels, not 3 or 4")
    if "bn1_1.weight" not in tensors:
        raise UnknownLayoutError("EnlightenGAN trained without norms, which is not supported")
    config = {"width": first.shape[0], "attention": first.shape[1] == 4}
    return Weights("enlightengan", config, tensors)


def _authors_dpe(tensors: Tensors) -> Weights:
    try:
        return _ours_of_dpe(dpe_names.generator_state(tensors))
    except (IndexError, RuntimeError) as error:
        raise UnknownLayoutError(f"DPE's names, but not its shapes: {error}") from error


def _ours_of_dpe(tensors: Tensors) -> Weights:
    try:
        config = asdict(dpe_names.config_of(tensors))
    except (KeyError, IndexError, ValueError) as error:
        raise UnknownLayoutError(f"almost DPE's, but not quite: {error}") from error
    shapes = ("width", "widths", "norm_sets", "side")
    return Weights("dpe", {name: config[name] for name in shapes}, tensors)


# The name of a tensor that only this architecture's generator has.
_LAYOUTS: dict[str, Callable[[Tensors], Weights]] = {
    "enc1.main.1.weight": _uegan,
    "deconv5.weight": _enlightengan,
    "overview_pool.weight": _ours_of_dpe,
}


def _what_else(tensors: Tensors) -> str:
    """Say what tensors seem to be that are no generator of ours."""
    names = [name.removeprefix("module.") for name in tensors]
    if "enc1.main.1.weight_orig" in names:
        return "UEGAN's generator with spectral normalisation, which is not supported"
    if any(name.startswith(("d1_pred.", "model.0.", "judge.")) for name in names):
        return "a discriminator, which enhances nothing; look for the generator's file"
    return f"tensors of no known architecture: {', '.join(names[:3])}..."


def _named_by_order(graph: Graph) -> dict[str, Tensor]:
    """Name the tensors of EnlightenGAN after its layers, if an exporter has not kept the names."""
    order = [f"{level}_{k}" for level in range(1, 6) for k in (1, 2)]
    convolutions, norms = [f"conv{name}" for name in order], [f"bn{name}" for name in order]
    for block in range(6, 10):
        convolutions += [f"deconv{block - 1}", f"conv{block}_1", f"conv{block}_2"]
        norms += [f"bn{block}_1", f"bn{block}_2"]
    convolutions.append("conv10")
    norms.remove("bn9_2")  # which the authors left out
    fields = {
        "Conv": (convolutions, ("weight", "bias")),
        "BatchNormalization": (norms, ("weight", "bias", "running_mean", "running_var")),
    }
    named: dict[str, Tensor] = {}
    for kind, (layers, parts) in fields.items():
        found = [inputs[1:] for layer, inputs in graph.layers if layer == kind]
        if [len(inputs) for inputs in found] != [len(parts)] * len(layers):
            return {}
        for layer, inputs in zip(layers, found, strict=True):
            for part, name in zip(parts, inputs, strict=True):
                if name not in graph.tensors:
                    return {}
                named[f"{layer}.{part}"] = graph.tensors[name]
    return named
