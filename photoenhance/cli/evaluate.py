"""`photoenhance evaluate`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from photoenhance.cli.choice import (
    files_of,
    maker_of,
    metrics_of,
    pairs_of,
    sums_of,
    tell_choice,
)
from photoenhance.cli.command import about
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.options import Device, Json, Precision, Progress, Quiet, Strength
from photoenhance.cli.render import check_records
from photoenhance.errors import ConfigError
from photoenhance.metrics.catalog import METRICS
from photoenhance.metrics.protocol import PROTOCOLS

if TYPE_CHECKING:
    from photoenhance.imaging.photo import Photo
    from photoenhance.inference.enhancer import Enhancer

_Exact = Literal["fp32", "bf16", "fp16"]
_what = partial(typer.Option, rich_help_panel="What to judge")
_how = partial(typer.Option, rich_help_panel="By what")
_told = partial(typer.Option, rich_help_panel="What is told")


def evaluate(  # noqa: PLR0913 (Typer reads the options from the signature)
    *,
    inputs: Annotated[Path, _what(metavar="DIR", help="Photos.")],
    references: Annotated[
        Path | None,
        _what(metavar="DIR", help="How they should look, by the same names; suffixes may differ."),
    ] = None,
    model: Annotated[
        list[str] | None,
        _what(
            metavar="NAME|FILE|RUN",
            help="A model of `models list`, a .safetensors file, or a training run's folder, to "
            "enhance them with in memory. Repeatable: models are judged side by side, beside the "
            "inputs. Without any, the inputs are judged as they are.",
        ),
    ] = None,
    recursive: Annotated[
        bool, _what("-r", "--recursive/--no-recursive", help="Look into subfolders.")
    ] = False,
    metrics: Annotated[
        str | None,
        _how(
            metavar="NAME,...",
            help=f"Some of {', '.join(METRICS)}. Without it, all that can be had.",
        ),
    ] = None,
    protocol: Annotated[
        Literal["standard", "scikit-image", "uegan"],
        _how(
            metavar="standard|scikit-image|uegan",
            help="How PSNR and SSIM are taken. standard: SSIM in its authors' Gaussian window; "
            "scikit-image: in a uniform one; uegan: in that one, in 8 bits and without a border "
            "of 4 pixels, and its published means, sums over n-1, beside the true ones.",
        ),
    ] = "standard",
    niqe_parameters: Annotated[
        Path | None,
        _how(
            metavar="FILE",
            help="What NIQE compares with: its authors' niqe_pris_params.npz, as in BasicSR.",
        ),
    ] = None,
    lpips_weights: Annotated[
        Path | None, _how(metavar="FILE", help="AlexNet and LPIPS's own weights (.safetensors).")
    ] = None,
    nima_weights: Annotated[
        Path | None, _how(metavar="FILE", help="A NIMA on MobileNetV2 (.safetensors).")
    ] = None,
    strength: Strength = 1.0,
    device: Device = "auto",
    precision: Precision = "auto",
    csv: Annotated[
        Path | None, _told(metavar="FILE", help="Write a line for each photo and model.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    progress: Progress = True,
) -> None:
    """Judge photos, or what models make of them: with references or without.

    The tables go to standard output. Photos that cannot be read are named, the others judged.
    """
    names = tuple(dict.fromkeys(model or ()))
    files = files_of({"niqe": niqe_parameters, "lpips": lpips_weights, "nima": nima_weights})
    pairs = pairs_of(inputs, references, is_recursive=recursive)
    with about("metrics"):
        cards = metrics_of(
            metrics, files, has_references=references is not None, has_models=bool(names)
        )
    if csv:
        _check_csv(csv)
    sums = sums_of(cards, files)
    with leaving_at_once(), _needing_scikit_image():
        from photoenhance.cli.scoreboard import showing
        from photoenhance.cli.scores import Scores, Setting, write_csv
        from photoenhance.metrics.evaluate import check_sizes
        from photoenhance.metrics.evaluate import evaluate as judge
        from photoenhance.metrics.measures import measures

    judges = measures([card.name for card in cards], files, PROTOCOLS[protocol])
    exact: _Exact = "fp32" if precision == "auto" else precision
    models = _models(names, device, exact, strength)
    setting = Setting(
        pairs=pairs,
        cards=cards,
        files=sums,
        protocol=PROTOCOLS[protocol],
        models={name: model.sha256 for name, model in models.items()},
        device=next((str(model.enhancer.device) for model in models.values()), None),
        precision=exact,
        strength=strength,
        maker=maker_of(pairs),
    )
    scores = Scores(setting)
    check_sizes(pairs)
    tell_choice(metrics, cards, files, sums)
    enhancers = {name: model.enhance for name, model in models.items()}
    with showing(scores, json=json, quiet=quiet, progress=progress) as show:
        for event in judge(pairs, enhancers, judges):
            show(event)
        if csv:  # before the tables, which may not find their way to a screen
            write_csv(csv, scores)
    raise typer.Exit(scores.exit_code)


def _check_csv(file: Path) -> None:
    if not file.absolute().parent.is_dir():
        raise ConfigError(
            f"{file}: its folder does not exist", hint="Make the folder first.", options=("csv",)
        )
    try:
        check_records(file, b"photo,model,", "table", "csv")
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror}",
            hint="Name another file after --csv.",
            options=("csv",),
        ) from error


@dataclass(frozen=True, slots=True)
class _Model:
    enhancer: "Enhancer"
    sha256: str

    def enhance(self, photo: "Photo") -> "Photo":
        return self.enhancer.enhance(photo).photo


def _models(
    names: Sequence[str], device: str, precision: _Exact, strength: float
) -> dict[str, _Model]:
    if not names and device == "auto":  # torch, which is slow to load, is not needed
        return {}
    with leaving_at_once():
        from photoenhance.inference.device import choose
        from photoenhance.inference.enhancer import Enhancer
        from photoenhance.metrics.evaluate import INPUTS
        from photoenhance.zoo.load import load_generator

    if INPUTS in names:
        raise ConfigError(
            f"--model {INPUTS}: the inputs as they are have this name",
            hint=f"Write ./{INPUTS} for a training run in the folder {INPUTS}.",
            options=("model",),
        )
    with about("device"):
        place = choose(device)
    with about("model"):
        loaded = [load_generator(name) for name in names]
    return {
        each.name: _Model(
            Enhancer(each.generator, place, precision=precision, strength=strength), each.sha256
        )
        for each in loaded
    }


@contextmanager
def _needing_scikit_image() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "skimage":
            raise
        raise ConfigError(
            "evaluate: scikit-image, which measures, is not installed",
            hint="Install it: pip install 'photoenhance[evaluate]'.",
        ) from error
