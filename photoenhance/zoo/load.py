"""A model's name, file or training run -> a generator that is ready to work."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.generator import Generator
from photoenhance.zoo import checkpoint, store


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A generator with its weights, and where they came from.

    Attributes:
        name: as the user named it.
        generator: on the CPU, in evaluation mode, float32.
        sha256: of the file of weights, in hexadecimal.
        header: what the file says of itself.
    """

    name: str
    generator: Generator
    sha256: str
    header: checkpoint.Header


def load_generator(name: str | Path) -> LoadedModel:
    """Find a model, read its weights and build its generator.

    Args:
        name: as for `store.find`.

    Raises:
        WeightsError: it does not exist, cannot be read, or does not fit its architecture.
    """
    file = store.find(name)
    header, tensors = checkpoint.read(file)
    return LoadedModel(
        name=str(name),
        generator=_build(file, header, tensors),
        sha256=store.sha256(file),
        header=header,
    )


def _build(file: Path, header: checkpoint.Header, tensors: Mapping[str, Tensor]) -> Generator:
    if header.architecture not in ARCHITECTURES:
        raise WeightsError(
            f"{file}: needs the architecture {header.architecture!r}, which is not known here",
            hint=f"Choose a model of: {', '.join(ARCHITECTURES)}; or install a newer photoenhance.",
        )
    architecture = ARCHITECTURES[header.architecture]
    try:
        generator = architecture.generator(architecture.config(**header.config))
        generator.load_state_dict(dict(tensors))
    except (TypeError, ValueError, RuntimeError) as error:
        # The first line is enough: torch goes on to list every key.
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{file}: does not fit the architecture {header.architecture!r}: {reason}",
            hint="The file is damaged or of another version; get it again or choose another.",
        ) from error
    return generator.eval()
