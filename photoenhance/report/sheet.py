"""A contact sheet: pairs of small pictures with their names, on pages for a printer."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photoenhance.imaging.mark import CONTACT_SHEET, is_contact_sheet
from photoenhance.imaging.photo import Metadata, Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.write import write

DPI = 200
PAGE = (1654, 2339)  # A4 upright at this resolution
MARGIN = 100
COLUMNS, ROWS = 2, 6  # of pairs on a page
GAP = 12  # between the two pictures of a pair
GUTTER = 60  # between pairs
TOP = 200  # where the first row begins
_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="' + CONTACT_SHEET + b'"/></rdf:RDF>'
    b"</x:xmpmeta>"
)
INK, SOFT, PAPER = (26, 26, 26), (110, 110, 110), (255, 255, 255)

_WIDTH = (PAGE[0] - 2 * MARGIN - GUTTER * (COLUMNS - 1)) // COLUMNS
_BOX = ((_WIDTH - GAP) // 2, 262)  # that a picture may fill
_PITCH = (PAGE[1] - TOP - MARGIN) // ROWS


def is_sheet(file: Path) -> bool:
    """Whether a new contact sheet may take a file's place: it is one of ours, or empty.

    Formats that hold no metadata, as BMP, cannot say so.
    """
    try:
        is_empty = file.stat().st_size == 0
    except OSError:
        return False
    return is_empty or is_contact_sheet(file)


def pages(file: Path, pairs: int) -> list[Path]:
    """The files that a sheet of so many pairs has."""
    count = -(-pairs // (COLUMNS * ROWS))
    return [file if number == 1 else _page(file, number) for number in range(1, count + 1)]


def _page(file: Path, number: int) -> Path:
    return file.with_stem(f"{file.stem}-{number}")


class Sheet:
    """Pages that fill as pairs come and are written one by one, so that memory holds one only.

    Args:
        file: the first page; the others get -2, -3 and so on after its name.
        title: of every page.
    """

    def __init__(self, file: Path, title: str) -> None:
        self._file = file
        self._title = title
        self.files: list[Path] = []
        self._page = self._new_page()
        self._count = 0

    def add(self, name: str, before: Photo, after: Photo) -> None:
        """Put a pair of previews into the next place.

        Raises:
            ImageError: the page before was full and could not be written.
        """
        if self._count == COLUMNS * ROWS:
            self._finish_page()
        row, column = divmod(self._count, COLUMNS)
        left, top = MARGIN + column * (_WIDTH + GUTTER), TOP + row * _PITCH
        draw = ImageDraw.Draw(self._page)
        width = self._paste(before, left, top)
        self._paste(after, left + width + GAP, top)
        font = ImageFont.load_default(22)
        draw.text((left, top + _BOX[1] + 10), _fitting(name, font, _WIDTH), INK, font)
        self._count += 1

    def close(self) -> None:
        """Write what is left.

        Raises:
            ImageError: the page could not be written.
        """
        if self._count:
            self._finish_page()

    def _paste(self, photo: Photo, left: int, top: int) -> int:
        """Put a picture onto the line of its box and return its width."""
        height, width = photo.pixels.shape[:2]
        scale = min(_BOX[0] / width, _BOX[1] / height)
        small = preview(photo, max(1, int(max(width, height) * scale)))
        pixels = small.pixels
        if small.alpha is not None:
            opacity = small.alpha[..., None] / 255
            pixels = np.rint(pixels * opacity + 255 * (1 - opacity)).astype(np.uint8)
        height, width = pixels.shape[:2]
        self._page.paste(Image.fromarray(pixels), (left, top + _BOX[1] - height))
        return width

    def _new_page(self) -> Image.Image:
        page = Image.new("RGB", PAGE, PAPER)
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(40)
        title = _fitting(self._title, font, PAGE[0] - 2 * MARGIN)
        draw.text((MARGIN, MARGIN - 20), title, INK, font)
        small = ImageFont.load_default(22)
        draw.text(
            (MARGIN, MARGIN + 36),
            f"Left: before. Right: after. Page {len(self.files) + 1}",
            SOFT,
            small,
        )
        return page

    def _finish_page(self) -> None:
        number = len(self.files) + 1
        file = self._file if number == 1 else _page(self._file, number)
        metadata = Metadata(dpi=(DPI, DPI), xmp=_XMP)
        write(Photo(np.asarray(self._page), metadata=metadata), file)
        self.files.append(file)
        self._page = self._new_page()
        self._count = 0


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Shorten a line in its middle, since beginnings and suffixes tell names apart."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\n", " ")
    line, kept = text, len(text)
    while font.getlength(line) > width and kept > 2:
        kept -= 1
        line = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return line
