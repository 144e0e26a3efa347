"""Our file format: safetensors, with a header that says what the tensors are."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photoenhance.errors import WeightsError
from photoenhance.imaging.atomic import replacing

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "photoenhance-1"
MOST_HEADER_BYTES = 1 << 20

ConfigValue = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Header:
    """What a checkpoint says of itself.

    Attributes:
        architecture: a name of `networks.ARCHITECTURES`.
        config: the fields of that architecture's config.
        origin: where the weights come from, in words.
    """

    architecture: str
    config: Mapping[str, ConfigValue]
    origin: str


def write(
    path: Path, tensors: Mapping[str, "Tensor"], header: Header, *, half: bool = False
) -> None:
    """Write tensors and header; the file appears whole or not at all.

    Args:
        path: the file, which may exist.
        tensors: a state dict.
        header: what they are.
        half: store float16, for files that travel.

    Raises:
        ImageError: the system refused to write the file.
    """
    import torch  # noqa: PLC0415 (headers are read without torch)
    from safetensors.torch import save  # noqa: PLC0415 (headers are read without torch)

    dtype = torch.float16 if half else torch.float32
    content = save(
        {name: tensor.detach().cpu().to(dtype).contiguous() for name, tensor in tensors.items()},
        metadata={
            "format": FORMAT,
            "architecture": header.architecture,
            "config": json.dumps(dict(header.config), sort_keys=True),
            "origin": header.origin,
        },
    )
    with replacing(path) as file:
        file.write(content)


def read_header(path: Path) -> Header:
    """Read what a checkpoint says of itself, without its tensors and without torch.

    Raises:
        WeightsError: the file is missing, damaged, or none of ours.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= MOST_HEADER_BYTES:
                raise _not_ours(path)
            content = json.loads(file.read(length))
        metadata = content["__metadata__"]
        if metadata["format"] != FORMAT:
            raise _not_ours(path)
        config = json.loads(metadata["config"])
        return Header(metadata["architecture"], config, metadata["origin"])
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file", hint="Check the path.") from error
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}", hint="Check the file's rights.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise _not_ours(path) from error


def read(path: Path) -> tuple[Header, dict[str, "Tensor"]]:
    """Read a checkpoint; its tensors come back as float32.

    Raises:
        WeightsError: the file is missing, damaged, or none of ours.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 (headers are read without torch)
    from safetensors.torch import load_file  # noqa: PLC0415 (headers are read without torch)

    header = read_header(path)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        msg = f"{path}: damaged ({error})"
        raise WeightsError(msg, hint="Copy or download the file again.") from error
    return header, {name: tensor.float() for name, tensor in tensors.items()}


def _not_ours(path: Path) -> WeightsError:
    return WeightsError(
        f"{path}: not a photoenhance checkpoint",
        hint="Choose a .safetensors file that photoenhance has written.",
    )
