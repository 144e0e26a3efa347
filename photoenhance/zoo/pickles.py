"""PyTorch's own files: looked through for what they would do, then read by torch's safe reader.

`torch.load(weights_only=True)` calls only what it knows. That still lets a file ask for any amount
of memory, so the file's instructions are read first, without following any of them.
"""

import io
import pickle
import pickletools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from photoenhance.zoo import archive
from photoenhance.zoo.archive import refused

MOST_INSTRUCTIONS = 1_000_000
MOST_BYTES = 1 << 25  # of instructions; a published file has less than 1 MB of them
OLD_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's number of its old format
LENGTH_BYTES = 8  # before each storage in the old format
OLD_PICKLES = 5  # that number, a version, the machine, the object, and the storages' order

ITEM_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
CALLS = frozenset(
    {
        "collections OrderedDict",
        "collections Counter",  # in the state of a learning rate's schedule
        "torch Size",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {name}" for name in ITEM_BYTES),
    }
)
_CONSTANTS = {"NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT"}
_NUMBERS = {"BININT", "BININT1", "BININT2", "LONG1"}
_TEXTS = {"BINUNICODE", "SHORT_BINSTRING"}
_STRUCTURE = {
    *("PROTO", "STOP", "MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS"),
    *("SETITEM", "SETITEMS", "REDUCE", "BUILD", "GLOBAL", "BINPERSID"),
}
_PUTS, _GETS = {"BINPUT", "LONG_BINPUT"}, {"BINGET", "LONG_BINGET"}
_KNOWN = _CONSTANTS | _NUMBERS | _TEXTS | _STRUCTURE | _PUTS | _GETS


@dataclass(frozen=True, slots=True)
class Storage:
    """An array of numbers that a file refers to.

    Attributes:
        kind: its class in torch, as "FloatStorage".
        key: its name in the file.
        count: how many numbers the file says it has.
    """

    kind: str
    key: str
    count: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.count * ITEM_BYTES[self.kind]


@dataclass(slots=True)
class _Reader:
    """Follows as much of a pickle as it takes to know each storage it refers to."""

    path: Path
    storages: dict[str, Storage] = field(default_factory=dict)
    memo: dict[int, Any] = field(default_factory=dict)
    since_mark: list[Any] = field(default_factory=list)

    def read(self, stream: io.BytesIO) -> None:
        """Go through one pickle.

        Raises:
            WeightsError: it is damaged, endless, or would do what no weights need.
        """
        self.memo.clear()
        try:
            for count, (code, argument, _) in enumerate(pickletools.genops(stream)):
                if count > MOST_INSTRUCTIONS:
                    raise refused(self.path, "it has far too many instructions for weights")
                self._follow(code.name, argument)
        except (ValueError, OverflowError, MemoryError, IndexError) as error:
            raise refused(self.path, f"its pickle is damaged ({error})") from error

    def _follow(self, name: str, argument: Any) -> None:
        if name not in _KNOWN:
            wanted = f" {argument!r:.80}" if argument is not None else ""
            raise refused(self.path, f"its pickle has the instruction {name}{wanted}")
        if name == "GLOBAL":
            if argument not in CALLS:
                called = argument.replace(" ", ".")
                raise refused(
                    self.path, f"its pickle wants to call {called!r:.80}, not only hold weights"
                )
            self.since_mark.append(argument)
        elif name == "MARK":
            self.since_mark = []
        elif name in _NUMBERS | _TEXTS:
            self.since_mark.append(argument)
        elif name in _GETS:
            self.since_mark.append(self.memo.get(argument))
        elif name in _PUTS:
            self.memo[argument] = self.since_mark[-1] if self.since_mark else None
        elif name == "BINPERSID":
            self._refer()
        else:
            self.since_mark.append(name)

    def _refer(self) -> None:
        """Note the storage that the tuple just made refers to; anything unusual is refused."""
        match self.since_mark:
            case ["storage", str(called), str(key), str(), int(count), *rest, "TUPLE"] if (
                set(rest) <= {"NONE"} and called.partition(" ")[2] in ITEM_BYTES and count >= 0
            ):
                storage = Storage(called.partition(" ")[2], key, count)
            case _:
                raise refused(self.path, "its pickle refers to numbers in an unusual way")
        if self.storages.setdefault(key, storage) != storage:
            raise refused(self.path, f"its pickle contradicts itself about the storage {key!r}")


def is_new(path: Path) -> bool:
    """Whether an archive is one that torch has written."""
    with archive.opened(path) as members:
        return any(PurePosixPath(name).name == "data.pkl" for name in members.namelist())


def read(path: Path) -> Any:
    """Read a file that `torch.save` has written, in its old or its new format.

    Returns:
        What was saved, of dicts, lists, numbers, texts and tensors.

    Raises:
        WeightsError: it is damaged, lies about its sizes, or wants more than to hold weights.
    """
    import torch  # noqa: PLC0415 (a catalogue is read without torch)

    with path.open("rb") as file:
        is_old = file.read(len(OLD_START)) == OLD_START
    _check_old(path) if is_old else _check_new(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (
        *(pickle.UnpicklingError, RuntimeError, EOFError, OSError, MemoryError, ValueError),
        *(TypeError, KeyError, IndexError, AttributeError, OverflowError),
    ) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise refused(path, f"torch cannot read it safely ({reason[0]:.200})") from error


def _check_old(path: Path) -> None:
    with path.open("rb") as file:
        stream = io.BytesIO(file.read(MOST_BYTES))
    reader = _Reader(path)
    for _ in range(OLD_PICKLES):
        reader.read(stream)
    has = path.stat().st_size - stream.tell()
    needs = sum(LENGTH_BYTES + storage.size for storage in reader.storages.values())
    if needs > has:
        raise refused(path, f"it declares {needs:,} bytes of numbers but has only {has:,}")


def _check_new(path: Path) -> None:
    with archive.opened(path) as members:
        instructions = [name for name in members.namelist() if name.endswith("/data.pkl")]
        if len(instructions) != 1:
            raise refused(path, "it has no data.pkl, or several")
        stream = io.BytesIO(archive.read(members, instructions[0], most=MOST_BYTES))
        reader = _Reader(path)
        reader.read(stream)
        root = instructions[0].removesuffix("data.pkl")
        for problem in _problems(members, root, reader.storages):
            raise refused(path, problem)


def _problems(members: zipfile.ZipFile, root: str, storages: dict[str, Storage]) -> Iterator[str]:
    sizes = {member.filename: member.file_size for member in members.infolist()}
    if len(sizes) != len(members.infolist()):
        yield "two of its members have the same name"
    for member in members.infolist():
        if member.compress_type != zipfile.ZIP_STORED:
            yield f"its member {member.filename!r} is compressed, which torch never does"
    for storage in storages.values():
        has = sizes.get(f"{root}data/{storage.key}")
        if has != storage.size:
            yield f"it declares {storage.size:,} bytes for storage {storage.key!r} but has {has}"
