"""`photoenhance enhance`, with a tiny model and tiny photos."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from photoenhance.batch import journal
from photoenhance.errors import ConfigError, MissingExtraError
from photoenhance.inference.enhancer import Enhancer
from photoenhance.zoo import checkpoint, store

START = {
    *(
        "schema",
        "record",
        "photos",
        "model",
        "model_options",
        "weights_sha256",
        "device",
        "precision",
    ),
    *("rendering", "tile", "work_size", "strength", "quality", "strip_metadata", "max_pixels"),
    *("no_mark", "keep_dates"),
}
FILE = {
    *("schema", "record", "input", "output", "status", "message", "reason"),
    *("error_class", "hint"),
    *("exit_code", "megapixels", "rendering", "tile", "precision", "seconds", "warnings"),
    *("model", "weights_sha256", "device"),
}
SUMMARY = {
    *(
        "schema",
        "record",
        "ok",
        "planned",
        "skipped",
        "failed",
        "not_started",
        "seconds",
        "exit_code",
    ),
}


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_folder_with_a_broken_file_is_done_but_for_that_and_exits_1(cli, draw):
    draw(*(f"photos/{number}.jpg" for number in range(4)))
    Path("photos/broken.jpg").write_bytes(Path("photos/0.jpg").read_bytes()[:400])

    ended = cli("enhance", "photos")

    assert ended.code == 1
    assert ended.out == ""
    assert names("photos-enhanced") == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert "4 enhanced, 1 failed in " in ended.err
    assert ", into photos-enhanced/\n" in ended.err
    assert "  photos/broken.jpg: " in ended.err.partition("Failed:")[2]


def test_a_good_run_exits_0_and_keeps_size_and_format(cli, draw):
    draw("a.png", size=(17, 31))

    ended = cli("enhance", "a.png")

    assert ended.code == 0
    with Image.open("a-enhanced.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (31, 17))


def test_strength_0_gives_the_pixels_back_exactly(cli, draw):
    draw("a.png")

    cli("enhance", "a.png", "--strength", "0")

    before, after = (np.asarray(Image.open(name)) for name in ("a.png", "a-enhanced.png"))
    assert np.array_equal(before, after)


def test_strength_1_changes_pixels(cli, draw):
    draw("a.png")

    cli("enhance", "a.png")

    before, after = (np.asarray(Image.open(name)) for name in ("a.png", "a-enhanced.png"))
    assert not np.array_equal(before, after)


def test_the_device_that_auto_chose_is_told(cli, draw):
    draw("a.png")

    assert " on cpu, fp32" in cli("enhance", "a.png", "--device", "cpu").err


def test_json_is_lines_of_one_schema(cli, draw, model):
    draw("photos/a.jpg")
    Path("photos/b.jpg").touch()

    ended = cli("enhance", "photos", "--json", "--quiet")

    start, good, bad, summary = records(ended.out)
    assert set(start) == START
    assert set(good) == set(bad) == FILE
    assert set(summary) == SUMMARY
    assert {record["schema"] for record in (start, good, bad, summary)} == {1}
    assert good["status"] == "ok"
    assert good["weights_sha256"] == store.sha256(model)
    assert (bad["status"], bad["error_class"]) == ("failed", "ImageError")
    assert (summary["ok"], summary["failed"], summary["exit_code"]) == (1, 1, 1)


def test_the_log_gets_the_same_records(cli, draw):
    draw("photos/a.jpg")

    ended = cli("enhance", "photos", "--json", "--log", "run.log")

    assert Path("run.log").read_text() == ended.out


def test_names_that_are_no_utf8_stay_valid_json_and_one_line(cli, draw):
    draw("a.jpg")
    name = b"photos/\xff\n\x1b[1m.jpg"
    Path("photos").mkdir()
    Path("a.jpg").rename(name.decode("utf-8", "surrogateescape"))

    ended = cli("enhance", "photos", "--json")

    assert ended.code == 0
    record = records(ended.out)[1]
    assert record["input"].encode() == b"photos/\\xff\n\x1b[1m.jpg"
    assert "[1/1] photos/\\xff\\n\\x1b[1m.jpg -> " in ended.err


def test_markup_in_a_name_is_shown_as_it_is(cli, draw):
    draw("[red]a.jpg")

    assert "[1/1] [red]a.jpg -> [red]a-enhanced.jpg" in cli("enhance", "[red]a.jpg").err


def test_nothing_named_exits_2(cli):
    ended = cli("enhance")

    assert ended.code == 2
    assert ended.err == (
        "Error: no photo or folder was named\n"
        "Hint: Name at least one, as in `photoenhance enhance photos/`.\n"
    )


def test_missing_photo_exits_2_and_says_what_to_do(cli):
    ended = cli("enhance", "nowhere.jpg")

    assert ended.code == 2
    assert ended.err == (
        "Error: nowhere.jpg: no such file or folder\nHint: Check the spelling of the path.\n"
    )


def test_an_empty_folder_exits_2_and_allow_empty_makes_that_0(cli):
    Path("photos").mkdir()

    refused, allowed = cli("enhance", "photos"), cli("enhance", "photos", "--allow-empty")

    assert refused.code == 2
    assert refused.err == (
        "Error: photos: no photos were found (it is empty)\n"
        "Hint: Name other folders, or allow this with --allow-empty.\n"
    )
    assert allowed.code == 0


@pytest.mark.parametrize(
    ("files", "options", "inside", "hint"),
    [
        (["a.txt"], [], "1 file, not a photo", "Name other folders"),
        (["a.txt", "b.doc"], [], "2 files, none of them a photo", "Name other folders"),
        (["x/a.jpg"], [], "1 folder", "Look into subfolders with --recursive"),
        (["x/a.txt", "b.txt"], ["-r"], "1 file, not a photo; 1 folder", "Name other folders"),
        (["a.jpg"], ["--include", "*.png"], "1 file, not wanted", "Name other folders"),
    ],
)
def test_a_folder_without_photos_says_what_was_there(cli, files, options, inside, hint):
    for file in files:
        Path("photos", file).parent.mkdir(parents=True, exist_ok=True)
        Path("photos", file).touch()

    ended = cli("enhance", "photos", *options)

    assert ended.code == 2
    assert ended.err.startswith(f"Error: photos: no photos were found ({inside})\nHint: {hint}, or")


def test_recursive_mirrors_the_tree(cli, draw):
    draw("photos/a.jpg", "photos/x/y/b.jpg")

    ended = cli("enhance", "photos", "-r", "-o", "out")

    assert ended.code == 0
    assert Path("out/a.jpg").is_file()
    assert Path("out/x/y/b.jpg").is_file()


def test_a_collision_exits_2_before_anything_is_written(cli, draw):
    draw("x/a.jpg", "y/a.jpg", "x/b.jpg")

    ended = cli("enhance", "x", "y", "-o", "out")

    assert ended.code == 2
    assert ended.err.startswith("Error: out/a.jpg: would be the output of both x/a.jpg and y/a.jpg")
    assert not Path("out").exists()


def test_a_second_run_skips_and_exits_0(cli, draw):
    draw("photos/a.jpg")
    cli("enhance", "photos")
    before = Path("photos-enhanced/a.jpg").stat()

    ended = cli("enhance", "photos")

    assert ended.code == 0
    assert "1 skipped in " in ended.err
    assert Path("photos-enhanced/a.jpg").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("policy", "code", "files"),
    [
        ("overwrite", 0, ["a.jpg"]),
        ("rename", 0, ["a-1.jpg", "a.jpg"]),
        ("error", 1, ["a.jpg"]),
    ],
)
def test_on_exists_decides_what_happens_to_existing_outputs(cli, draw, policy, code, files):
    draw("photos/a.jpg")
    cli("enhance", "photos")

    ended = cli("enhance", "photos", "--on-exists", policy)

    assert ended.code == code
    assert names("photos-enhanced") == files


def test_in_place_replaces_once(cli, draw):
    draw("photos/a.png")
    original = Path("photos/a.png").read_bytes()

    first = cli("enhance", "photos", "--in-place")
    once = Path("photos/a.png").read_bytes()
    second = cli("enhance", "photos", "--in-place")

    assert (first.code, second.code) == (0, 0)
    assert once != original
    assert Path("photos/a.png").read_bytes() == once
    assert "1 skipped" in second.err


def test_dry_run_writes_nothing_and_needs_no_model(cli, draw, home):
    draw("photos/a.jpg")

    ended = cli("enhance", "photos", "--dry-run", "--json", "--model", "nowhere")

    assert ended.code == 0
    assert records(ended.out)[1]["status"] == "dry-run"
    assert "1 would be enhanced" in ended.err
    assert not Path("photos-enhanced").exists()
    assert not home.exists()


def test_retry_failed_takes_only_what_failed(cli, draw):
    draw("photos/a.jpg", "photos/b.jpg")
    good = Path("photos/b.jpg").read_bytes()
    Path("photos/b.jpg").write_bytes(b"broken")
    cli("enhance", "photos")
    Path("photos/b.jpg").write_bytes(good)

    ended = cli("enhance", "photos", "--retry-failed")
    again = cli("enhance", "photos", "--retry-failed")

    assert ended.code == 0
    assert "1 enhanced in" in ended.err
    assert again.code == 2
    assert "nothing to retry" in again.err


def test_fail_fast_stops(cli, draw):
    draw("photos/b.jpg")
    Path("photos/a.jpg").touch()

    ended = cli("enhance", "photos", "--fail-fast")

    assert ended.code == 1
    assert "1 failed, 1 not started" in ended.err


def test_an_unknown_model_exits_3(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "--model", "ugan")

    assert ended.code == 3
    assert "ugan: no model, file or training run of this name" in ended.err
    assert not Path("a-enhanced.jpg").exists()


def test_an_absent_device_exits_4(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "--device", "cuda:99")

    assert ended.code == 4
    assert ended.err.startswith("Error: device cuda:99: not available on this machine\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tile", "large"], "--tile large: expected auto, off, or a number of pixels"),
        (["--tile", "0"], "--tile 0: expected auto, off, or a number of pixels"),
        (["--tile", "7"], "--tile 7: expected auto, off, or a number of pixels from 64"),
        (["-o", "out.txt"], "out.txt: .txt is the suffix of no picture that we know"),
        (["--tile", "off", "--rendering", "tiles"], "--tile off: contradicts --rendering tiles"),
        (["--tile", "64", "--rendering", "whole"], "--tile 64: contradicts --rendering whole"),
        (["--tile", "64", "--rendering", "guided"], "--tile 64: contradicts --rendering guided"),
        (["--tile", "off", "--rendering", "guided"], "--tile off: contradicts --rendering guided"),
        (["--tile", "64", "--rendering", "tone"], "--tile 64: contradicts --rendering tone"),
        (["--in-place", "-o", "out"], "out: an output makes no sense with --in-place"),
        (["--log", "nowhere/run.log"], "nowhere/run.log: the log cannot be written: No such file"),
        (["--files-from", "nowhere"], "nowhere: the list of paths cannot be read: No such file"),
        (["-o", "-", "--json"], "standard output: cannot take both a photo and --json"),
        ([""], "an empty path was given"),
        (["b.jpg", "-o", "-"], "a pipe takes one photo at a time"),
    ],
)
def test_contradictory_options_exit_2_and_say_why(cli, draw, options, message):
    draw("a.jpg", "b.jpg")

    ended = cli("enhance", "a.jpg", *options)

    assert ended.code == 2
    assert f"Error: {message}" in ended.err
    assert "Hint: " in ended.err


@pytest.mark.parametrize(
    "options",
    [["--strength", "1.1"], ["--quality", "0"], ["--on-exists", "ask"], ["--format", "gif"]],
)
def test_values_out_of_range_exit_2(cli, draw, options):
    draw("a.jpg")

    assert cli("enhance", "a.jpg", *options).code == 2


@pytest.mark.parametrize("rendering", ["exact", "whole", "strips", "tiles"])
def test_every_exact_rendering_gives_the_same_photo(cli, draw, rendering):
    draw("a.png", size=(90, 130))
    cli("enhance", "a.png", "-o", "auto.png")

    ended = cli("enhance", "a.png", "-o", "other.png", "--rendering", rendering)

    assert ended.code == 0
    auto, other = (np.asarray(Image.open(name)).astype(int) for name in ("auto.png", "other.png"))
    assert np.abs(auto - other).max() <= 1


def test_guided_rendering_is_told_in_the_summary_and_in_the_records(cli, draw):
    draw("a.png", size=(90, 130))

    ended = cli("enhance", "a.png", "--render", "guided", "--work-size", "64", "--json")

    start, done, _ = records(ended.out)
    assert (start["rendering"], start["work_size"]) == ("guided", 64)
    assert (done["rendering"], done["tile"]) == ("guided", None)
    assert "1 enhanced (1 guided) in " in ended.err


def test_tone_rendering_is_told_in_the_summary_and_in_the_records(cli, draw):
    draw("a.png", size=(90, 130))

    ended = cli("enhance", "a.png", "--render", "tone", "--work-size", "64", "--json")

    start, done, _ = records(ended.out)
    assert (start["rendering"], start["work_size"]) == ("tone", 64)
    assert (done["rendering"], done["tile"]) == ("tone", None)
    assert "1 enhanced (1 tone) in " in ended.err


@pytest.mark.parametrize(
    ("local", "rendering"), [(0, "tone"), (0.5, "blend"), (1, "guided"), (None, "guided")]
)
def test_a_checkpoint_says_how_it_is_rendered(cli, draw, model, local, rendering):
    header, tensors = checkpoint.read(model)
    config = {**header.config, "work_size": 64} | ({} if local is None else {"local": local})
    checkpoint.write(Path("m.safetensors"), tensors, replace(header, config=config))
    draw("a.png", size=(90, 130))
    draw("b.png", size=(91, 131))

    auto = cli("enhance", "a.png", "b.png", "--model", "m.safetensors", "--json")
    cli("enhance", "a.png", "--model", "m.safetensors", "--render", "guided", "-o", "guided.png")

    start, *done, _ = records(auto.out)
    assert start["work_size"] == 64
    assert [each["rendering"] for each in done] == [rendering] * 2
    assert f"2 enhanced (2 {rendering}) in " in auto.err
    results = [np.asarray(Image.open(name)) for name in ("a-enhanced.png", "guided.png")]
    assert np.array_equal(*results) == (rendering == "guided")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"local": 2}, "local: expected a number from 0 to 1, found 2"),
        ({"work_size": 5}, "work_size: expected 0 or at least 64, found 5"),
    ],
)
def test_a_checkpoint_that_says_nonsense_of_its_rendering_exits_3(
    cli, draw, model, config, message
):
    header, tensors = checkpoint.read(model)
    changed = replace(header, config={**header.config, **config})
    checkpoint.write(Path("m.safetensors"), tensors, changed)
    draw("a.png", size=(90, 130))

    ended = cli("enhance", "a.png", "--model", "m.safetensors")

    assert ended.code == 3
    assert message in ended.err


def test_a_result_of_another_rendering_is_made_anew(cli, draw):
    draw("a.png", size=(90, 130))
    way = ("--work-size", "64", "--rendering")
    cli("enhance", "a.png", *way, "guided")

    other = cli("enhance", "a.png", *way, "tone")
    again = cli("enhance", "a.png", *way, "tone")

    assert "1 enhanced (1 tone) in " in other.err
    assert "1 skipped" in again.err


def test_a_page_names_the_rendering(cli, draw):
    draw("a.png", size=(90, 130))

    cli("enhance", "a.png", "--render", "tone", "--report", "page.html")

    assert " · tone · " in Path("page.html").read_text()


def test_a_photo_no_larger_than_the_working_size_is_exact(cli, draw):
    draw("a.png", size=(90, 130))

    ended = cli("enhance", "a.png", "--rendering", "guided", "--json")

    assert records(ended.out)[1]["rendering"] == "whole"
    assert "1 enhanced in " in ended.err


def test_a_result_of_another_working_size_is_made_anew(cli, draw):
    draw("a.png", size=(90, 130))
    cli("enhance", "a.png", "--rendering", "guided", "--work-size", "64")

    again = cli("enhance", "a.png", "--rendering", "guided", "--work-size", "80")

    assert "1 enhanced (1 guided) in " in again.err


@pytest.mark.parametrize(
    ("asked", "name", "kept"),
    [("jpg", "a.jpg", "JPEG"), ("tif", "a.tif", "TIFF"), ("TIFF", "a.tif", "TIFF"),
     ("jpe", "a.jpg", "JPEG")],
)  # fmt: skip
def test_formats_go_by_the_names_that_people_call_them(cli, draw, asked, name, kept):
    draw("photos/a.png")

    ended = cli("enhance", "photos", "-o", "out", "--format", asked)

    assert ended.code == 0
    with Image.open(Path("out", name)) as picture:
        assert picture.format == kept


def test_format_changes_what_is_written(cli, draw):
    draw("photos/a.jpg")

    cli("enhance", "photos", "--format", "png")

    assert names("photos-enhanced") == ["a.png"]


def test_quality_makes_files_smaller(cli, draw):
    draw("a.jpg", size=(64, 64))

    cli("enhance", "a.jpg", "-o", "small.jpg", "--quality", "10")
    cli("enhance", "a.jpg", "-o", "large.jpg", "--quality", "100")

    assert Path("small.jpg").stat().st_size < Path("large.jpg").stat().st_size


def test_max_pixels_refuses_by_the_header(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "--max-pixels", "100")

    assert ended.code == 1
    assert "--max-pixels" in ended.err


def test_include_and_exclude_choose_files(cli, draw):
    draw("photos/a.jpg", "photos/b.jpg", "photos/c.png")

    cli("enhance", "photos", "--include", "*.jpg", "--exclude", "b*")

    assert names("photos-enhanced") == ["a.jpg"]


def test_quiet_says_nothing_of_a_good_run(cli, draw):
    draw("photos/a.jpg")

    assert cli("enhance", "photos", "--quiet").err == ""


def test_quiet_tells_failures(cli):
    Path("a.jpg").touch()

    ended = cli("enhance", "a.jpg", "--quiet")

    assert ended.err == "[1/1] a.jpg: failed: empty, 0 bytes\n"


def test_quiet_names_each_photo_that_needs_an_extra_and_tells_once_what_helps(
    cli, draw, monkeypatch
):
    draw("a.jpg", "b.jpg", "c.jpg")

    def failing(*args, **options):
        raise MissingExtraError("needs pillow-heif", hint="Install it.")

    monkeypatch.setattr("photoenhance.batch.bench.encode", failing)

    ended = cli("enhance", "a.jpg", "b.jpg", "c.jpg", "--quiet")

    assert ended.code == 1
    assert ended.err == (
        "[1/3] a.jpg: failed: needs pillow-heif\n"
        "[2/3] b.jpg: failed: needs pillow-heif\n"
        "[3/3] c.jpg: failed: needs pillow-heif\n"
        "Hint: Install it.\n"
    )


@pytest.mark.parametrize("options", [[], ["-v"]])
def test_a_mistake_of_ours_is_one_line_and_its_traceback_is_for_the_curious(
    cli, draw, monkeypatch, options
):
    draw("a.jpg")

    def mistaken(self, photo):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Enhancer, "enhance", mistaken)

    ended = cli("enhance", "a.jpg", *options)

    assert ended.code == 70
    assert "a.jpg: failed: unexpected ZeroDivisionError: oh" in ended.err
    assert ("Traceback" in ended.err) == bool(options)


def test_an_output_folder_that_cannot_be_made_fails_with_a_reason(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "-o", "/proc/photoenhance")

    assert ended.code == 1
    assert "/proc/photoenhance: cannot be used as an output folder: No such file" in ended.err


def test_a_journal_that_cannot_be_used_is_told_and_done_without(cli, draw, home):
    draw("a.jpg")
    home.mkdir()
    (home / "state").touch()

    ended = cli("enhance", "a.jpg")

    assert ended.code == 0
    assert "this run will not be resumable" in ended.err


def test_in_place_needs_no_journal_since_the_file_says_what_it_is(cli, draw, home):
    draw("a.jpg")
    home.mkdir()
    (home / "state").touch()

    first, second = cli("enhance", "a.jpg", "--in-place"), cli("enhance", "a.jpg", "--in-place")

    assert first.code == 0
    assert first.err.count("this run will not be resumable") == 1
    assert "a.jpg: skipped: done before with these settings" in second.err


def test_what_failed_the_last_time_is_known_by_the_journal_alone(cli, draw, home):
    draw("a.jpg")
    home.mkdir()
    (home / "state").touch()

    ended = cli("enhance", "a.jpg", "--retry-failed")

    assert ended.code == 2
    assert "the journal of finished photos cannot be used" in ended.err


def test_without_a_home_photos_are_done(cli, draw, monkeypatch):
    def homeless(kind):
        raise ConfigError("there is no home folder")

    draw("a.jpg")
    monkeypatch.setattr("photoenhance.cli.enhance.store", SimpleNamespace(folder=homeless))

    ended = cli("enhance", "a.jpg")

    assert ended.code == 0
    assert "note: there is no home folder; this run will not be resumable\n" in ended.err


def test_a_journal_that_others_keep_locked_is_done_without(cli, draw, home, monkeypatch):
    draw("photos/a.jpg", "photos/b.jpg")
    cli("enhance", "photos/a.jpg")
    monkeypatch.setattr(journal, "_PATIENCE", 0.01)
    with closing(sqlite3.connect(home / "state" / "journal.sqlite3")) as database:
        database.execute("BEGIN EXCLUSIVE")

        ended = cli("enhance", "photos", "-o", "out")

    assert ended.code == 0
    assert names("out") == ["a.jpg", "b.jpg"]
    assert ended.err.count("this run will not be resumable") == 1


@pytest.mark.parametrize("source", ["a.jpg", "-"])
def test_a_format_that_contradicts_the_outputs_name_exits_2(cli, draw, source):
    draw("a.jpg")

    ended = cli("enhance", source, "-o", "b.jpg", "--format", "png")

    assert ended.code == 2
    assert ended.err == ("Error: b.jpg: contradicts --format png\nHint: Leave one of them out.\n")
    assert not Path("b.jpg").exists()


@pytest.mark.parametrize("output", ["b.tiff", "results", "made.jpg"])
def test_a_format_goes_with_a_name_of_its_own_and_with_folders(cli, draw, output):
    draw("a.jpg")
    Path("made.jpg").mkdir()

    assert cli("enhance", "a.jpg", "-o", output, "--format", "tiff").code == 0


def test_in_place_refuses_a_photo_whose_other_pages_would_be_lost(cli):
    pages = [Image.new("RGB", (32, 24), colour) for colour in ("red", "green", "blue")]
    pages[0].save("scan.tif", save_all=True, append_images=pages[1:])
    before = Path("scan.tif").read_bytes()

    ended = cli("enhance", "scan.tif", "--in-place")

    assert ended.code == 1
    assert Path("scan.tif").read_bytes() == before
    assert "scan.tif: would lose something if it were replaced: only the first of 3" in ended.err
    assert "-o" in ended.err
