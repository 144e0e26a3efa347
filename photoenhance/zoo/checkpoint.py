"""Our file format: safetensors, with a header that says what the tensors are."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoenhance.errors import WeightsError
from photoenhance.imaging.atomic import replacing
from photoenhance.zoo.catalog import ConfigValue
from photoenhance.zoo.foreign import not_ours

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "photoenhance-1"
MOST_HEADER_BYTES = 1 << 20
MOST_BYTES = 1 << 30  # of a file; the largest published one has a tenth of that
DIGEST = "content_sha256"  # of the header without it, and of the tensors


@dataclass(frozen=True, slots=True)
class Header:
    """What a checkpoint says of itself.

    Attributes:
        architecture: a name of `networks.ARCHITECTURES`.
        config: the fields of that architecture's config.
        origin: where the weights come from, in words.
        original_sha256: of the file that they were imported from.
    """

    architecture: str
    config: Mapping[str, ConfigValue]
    origin: str
    original_sha256: str | None = None


def write(
    path: Path, tensors: Mapping[str, "Tensor"], header: Header, *, half: bool = False
) -> None:
    """Write tensors and header; the file appears whole or not at all.

    Args:
        path: the file, which may exist.
        tensors: a state dict.
        header: what they are.
        half: store float16, for files that travel; float32 what is too large for it.

    Raises:
        ImageError: the system refused to write the file.
    """
    import torch  # noqa: PLC0415 (headers are read without torch)
    from safetensors.torch import save  # noqa: PLC0415 (headers are read without torch)

    most = torch.finfo(torch.float16).max

    def stored(tensor: "Tensor") -> "Tensor":
        tensor = tensor.detach().cpu().contiguous()
        if not tensor.is_floating_point():
            return tensor  # counters stay integers: half precision ends at 65,504 steps
        fits = bool((tensor.abs() <= most).all())  # running variances may not
        return tensor.to(torch.float16 if half and fits else torch.float32)

    content = save(
        {name: stored(tensor) for name, tensor in tensors.items()}, metadata=_metadata(header)
    )
    with replacing(path) as file:
        file.write(_signed(content))


def _metadata(header: Header) -> dict[str, str]:
    metadata = {
        "format": FORMAT,
        "architecture": header.architecture,
        "config": json.dumps(dict(header.config), sort_keys=True),
        "origin": header.origin,
    }
    if header.original_sha256:
        metadata["original_sha256"] = header.original_sha256
    return metadata


def _signed(content: bytes) -> bytes:
    """Put the digest of a safetensors file into its header."""
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    header["__metadata__"][DIGEST] = _digest(header, data)
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin on a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + data


def _digest(header: dict[str, Any], data: bytes) -> str:
    metadata = {name: value for name, value in header["__metadata__"].items() if name != DIGEST}
    text = json.dumps(header | {"__metadata__": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode() + data).hexdigest()


def is_intact(path: Path) -> bool | None:
    """Whether a checkpoint still has the content that it was written with.

    Returns:
        None where it cannot tell, as older ones cannot.

    Raises:
        WeightsError: the file is missing, too damaged to be read, or none of ours.
    """
    read_header(path)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    digest = header["__metadata__"].get(DIGEST)
    return digest and digest == _digest(header, content[8 + length :])


def read_header(path: Path) -> Header:
    """Read what a checkpoint says of itself, without its tensors and without torch.

    Raises:
        WeightsError: the file is missing, damaged, or none of ours.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WeightsError(
                f"{path}: too large for a checkpoint: over {MOST_BYTES:,} bytes",
                hint="Choose a file that photoenhance has written.",
            )
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= MOST_HEADER_BYTES:
                raise not_ours(path)
            content = json.loads(file.read(length))
        metadata = content["__metadata__"]
        if metadata["format"] != FORMAT:
            raise not_ours(path)
        config = json.loads(metadata["config"])
        original = metadata.get("original_sha256")
        return Header(metadata["architecture"], config, metadata["origin"], original)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file", hint="Check the path.") from error
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}", hint="Check the file's rights.") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise not_ours(path) from error


def read(path: Path) -> tuple[Header, dict[str, "Tensor"]]:
    """Read a checkpoint; its tensors come back as float32, counters as integers.

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
    return header, {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
