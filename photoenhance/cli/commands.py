"""The commands and how they hang together."""

from typing import Annotated

import typer

from photoenhance import __version__
from photoenhance.cli import config, doctor, enhance, evaluate, models, report, train
from photoenhance.cli.options import ENVIRONMENT

app = typer.Typer(
    help="Make photos better, at any size and with nothing else of them lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(
    "enhance", cls=config.SettableCommand, context_settings={"auto_envvar_prefix": ENVIRONMENT}
)(enhance.enhance)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"photoenhance {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version
