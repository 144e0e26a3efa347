"""Where the program begins, and the one place where errors become messages and exit codes."""

import logging

from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.errors import ExitCode, PhotoEnhanceError


def main() -> int:
    """Run the command line and return the exit code."""
    with leaving_at_once():
        from photoenhance.cli import config
        from photoenhance.cli.commands import app
        from photoenhance.cli.render import tell

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
