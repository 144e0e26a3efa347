import struct
from pathlib import Path

import pytest
import torch

from photoenhance.errors import WeightsError
from photoenhance.zoo import checkpoint
from photoenhance.zoo.checkpoint import Header

HEADER = Header("uegan", {"width": 8}, "a test")


def test_a_header_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"

    checkpoint.write(path, {"x": torch.ones(3)}, HEADER)

    assert checkpoint.read_header(path) == HEADER
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path: Path) -> None:
    tensors = {"x": torch.rand(4000)}

    checkpoint.write(tmp_path / "whole", tensors, HEADER)
    checkpoint.write(tmp_path / "half", tensors, HEADER, half=True)

    sizes = [(tmp_path / name).stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    _, read = checkpoint.read(tmp_path / "half")
    assert read["x"].dtype == torch.float32
    torch.testing.assert_close(read["x"], tensors["x"], rtol=1e-3, atol=1e-3)


def test_what_is_too_large_for_half_precision_stays_as_it_is(tmp_path: Path) -> None:
    variance = torch.tensor([5532.4, 119384.7])

    checkpoint.write(tmp_path / "half", {"running_var": variance}, HEADER, half=True)

    _, read = checkpoint.read(tmp_path / "half")
    torch.testing.assert_close(read["running_var"], variance)


def test_counters_survive_half_precision(tmp_path: Path) -> None:
    counter = torch.tensor(70_001)

    checkpoint.write(tmp_path / "half", {"n": counter}, HEADER, half=True)

    _, read = checkpoint.read(tmp_path / "half")
    assert torch.equal(read["n"], counter)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 12) + b"\xff" * 12,
        struct.pack("<Q", 2) + b"[]",
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match="not a photoenhance checkpoint"):
        checkpoint.read(path)


def test_a_truncated_checkpoint_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, {"x": torch.rand(4000)}, HEADER)
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(WeightsError, match="damaged"):
        checkpoint.read(path)


def test_a_missing_checkpoint_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        checkpoint.read_header(tmp_path / "none.safetensors")
