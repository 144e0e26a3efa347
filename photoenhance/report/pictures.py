"""Photos -> what a page shows of them, within its bytes."""

import os
from pathlib import Path
from urllib.parse import quote

from photoenhance.errors import ConfigError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.write import encode
from photoenhance.report.rows import Picture

QUALITY = 82  # of WebP: what is lost is hard to see at the size of a page
LEAST_SIDE = 64
# A page without any photo, and what each photo adds to it besides its pictures: both rounded up.
PAGE_BYTES = 64_000
ROW_BYTES = 10_000
LEAST_PAIR_BYTES = 6_000  # below that, pictures are too small to judge anything by
SHOWN_BY_BROWSERS = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp"))


def pair_bytes(max_bytes: int, pairs: int) -> int:
    """Return how many bytes the two pictures of each pair may have.

    Args:
        max_bytes: of the whole page.
        pairs: that it shows.

    Raises:
        ConfigError: too few to show anything.
    """
    # Base64 writes three bytes as four characters.
    share = (max_bytes - PAGE_BYTES - pairs * ROW_BYTES) * 3 // 4 // max(pairs, 1)
    if share < LEAST_PAIR_BYTES:
        raise ConfigError(
            f"{pairs} photos do not fit into a page of {max_bytes / 1e6:g} MB",
            hint="Use `photoenhance report` with a higher --max-mb, or with --link.",
        )
    return share


def embedded(before: Photo, after: Photo, most: int) -> tuple[Picture, Picture]:
    """Compress two previews, both made smaller alike until they fit.

    Args:
        before: a preview.
        after: likewise.
        most: bytes that both may have together.
    """
    side = max(*before.pixels.shape[:2], *after.pixels.shape[:2])
    while True:
        data = [encode(preview(photo, side), "webp", quality=QUALITY) for photo in (before, after)]
        size = sum(map(len, data))
        if size <= most or side <= LEAST_SIDE:
            return Picture(None, data[0]), Picture(None, data[1])
        # Bytes grow with the area, though for small pictures more slowly.
        side = max(LEAST_SIDE, int(side * min(0.9, (most / size) ** 0.5)))


def linked(file: Path, page: Path) -> Picture | None:
    """Refer to a file by its place relative to the page's, if browsers can show it at all."""
    if file.suffix.lower() not in SHOWN_BY_BROWSERS:
        return None
    try:
        place = os.path.relpath(os.path.realpath(file), os.path.realpath(page.parent))
    except ValueError:  # on another drive
        return Picture(file.resolve().as_uri())
    return Picture(quote(os.fsencode(Path(place).as_posix())))
