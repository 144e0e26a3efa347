"""What happens in a batch, as plain values: they are shown, logged and written as JSON."""

from dataclasses import dataclass
from typing import Literal

from photoenhance.errors import ExitCode

Status = Literal["ok", "skipped", "failed", "dry-run"]
Reason = Literal["done", "changed", "exists", "result", "unsupported"]
Rendering = Literal["auto", "exact", "guided", "tone", "whole", "strips", "tiles"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What every photo of a batch is enhanced with, as asked for.

    Attributes:
        model: as the user named it.
        weights_sha256: of the model's file, in hexadecimal; None if it was not loaded.
        model_options: `key=value`, how the weights are used.
        device: the chosen one; "auto" only where nothing was to be chosen yet.
        precision: of the arithmetic.
        rendering: "auto" is guided for large photos and exact for others, unless the model says
            otherwise; "exact" is what of "whole", "strips" and "tiles" fits the memory.
        tile: a tile's side, or None to choose one.
        work_size: short side of the copy that guided and tone rendering work on; None where no
            model was loaded.
        strength: 0 (the original) to 1.
        quality: of lossy formats, 1 to 100, or None for the photo's own.
        strip_metadata: whether the results carry no metadata.
        no_mark: whether the results do not say that they are some.
        keep_dates: whether the results have the dates of their photos' files.
        max_pixels: larger photos are refused; None for the reader's own limit.
    """

    model: str
    weights_sha256: str | None
    device: str
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    rendering: Rendering = "auto"
    tile: int | None = None
    work_size: int | None = None
    strength: float = 1.0
    quality: int | None = None
    strip_metadata: bool = False
    no_mark: bool = False
    keep_dates: bool = False
    max_pixels: int | None = None
    model_options: tuple[str, ...] = ()

    def words(self) -> str:
        """Return what changes a result as people would say it."""
        parts = [f"strength {self.strength:g}", self.precision]
        if self.rendering in ("guided", "tone"):
            size = f" at {self.work_size}" if self.work_size else ""
            parts.append(f"{self.rendering}{size}")
        elif self.rendering != "auto":
            parts.append("exact")
        if self.quality is not None:
            parts.append(f"quality {self.quality}")
        return ", ".join((*parts, *self.model_options))


@dataclass(frozen=True, slots=True)
class Started:
    """The batch begins; `photos` counts every job, those to be skipped included."""

    photos: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class PhotoDone:
    """One photo was dealt with, for better or worse.

    Attributes:
        input: the path as given; "-" is standard input.
        output: where the result is, or would have been; "-" is standard output.
        status: what became of it.
        message: why it was skipped or failed.
        reason: the kind of that, where it was skipped: these settings have "done" it before, and
            the result was "changed" since; the output "exists"; the photo is itself a "result";
            what a folder holds there is "unsupported".
        error_class: the name of the exception, where it failed.
        hint: what to do about it, where somebody knows.
        exit_code: what a run in which this alone went wrong ends with.
        megapixels: of the photo, where it was enhanced.
        rendering: how it was rendered, where it was.
        tile: side of the tiles, where there were any.
        precision: that it was rendered with, where it was.
        seconds: of reading, enhancing and writing it, without what it waited for other photos.
        warnings: what the user should know of the result.
    """

    input: str
    output: str
    status: Status
    message: str | None = None
    reason: Reason | None = None
    error_class: str | None = None
    hint: str | None = None
    exit_code: ExitCode = ExitCode.OK
    megapixels: float | None = None
    rendering: str | None = None
    tile: int | None = None
    precision: str | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The batch is over.

    Attributes:
        ok: photos enhanced.
        planned: photos that a rehearsal would have enhanced.
        skipped: photos left as they are on purpose.
        failed: photos that could not be enhanced.
        not_started: photos that were left when the batch ended early.
        seconds: of the whole batch.
        exit_code: what the command ends with.
    """

    ok: int
    planned: int
    skipped: int
    failed: int
    not_started: int
    seconds: float
    exit_code: ExitCode


Event = Started | PhotoDone | Finished
