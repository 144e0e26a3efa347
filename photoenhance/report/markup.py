"""What every page of ours has: our own files within it, and a policy that lets nothing else in."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOM = Path(__file__).parent
GENERATOR = "photoenhance"  # how a page says whose it is
_HEAD = 4096  # bytes in which it does


def environment() -> Environment:
    """Make what fills templates: whatever is put in stays text, unless it is marked as ours."""
    made = Environment(
        loader=FileSystemLoader(ROOM),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    return made


def is_page(file: Path) -> bool:
    """Whether a new page may take a file's place: it is a page of ours, or empty."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return not head or f'<meta name="generator" content="{GENERATOR}">'.encode() in head


def own(name: str) -> str:
    """Read one of the files that lie beside this one."""
    return (ROOM / name).read_text(encoding="utf-8")


def policy(style: str, script: str, *, has_links: bool) -> str:
    """Write the Content-Security-Policy of a page.

    Args:
        style: the only one that may be applied.
        script: the only one that may run.
        has_links: whether pictures may also be files, beside those that the page itself holds.
    """
    pictures = "'self' file: blob:" if has_links else "blob:"
    return (
        f"default-src 'none'; img-src {pictures}; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
