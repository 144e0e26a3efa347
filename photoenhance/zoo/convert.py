"""Published weights -> ours, checked against the architecture that they are said to be of."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import contents, store
from photoenhance.zoo.archive import refused
from photoenhance.zoo.build import build
from photoenhance.zoo.catalog import CATALOG, ConfigValue
from photoenhance.zoo.checkpoint import MOST_BYTES, Header
from photoenhance.zoo.contents import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """Weights that are ready to be written in our format.

    Attributes:
        header: what they are, and where they come from.
        tensors: the generator's whole state dict, float32.
        layout: what the original file was.
        proofs: as of `contents.Contents`.
    """

    header: Header
    tensors: Mapping[str, Tensor]
    layout: Layout
    proofs: frozenset[str] = frozenset()


def convert(
    path: Path,
    *,
    member: str | None = None,
    defaults: Mapping[str, Mapping[str, ConfigValue]] | None = None,
) -> Converted:
    """Read a file of weights, ours or one of those that the papers' authors published.

    Args:
        path: the file, or a training run's folder.
        member: of several models in an archive, what the wanted one's path contains.
        defaults: of the config, by architecture, where neither the file nor its shapes say
            anything.

    Raises:
        WeightsError: the file is refused, unknown, damaged or incomplete.
    """
    file = contents.located(path)
    found = contents.read(file, member)
    weights = found.weights
    if 4 * sum(math.prod(tensor.shape) for tensor in weights.tensors.values()) > MOST_BYTES:
        raise refused(file, f"its tensors would take more than {MOST_BYTES:,} bytes")
    known = (defaults or {}).get(weights.architecture, {})
    config = dict(known) | dict(weights.config) | dict(found.config)
    origin = f"imported from {file.name}, {found.layout}{_whose(found.proofs)}"
    header = Header(
        weights.architecture,
        config,
        f"{found.origin}; {origin}" if found.origin else origin,
        store.sha256(contents.numbers_of(file)),
    )
    tensors = build(str(file), header, weights.tensors).state_dict()
    return Converted(_completed(header), tensors, found.layout, found.proofs)


def _whose(proofs: frozenset[str]) -> str:
    """Say of which published model a file has the checksums, if of any."""
    for card in CATALOG.values():
        if card.published and proofs & set(card.published.proofs):
            return f", with the checksums of {card.name}"
    return ""


def _completed(header: Header) -> Header:
    """Write the architecture's own defaults into a config, so that they cannot change later."""
    config = ARCHITECTURES[header.architecture].config(**header.config)
    return Header(header.architecture, asdict(config), header.origin, header.original_sha256)
