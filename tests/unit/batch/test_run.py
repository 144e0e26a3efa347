"""Jobs -> results, with an enhancer that turns photos into their negatives."""

import hashlib
import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.batch import bench as bench_module
from photoenhance.batch.bench import Bench, Streams
from photoenhance.batch.events import Finished, PhotoDone, Settings, Started
from photoenhance.batch.journal import Journal, fingerprint
from photoenhance.batch.plan import Job, Request, plan
from photoenhance.batch.run import rehearse, run
from photoenhance.errors import DeviceError, ExitCode, ImageError
from photoenhance.imaging.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from photoenhance.imaging.folders import Filter
from photoenhance.imaging.mark import read_mark
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


def mark_of(path):
    return read_mark(Path(path))


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
    assert photos(events)[1].error_class == "UnsupportedError"
    assert photos(events)[1].message == "not a photo in a supported format"
    assert events[-1].exit_code == ExitCode.FAILED
    assert not Path("photos-enhanced/b.png").exists()


def test_a_bug_fails_its_photo_only_and_is_told_by_name(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: ZeroDivisionError("oh")}

    events = list(run(jobs(), bench))

    assert [done.status for done in photos(events)] == ["failed", "ok"]
    assert photos(events)[0].message == "unexpected ZeroDivisionError: oh"
    assert events[-1].exit_code == ExitCode.INTERNAL


def test_out_of_memory_everywhere_ends_with_the_devices_exit_code(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: DeviceError("cpu: out"), 2: DeviceError("cpu: out")}

    *_, finished = run(jobs(), bench)

    assert finished.exit_code == ExitCode.DEVICE


def test_different_failures_end_with_1(bench, enhancer):
    draw("photos/a.png", "photos/b.png")
    enhancer.errors = {1: DeviceError("cpu: out"), 2: ImageError("oh")}

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


WEAKER = replace(SETTINGS, strength=0.5)


def outcome_of(events):
    return [(done.status, done.reason) for done in photos(list(events))]


def outcome(*args):
    return outcome_of(run(*args))


@pytest.fixture(params=["journal", "mark"])
def later(request, enhancer, journal):
    """Give the bench of a later run, with the journal or in a home of its own."""

    def make(settings=SETTINGS):
        kept = journal if request.param == "journal" else Journal(None)
        return Bench(enhancer, settings, kept, Streams())

    return make


def test_what_the_same_settings_made_is_left_alone(bench, later, enhancer):
    draw("photos/a.png")
    list(run(jobs(), bench))

    assert outcome(jobs(), later()) == [("skipped", "done")]
    assert enhancer.calls == 1


def test_what_other_settings_made_is_made_anew(bench, later, enhancer):
    draw("photos/a.png")
    list(run(jobs(), bench))

    assert outcome(jobs(), later(WEAKER)) == [("ok", None)]
    assert mark_of("photos-enhanced/a.png").settings == "strength 0.5, fp32"


def test_what_another_photo_became_is_made_anew(bench, later):
    draw("photos/a.png")
    list(run(jobs(), bench))
    draw("photos/a.png", level=60)

    assert outcome(jobs(), later()) == [("ok", None)]
    assert level("photos-enhanced/a.png") == 195


@pytest.mark.parametrize("settings", [SETTINGS, WEAKER])
def test_a_file_of_somebody_else_fails_its_photo_and_stays(bench, settings, enhancer):
    draw("photos/a.png", "photos/b.png")
    Path("photos-enhanced").mkdir()
    draw("photos-enhanced/a.png", level=99)

    failed, done = photos(list(run(jobs(), bench)))

    assert failed.message == ("photos-enhanced/a.png: exists and is not a result of photoenhance")
    assert "--on-exists overwrite" in failed.hint
    assert done.status == "ok"
    assert level("photos-enhanced/a.png") == 99


def test_an_empty_file_is_a_place_for_a_result(bench):
    draw("photos/a.png")
    Path("photos-enhanced").mkdir()
    Path("photos-enhanced/a.png").touch()

    assert outcome(jobs(), bench) == [("ok", None)]
    assert level("photos-enhanced/a.png") == 205


def edit(path):
    """Change a result as programs do that keep all metadata."""
    with Path(path).open("ab") as file:
        file.write(b"edited")
    return Path(path).read_bytes()


def test_a_result_that_was_edited_is_never_made_anew(bench, enhancer, journal):
    draw("photos/a.png")
    list(run(jobs(), bench))
    edited = edit("photos-enhanced/a.png")

    same = photos(list(run(jobs(), bench)))
    others = photos(list(run(jobs(), Bench(enhancer, WEAKER, journal, Streams()))))

    assert [(each.status, each.reason) for each in same] == [("skipped", "changed")]
    assert others[0].message == "photos-enhanced/a.png: was changed since photoenhance made it"
    assert Path("photos-enhanced/a.png").read_bytes() == edited


def test_a_kill_before_a_result_takes_its_name_leaves_the_older_one_ours(
    bench, enhancer, journal, monkeypatch
):
    draw("photos/a.png")
    list(run(jobs(), bench))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda self, target: os.strerror(1) / 0)
        list(run(jobs(), Bench(enhancer, WEAKER, journal, Streams())))
    assert mark_of("photos-enhanced/a.png").settings == "strength 1, fp32"

    assert outcome(jobs(), Bench(enhancer, WEAKER, journal, Streams())) == [("ok", None)]
    assert mark_of("photos-enhanced/a.png").settings == "strength 0.5, fp32"


def test_skip_leaves_alone_whatever_is_there(bench, enhancer, journal):
    draw("photos/a.png", "photos/b.png")
    list(run(jobs(), bench))
    draw("photos-enhanced/b.png", level=99)

    weaker = Bench(enhancer, WEAKER, journal, Streams())

    assert outcome(jobs(on_exists="skip"), weaker) == [("skipped", "exists")] * 2
    assert outcome(jobs(on_exists="skip"), bench)[0] == ("skipped", "done")
    assert level("photos-enhanced/b.png") == 99


def test_a_result_says_what_made_it(bench):
    draw("photos/a.png")

    list(run(jobs(), bench))

    mark = mark_of("photos-enhanced/a.png")
    assert (mark.model, mark.weights_sha256) == (SETTINGS.model, SETTINGS.weights_sha256)
    assert mark.fingerprint == fingerprint(SETTINGS)
    assert mark.source_sha256 == hashlib.sha256(Path("photos/a.png").read_bytes()).hexdigest()


@pytest.mark.parametrize("change", [{"no_mark": True}, {"strip_metadata": True}])
def test_a_mark_is_left_out_when_it_is_unwanted(enhancer, journal, change):
    draw("photos/a.png")
    bench = Bench(enhancer, replace(SETTINGS, **change), journal, Streams())

    list(run(jobs(), bench))

    assert mark_of("photos-enhanced/a.png") is None
    assert outcome(jobs(), bench) == [("skipped", "done")]


def test_where_a_model_lies_is_not_told(enhancer, journal):
    draw("photos/a.png")
    settings = replace(SETTINGS, model="/home/ada/secret/mine.safetensors")

    list(run(jobs(), Bench(enhancer, settings, journal, Streams())))

    assert mark_of("photos-enhanced/a.png").model == "mine.safetensors"
    assert b"ada" not in Path("photos-enhanced/a.png").read_bytes()


def test_results_among_the_photos_are_left_out(bench, later):
    draw("photos/a.png")
    list(run(jobs(), bench))
    Path("photos-enhanced/a.png").rename("photos/b.png")

    found = plan(Request((Path("photos"),), output=Path("out")))

    assert outcome(found, bench) == [("ok", None), ("skipped", "result")]
    again = plan(Request((Path("photos"),), output=Path("again"), again=True))
    assert outcome(again, bench) == [("ok", None), ("ok", None)]


def test_a_result_without_a_mark_is_known_by_the_journal(enhancer, journal):
    draw("photos/a.png")
    bench = Bench(enhancer, replace(SETTINGS, no_mark=True), journal, Streams())
    list(run(jobs(output=Path("photos/better")), bench))

    found = plan(Request((Path("photos"),), output=Path("out"), filter=Filter(recursive=True)))

    assert outcome(found, bench) == [("ok", None), ("skipped", "result")]


@pytest.mark.parametrize("names", [(None, None), ("photos/b.png", None), (None, "c.png")])
def test_a_result_in_a_pipe_fails_since_somebody_waits_for_a_photo(enhancer, journal, bench, names):
    draw("photos/a.png")
    list(run(jobs(), bench))
    data = Path("photos-enhanced/a.png").read_bytes()
    Path("photos/b.png").write_bytes(data)
    streams = Streams(io.BytesIO(data), io.BytesIO())
    job = Job(*(Path(name) if name else None for name in names))

    (done,) = photos(list(run((job,), Bench(enhancer, SETTINGS, journal, streams))))

    assert done.message.endswith("is a result of photoenhance already (negative, strength 1, fp32)")
    assert "--again" in done.hint


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


def test_in_place_refuses_a_result_of_other_settings(bench, later):
    draw("photos/a.png")
    list(run(jobs(in_place=True), bench))

    (done,) = photos(list(run(jobs(in_place=True), later(WEAKER))))

    assert done.status == "failed"
    assert done.message == "is a result of photoenhance already (negative, strength 1, fp32)"
    assert level("photos/a.png") == 205
    assert outcome(jobs(in_place=True, again=True), later(WEAKER)) == [("ok", None)]
    assert level("photos/a.png") == 50


def test_in_place_knows_its_results_in_another_home(bench, later):
    draw("photos/a.png")
    list(run(jobs(in_place=True), bench))

    assert outcome(jobs(in_place=True), later()) == [("skipped", "done")]


def test_in_place_refuses_a_result_that_was_edited(bench, later):
    draw("photos/a.png")
    list(run(jobs(in_place=True), bench))
    edited = edit("photos/a.png")

    assert outcome(jobs(in_place=True), later(WEAKER)) == [("failed", None)]
    assert Path("photos/a.png").read_bytes() == edited


def test_in_place_leaves_a_photo_that_is_edited_meanwhile(bench, enhancer):
    draw("photos/a.png")
    real = enhancer.enhance

    def editing(photo):
        draw("photos/a.png", level=60)
        os.utime("photos/a.png", (1, 1))
        return real(photo)

    enhancer.enhance = editing

    (done,) = photos(list(run(jobs(in_place=True), bench)))

    assert done.status == "failed"
    assert "somebody else has changed this file since the run began" in done.message
    assert level("photos/a.png") == 60


def test_in_place_tells_of_hard_links(bench):
    draw("photos/a.png")
    os.link("photos/a.png", "other.png")

    (done,) = photos(list(run(jobs(in_place=True), bench)))

    assert "the file has one more name (hard links), which keep the old picture" in done.warnings
    assert level("other.png") == 50


@pytest.mark.parametrize("in_place", [False, True])
def test_dates_are_kept_when_asked_for(enhancer, journal, in_place):
    draw("photos/a.png")
    os.utime("photos/a.png", (10**9, 10**9))
    bench = Bench(enhancer, replace(SETTINGS, keep_dates=True), journal, Streams())

    list(run(jobs(in_place=in_place), bench))

    status = Path("photos/a.png" if in_place else "photos-enhanced/a.png").stat()
    assert (status.st_atime, status.st_mtime) == (10**9, 10**9)


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


@pytest.mark.parametrize("options", [{}, {"on_exists": "skip"}, {"in_place": True}])
@pytest.mark.parametrize("has_journal", [True, False])
def test_what_another_run_does_meanwhile_is_skipped(
    bench, enhancer, journal, monkeypatch, options, has_journal
):
    draw("photos/a.png", "photos/b.png")
    todo = jobs(**options)
    other = Bench(Negative(), SETTINGS, journal if has_journal else Journal(None), Streams())
    real = enhancer.enhance

    def enhance(photo):  # the other run is done while this one works on its first photo
        if enhancer.calls == 0:
            assert all(done.status == "ok" for done in photos(list(run(todo, other))))
        return real(photo)

    enhancer.enhance = enhance

    events = list(run(todo, bench))

    assert [(done.status, done.reason) for done in photos(events)] == [("skipped", "done")] * 2
    assert events[-1].exit_code == ExitCode.OK


def test_overwriting_minds_no_other_run(bench, enhancer):
    draw("photos/a.png")
    todo = jobs(on_exists="overwrite")
    Path("photos-enhanced").mkdir()
    draw("photos-enhanced/a.png", level=99)

    assert outcome(todo, bench) == [("ok", None)]


@pytest.mark.parametrize("options", [{}, {"in_place": True}])
def test_a_failure_is_over_when_nothing_is_left_to_do(bench, enhancer, journal, options):
    draw("photos/a.png")
    (job,) = todo = jobs(**options)
    list(run(todo, bench))
    bench.note_failure(job)

    assert outcome(jobs(**options), bench) == [("skipped", "done")]
    assert not journal.has_failure(job.output)


def moving(name):
    frames = [Image.new("RGB", (8, 6), (level,) * 3) for level in (1, 200)]
    frames[0].save(name, save_all=True, append_images=frames[1:])


def test_pictures_that_are_no_photos_are_skipped_in_folders_and_fail_when_named(bench):
    draw("photos/a.png")
    moving("photos/moving.webp")
    moving("photos/still.gif")
    names = ("photos/moving.webp", "photos/still.gif")

    found = outcome(jobs(), bench)
    named = outcome(plan(Request(tuple(map(Path, names)))), bench)

    assert found == [("ok", None), ("skipped", "unsupported"), ("skipped", "unsupported")]
    assert named == [("failed", None)] * 2


def test_a_missing_extra_fails_its_photos_in_folders_too(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    draw("photos/a.png")
    Path("photos/a.png").rename("photos/a.nef")

    (done,) = photos(list(run(jobs(), bench)))

    assert (done.status, done.error_class) == ("failed", "MissingExtraError")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="devices of POSIX")
def test_a_device_is_no_photo(bench):
    (done,) = photos(list(run((Job(Path("/dev/zero"), Path("a.png")),), bench)))

    assert done.message == "is a device, not a photo"


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


@pytest.mark.parametrize("are_done", [False, True])
def test_leftovers_of_killed_runs_go_at_once_even_if_all_is_done(bench, are_done):
    draw("photos/a.png")
    if are_done:
        list(run(jobs(), bench))
    Path("photos-enhanced").mkdir(exist_ok=True)
    dead = Path("photos-enhanced", f"{TEMPORARY_PREFIX}dead{TEMPORARY_SUFFIX}")
    dead.touch()

    list(run(jobs(), bench))

    assert not dead.exists()


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

    assert [done.status for done in photos(events)] == ["dry-run", "dry-run"]
    assert photos(events)[1].message == "exists; made anew if settings or photo have changed"
    assert outcome_of(rehearse(jobs(on_exists="skip"), SETTINGS))[1] == ("skipped", "exists")
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
