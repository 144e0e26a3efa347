"""Files that are no checkpoints of ours, and what they seem to be. Needs no torch."""

import shlex
from pathlib import Path

from photoenhance.errors import WeightsError
from photoenhance.zoo import archive, pickles

START_BYTES = 256  # of a file, that tell what it is
_SUFFIXES = (".pth", ".pt", ".ckpt", ".tar", ".zip", ".onnx", ".index", ".data-00000-of-00001")
_STARTS = (archive.START, pickles.OLD_START)


def holds_no_weights(start: bytes) -> str | None:
    """Say what a file is that was taken for weights, by its first bytes; None if it may be some."""
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page, not weights: a download that needed a confirmation, maybe"
    if start.startswith(b"version https://git-lfs"):
        return "not the weights but Git LFS's pointer to them"
    return None


def not_ours(path: Path) -> WeightsError:
    """The error of a file that should be a checkpoint of ours, but is another one."""
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    other = holds_no_weights(start)
    if other:
        return WeightsError(
            f"{path}: {other}", hint="Get the file again from its publisher, or another one."
        )
    is_safetensors = path.suffix == ".safetensors" and start[8:9] == b"{"
    if is_safetensors or start.startswith(_STARTS) or path.name.lower().endswith(_SUFFIXES):
        return WeightsError(
            f"{path}: not a photoenhance checkpoint, but perhaps published weights",
            hint=f"Convert them with `photoenhance models import {shlex.quote(str(path))}`, and "
            "choose them by the name that they have then.",
        )
    return WeightsError(
        f"{path}: not a photoenhance checkpoint",
        hint="Choose a .safetensors file that photoenhance has written.",
    )
