"""Photoshop's image resources, in which JPEG and TIFF keep IPTC and more.

Source: Adobe Photoshop File Formats Specification, "Image Resources Section".
"""

from collections.abc import Iterator

_SIGNATURES = (b"8BIM", b"PHUT", b"AgHg", b"DCSR", b"MeSa")  # ImageReady and other makers have own
_IPTC = 0x0404
_THUMBNAILS = (0x0409, 0x040C)


def split_resources(resources: bytes) -> tuple[bytes | None, bytes | None]:
    """Part image resources into the IPTC records that they hold and the rest.

    Thumbnails, which show the picture as it was, are left out. Records that stand in several
    resources are joined. Bytes that are no resource end the list.

    Returns:
        IPTC records without their wrapping, and the other resources as they are; None for none.
    """
    records, others = [], []
    for kind, whole, content in _listed(resources):
        if kind == _IPTC:
            records.append(content)
        elif kind not in _THUMBNAILS:
            others.append(whole)
    return b"".join(records) or None, b"".join(others) or None


def joined_resources(iptc: bytes | None, others: bytes | None) -> bytes:
    """Undo `split_resources`; without either, nothing is returned."""
    wrapped = b""
    if iptc is not None:
        wrapped = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc + bytes(len(iptc) % 2)
    return wrapped + (others or b"")


def _listed(resources: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number of each resource, its bytes as a whole, padded, and what it contains."""
    position = 0
    while position + 12 <= len(resources) and resources[position : position + 4] in _SIGNATURES:
        kind = int.from_bytes(resources[position + 4 : position + 6], "big")
        name = resources[position + 6] + 1
        start = position + 6 + name + name % 2 + 4
        size = int.from_bytes(resources[start - 4 : start], "big")
        content = resources[start : start + size]
        if start > len(resources) or len(content) < size:
            return
        end = start + size + size % 2
        yield kind, resources[position:end] + bytes(max(0, end - len(resources))), content
        position = end
