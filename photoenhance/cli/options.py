"""The options of `enhance`; each can also be set as PHOTOENHANCE_<OPTION> or in a TOML file."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from photoenhance.imaging.formats import FormatName

# All can be set by the environment, so that each need not say so in the help.
_option = partial(typer.Option, show_envvar=False)
_what = partial(_option, rich_help_panel="What to enhance")
_how = partial(_option, rich_help_panel="How")
_where = partial(_option, rich_help_panel="Where results go")
_told = partial(_option, rich_help_panel="What is told")

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Photos and folders; - is standard input."),
]

Recursive = Annotated[bool, _what("-r", "--recursive/--no-recursive", help="Look into subfolders.")]
Include = Annotated[
    list[str] | None,
    _what(metavar="PATTERN", help="In folders, take only what matches, as '*.jpg'. Repeatable."),
]
Exclude = Annotated[
    list[str] | None,
    _what(metavar="PATTERN", help="In folders, leave out what matches. Repeatable."),
]
FilesFrom = Annotated[
    str | None,
    _what(metavar="FILE|-", help="Read paths from a file or standard input, one a line."),
]
Null = Annotated[
    bool,
    _what("-0", "--null", help="Paths of --files-from end with a null byte, as of find -print0."),
]
RetryFailed = Annotated[bool, _what("--retry-failed", help="Only what failed the last time.")]
AllowEmpty = Annotated[bool, _what(help="Finding no photo is no error.")]

Model = Annotated[
    str,
    _how(
        metavar="NAME|FILE|RUN",
        help="A model of `models list`, a .safetensors file, or a training run's folder.",
    ),
]
ModelOption = Annotated[
    list[str] | None,
    _how(
        metavar="KEY=VALUE",
        help="How the model's weights are used, where it leaves a choice (`models show`): "
        "context=scaled or native for DPE; align_corners, truncate, halve_wide=true or false for "
        "EnlightenGAN. Repeatable.",
    ),
]
Strength = Annotated[
    float, _how(min=0, max=1, help="From 0, the original, to 1, the model's result.")
]
Device = Annotated[str, _how(metavar="auto|cpu|cuda|cuda:N|mps", help="Where to compute.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    _how(metavar="auto|fp32|bf16|fp16", help="Of the arithmetic; auto is fp32."),
]
Rendering = Annotated[
    Literal["auto", "exact", "guided", "tone", "whole", "strips", "tiles"],
    _how(
        "--rendering",
        "--render",
        metavar="auto|exact|guided|tone",
        help="The model works on every pixel (exact), or on a small copy whose change is carried "
        "to the photo locally (guided: fast) or as one colour transform (tone: faster, and even). "
        "auto is what the model says, or guided above 3 megapixels. Or how exactly: whole, strips "
        "or tiles; exact takes what fits the free memory.",
    ),
]
WorkSize = Annotated[
    int | None,
    _how(
        min=64,
        help="Short side in pixels of the small copy. The default is the model's, or 512.",
        show_default=False,
    ),
]
Tile = Annotated[
    str,
    _how(
        metavar="auto|N|off",
        help="Rows of an exact strip or side of a tile in pixels; off is --rendering whole.",
    ),
]
MaxPixels = Annotated[
    int | None,
    _how(min=1, help="Refuse larger photos. The default is 250 million.", show_default=False),
]
FailFast = Annotated[bool, _how(help="Stop at the first failure.")]

Output = Annotated[
    str | None,
    _where(
        "-o",
        "--output",
        metavar="DIR|FILE|-",
        help="A folder, a file for one photo, or - for standard output. "
        "Without it, photos/ goes to photos-enhanced/ and a.jpg to a-enhanced.jpg.",
    ),
]
Again = Annotated[
    bool, _what("--again", help="Enhance results of photoenhance too, which are left out else.")
]
InPlace = Annotated[bool, _where("--in-place", help="Replace the photos themselves.")]
OnExists = Annotated[
    Literal["update", "skip", "overwrite", "rename", "error"],
    _where(
        metavar="POLICY",
        help="Where an output exists already: update makes it anew if settings or photo have "
        "changed, and never replaces what is no result of ours; or skip, overwrite, rename, error.",
    ),
]
# What people call formats besides our names of them.
FORMATS: dict[str, FormatName] = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "heic": "heif"}
Format = Annotated[
    Literal["jpeg", "png", "tiff", "webp", "avif", "bmp", "heif", "jpg", "jpe", "tif", "heic"]
    | None,
    _where(
        metavar="NAME",
        case_sensitive=False,
        help="Of the results: jpeg, png, tiff, webp, avif, bmp or heif; else the photo's own.",
    ),
]
Quality = Annotated[
    int | None,
    _where(
        min=1,
        max=100,
        help="Of lossy formats; without it, as near to the photo's own as can be told.",
    ),
]
StripMetadata = Annotated[bool, _where(help="Leave EXIF, XMP, IPTC and the like out.")]
NoMark = Annotated[
    bool, _where("--no-mark", help="Do not say in the results' XMP that they are enhanced.")
]
KeepDates = Annotated[bool, _where("--keep-dates", help="Give results the dates of their photos.")]

DryRun = Annotated[bool, _told("--dry-run", help="Show what would be done; write nothing.")]
Json = Annotated[bool, _told("--json", help="JSON lines on standard output.")]
Log = Annotated[Path | None, _told(metavar="FILE", help="Append the same JSON lines to a file.")]
Report = Annotated[
    str | None,
    _told(metavar="FILE", help="In the end, one HTML page of all photos before and after."),
]
ContactSheet = Annotated[
    Path | None,
    _told(metavar="FILE", help="In the end, a sheet of them to print, such as sheet.png."),
]
Quiet = Annotated[bool, _told("-q", "--quiet", help="Failures only.")]
Verbose = Annotated[bool, _told("-v", "--verbose", help="Every photo, and every step.")]
Progress = Annotated[
    bool,
    _told("--progress/--no-progress", help="A bar, where standard error is a terminal."),
]
