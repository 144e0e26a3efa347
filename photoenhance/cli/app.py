"""The root command, and the one place where errors become messages and exit codes."""

import logging
from typing import Annotated

import typer

from photoenhance import __version__
from photoenhance.cli import config, enhance, models, train
from photoenhance.cli.options import ENVIRONMENT
from photoenhance.cli.render import tell
from photoenhance.errors import ExitCode, PhotoEnhanceError

app = typer.Typer(
    help="Make photos better, at any size and with nothing else of them lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("enhance", context_settings={"auto_envvar_prefix": ENVIRONMENT})(enhance.enhance)
app.command("train")(train.train)
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


def main() -> int:
    """Run the command line and return the exit code."""
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    try:
        defaults = {name: setting.value for name, setting in config.files().items()}
        app(prog_name="photoenhance", default_map={"enhance": defaults})
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK
    except KeyboardInterrupt:
        tell("Interrupted.")
        return ExitCode.INTERRUPTED
    except PhotoEnhanceError as error:
        tell(f"Error: {error.message}")
        if error.hint:
            tell(f"Hint: {error.hint}")
        return error.exit_code
    return ExitCode.OK
