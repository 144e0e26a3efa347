"""What a run told, kept in its folder: JSON lines and, if wanted, TensorBoard's files."""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.atomic import replacing
from photoenhance.training.events import Event, Progress, Resumed, Validated

logger = logging.getLogger(__name__)

LOG = "events.jsonl"


class Curves:
    """Appends each event to the run's log.

    Args:
        folder: of the run; made by the run itself before its second event.
        tensorboard: also write the curves for TensorBoard.

    Raises:
        ConfigError: TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, *, tensorboard: bool) -> None:
        self.path = folder / LOG
        self.folder = folder
        self.writer = _writer() if tensorboard else None
        self.board: Any = None
        self._is_incomplete = False

    def add(self, event: Event) -> None:
        """Write one event."""
        if isinstance(event, Resumed):
            self._forget_after(event.step)
        record = {"event": type(event).__name__, **asdict(event)}
        self._append(json.dumps(record, default=str) + "\n")
        scalars = _scalars(event)
        if self.writer is not None and scalars:
            self._draw(scalars, record["step"])

    def _draw(self, scalars: Mapping[str, float], step: int) -> None:
        assert self.writer is not None
        try:
            self.board = self.board or self.writer(str(self.folder))
            for name, value in scalars.items():
                self.board.add_scalar(name, value, step)
            self.board.flush()
        except OSError as error:
            logger.warning("TensorBoard: cannot be written: %s; the run goes on", error.strerror)
            self.writer = None

    def _append(self, line: str) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" + line if self._is_incomplete else line)
                self._is_incomplete = False
        except OSError as error:  # the run itself needs no log
            if not self._is_incomplete:
                logger.warning(
                    "%s: cannot be written: %s; the run goes on", self.path, error.strerror
                )
            self._is_incomplete = True

    def _forget_after(self, step: int) -> None:
        """Drop what was told of steps that were lost, and will be told again."""
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= step]
        with suppress(ImageError), replacing(self.path) as file:  # a full disk
            file.write("".join(f"{line}\n" for line in kept).encode())


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line).get("step", 0))
    except ValueError:  # a line that a kill cut short
        return 1 << 62


def _scalars(event: Event) -> Mapping[str, float]:
    match event:
        case Progress(terms=terms, rate=rate, seconds=seconds):
            losses = {f"losses/{name}": value for name, value in terms.items()}
            return {**losses, "rate": rate, "seconds": seconds}
        case Validated(judgement=judgement):
            found = {
                "content": judgement.content,
                "difference": judgement.difference,
                "psnr": judgement.psnr,
                "look": judgement.look,
                "cast": None if judgement.cast is None else judgement.cast.strength,
            }
            return {
                f"validation/{name}": value for name, value in found.items() if value is not None
            }
        case _:
            return {}


def _writer() -> Callable[[str], Any]:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (an extra, and slow)
    except ImportError as error:
        raise ConfigError(
            "--tensorboard: TensorBoard is not installed",
            hint="Run: pip install 'photoenhance[train]'",
        ) from error
    return SummaryWriter
