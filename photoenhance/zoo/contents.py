"""What lies in a file of weights, whichever of the known formats it has.

Nothing is executed and nothing unpacked to disk; what a file claims is compared with what it has
before memory is taken for it.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.zoo import (
    archive,
    bundle,
    checkpoint,
    dpe_names,
    foreign,
    layouts,
    onnx_file,
    pickles,
    store,
)
from photoenhance.zoo.archive import refused
from photoenhance.zoo.catalog import ConfigValue
from photoenhance.zoo.checkpoint import MOST_BYTES, MOST_HEADER_BYTES
from photoenhance.zoo.layouts import UnknownLayoutError, Weights
from photoenhance.zoo.protobuf import MalformedError

INDEX, DATA = ".index", ".data-00000-of-00001"
MOST_INDEX_BYTES = 1 << 22
MOST_DATA_BYTES = 1 << 28  # in an archive; the largest published one has an eighth of that
KNOWN = (
    "Choose a .pth file of UEGAN or EnlightenGAN, an .onnx file of EnlightenGAN, DPE's .index or "
    ".zip, a .safetensors file, or a training run."
)


class Layout(StrEnum):
    """What a file of weights is, in words."""

    UEGAN_TRAINING = "UEGAN's training file"
    STATE_DICT = "PyTorch's state dict"
    ONNX = "ONNX"
    DPE_CHECKPOINT = "DPE's TensorFlow checkpoint"
    OURS = "a checkpoint of photoenhance"
    SAFETENSORS = "safetensors without our header"


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The weights in a file.

    Attributes:
        layout: what the file is.
        weights: what is in it.
        config: what the file, and not the shapes, tells of the config.
        origin: what the file says of where its weights come from.
        proofs: ids of its tensors, as of `catalog.Published`.
    """

    layout: Layout
    weights: Weights
    config: Mapping[str, ConfigValue] = field(default_factory=dict)
    origin: str | None = None
    proofs: frozenset[str] = frozenset()


def located(path: Path) -> Path:
    """The file that a path means: of a training run, a TensorFlow checkpoint, or itself.

    Raises:
        WeightsError: there is none, or it is too large for weights.
    """
    if path.is_dir():
        indexes = sorted(path.glob(f"*{INDEX}"))
        if (path / store.RUN_FILE).is_file():
            path = path / store.RUN_FILE
        elif len(indexes) == 1:
            path = indexes[0]
        else:
            raise WeightsError(f"{path}: this folder is no training run", hint=KNOWN)
    elif path.name.endswith(DATA):
        path = path.with_name(path.name.removesuffix(DATA) + INDEX)
    elif not path.exists() and path.with_name(path.name + INDEX).is_file():
        path = path.with_name(path.name + INDEX)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file", hint="Check the path.")
    if path.stat().st_size > MOST_BYTES:
        raise refused(path, f"it is larger than {MOST_BYTES:,} bytes, which no weights are")
    return path


def numbers_of(path: Path) -> Path:
    """The file with the numbers: of a TensorFlow checkpoint the one beside its index."""
    if path.name.endswith(INDEX):
        return path.with_name(path.name.removesuffix(INDEX) + DATA)
    return path


def read(path: Path, member: str | None = None) -> Contents:
    """Read the weights in a file.

    Args:
        path: as `located` gives it.
        member: of several models in an archive, what the wanted one's path contains.

    Raises:
        WeightsError: it cannot be read, is of no known format or architecture, or must not be
            read because it is damaged or wants more than to hold weights.
    """
    try:
        return _reader(path, member)(path)
    except MalformedError as error:
        raise refused(path, str(error)) from error
    except UnknownLayoutError as error:
        raise WeightsError(f"{path}: holds {error}", hint=KNOWN) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError(f"{path}: cannot be read: {reason}", hint="Check the file.") from error


def _reader(path: Path, member: str | None) -> Callable[[Path], Contents]:
    """Choose how to read a file, by its first and last bytes."""
    with path.open("rb") as file:
        start = file.read(foreign.START_BYTES)
        file.seek(max(path.stat().st_size - bundle.FOOTER_BYTES, 0))
        end = file.read()
    if start.startswith(archive.START):
        return _read_torch if pickles.is_new(path) else lambda file: _read_archive(file, member)
    if start.startswith(pickles.OLD_START):
        return _read_torch
    if bundle.is_index(end):
        return _read_bundle
    if start[8:9] == b"{" and struct.unpack("<Q", start[:8])[0] <= MOST_HEADER_BYTES:
        return _read_safetensors
    if path.suffix.lower() == ".onnx" and not start.lstrip().startswith((b"<", b"version ")):
        return _read_onnx
    what = foreign.holds_no_weights(start) or "of no known format, or damaged"
    raise WeightsError(f"{path}: {what}", hint=KNOWN)


def _read_torch(path: Path) -> Contents:
    saved = pickles.read(path)
    has_more = isinstance(saved, dict) and "G_net" in saved
    tensors = saved["G_net"] if has_more else saved
    return Contents(
        Layout.UEGAN_TRAINING if has_more else Layout.STATE_DICT,
        layouts.recognise(_tensors(path, tensors)),
    )


def _tensors(path: Path, saved: Any) -> dict[str, Tensor]:
    if not isinstance(saved, dict) or not saved:
        raise refused(path, "it holds no state dict")
    for name, tensor in saved.items():
        if not (isinstance(name, str) and isinstance(tensor, Tensor)):
            raise refused(path, f"{name!r:.60} in it is no tensor, so it is no state dict")
    return saved


def _read_safetensors(path: Path) -> Contents:
    from safetensors.torch import load_file  # noqa: PLC0415 (as elsewhere, when it is needed)

    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise refused(path, f"it is damaged ({error})") from error
    try:
        header = checkpoint.read_header(path)
    except WeightsError:  # somebody else's, which has no header of ours
        return Contents(Layout.SAFETENSORS, layouts.recognise(tensors))
    weights = Weights(header.architecture, header.config, tensors)
    return Contents(Layout.OURS, weights, origin=header.origin)


def _read_onnx(path: Path) -> Contents:
    data = path.read_bytes()
    graph = onnx_file.read(data)
    weights, aligned = layouts.from_graph(graph), graph.aligns_corners
    config: dict[str, ConfigValue] = {}
    if weights.architecture == "enlightengan" and aligned is not None:
        config["align_corners"] = aligned
    proofs = frozenset({store.git_blob(data)})
    return Contents(Layout.ONNX, weights, config, proofs=proofs)


def _read_bundle(path: Path) -> Contents:
    data = numbers_of(path)
    if not data.is_file():
        hint = "Put it beside the index, or choose the archive of both."
        raise WeightsError(f"{path}: {data.name} is not beside it", hint=hint)
    if max(path.stat().st_size, data.stat().st_size) > MOST_BYTES:
        raise refused(path, f"it is larger than {MOST_BYTES:,} bytes, which no weights are")
    return _from_bundle(path.read_bytes(), data.read_bytes())


def _read_archive(path: Path, member: str | None) -> Contents:
    with archive.opened(path) as members:
        names = members.namelist()
        wanted = _wanted(path, names, member)
        index = archive.read(members, wanted + INDEX, most=MOST_INDEX_BYTES)
        return _from_bundle(index, archive.read(members, wanted + DATA, most=MOST_DATA_BYTES))


def _wanted(path: Path, names: list[str], member: str | None) -> str:
    """Choose one of the TensorFlow checkpoints in an archive."""
    found = [name.removesuffix(INDEX) for name in names if name.endswith(INDEX)]
    found = [name for name in found if name + DATA in names]
    if not found:
        raise refused(path, "it is an archive without any TensorFlow checkpoint")
    chosen = [name for name in found if member is None or member in name]
    # The authors' copies for use are named so; those for training lie beside them.
    chosen = [name for name in chosen if "-new" in PurePosixPath(name).name] or chosen
    if len(chosen) != 1:
        raise WeightsError(
            f"{path}: has {len(chosen) or 'none'} of these checkpoints: {', '.join(found)}",
            hint="Choose one by a part of its path with --member.",
        )
    return chosen[0]


def _from_bundle(index: bytes, data: bytes) -> Contents:
    entries = bundle.entries(index)
    names = [name for name in entries if dpe_names.NETWORK.match(name)]
    if not names:
        raise UnknownLayoutError("a TensorFlow checkpoint, but not DPE's")
    sums = dpe_names.generator_sums({name: entries[name].crc for name in names})
    return Contents(
        Layout.DPE_CHECKPOINT,
        layouts.recognise(bundle.tensors(entries, names, data)),
        proofs=frozenset({bundle.fingerprint(sums), store.git_blob(data)}),
    )
