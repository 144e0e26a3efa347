"""Where the program begins, and the one place where errors become messages and exit codes."""

import errno
import logging
import sys

from photoenhance.cli import streams
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.trace import write_trace
from photoenhance.errors import ExitCode, PhotoEnhanceError

# What a stream raises that cannot be written; most files are spoken of where they are written.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> int:
    """Run the command line and return the exit code."""
    with streams.prepared():
        code = _run_guarded()
        unwritten = streams.finish()
        if unwritten is None:
            return code
        if not isinstance(unwritten, BrokenPipeError):
            _tell_unwritable(unwritten)
        return code or ExitCode.FAILED


def _run_guarded() -> int:
    """Run the command line; whatever happens ends in an exit code and a line or two."""
    try:
        return _run()
    except KeyboardInterrupt:
        _tell("Interrupted.")
        return ExitCode.INTERRUPTED
    except PhotoEnhanceError as error:
        _tell(f"Error: {error.message}", f"Hint: {error.hint}" if error.hint else "")
        return error.exit_code
    except BrokenPipeError:
        return ExitCode.FAILED
    except MemoryError:
        _tell("Error: there is not enough memory", "Hint: Close other programs.")
        return ExitCode.DEVICE
    except Exception as error:
        return _end(error)


def _run() -> int:
    with leaving_at_once():
        from photoenhance.cli.commands import app

    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    try:
        app(prog_name="photoenhance")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK
    return ExitCode.OK


def _end(error: Exception) -> ExitCode:
    """Tell of an error that nobody has foreseen."""
    if isinstance(error, ImportError) and not str(error.name).startswith("photoenhance"):
        _tell(
            f"Error: a library cannot be loaded: {' '.join(str(error).split())}",
            "Hint: See `photoenhance doctor`, and install what is missing.",
        )
        return ExitCode.FAILED
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        # A stream that has failed once has nothing left to fail with: nobody knows which it was.
        _tell(f"Error: standard output, or a file, cannot be written: {error.strerror}")
        return ExitCode.FAILED
    what = f"{type(error).__name__}: {' '.join(str(error).split())}"
    _tell(f"photoenhance: a mistake of ours ({what}); the full trace is {write_trace(error)}")
    return ExitCode.INTERNAL


def _tell_unwritable(error: OSError) -> None:
    _tell(f"Error: standard output: cannot be written: {error.strerror}")


def _tell(*lines: str) -> None:
    try:
        from photoenhance.cli.render import tell
    except ImportError:  # a library is broken that it needs
        tell = _tell_plainly
    for line in filter(None, lines):
        tell(line)


def _tell_plainly(line: str) -> None:
    if sys.stderr:
        sys.stderr.write(ascii(line)[1:-1] + "\n")
        sys.stderr.flush()
