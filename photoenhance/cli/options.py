"""Option types of the commands; each can be set by flag, environment or TOML file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from photoenhance.zoo.catalog import CATALOG

FormatChoice = Literal["jpeg", "png", "tiff", "webp", "avif", "bmp", "heif"]
OnExistsChoice = Literal["skip", "overwrite", "rename", "error"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16"]
RenderingChoice = Literal["auto", "whole", "strips", "tiles"]

_WHAT = "What to enhance"
_HOW = "How"
_WHERE = "Where results go"
_SAY = "What is told"


def variable(option: str) -> str:
    """The environment variable that sets an option, given the option's name in Python."""
    return f"PHOTOENHANCE_{option.upper()}"


Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Photos and folders; - is standard input."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR|FILE|-",
        help="A folder, a file for one photo, or - for standard output. "
        "Without it, photos/ goes to photos-enhanced/ and a.jpg to a-enhanced.jpg.",
        rich_help_panel=_WHERE,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="|".join((*CATALOG, "FILE", "RUN")),
        envvar=variable("model"),
        help="A model of `models list`, a .safetensors file, or a training run's folder.",
        rich_help_panel=_HOW,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        envvar=variable("strength"),
        help="From 0, the original, to 1, the model's result.",
        rich_help_panel=_HOW,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda|cuda:N|mps",
        envvar=variable("device"),
        help="Where to compute.",
        rich_help_panel=_HOW,
    ),
]
Precision = Annotated[
    PrecisionChoice,
    typer.Option(envvar=variable("precision"), help="Of the arithmetic.", rich_help_panel=_HOW),
]
Rendering = Annotated[
    RenderingChoice,
    typer.Option(
        envvar=variable("rendering"),
        help="Photos at once or in exact pieces; auto fits the free memory.",
        rich_help_panel=_HOW,
    ),
]
Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|N|off",
        envvar=variable("tile"),
        help="Rows of a strip or side of a tile in pixels; off is --rendering whole.",
        rich_help_panel=_HOW,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar=variable("max_pixels"),
        help="Refuse larger photos; the reader has a limit of its own.",
        rich_help_panel=_HOW,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "-r",
        "--recursive/--no-recursive",
        envvar=variable("recursive"),
        help="Look into subfolders.",
        rich_help_panel=_WHAT,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="In folders, take only what matches, as in '*.jpg'. May be repeated.",
        rich_help_panel=_WHAT,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="In folders, leave out what matches. May be repeated.",
        rich_help_panel=_WHAT,
    ),
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-",
        help="Read paths from a file or standard input, one a line.",
        rich_help_panel=_WHAT,
    ),
]
Null = Annotated[
    bool,
    typer.Option(
        "-0",
        "--null",
        help="The paths of --files-from end with a null byte, as find -print0 writes them.",
        rich_help_panel=_WHAT,
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Only what failed the last time.", rich_help_panel=_WHAT),
]
AllowEmpty = Annotated[
    bool,
    typer.Option(
        "--allow-empty/--no-allow-empty",
        envvar=variable("allow_empty"),
        help="Finding no photo is no error.",
        rich_help_panel=_WHAT,
    ),
]
InPlace = Annotated[
    bool,
    typer.Option("--in-place", help="Replace the photos themselves.", rich_help_panel=_WHERE),
]
OnExists = Annotated[
    OnExistsChoice,
    typer.Option(
        envvar=variable("on_exists"),
        help="What to do where an output exists already.",
        rich_help_panel=_WHERE,
    ),
]
Format = Annotated[
    FormatChoice | None,
    typer.Option(
        envvar=variable("format"),
        help="Of the results; without it, the photo's own.",
        rich_help_panel=_WHERE,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100,
        envvar=variable("quality"),
        help="Of lossy formats; without it, as near to the photo's own as can be told.",
        rich_help_panel=_WHERE,
    ),
]
StripMetadata = Annotated[
    bool,
    typer.Option(
        "--strip-metadata/--no-strip-metadata",
        envvar=variable("strip_metadata"),
        help="Leave EXIF, XMP, IPTC and the like out of the results.",
        rich_help_panel=_WHERE,
    ),
]
FailFast = Annotated[
    bool,
    typer.Option(
        "--fail-fast/--no-fail-fast",
        envvar=variable("fail_fast"),
        help="Stop at the first failure.",
        rich_help_panel=_HOW,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show what would be done; write nothing.", rich_help_panel=_SAY),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="JSON lines on standard output.", rich_help_panel=_SAY),
]
Log = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar=variable("log"),
        help="Append the same JSON lines to a file.",
        rich_help_panel=_SAY,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "-q", "--quiet", envvar=variable("quiet"), help="Errors only.", rich_help_panel=_SAY
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "-v",
        "--verbose",
        envvar=variable("verbose"),
        help="Every photo, and what libraries say.",
        rich_help_panel=_SAY,
    ),
]
Progress = Annotated[
    bool,
    typer.Option(
        "--progress/--no-progress",
        envvar=variable("progress"),
        help="A progress bar, where standard error is a terminal.",
        rich_help_panel=_SAY,
    ),
]
