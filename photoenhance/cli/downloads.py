"""How far a download is, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from photoenhance.cli.render import tell


@contextmanager
def shown_download(
    name: str, *, quiet: bool = False, bar: bool = True
) -> Iterator[Callable[[int, int | None], None]]:
    """Give a function that shows how far the download of a model is, if there is one.

    Args:
        name: of the model.
        quiet: show nothing.
        bar: draw a bar where standard error is a terminal; else there are two lines.
    """
    console = Console(stderr=True, highlight=False)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not (bar and console.is_terminal and not console.is_dumb_terminal),
        redirect_stdout=False,
    )
    done = 0

    def show(size: int, total: int | None) -> None:
        nonlocal done
        if not progress.tasks:
            progress.add_task(f"Downloading {name}", total=total)
            if progress.disable:
                tell(f"Downloading {name}")
        done = size
        progress.update(progress.tasks[0].id, completed=size, total=total)

    if quiet:
        yield lambda size, total: None  # noqa: ARG005 (nobody looks)
        return
    with progress:
        yield show
    if done:
        tell(f"Downloaded {name}: {done / 1e6:.1f} MB")
