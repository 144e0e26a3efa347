"""ONNX files: the numbers in them, and nothing of what they would compute.

Read without the `onnx` package: a file is a protocol buffer, of which only initialisers, and which
layer uses which, matter here.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the fields' numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from photoenhance.zoo import protobuf
from photoenhance.zoo.protobuf import MalformedError

if TYPE_CHECKING:
    from torch import Tensor

FLOAT32 = 1
GRAPH = 7
MOST_PARTS = 20_000  # of a graph: layers and weights
NODE, INITIALISER = 1, 5
INPUT, KIND, ATTRIBUTE = 1, 4, 5
DIMS, DTYPE, FLOATS, NAME, RAW, ELSEWHERE = 1, 2, 4, 8, 9, 14
ALIGNED, UNWRITTEN = "align_corners", "half_pixel"


@dataclass(slots=True)
class Graph:
    """What an ONNX file says of its weights.

    Attributes:
        tensors: the float32 initialisers, by name.
        layers: each convolution and batch norm in order: its kind and its inputs' names.
        alignments: how each resizing layer treats corners, as the file words it.
    """

    tensors: "dict[str, Tensor]" = field(default_factory=dict)
    layers: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    alignments: set[str] = field(default_factory=set)

    @property
    def aligns_corners(self) -> bool | None:
        """Whether images are upsampled with aligned corners; None where nothing says so."""
        return ALIGNED in self.alignments if self.alignments else None


def read(data: bytes) -> Graph:
    """Read a file's bytes.

    Raises:
        MalformedError: it is damaged or no ONNX, or keeps its weights in other files.
    """
    graph = Graph()
    for number, value in protobuf.fields(memoryview(data)):
        if number == GRAPH:
            for part, inner in protobuf.fields(protobuf.content(value), MOST_PARTS):
                if part == INITIALISER:
                    _add_tensor(graph, protobuf.content(inner))
                elif part == NODE:
                    _add_node(graph, protobuf.content(inner))
    if not graph.tensors:
        raise MalformedError("it is no ONNX file, or one without weights")
    return graph


def _add_tensor(graph: Graph, message: memoryview) -> None:
    import torch  # noqa: PLC0415 (a catalogue is read without torch)

    shape: list[int] = []
    dtype, name, content = 0, "", memoryview(b"")
    for number, value in protobuf.fields(message):
        if number == DIMS:
            shape += protobuf.numbers(value)
        elif number == DTYPE:
            dtype = protobuf.integer(value)
        elif number == NAME:
            name = protobuf.text(value)
        elif number in (RAW, FLOATS) and not isinstance(value, int):
            content = value
        elif number == ELSEWHERE and value:
            raise MalformedError("it keeps its weights in another file, which is not supported")
    if dtype != FLOAT32:
        return  # sizes and the like
    if len(content) != 4 * math.prod(shape):
        raise MalformedError(
            f"{name!r} has {len(content)} bytes, which is not what its shape needs"
        )
    if content:
        graph.tensors[name] = torch.frombuffer(bytearray(content), dtype=torch.float32).view(shape)


def _add_node(graph: Graph, message: memoryview) -> None:
    kind, inputs, attributes = "", [], []
    for number, value in protobuf.fields(message):
        if number == INPUT:
            inputs.append(protobuf.text(value))
        elif number == KIND:
            kind = protobuf.text(value)
        elif number == ATTRIBUTE:
            attributes.append(protobuf.content(value))
    if kind in ("Conv", "BatchNormalization"):
        graph.layers.append((kind, tuple(inputs)))
    elif kind in ("Resize", "Upsample"):
        # What the standard means where nothing is written aligns no corners.
        graph.alignments.update(list(_alignments(attributes)) or [UNWRITTEN])


def _alignments(attributes: list[memoryview]) -> Iterator[str]:
    for attribute in attributes:
        parts = dict(protobuf.fields(attribute))
        if 1 in parts and protobuf.text(parts[1]) == "coordinate_transformation_mode":
            yield protobuf.text(parts.get(4, memoryview(b"")))
