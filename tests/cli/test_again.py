"""Runs that go on: twice, with other settings, over their own results, two at once."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from photoenhance.cli.render import JsonLines
from photoenhance.imaging.mark import read_mark
from photoenhance.imaging.read import read

COMMAND = [sys.executable, "-m", "photoenhance", "enhance"]


def names(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def jpegs():
    return sorted(path.name for path in Path().glob("*.jpg"))


def settings(path):
    return read_mark(Path(path)).settings


def test_all_photos_here_twice_leaves_results_alone(cli, draw):
    draw("1.jpg", "2.jpg")
    cli("enhance", *jpegs())
    before = {name: Path(name).stat().st_mtime_ns for name in names()}

    ended = cli("enhance", *jpegs())

    assert ended.code == 0
    assert {name: Path(name).stat().st_mtime_ns for name in names()} == before
    assert "Skipped: " in ended.err
    assert "2 done before with these settings" in ended.err
    assert "2 left out as results of photoenhance; --again enhances them too" in ended.err
    assert len(ended.err.splitlines()) == 3


def test_each_skipped_photo_is_named_when_asked_for(cli, draw):
    draw("1.jpg", "2.jpg")
    cli("enhance", *jpegs())

    ended = cli("enhance", *jpegs(), "-v")

    assert "[1/4] 1-enhanced.jpg: skipped: is itself a result of photoenhance" in ended.err
    assert "[2/4] 1.jpg: skipped: done before with these settings" in ended.err


def test_another_strength_makes_results_anew(cli, draw):
    draw("photos/1.jpg", "photos/2.jpg")
    cli("enhance", "photos")

    ended = cli("enhance", "photos", "--strength", "0.5")

    assert ended.code == 0
    assert "2 enhanced in " in ended.err
    assert settings("photos-enhanced/1.jpg") == "strength 0.5, fp32"


@pytest.mark.parametrize("args", [["."], [".", "-o", "out"]])
def test_a_folder_with_results_in_it_gives_results_of_photos_only(cli, draw, args):
    draw("1.jpg", "2.jpg")
    cli("enhance", "1.jpg", "2.jpg")
    place = Path(args[2]) if len(args) > 1 else Path().resolve().with_name("work-enhanced")

    ended = cli("enhance", *args)

    assert ended.code == 0
    assert names(place) == ["1.jpg", "2.jpg"]
    assert "2 left out as results of photoenhance" in ended.err


def test_results_under_other_names_are_known_by_their_mark(cli, draw, monkeypatch, tmp_path):
    draw("1.jpg")
    cli("enhance", "1.jpg", "-o", "photos/better.jpg")
    draw("photos/2.jpg")
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "another"))

    ended = cli("enhance", "photos")

    assert ended.code == 0
    assert names("photos-enhanced") == ["2.jpg"]
    assert "1 left out as results of photoenhance" in ended.err


@pytest.mark.parametrize("name", ["1-enhanced.jpg", "other.jpg"])
def test_results_alone_are_nothing_to_do(cli, draw, name):
    draw("1.jpg")
    cli("enhance", "1.jpg")
    Path("1-enhanced.jpg").rename(name)

    refused = cli("enhance", name)
    allowed = cli("enhance", name, "--again", "-o", "again.jpg")

    assert refused.code == 2
    assert refused.err == (
        "Error: nothing to do: what was named looks like results of photoenhance\n"
        "Hint: Name the originals, or enhance these once more with --again.\n"
    )
    assert allowed.code == 0
    assert Path("again.jpg").is_file()


def test_an_input_that_would_be_replaced_and_is_no_result_is_refused(cli, draw):
    draw("1.jpg", "out/1.jpg")

    ended = cli("enhance", "1.jpg", "out/1.jpg", "-o", "out")

    assert ended.code == 2
    assert "is itself an input" in ended.err


def test_a_file_of_somebody_else_is_not_replaced_and_that_is_said(cli, draw):
    draw("photos/1.jpg", "photos-enhanced/1.jpg")
    before = Path("photos-enhanced/1.jpg").read_bytes()

    ended = cli("enhance", "photos")

    assert ended.code == 1
    assert (
        "[1/1] photos/1.jpg: failed: photos-enhanced/1.jpg: exists and is not a result of "
        "photoenhance" in ended.err
    )
    assert "--on-exists overwrite replaces it, --on-exists rename keeps both." in ended.err
    assert Path("photos-enhanced/1.jpg").read_bytes() == before


def test_a_name_from_mktemp_gets_the_photo(cli, draw):
    draw("1.jpg")
    Path("made.jpg").touch()

    assert cli("enhance", "1.jpg", "-o", "made.jpg").code == 0
    assert read_mark(Path("made.jpg"))


def test_in_place_with_other_settings_or_another_home_is_refused(
    cli, draw, monkeypatch, tmp_path, model
):
    draw("1.jpg")
    cli("enhance", "1.jpg", "--in-place")
    before = Path("1.jpg").read_bytes()
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "another"))

    same = cli("enhance", "1.jpg", "--in-place")
    other = cli("enhance", "1.jpg", "--in-place", "--strength", "0.5")

    assert (same.code, other.code) == (0, 1)
    assert "1.jpg: skipped: done before with these settings" in same.err
    assert (
        f"1.jpg: failed: is a result of photoenhance already ({model.name}, strength 1, fp32)"
        in other.err
    )
    assert Path("1.jpg").read_bytes() == before
    again = cli("enhance", "1.jpg", "--in-place", "--strength", "0.5", "--again")
    assert again.code == 0
    assert settings("1.jpg") == "strength 0.5, fp32"


def test_the_readmes_commands_work_in_their_order(cli, draw):
    draw("photo.jpg", "a.jpg", "photos/x/1.jpg", "photos/2.jpg")
    tree = sorted(map(str, Path().rglob("*.jpg")))

    for command in (
        "photo.jpg",
        "./photos --recursive -o ./better",
        "./photos --strength 0.6",
        "./photos --dry-run",
    ):
        assert cli("enhance", *command.split()).code == 0
    found = "".join(f"{path}\0" for path in Path().rglob("*.jpg")).encode()
    ended = cli("enhance", "--files-from", "-", "--null", "--json", stdin=found)
    assert ended.code == 0
    records = [json.loads(line) for line in ended.out.splitlines()]
    done = {each["input"] for each in records if each.get("status") == "ok"}
    assert done == set(tree) - {"photo.jpg"}
    piped = cli("enhance", "-", "-o", "-", stdin=Path("a.jpg").read_bytes())
    assert piped.code == 0
    assert piped.data
    assert cli("enhance", "photos", "--report", "report.html").code == 0
    assert cli("enhance", ".", "-r", "-o", "all").code == 0


def test_the_same_photo_gives_the_same_bytes(cli, draw):
    draw("1.jpg")

    cli("enhance", "1.jpg", "-o", "a.jpg", "--rendering", "exact")
    cli("enhance", "1.jpg", "-o", "b.jpg", "--tile", "64")

    assert Path("a.jpg").read_bytes() == Path("b.jpg").read_bytes()


def test_no_mark_leaves_it_out(cli, draw):
    draw("1.jpg")

    cli("enhance", "1.jpg", "--no-mark")

    assert read_mark(Path("1-enhanced.jpg")) is None
    assert b"photoenhance" not in Path("1-enhanced.jpg").read_bytes()


def test_dates_are_kept_when_asked_for(cli, draw):
    draw("1.jpg")
    os.utime("1.jpg", (10**9, 10**9))

    cli("enhance", "1.jpg", "--keep-dates")

    assert Path("1-enhanced.jpg").stat().st_mtime == 10**9


def test_a_retry_ends(cli, draw):
    draw("photos/1.jpg")
    cli("enhance", "photos")
    good = Path("photos/1.jpg").read_bytes()
    Path("photos/1.jpg").write_bytes(b"broken")
    cli("enhance", "photos")
    Path("photos/1.jpg").write_bytes(good)

    first = cli("enhance", "photos", "--retry-failed")
    second = cli("enhance", "photos", "--retry-failed")

    assert first.code == 0
    assert second.code == 2
    assert "nothing to retry" in second.err


@pytest.mark.parametrize("options", [["-o", "out"], ["--in-place"]])
def test_two_runs_at_once_do_each_photo_and_neither_fails(draw, options):
    draw(*(f"photos/{number}.png" for number in range(8)), size=(64, 64))

    runs = [
        subprocess.Popen([*COMMAND, "photos", *options], stderr=subprocess.PIPE) for _ in range(2)
    ]
    told = [run.communicate(timeout=120)[1].decode() for run in runs]

    assert [run.returncode for run in runs] == [0, 0], told
    assert all(
        read_mark(path) for path in Path(options[-1].replace("--in-place", "photos")).iterdir()
    )


def test_a_reader_that_goes_away_leaves_nobody_at_work(cli, draw, monkeypatch):
    draw(*(f"photos/{number}.jpg" for number in range(6)))
    real = JsonLines.show
    shown = []

    def show(self, event):
        shown.append(event)
        if len(shown) > 2:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        real(self, event)

    monkeypatch.setattr(JsonLines, "show", show)

    ended = cli("enhance", "photos", "--json", "--quiet")

    assert ended.err == ""
    assert not [
        each for each in threading.enumerate() if each.name.startswith(("reader", "writer"))
    ]


def test_a_missing_extra_is_hinted_at_once(cli, draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    draw("1.jpg")
    for number in range(9):
        Path("photos").mkdir(exist_ok=True)
        shutil.copy("1.jpg", f"photos/{number}.nef")

    ended = cli("enhance", "photos")

    assert ended.code == 1
    assert ended.err.count("pip install 'photoenhance[raw]'") == 1
    assert "For 9 of them: pip install 'photoenhance[raw]'" in ended.err
    assert "[1/9] photos/0.nef: failed: camera raw is not supported" in ended.err
    assert "[2/9]" not in ended.err


def test_pictures_that_are_no_photos_are_counted_in_folders(cli, draw):
    draw("photos/1.jpg")
    Path("photos/2.gif").write_bytes(b"GIF89a")
    Path("photos/3.jxl").write_bytes(b"\xff\x0a")

    found, named = cli("enhance", "photos"), cli("enhance", "photos/2.gif")

    assert (found.code, named.code) == (0, 1)
    assert "Skipped: 2 left out as no photos that can be read; -v names them." in found.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_in_a_folder_does_not_stop_the_run(cli, draw):
    draw("photos/1.jpg")
    os.mkfifo("photos/pipe.jpg")

    ended = cli("enhance", "photos")

    assert ended.code == 0
    assert names("photos-enhanced") == ["1.jpg"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf1.jpg\n2.jpg\n",
        "1.jpg\r\n2.jpg\r\n".encode("utf-16"),
        "\ufeff1.jpg\n2.jpg\n".encode("utf-16-be"),
        b"1.jpg\r\n2.jpg",
    ],
)
def test_lists_of_windows_editors_are_read(cli, draw, content):
    draw("1.jpg", "2.jpg")
    Path("list").write_bytes(content)

    assert cli("enhance", "--files-from", "list", "-o", "out").code == 0
    assert names("out") == ["1.jpg", "2.jpg"]


def test_a_list_for_null_says_so(cli, draw):
    draw("1.jpg")

    ended = cli("enhance", "--files-from", "-", "-o", "out", stdin=b"1.jpg\0")

    assert ended.code == 2
    assert ended.err == (
        "Error: -: the list of paths holds null bytes\n"
        "Hint: Add --null if paths end with them, as those of find -print0 do.\n"
    )


def test_an_edited_result_is_not_replaced_where_only_its_mark_tells_of_it(cli, draw, monkeypatch):
    draw("p/a.jpg")
    cli("enhance", "p")
    result = Path("p-enhanced/a.jpg")
    packet = read(result).metadata.xmp
    Image.new("RGB", (32, 24), "teal").save(result, xmp=packet)
    edited = result.read_bytes()
    monkeypatch.setenv("PHOTOENHANCE_HOME", "another")

    ended = cli("enhance", "p", "--strength", "0.5")

    assert ended.code == 1
    assert result.read_bytes() == edited
    assert "--on-exists overwrite" in ended.err


def test_an_untouched_result_is_made_anew_by_its_mark_alone(cli, draw, monkeypatch):
    draw("p/a.jpg")
    cli("enhance", "p")
    before = Path("p-enhanced/a.jpg").read_bytes()
    monkeypatch.setenv("PHOTOENHANCE_HOME", "another")

    ended = cli("enhance", "p", "--strength", "0.5")

    assert ended.code == 0
    assert Path("p-enhanced/a.jpg").read_bytes() != before


def test_a_result_of_another_photo_is_replaced_with_a_word(cli, draw):
    draw("x/i.jpg", "y/i.jpg")
    cli("enhance", "x", "-o", "o")

    ended = cli("enhance", "y", "-o", "o")

    assert ended.code == 0
    assert "replaced a result that was made from another photo" in ended.err


def test_a_photo_and_a_link_to_it_are_one_photo_in_place(cli, draw):
    draw("a.jpg")
    Path("l.jpg").symlink_to("a.jpg")

    ended = cli("enhance", "--in-place", "a.jpg", "l.jpg")

    assert ended.code == 0
    assert "1 enhanced" in ended.err


def test_a_write_protected_photo_is_not_replaced(cli, draw):
    draw("a.jpg")
    Path("a.jpg").chmod(0o444)
    before = Path("a.jpg").read_bytes()

    ended = cli("enhance", "--in-place", "a.jpg")

    assert ended.code == 1
    assert Path("a.jpg").read_bytes() == before
    assert "write-protected" in ended.err


def test_a_file_that_cannot_say_that_it_is_a_result_is_told(cli, draw):
    draw("a.bmp")

    ended = cli("enhance", "--in-place", "a.bmp")

    assert ended.code == 0
    assert "only this computer's journal knows it" in ended.err
