"""Jobs -> results, with an enhancer that turns photos into their negatives."""

import io
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.batch import bench as bench_module
from photoenhance.batch.bench import Bench, Streams
from photoenhance.batch.events import Finished, PhotoDone, Settings, Started
from photoenhance.batch.journal import Journal
from photoenhance.batch.plan import Job, Request, plan
from photoenhance.batch.run import rehearse, run
from photoenhance.errors import DeviceError, ExitCode
from photoenhance.imaging.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from photoenhance.inference.enhancer import Enhanced

SETTINGS = Settings(model="negative", weights_sha256="00", device="cpu")


class Negative:
    def __init__(self):
        self.calls = 0
        self.errors = {}

    def enhance(self, photo):
        self.calls += 1
        if self.calls in self.errors:
            raise self.errors[self.calls]
        return Enhanced(replace(photo, pixels=255 - photo.pixels), "whole", None, "fp32", ("hm",))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    return tmp_path


@pytest.fixture
def enhancer():
    return Negative()


@pytest.fixture
def journal():
    with Journal(None) as journal:
        yield journal


@pytest.fixture
def bench(enhancer, journal):
    return Bench(enhancer, SETTINGS, journal, Streams())


def draw(*names, level=50):
    for number, name in enumerate(names):
        Image.new("RGB", (8, 6), (level + number,) * 3).save(name)


def level(path):
    return int(np.asarray(Image.open(path))[0, 0, 0])


def jobs(**request):
    return plan(Request((Path("photos"),), **request))


def photos(events):
    return [event for event in events if isinstance(event, PhotoDone)]


def test_every_photo_is_enhanced_and_told_of(bench):
    draw("photos/a.png", "photos/b.png")

    started, first, second, finished = run(jobs(), bench)

    assert started == Started(2, SETTINGS)
    assert (first.input, first.output) == ("photos/a.png", "photos-enhanced/a.png")
    assert (first.status, first.rendering, first.precision) == ("ok", "whole", "fp32")
    assert first.megapixels == 48e-6
    assert first.warnings == ("hm",)
    assert second.status == "ok"
    assert (finished.ok, finished.failed, finished.exit_code) == (2, 0, ExitCode.OK)
    assert level("photos-enhanced/a.png") == 205
    assert level("photos/a.png") == 50


def test_one_bad_photo_does_not_stop_the_rest(bench):
    draw("photos/a.png", "photos/c.png")
    Path("photos/b.png").write_text("no picture")

    events = list(run(jobs(), bench))

    assert [done.status for done in photos(events)] == ["ok", "failed", "ok"]
    assert photos(events)[1].error_class == "ImageError"
    assert photos(events)[1].message == "not a photo in a supported format"
    assert events[-1].exit_code == ExitCode.FAILED
    assert not Path("photos-enhanced/b.png").exists()


def test_a_bug_fails_its_photo_only_and_is_told_by_name(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: ZeroDivisionError("oh")}

    events = list(run(jobs(), bench))

    assert [done.status for done in photos(events)] == ["failed", "ok"]
    assert photos(events)[0].message == "unexpected ZeroDivisionError: oh"


def test_out_of_memory_everywhere_ends_with_the_devices_exit_code(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: DeviceError("cpu: out"), 2: DeviceError("cpu: out")}

    *_, finished = run(jobs(), bench)

    assert finished.exit_code == ExitCode.DEVICE


def test_different_failures_end_with_1(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: DeviceError("cpu: out"), 2: ValueError("oh")}

    *_, finished = run(jobs(), bench)

    assert finished.exit_code == ExitCode.FAILED


def test_fail_fast_ends_at_the_first_failure(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: ValueError("oh")}

    *_, finished = run(jobs(), bench, fail_fast=True)

    assert (finished.failed, finished.not_started) == (1, 1)
    assert not Path("photos-enhanced/b.png").exists()


def test_an_interrupt_lets_the_current_photo_finish(bench, enhancer):
    draw("photos/a.png", "photos/b.png", "photos/c.png")

    events = list(run(jobs(), bench, should_stop=lambda: enhancer.calls > 1))

    assert [done.input for done in photos(events)] == ["photos/a.png", "photos/b.png"]
    assert level("photos-enhanced/b.png") == 204
    assert not Path("photos-enhanced/c.png").exists()
    assert events[-1].not_started == 1
    assert events[-1].exit_code == ExitCode.INTERRUPTED


def test_an_interrupt_before_the_first_photo_ends_the_batch(bench, enhancer):
    draw("photos/a.png")

    events = list(run(jobs(), bench, should_stop=lambda: True))

    assert photos(events) == []
    assert enhancer.calls == 0


def test_a_second_run_skips_what_the_first_one_did(bench, enhancer):
    draw("photos/a.png")
    list(run(jobs(), bench))

    events = list(run(jobs(), bench))

    assert photos(events)[0].status == "skipped"
    assert photos(events)[0].message == "done before with these settings"
    assert photos(events)[0].warnings == ()
    assert events[-1].exit_code == ExitCode.OK
    assert enhancer.calls == 1


def test_an_output_of_other_settings_is_skipped_with_a_warning(bench, enhancer, journal):
    draw("photos/a.png")
    list(run(jobs(), bench))

    events = list(run(jobs(), Bench(enhancer, replace(SETTINGS, strength=0.5), journal, Streams())))

    assert photos(events)[0].status == "skipped"
    assert "--on-exists overwrite" in photos(events)[0].warnings[0]


def test_an_output_of_another_input_is_skipped_with_a_warning(bench):
    draw("photos/a.png")
    list(run(jobs(), bench))
    draw("photos/a.png", level=60)

    events = list(run(jobs(), bench))

    assert photos(events)[0].warnings
    assert level("photos-enhanced/a.png") == 205


def test_overwrite_makes_it_again(bench):
    draw("photos/a.png")
    list(run(jobs(), bench))
    draw("photos/a.png", level=60)

    list(run(jobs(on_exists="overwrite"), bench))

    assert level("photos-enhanced/a.png") == 195


def test_in_place_never_enhances_twice(bench):
    draw("photos/a.png")
    list(run(jobs(in_place=True), bench))

    events = list(run(jobs(in_place=True), bench))

    assert level("photos/a.png") == 205
    assert photos(events)[0].status == "skipped"


def test_in_place_enhances_a_photo_that_was_changed_since(bench):
    draw("photos/a.png")
    list(run(jobs(in_place=True), bench))
    draw("photos/a.png", level=60)

    list(run(jobs(in_place=True), bench))

    assert level("photos/a.png") == 195


def test_a_vanished_input_fails_alone(bench):
    draw("photos/a.png", "photos/b.png")
    todo = jobs()
    Path("photos/a.png").unlink()

    events = list(run(todo, bench))

    assert photos(events)[0].message == "cannot be read: No such file or directory"
    assert photos(events)[1].status == "ok"


def test_an_input_that_changes_while_it_is_read_fails(bench, monkeypatch):
    draw("photos/a.png")
    real = bench_module.read

    def changing(path, **options):
        photo = real(path, **options)
        os.utime(path, (1, 1))
        return photo

    monkeypatch.setattr(bench_module, "read", changing)

    events = list(run(jobs(), bench))

    assert photos(events)[0].message == "was changed while it was read"
    assert not Path("photos-enhanced/a.png").exists()


def test_an_output_that_appears_meanwhile_is_not_overwritten(bench):
    draw("photos/a.png")
    todo = jobs()
    Path("photos-enhanced").mkdir()
    draw("photos-enhanced/a.png", level=99)

    events = list(run(todo, bench))

    assert photos(events)[0].status == "failed"
    assert level("photos-enhanced/a.png") == 99


def test_problems_of_the_plan_are_failures(bench):
    draw("photos/a.png")
    list(run(jobs(), bench))

    events = list(run(jobs(on_exists="error"), bench))

    assert photos(events)[0].message == "photos-enhanced/a.png: exists already"


def test_an_output_folder_that_cannot_be_made_fails_the_photo(bench):
    draw("photos/a.png")
    Path("photos-enhanced").touch()

    events = list(run(jobs(), bench))

    assert photos(events)[0].message == (
        "photos-enhanced: cannot be used as an output folder: File exists"
    )


def test_a_limit_of_pixels_reaches_the_reader(enhancer, journal):
    draw("photos/a.png")

    events = list(
        run(jobs(), Bench(enhancer, replace(SETTINGS, max_pixels=47), journal, Streams()))
    )

    assert photos(events)[0].status == "failed"
    assert "47" in photos(events)[0].message


def test_old_leftovers_of_killed_runs_are_cleared_and_young_ones_kept(bench):
    draw("photos/a.png")
    Path("photos-enhanced").mkdir()
    old = Path("photos-enhanced", f"{TEMPORARY_PREFIX}old{TEMPORARY_SUFFIX}")
    young = Path("photos-enhanced", f"{TEMPORARY_PREFIX}young{TEMPORARY_SUFFIX}")
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 3600,) * 2)

    list(run(jobs(), bench))

    assert not old.exists()
    assert young.exists()


def test_streams_stand_for_missing_paths(enhancer, journal):
    source, result = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (8, 6), (50,) * 3).save(source, "PNG")
    source.seek(0)

    events = list(
        run((Job(None, None),), Bench(enhancer, SETTINGS, journal, Streams(source, result)))
    )

    assert (photos(events)[0].input, photos(events)[0].output) == ("-", "-")
    with Image.open(result) as picture:
        assert picture.format == "PNG"
        assert picture.getpixel((0, 0)) == (205, 205, 205)


def test_a_stream_can_change_the_format(enhancer, journal):
    draw("photos/a.png")
    result = io.BytesIO()
    streams = Streams(io.BytesIO(), result, "tiff")

    list(run((Job(Path("photos/a.png"), None),), Bench(enhancer, SETTINGS, journal, streams)))

    with Image.open(result) as picture:
        assert picture.format == "TIFF"


def test_an_empty_standard_input_fails_with_a_reason(enhancer, journal):
    streams = Streams(io.BytesIO(), io.BytesIO())

    events = list(run((Job(None, None),), Bench(enhancer, SETTINGS, journal, streams)))

    assert photos(events)[0].message == "empty, 0 bytes"


def test_a_reader_that_goes_away_ends_the_batch(enhancer, journal):
    class Closed(io.BytesIO):
        def write(self, data):
            raise BrokenPipeError

    draw("photos/a.png")
    streams = Streams(io.BytesIO(), Closed())

    with pytest.raises(BrokenPipeError):
        list(run((Job(Path("photos/a.png"), None),), Bench(enhancer, SETTINGS, journal, streams)))


def test_a_rehearsal_tells_and_touches_nothing(bench):
    draw("photos/a.png", "photos/b.png")
    Path("photos-enhanced").mkdir()
    draw("photos-enhanced/b.png")

    events = list(rehearse(jobs(), SETTINGS))

    assert [done.status for done in photos(events)] == ["dry-run", "skipped"]
    assert isinstance(events[-1], Finished)
    assert not Path("photos-enhanced/a.png").exists()


def test_a_file_that_is_no_photo_is_told_so_and_not_blamed_on_the_output(bench):
    Path("photos/notes.txt").write_text("hello")

    events = list(run(plan(Request((Path("photos/notes.txt"),))), bench))

    assert photos(events)[0].message == "not a photo in a supported format"


def test_a_photo_without_a_suffix_fails_before_it_is_enhanced(bench, enhancer):
    draw("photos/a.png")
    Path("photos/a.png").rename("photos/a")

    events = list(run(plan(Request((Path("photos/a"),))), bench))

    assert "a name without a suffix" in photos(events)[0].message
    assert enhancer.calls == 0
