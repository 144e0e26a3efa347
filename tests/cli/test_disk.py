"""Disks that are full, closed or short of names."""

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def limit_files(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_full_disk_fails_photos_clearly_and_leaves_no_part_of_them(spawn, draw):
    draw("photos/small.png", size=(16, 16))
    draw("photos/large.png", size=(300, 300))

    ended = spawn("enhance", "photos", preexec_fn=limit_files(100_000))

    assert ended.returncode == 1
    assert b"photos/large.png: photos-enhanced/large.png: cannot be written, " in ended.stderr
    assert b"1 enhanced, 1 failed" in ended.stderr
    assert names("photos-enhanced") == ["small.png"]


def test_a_full_disk_for_the_journal_too_is_no_crash(spawn, draw):
    draw("photos/a.png", "photos/b.png")

    ended = spawn("enhance", "photos", preexec_fn=limit_files(600))

    assert b"Traceback" not in ended.stderr
    assert ended.returncode in (0, 1)
    assert not any(name.endswith(".part") for name in names("photos-enhanced"))


@pytest.fixture
def closed():
    """A folder in which nothing can be made; root is stopped by nothing less than a flag."""
    folder = Path("closed")
    folder.mkdir(mode=0o555)
    chattr = shutil.which("chattr")
    if os.geteuid() == 0:
        if not chattr or subprocess.run([chattr, "+i", folder], check=False).returncode:
            pytest.skip("needs chattr and a file system that knows it, since this is root")
        yield folder
        subprocess.run([chattr, "-i", folder], check=True)
    else:
        yield folder


def test_a_folder_that_may_not_be_written_to_fails_clearly(cli, draw, closed):
    draw("photos/a.png", "photos/b.png")

    ended = cli("enhance", "photos", "-o", closed)

    assert ended.code == 1
    assert "closed/a.png: cannot be written, its folder may not be written to" in ended.err
    assert "2 failed in " in ended.err


def test_a_name_of_255_bytes_goes_through(cli, draw):
    draw("a.png")
    name = "é" * 125 + "x.png"
    Path("photos").mkdir()
    Path("a.png").rename(Path("photos", name))

    ended = cli("enhance", "photos")

    assert len(os.fsencode(name)) == 255
    assert ended.code == 0
    assert names("photos-enhanced") == [name]


def test_names_of_any_bytes_go_through(cli, draw):
    raw_names = [b"a b.png", b"new\nline.png", b"\xff\xfe.png", "日本.png".encode(), b"'\"$(x).png"]
    draw("a.png")
    Path("photos").mkdir()
    for name in raw_names:
        Path("photos", os.fsdecode(name)).write_bytes(Path("a.png").read_bytes())

    ended = cli("enhance", "photos")

    assert ended.code == 0
    assert sorted(map(os.fsencode, names("photos-enhanced"))) == sorted(raw_names)


def test_a_link_loop_ends(cli, draw):
    draw("photos/a.png")
    Path("photos/loop").symlink_to(Path("photos").resolve())
    Path("photos/self.png").symlink_to("self.png")

    ended = cli("enhance", "photos", "-r")

    assert ended.code == 1
    assert "photos/self.png: cannot be read: Too many levels of symbolic links" in ended.err
    assert names("photos-enhanced") == ["a.png"]
