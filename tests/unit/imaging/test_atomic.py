import errno
import os
import stat
import sys

import pytest

from photoenhance.errors import ImageError
from photoenhance.imaging.atomic import replacing

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fill(path, data=b"new"):
    with replacing(path) as file:
        file.write(data)


def interrupt(path):
    with replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_a_file_replaces_the_old_one_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"old")

    fill(path)

    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["photo.jpg"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"old")

    with pytest.raises(KeyboardInterrupt):
        interrupt(path)

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["photo.jpg"]


def test_the_name_does_not_exist_before_the_file_is_whole(tmp_path):
    path = tmp_path / "photo.jpg"

    with replacing(path) as file:
        file.write(b"half")
        file.flush()
        during = path.exists()

    assert not during
    assert path.exists()


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "\u00e4" * 125 + "x.jpg", "a\nb c.jpg"])
def test_names_of_255_bytes_and_odd_ones_work(tmp_path, name):
    fill(tmp_path / name)

    assert names(tmp_path) == [name]


@posix
def test_invalid_utf_8_in_a_name_works(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe.jpg")

    fill(path)

    assert os.fsencode(names(tmp_path)[0]) == b"\xff\xfe.jpg"


@posix
def test_a_new_file_gets_usual_permissions_and_a_replaced_one_keeps_its_own(tmp_path):
    new, old = tmp_path / "new.jpg", tmp_path / "old.jpg"
    old.touch()
    old.chmod(0o640)
    mask = os.umask(0o022)

    fill(new)
    fill(old)

    os.umask(mask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o644
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "absent" / "a.jpg", "its folder does not exist"),
        (lambda folder: folder / "file" / "a.jpg", "its folder is a file"),
        (lambda folder: folder / ("x" * 256), "its name is too long"),
        (lambda folder: folder / "folder", "it is a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_an_image_error_with_the_reason(tmp_path, make, reason):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    path = make(tmp_path)

    with pytest.raises(ImageError) as caught:
        fill(path)

    assert caught.value.message.startswith(f"{path}: cannot be written, {reason}")
    assert caught.value.hint
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only")]
)
def test_a_disk_that_refuses_is_an_image_error_and_leaves_nothing(
    tmp_path, monkeypatch, number, reason
):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(ImageError, match=reason):
        fill(tmp_path / "photo.jpg")

    assert names(tmp_path) == []
