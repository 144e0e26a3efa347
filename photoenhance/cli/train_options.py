"""Options that say what a training run learns from, and how."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

_what = partial(typer.Option, rich_help_panel="Photos")
_how = partial(typer.Option, rich_help_panel="How")
_run = partial(typer.Option, rich_help_panel="The run")

Target = Annotated[
    Path, _what(metavar="DIR", help="Folder of photos that look as you wish, thirty or more.")
]
Source = Annotated[
    Path | None,
    _what(
        metavar="DIR",
        help="Folder of ordinary photos, as you want to enhance them. Without it, your style's own "
        "photos are made plain to learn from.",
    ),
]
ValPairs = Annotated[
    Path | None,
    _what(
        metavar="DIR",
        help="Folder that holds input/ and reference/, photos of the same names before and after: "
        "the model nearest to the references is kept.",
    ),
]
Model = Annotated[
    Literal["uegan", "enlightengan", "dpe"],
    _how(
        help="Which network learns: uegan learns the look of your photos, enlightengan to light "
        "dark ones, dpe to mend snapshots."
    ),
]
Recipe = Annotated[
    str | None,
    _how(
        metavar="NAME|FILE",
        help="How to train: a name that --list-recipes lists, or a TOML file like those. "
        "Without it, our own recipe for --model.",
    ),
]
Steps = Annotated[
    int | None,
    _how(help="How often the network is corrected; the time grows with it."),
]
Width = Annotated[
    int | None,
    _how(
        help="Channels of the network: the bundled model has 16, the papers' have 32. For another "
        "width, train from nothing with --recipe photo."
    ),
]
Crop = Annotated[
    int | None, _how(help="Side in pixels of the squares that are cut out of photos to learn from.")
]
Batch = Annotated[
    int | None, _how(help="How many squares of each kind a step learns from; memory grows with it.")
]
Set = Annotated[
    list[str] | None,
    _how(
        metavar="KEY=VALUE",
        help="Any other value of the recipe, as in losses.identity=0.2. May be repeated.",
    ),
]
Init = Annotated[
    str | None,
    _how(
        metavar="MODEL",
        help="A model to begin with: a name, a file or the folder of another run, as for enhance. "
        "The default recipe begins with the bundled uegan, the others from nothing.",
    ),
]
Perceptual = Annotated[
    Path | None,
    _how(
        metavar="FILE",
        help="A VGG network (.safetensors) in whose features the structure of photos is compared, "
        "with --source. Without it, torchvision's or, where that cannot be had, the bundled "
        "model's encoder.",
    ),
]
Arithmetic = Annotated[
    Literal["auto", "fp32", "bf16"],
    _run(
        help="Precision of the arithmetic. bf16 is more than twice as fast on processors that "
        "know it; auto finds out."
    ),
]
CacheGb = Annotated[
    float, _run(min=0, help="Gigabytes of memory in which decoded photos are kept.")
]
Workers = Annotated[
    int, _run(min=1, help="Threads that decode photos and cut squares, beside the training.")
]

# What `--model` begins with; any other recipe is named by --recipe.
RECIPES = {"uegan": "style", "enlightengan": "light", "dpe": "tone"}
OURS = ("style", "photo", "snapshots", "snapshots-finish", "light", "tone")


def recipe_of(asked: str | None, model: str) -> str | Path:
    """Return the recipe that --recipe and --model ask for: its name, or its file."""
    if asked is None:
        return RECIPES[model]
    return Path(asked) if asked.endswith(".toml") else asked


def folder_of(target: Path) -> Path:
    """Return where a run goes that no --output is given for: beside its target photos."""
    named = target if target.name not in ("", "..") else target.resolve()
    return named.with_name(f"{named.name}-model")


def list_recipes(summaries: Mapping[str, str]) -> None:
    """Print the recipes with their summaries, ours before the papers'."""
    width = max(map(len, summaries))
    for name in (*OURS, *sorted(summaries.keys() - OURS)):
        typer.echo(f"{name:{width}}  {summaries[name]}")
