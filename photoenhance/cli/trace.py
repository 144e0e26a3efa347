"""The trace of an error that nobody has foreseen, in a file that can be sent to us."""

import os
import platform
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from photoenhance import __version__


def write_trace(error: Exception) -> str:
    """Write the trace of an error to a file, and say where that is."""
    name = f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    system = f"Python {platform.python_version()} on {platform.platform()}"
    lines = [f"photoenhance {__version__}, {system}", f"{sys.argv}", ""]
    text = "\n".join([*lines, *traceback.format_exception(error)])
    for folder in _places():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except Exception:  # noqa: S112 (the last boundary, where nothing is to be trusted)
            continue
        return f"in {folder / name}"
    return "lost, since no folder can be written to"


def _places() -> list[Path]:
    places = []
    with suppress(Exception):  # the last boundary, where nothing is to be trusted
        from photoenhance.zoo import store

        places.append(store.folder("state"))
    with suppress(Exception):
        places.append(Path(tempfile.gettempdir()))
    return places
