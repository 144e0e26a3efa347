"""Standard output and standard error, made fit for whatever is written to them."""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_OUTPUT, _ERROR = 1, 2  # the process's own numbers of them
_LEGIBLE = "photoenhance.legible"
# What we write ourselves, in encodings that lack it; everything else becomes an escape.
_SIMILAR = {
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{GREEK CAPITAL LETTER DELTA}": "d",
    "\N{MIDDLE DOT}": ".",
    "\N{BLACK CIRCLE}": "o",
    "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "=",
    "\N{BULLET}": "*",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
}


@contextmanager
def prepared() -> Iterator[None]:
    """Let nothing that is written to the standard streams end the program while the block runs.

    Characters that an encoding lacks are written by others. What cannot be written to standard
    error is lost, since nobody can be told. What Python writes there has a number of its own, so
    that it is heard while libraries in C, which know the usual one, are silenced.
    """
    codecs.register_error(_LEGIBLE, _legible)
    with ExitStack() as stack:
        stack.enter_context(_with_some_width())
        if isinstance(sys.stdout, io.TextIOWrapper):
            stack.callback(sys.stdout.reconfigure, errors=sys.stdout.errors)
            sys.stdout.reconfigure(errors=_LEGIBLE)
        stack.enter_context(_own_error())
        yield


def finish() -> OSError | None:
    """Write what is left for standard output; return why that is not possible, if so."""
    if sys.stdout is None:
        return None
    try:
        sys.stdout.flush()
    except ValueError:  # closed meanwhile
        return None
    except OSError as error:
        # The interpreter tries again at its end, and would complain then.
        with suppress(OSError):
            _replace(_OUTPUT, os.open(os.devnull, os.O_WRONLY))
            sys.stdout.flush()
        return error
    return None


@contextmanager
def _with_some_width() -> Iterator[None]:
    """Pass over COLUMNS=0, as some terminals and cron jobs have it: nothing fits in there."""
    columns = os.environ.get("COLUMNS")
    is_useless = columns is not None and columns.isdigit() and int(columns) == 0
    if is_useless:
        del os.environ["COLUMNS"]
    try:
        yield
    finally:
        if is_useless and columns is not None:
            os.environ["COLUMNS"] = columns


@contextmanager
def _own_error() -> Iterator[None]:
    """Give Python's standard error a number of its own."""
    try:
        kept = os.dup(_ERROR)
    except OSError:  # closed from outside: no file that is opened later may get this number
        with _occupied():
            yield
        return
    before = sys.stderr
    encoding = before.encoding if before else "utf-8"
    own = _Forgiving(
        io.BufferedWriter(io.FileIO(kept, "w")), encoding, _LEGIBLE, line_buffering=True
    )
    try:
        if before:
            with suppress(OSError, ValueError):
                before.flush()
            sys.stderr = own
        yield
    finally:
        sys.stderr = before
        with suppress(OSError):
            own.close()


@contextmanager
def _occupied() -> Iterator[None]:
    _replace(_ERROR, os.open(os.devnull, os.O_WRONLY))
    try:
        yield
    finally:
        os.close(_ERROR)


def _replace(number: int, file: int) -> None:
    if file != number:
        os.dup2(file, number)
        os.close(file)


class _Forgiving(io.TextIOWrapper):
    """Standard error: a full disk behind it is no reason to stop."""

    def write(self, text: str, /) -> int:
        """Write what can be written."""
        try:
            return super().write(text)
        except BrokenPipeError:
            raise
        except OSError:
            return len(text)
        except RuntimeError:  # a signal's handler came while its own thread was writing
            return os.write(self.fileno(), text.encode(self.encoding, _LEGIBLE))

    def flush(self) -> None:
        """Write what is left, if it can be written."""
        try:
            super().flush()
        except BrokenPipeError:
            raise
        except (OSError, RuntimeError):
            return


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    written = (_SIMILAR.get(each) or ascii(each)[1:-1] for each in characters)
    return "".join(written), error.end
