"""A model's name, file or training run -> a generator that is ready to work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photoenhance.networks.generator import Generator
from photoenhance.zoo import checkpoint, install, store
from photoenhance.zoo.build import build
from photoenhance.zoo.transfer import Progress


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


def load_generator(
    name: str | Path, progress: Progress | None = None, options: Sequence[str] = ()
) -> LoadedModel:
    """Find a model, or download it, read its weights and build its generator.

    Args:
        name: as for `store.find`.
        progress: told how far a download is.
        options: how the weights are used, as for `options.with_options`.

    Raises:
        ConfigError: the model has no such option.
        WeightsError: it does not exist, cannot be downloaded or read, or does not fit its
            architecture.
    """
    file = install.ready(name, progress)
    header, tensors = checkpoint.read(file)
    return LoadedModel(
        name=str(name),
        generator=build(str(file), header, tensors, options),
        sha256=store.sha256(file),
        header=header,
    )
