import errno
import os
import stat
import struct
import sys
import time

import pytest

from photoenhance.errors import ImageError
from photoenhance.imaging.atomic import (
    TEMPORARY_PREFIX,
    TEMPORARY_SUFFIX,
    remove_leftovers,
    replacing,
)

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


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_that_knows_no_fsync_gets_the_file_all_the_same(tmp_path, monkeypatch, number):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)

    fill(tmp_path / "photo.jpg")

    assert (tmp_path / "photo.jpg").read_bytes() == b"new"
    assert names(tmp_path) == ["photo.jpg"]


def test_an_error_of_the_disk_is_one_even_where_only_fsync_tells_it(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(ImageError):
        fill(tmp_path / "photo.jpg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_replaced_file_keeps_owner_and_group(tmp_path):
    path = tmp_path / "photo.jpg"
    path.touch()
    path.chmod(0o640)
    os.chown(path, 1234, 2345)

    fill(path)

    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes of Linux")
def test_a_replaced_file_keeps_its_extended_attributes(tmp_path):
    path = tmp_path / "photo.jpg"
    path.touch()
    try:
        os.setxattr(path, "user.rating", b"5")
    except OSError:
        pytest.skip("this file system has none")

    fill(path)

    assert os.getxattr(path, "user.rating") == b"5"


@pytest.mark.skipif(sys.platform != "linux", reason="access lists of Linux")
def test_a_replaced_file_keeps_its_access_list(tmp_path):
    path = tmp_path / "photo.jpg"
    path.touch()
    entries = [(1, 6, -1), (2, 6, 1234), (4, 4, -1), (16, 6, -1), (32, 0, -1)]
    packed = [struct.pack("<HHi", *entry) for entry in entries]
    try:
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(packed))
    except OSError:
        pytest.skip("this file system has none")
    before = os.getxattr(path, "system.posix_acl_access"), stat.S_IMODE(path.stat().st_mode)

    fill(path)

    after = os.getxattr(path, "system.posix_acl_access"), stat.S_IMODE(path.stat().st_mode)
    assert after == before


def test_dates_can_be_given(tmp_path):
    with replacing(tmp_path / "photo.jpg", dates=(10**18 + 1, 10**18 + 2)) as file:
        file.write(b"new")

    status = (tmp_path / "photo.jpg").stat()
    assert (status.st_atime_ns, status.st_mtime_ns) == (10**18 + 1, 10**18 + 2)


def test_leftovers_of_the_killed_go_and_what_is_being_written_stays(tmp_path):
    dead = tmp_path / f"{TEMPORARY_PREFIX}0123{TEMPORARY_SUFFIX}"
    dead.touch()

    with replacing(tmp_path / "photo.jpg") as file:
        file.write(b"new")
        remove_leftovers(tmp_path)
        during = names(tmp_path)

    assert dead.name not in during
    assert len(during) == 1
    assert names(tmp_path) == ["photo.jpg"]


@posix
@pytest.mark.parametrize(("age", "stays"), [(60, True), (3600, False)])
def test_where_a_disk_knows_no_locks_age_tells_what_is_left(tmp_path, monkeypatch, age, stays):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    left = tmp_path / f"{TEMPORARY_PREFIX}0123{TEMPORARY_SUFFIX}"
    left.touch()
    os.utime(left, (time.time() - age,) * 2)

    remove_leftovers(tmp_path)
    fill(tmp_path / "photo.jpg")

    assert left.exists() == stays
    assert (tmp_path / "photo.jpg").read_bytes() == b"new"


def test_only_files_of_ours_are_leftovers(tmp_path):
    for name in (".photoenhance.part", ".other.part", ".photoenhance-x"):
        (tmp_path / name).touch()
    (tmp_path / f"{TEMPORARY_PREFIX}folder{TEMPORARY_SUFFIX}").mkdir()
    before = names(tmp_path)

    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "nowhere")

    assert names(tmp_path) == before


@posix
def test_a_file_that_is_taken_for_dead_as_it_is_made_is_made_again(tmp_path, monkeypatch):
    real = os.open
    removed = []

    def opened(path, *args, **options):
        descriptor = real(path, *args, **options)
        if str(path).endswith(TEMPORARY_SUFFIX) and not removed:
            removed.append(path)
            path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", opened)

    fill(tmp_path / "photo.jpg")

    assert removed
    assert names(tmp_path) == ["photo.jpg"]
