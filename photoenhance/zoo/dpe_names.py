"""DPE's tensors: the authors' names and layout <-> ours.

Source: the index files of the authors' TensorFlow checkpoints. A number in a name is the layer's
place in its block's list, hence the gaps; `bn_11_0` is the first of a layer's individual norms.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.networks.dpe import DPEConfig

NETWORK = re.compile(
    r"(?P<kind>net[GD])(-\d+)?_var_scope/net[GD](-\d+)?_var_scope(?P<scope>[AB])/net[GD](-\d+)?_"
)
SECOND_NORM = re.compile(r"/bn_\d+_[1-9]_")

CONVOLUTIONS = {
    "encoder.0": "1/conv_0",
    "encoder.1": "1/conv_3",
    "encoder.2": "1/conv_6",
    "encoder.3": "1/conv_9",
    "encoder.4": "1/conv_12",
    "overview.0": "2/conv_0",
    "overview.1": "2/conv_3",
    "overview_pool": "2/conv_6",
    "overview_out": "2/conv_8",
    "local": "3/conv_0",
    "fusion": "3/conv_2",
    "decoder.0": "3/conv_5",
    "decoder.1": "3/conv_10",
    "decoder.2": "3/conv_15",
    "decoder.3": "3/conv_20",
    "decoder.4": "3/conv_25",
    "decoder.5": "3/conv_28",
}
NORMS = {
    "encoder_norms.0": "1/bn_2",
    "encoder_norms.1": "1/bn_5",
    "encoder_norms.2": "1/bn_8",
    "encoder_norms.3": "1/bn_11",
    "encoder_norms.4": "1/bn_14",
    "overview_norms.0": "2/bn_2",
    "overview_norms.1": "2/bn_5",
    "decoder_norms.0": "3/bn_4",
    "decoder_norms.1": "3/bn_9",
    "decoder_norms.2": "3/bn_14",
    "decoder_norms.3": "3/bn_19",
    "decoder_norms.4": "3/bn_24",
    "decoder_norms.5": "3/bn_27",
}
CRITIC_CONVOLUTIONS = {
    **{f"convolutions.{k}": f"1/conv_{3 * k}" for k in range(6)},
    "judge": "1/conv_18",
}
CRITIC_NORMS = {f"norms.{k}": f"1/in_{3 * k + 2}_0" for k in range(6)}

AFFINE = {"weight": "scale", "bias": "offset"}
STATISTICS = {"running_mean": "mv_mean", "running_var": "mv_var"}

# The authors read and write photos with OpenCV, whose channels are blue, green, red.
FIRST = ("encoder.0.weight", "convolutions.0.weight")
LAST = ("decoder.5.weight", "decoder.5.bias")


def generator_names(sets: int) -> dict[str, str]:
    """Return the authors' name of each of our tensors, without the network's prefix."""
    names = _convolution_names(CONVOLUTIONS)
    for ours, theirs in NORMS.items():
        for index in range(sets):
            for field, name in {**AFFINE, **STATISTICS}.items():
                names[f"{ours}.sets.{index}.{field}"] = f"{theirs}_{index}_{name}"
    return names


def critic_names() -> dict[str, str]:
    """Return the authors' name of each of a critic's tensors, without the network's prefix."""
    names = _convolution_names(CRITIC_CONVOLUTIONS)
    for ours, theirs in CRITIC_NORMS.items():
        names |= {f"{ours}.{field}": f"{theirs}_{name}" for field, name in AFFINE.items()}
    return names


def _convolution_names(table: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{ours}.{field}": f"{theirs}_{name}"
        for ours, theirs in table.items()
        for field, name in (("weight", "w"), ("bias", "b"))
    }


def generator_state(tensors: Mapping[str, Tensor], scope: str = "A") -> dict[str, Tensor]:
    """Convert one of the authors' generators to the state dict of ours.

    Args:
        tensors: of a checkpoint, by their full names.
        scope: "A" for the generator that enhances, "B" for the one that leads back.

    Raises:
        WeightsError: a tensor is missing, or the scope is.
    """
    found = _of_network(tensors, "netG", scope)
    sets = 2 if f"{NORMS['encoder_norms.0']}_1_scale" in found else 1
    return _converted(found, generator_names(sets))


def critic_state(tensors: Mapping[str, Tensor], scope: str = "A") -> dict[str, Tensor]:
    """Convert one of the authors' critics to the state dict of ours.

    Differs: the authors train critic B to give real photos low scores; ours give them high ones.

    Args:
        tensors: of a training checkpoint, by their full names.
        scope: "A" for the critic of targets, "B" for the one of sources.

    Raises:
        WeightsError: a tensor is missing, or the scope is.
    """
    state = _converted(_of_network(tensors, "netD", scope), critic_names())
    if scope == "B":
        state |= {name: -state[name] for name in ("judge.weight", "judge.bias")}
    return state


def config_of(state: Mapping[str, Tensor]) -> DPEConfig:
    """Return the config of the generator that a state dict of ours belongs to."""
    widths = [state[f"encoder.{k}.weight"].shape[0] for k in range(4)]
    regular = widths == [widths[0] * factor for factor in (1, 2, 4, 8)]
    return DPEConfig(
        width=widths[0],
        widths="" if regular else "-".join(map(str, widths)),
        norm_sets=2 if "encoder_norms.0.sets.1.weight" in state else 1,
        side=64 * state["overview_pool.weight"].shape[-1],
    )


def converted(name: str, tensor: Tensor) -> Tensor:
    """Turn the authors' layout of the tensor that has this name of ours into ours.

    Kernels go from (height, width, in, out) to (out, in, height, width), and from channels in the
    order blue, green, red to red, green, blue.
    """
    if tensor.dim() == 4:
        tensor = tensor.permute(3, 2, 0, 1)
    if name in FIRST:
        tensor = tensor.flip(1)
    if name in LAST:
        tensor = tensor.flip(0)
    return tensor.contiguous()


def _of_network(tensors: Mapping[str, Tensor], kind: str, scope: str) -> dict[str, Tensor]:
    found = {}
    for name, tensor in tensors.items():
        match = NETWORK.match(name)
        if match and match["kind"] == kind and match["scope"] == scope:
            found[name[match.end() :]] = tensor
    if not found:
        raise WeightsError(
            f"the weights: no tensor of DPE's {kind}, scope {scope}",
            hint="Choose a checkpoint that the authors of DPE published.",
        )
    return found


def _converted(found: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    for theirs in names.values():
        if theirs not in found:
            raise WeightsError(
                f"the weights: {theirs} is missing",
                hint="The file is cut off or of another architecture; get it again.",
            )
    return {ours: converted(ours, found[theirs]) for ours, theirs in names.items()}


def generator_sums(sums: Mapping[str, int]) -> dict[str, int]:
    """Select the checksums of the generator that enhances, with its first norms only.

    So the authors' training checkpoint and their copy of it for use have the same ones.

    Args:
        sums: of a checkpoint's tensors, by their full names.
    """
    selected = {}
    for name, crc in sums.items():
        match = NETWORK.match(name)
        if match and match["kind"] == "netG" and match["scope"] == "A":
            selected[name[match.end() :]] = crc
    return {name: crc for name, crc in selected.items() if not SECOND_NORM.search(name)}
