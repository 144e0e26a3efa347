"""A checkpoint's header and tensors -> the generator that they are of."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.generator import Generator
from photoenhance.zoo.checkpoint import Header
from photoenhance.zoo.options import with_options

COUNTERS = ".num_batches_tracked"  # of norms; torch before 0.4.1 wrote none


def build(
    subject: str, header: Header, tensors: Mapping[str, Tensor], options: Sequence[str] = ()
) -> Generator:
    """Build the generator that a header describes and give it its weights.

    A header that lies about sizes costs no memory: the shapes are compared before any is taken.

    Args:
        subject: what errors begin with: the file or the model.
        header: the architecture and its config.
        tensors: the generator's state dict; counters of norms may be missing.
        options: how the weights are used, as for `options.with_options`.

    Returns:
        The generator on the CPU, in evaluation mode.

    Raises:
        ConfigError: the architecture has no such option.
        WeightsError: the architecture is unknown, the tensors do not fit it, or hold numbers that
            are not finite, with which every photo would fail.
    """
    if header.architecture not in ARCHITECTURES:
        raise WeightsError(
            f"{subject}: needs the architecture {header.architecture!r}, which is not known here",
            hint=f"Choose a model of: {', '.join(ARCHITECTURES)}; or install a newer photoenhance.",
        )
    header = with_options(header, options)
    architecture = ARCHITECTURES[header.architecture]
    try:
        config = architecture.config(**header.config)
        with torch.device("meta"):
            expected = architecture.generator(config).state_dict()
        _compare(expected, tensors)
        generator = architecture.generator(config)
        generator.load_state_dict(dict(tensors))
    except (ArithmeticError, TypeError, ValueError, RuntimeError) as error:
        # The first line is enough: torch goes on to list every key.
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{subject}: does not fit the architecture {header.architecture!r}: {reason}",
            hint="The file is damaged or of another version; get it again or choose another.",
        ) from error
    for name, tensor in generator.state_dict().items():
        if not tensor.isfinite().all():
            raise WeightsError(
                f"{subject}: {name} holds numbers that are not finite",
                hint="The file is damaged, or its training failed; get it again or choose another.",
            )
    return generator.eval()


def _compare(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in expected.items():
        if name.endswith(COUNTERS) and name not in tensors:
            continue
        if name not in tensors:
            raise ValueError(f"{name} is missing")
        shapes = [tuple(each.shape) for each in (tensor, tensors[name])]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name} should have the shape {shapes[0]} but has {shapes[1]}")
