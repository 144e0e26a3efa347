"""What tells whole photos from cut ones without decoding them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.soundness import seems_whole
from photoenhance.imaging.write import encode

KINDS = ["jpeg", "png", "tiff", "webp", "avif"]


@pytest.fixture
def files(draw) -> dict[str, bytes]:
    return {kind: encode(Photo(draw(120, 160)), kind) for kind in KINDS}


def put(folder: Path, data: bytes, name: str = "photo") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_photo_is_known_and_a_cut_one_too(tmp_path: Path, files, kind: str) -> None:
    data = files[kind]
    cuts = [0, 10, 100, len(data) // 2, len(data) - 40]

    whole = seems_whole(put(tmp_path, data))
    cut = [seems_whole(put(tmp_path, data[:length])) for length in cuts]

    assert whole
    assert not any(cut)


def test_deep_and_compressed_tiffs_are_known(tmp_path: Path, draw) -> None:
    deep = Photo(draw(60, 80).astype(np.uint16) * 257)
    Image.fromarray(draw(60, 80)).save(tmp_path / "lzw.tif", compression="tiff_lzw")
    data = encode(deep, "tiff")

    assert seems_whole(put(tmp_path, data))
    assert seems_whole(tmp_path / "lzw.tif")
    assert not seems_whole(put(tmp_path, data[: len(data) * 3 // 4]))


def test_what_follows_a_jpeg_does_not_make_it_whole_or_broken(tmp_path: Path, files) -> None:
    film = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40
    data = files["jpeg"]

    assert seems_whole(put(tmp_path, data + film))
    assert seems_whole(put(tmp_path, data + bytes(100)))
    assert not seems_whole(put(tmp_path, data[: len(data) // 2] + film))


def test_animations_and_other_files_are_left_to_the_reader(tmp_path: Path, draw) -> None:
    frames = [Image.fromarray(draw(30, 40 + 0 * k)).rotate(k) for k in (0, 90)]
    for suffix in ("webp", "png"):
        frames[0].save(tmp_path / f"moving.{suffix}", save_all=True, append_images=frames[1:])
        assert not seems_whole(tmp_path / f"moving.{suffix}")
    gif = io.BytesIO()
    frames[0].save(gif, "GIF")

    assert not seems_whole(put(tmp_path, gif.getvalue(), "gif.png"))
    assert not seems_whole(put(tmp_path, b"text", "notes.jpg"))
    assert not seems_whole(put(tmp_path, b"text", "text.nef"))
    assert not seems_whole(tmp_path / "nowhere.jpg")
    assert not seems_whole(tmp_path)


def test_what_seems_whole_among_bad_inputs_is_read_or_damaged_inside(shared: Path) -> None:
    seeming = [
        path
        for path in sorted((shared / "bad-inputs").rglob("*"))
        if path.is_file() and path.stat().st_size < 1 << 20 and seems_whole(path)
    ]
    unread = []
    for path in seeming:
        try:
            read(path)
        except ImageError:
            unread.append(path)

    assert len(seeming) > 100
    assert len(unread) < 0.15 * len(seeming), unread
