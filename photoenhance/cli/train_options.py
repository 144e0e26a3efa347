"""Options that say what a training run learns from, and how."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

_what = partial(typer.Option, rich_help_panel="Photos")
_how = partial(typer.Option, rich_help_panel="How")
_run = partial(typer.Option, rich_help_panel="The run")

Target = Annotated[Path, _what(metavar="DIR", help="Photos that look as you wish.")]
Source = Annotated[
    Path | None,
    _what(
        metavar="DIR",
        help="Ordinary photos to learn from as well. Without them, all sources are target photos "
        "made worse.",
    ),
]
ValPairs = Annotated[
    Path | None,
    _what(
        metavar="DIR",
        help="Folder with input/ and reference/, by which the best model is chosen.",
    ),
]
Model = Annotated[
    Literal["uegan", "enlightengan", "dpe"],
    _how(help="Which network, by our own recipe for it."),
]
Recipe = Annotated[
    str | None,
    _how(metavar="NAME|FILE", help="A recipe of --list-recipes, or a TOML file like those."),
]
Steps = Annotated[int | None, _how(help="Updates.")]
Width = Annotated[int | None, _how(help="Of the network: 16 is fast, 32 the papers'.")]
Crop = Annotated[int | None, _how(help="Side of the crops in pixels.")]
Batch = Annotated[int | None, _how(help="Sources and targets a step.")]
Set = Annotated[
    list[str] | None,
    _how(
        metavar="KEY=VALUE",
        help="Any other value of the recipe, as in losses.identity=0.2. May be repeated.",
    ),
]
Init = Annotated[str | None, _how(metavar="MODEL", help="A model to begin with, as for enhance.")]
Perceptual = Annotated[
    Path | None,
    _how(
        metavar="FILE",
        help="A truncated VGG (.safetensors) for the fidelity loss. Without it, torchvision's VGG "
        "or, where that cannot be had, the bundled model's encoder.",
    ),
]
Arithmetic = Annotated[
    Literal["auto", "fp32", "bf16"],
    _run(help="bf16 is more than twice as fast where the processor knows it; auto asks it."),
]
CacheGb = Annotated[float, _run(min=0, help="Memory for decoded photos.")]
Workers = Annotated[int, _run(min=1, help="Threads that prepare photos.")]

# What `--model` begins with; any other recipe is named by --recipe.
RECIPES = {"uegan": "photo", "enlightengan": "light", "dpe": "tone"}


def recipe_of(asked: str | None, model: str) -> str | Path:
    """Return the recipe that --recipe and --model ask for: its name, or its file."""
    if asked is None:
        return RECIPES[model]
    return Path(asked) if asked.endswith(".toml") else asked


def folder_of(target: Path) -> Path:
    """Return where a run goes that no --output is given for: beside its target photos."""
    named = target if target.name not in ("", "..") else target.resolve()
    return named.with_name(f"{named.name}-model")
