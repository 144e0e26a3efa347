"""`photoenhance report`."""

from pathlib import Path
from typing import Annotated

import typer

from photoenhance.cli.command import about
from photoenhance.cli.contents import STANDARD, contents_of, read_log
from photoenhance.cli.pairs import contents_between
from photoenhance.cli.publication import Wanted, publish
from photoenhance.errors import ConfigError
from photoenhance.imaging.folders import is_picture


def report(  # noqa: PLR0913 (Typer reads the options from the signature)
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE|LOG",
            help="The originals: a folder or a photo; or a log of `enhance --log`; - is a log on "
            "standard input.",
        ),
    ],
    after: Annotated[
        Path | None,
        typer.Argument(
            metavar="[AFTER]", help="Their results; without it, where `enhance` puts them."
        ),
    ] = None,
    *,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE|-", help="The page.")
    ] = "report.html",
    contact_sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also a sheet to print; further pages get -2, -3, ..."),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The headline.", show_default=False)
    ] = None,
    recursive: Annotated[
        bool, typer.Option("-r", "--recursive/--no-recursive", help="Look into subfolders.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Show the photos' own files; the page stays beside them.")
    ] = False,
    side: Annotated[
        int, typer.Option(min=64, help="Longer side of the pictures in pixels, at most.")
    ] = 1600,
    max_mb: Annotated[
        float, typer.Option(min=0.1, help="Size of the page at most; pictures shrink to fit.")
    ] = 50,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Failures only.")] = False,
) -> None:
    """Show photos before and after, in one HTML file that can be sent to anybody.

    It holds the pictures, loads nothing and needs nothing but a browser.
    """
    wanted = Wanted(output, contact_sheet, link, side, max_mb)
    if after is None and (before == STANDARD or _is_log(before)):
        contents = contents_of(read_log(before))
    else:
        contents = contents_between(Path(before), after, recursive=recursive)
    if not contents.pairs and not contents.failures:
        raise ConfigError(
            f"{before}: nothing to show", hint="Look into subfolders with --recursive."
        )
    with about("output"):
        code = publish(contents, wanted, title=title or contents.title, quiet=quiet)
    if output != STANDARD:
        typer.echo(output)
    raise typer.Exit(code)


def _is_log(path: str) -> bool:
    return Path(path).is_file() and not is_picture(Path(path))
