"""Which of a TIFF's pictures is the photo, and what the others are."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from photoenhance.imaging import ifd
from photoenhance.imaging.tiff.tags import is_storage

WIDTH, HEIGHT, _KIND, _OLD_KIND, _SUB_PAGES = 0x0100, 0x0101, 0x00FE, 0x00FF, 0x014A
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_OLD_REDUCED = 2
_MAX_PAGES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One picture's directory, its numbers at hand."""

    tiff: ifd.TiffFile
    directory: ifd.Directory
    offset: int

    def numbers(self, tag: int, *default: int) -> tuple[int, ...]:
        """Return the whole numbers of a tag, or the default where there is no such tag."""
        entry = self.directory.entries.get(tag)
        return self.tiff.integers(entry) if entry is not None else default

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first number of a tag."""
        return self.numbers(tag, default)[0]

    def value(self, tag: int) -> bytes | None:
        """Return the bytes of a tag, None where there are none."""
        entry = self.directory.entries.get(tag)
        return entry.value if entry is not None and entry.value else None

    @property
    def is_mask(self) -> bool:
        """Tell a mask, which says where another page is transparent, from a picture."""
        return self._kind & _MASK != 0

    @property
    def is_reduced(self) -> bool:
        """Tell a thumbnail or a smaller copy of another page."""
        return self._kind & _REDUCED != 0

    @property
    def _kind(self) -> int:
        with suppress(ValueError):
            is_old_reduced = self.number(_OLD_KIND) == _OLD_REDUCED
            return self.number(_KIND, _REDUCED if is_old_reduced else 0)
        return 0


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """The page that is the photo, and what is said of those that are not.

    Attributes:
        notes: what is left out and no loss, as in `Photo`.
        left_out: what is left out and a loss, as in `Photo`.
    """

    photo: Page
    notes: tuple[str, ...]
    left_out: tuple[str, ...]


def pages(tiff: ifd.TiffFile) -> Pages:
    """Choose the first page that is no thumbnail, smaller copy or mask of another page.

    Where there is none, the largest page is the photo.
    """
    seen: set[int] = set()
    chain = list(_chain(tiff, seen))
    inner = [sub for page in chain for sub in _sub_pages(page, seen)]
    full = [page for page in chain + inner if not page.is_reduced and not page.is_mask]
    photo = full[0] if full else max(chain, key=_area)
    reduced = [p for p in chain + inner if p.is_reduced and not p.is_mask and p is not photo]
    masks = [p for p in chain + inner if p.is_mask and not p.is_reduced and p is not photo]
    if chain[0].is_reduced and photo in chain:
        photo = _with_children_of(photo, chain[0])
    notes, left_out = [], []
    if len(reduced) > 1:
        notes.append(f"{len(reduced)} smaller copies of the photo were left out")
    if len(full) > 1:
        left_out.append(f"only the first of {len(full)} pages was used")
    if masks:
        left_out.append("a transparency mask was left out")
    return Pages(photo, tuple(notes), tuple(left_out))


def _chain(tiff: ifd.TiffFile, seen: set[int]) -> Iterator[Page]:
    """Yield the pages in the file's order; a damaged one ends them, unless it is the first."""
    offset = tiff.first
    while offset and offset not in seen and len(seen) < _MAX_PAGES:
        try:
            directory = tiff.directory(offset)
        except ValueError:
            if not seen:
                raise
            return
        seen.add(offset)
        yield Page(tiff, directory, offset)
        offset = directory.following


def _sub_pages(page: Page, seen: set[int]) -> Iterator[Page]:
    """Yield the pictures that a page points to; each is described by the page as well."""
    offsets: tuple[int, ...] = ()
    with suppress(ValueError):
        offsets = page.numbers(_SUB_PAGES)
    said = {t: e for t, e in page.directory.entries.items() if not is_storage(t)}
    for offset in offsets:
        if offset in seen or len(seen) >= _MAX_PAGES:
            continue
        seen.add(offset)
        with suppress(ValueError):
            own = page.tiff.directory(offset)
            merged = replace(
                own, entries=said | own.entries, children=page.directory.children | own.children
            )
            yield Page(page.tiff, merged, offset)


def _with_children_of(photo: Page, thumbnail: Page) -> Page:
    """Give a photo the EXIF and GPS of the thumbnail before it, where it has none."""
    own = photo.directory
    children = thumbnail.directory.children | own.children
    return replace(photo, directory=replace(own, children=children))


def _area(page: Page) -> int:
    with suppress(ValueError):
        return page.number(WIDTH) * page.number(HEIGHT)
    return 0
