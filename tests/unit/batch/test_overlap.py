"""Neighbouring photos are worked on at once, and nobody can tell from the results."""

import threading
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from photoenhance.batch import bench as bench_module
from photoenhance.batch.bench import Bench, Streams
from photoenhance.batch.events import Finished, PhotoDone, Settings
from photoenhance.batch.journal import Journal
from photoenhance.batch.overlap import Room
from photoenhance.batch.plan import Job, Request, plan
from photoenhance.batch.run import run
from photoenhance.errors import ImageError
from photoenhance.inference.enhancer import Enhanced

SOON = 20  # seconds after which what should happen has not happened
NAMES = [f"photos/{number}.png" for number in range(6)]
JOBS = [Job(Path(name), None) for name in NAMES]


class Steps:
    """An enhancer and patched readers and writers that note what begins, and can wait for it."""

    def __init__(self, monkeypatch):
        self.begun = {}
        self.wanted = {}
        self.failing = set()
        self.lock = threading.Lock()
        self.real = (bench_module.read, bench_module.encode)
        monkeypatch.setattr(bench_module, "read", self.read)
        monkeypatch.setattr(bench_module, "encode", self.encode)

    def flag(self, *step):
        with self.lock:
            return self.begun.setdefault(step, threading.Event())

    def begin(self, *step):
        self.flag(*step).set()
        if step in self.wanted:
            assert self.flag(*self.wanted[step]).wait(SOON), f"{step}: waited in vain"
        if step in self.failing:
            raise ImageError(f"cannot {step[0]}")

    def read(self, path, **options):
        self.begin("read", int(path.stem))
        return self.real[0](path, **options)

    def enhance(self, photo):
        self.begin("enhance", self.number(photo))
        return Enhanced(photo, "whole", None, "fp32", ())

    def encode(self, photo, *args, **options):
        self.begin("write", self.number(photo))
        return self.real[1](photo, *args, **options)

    @staticmethod
    def number(photo):
        return int(photo.pixels[0, 0, 0])

    def has_begun(self, *step):
        return self.flag(*step).is_set()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, name in enumerate(NAMES):
        Image.new("RGB", (8, 6), (number, 9, 9)).save(name)


@pytest.fixture
def steps(monkeypatch):
    return Steps(monkeypatch)


@pytest.fixture
def bench(steps):
    with Journal(None) as journal:
        yield Bench(steps, Settings("none", "00", "cpu"), journal, Streams())


def done(bench, **options):
    *_, finished = events = list(run(plan(Request((Path("photos"),))), bench, **options))
    assert isinstance(finished, Finished)
    return [(event.input, event.status) for event in events if isinstance(event, PhotoDone)]


def test_the_next_photo_is_read_while_one_is_enhanced(bench, steps):
    steps.wanted = {("enhance", 0): ("read", 1)}

    assert done(bench) == [(name, "ok") for name in NAMES]


def test_one_photo_is_written_while_the_next_one_is_enhanced(bench, steps):
    steps.wanted = {("write", 0): ("enhance", 1)}

    assert done(bench) == [(name, "ok") for name in NAMES]


def test_no_more_than_a_few_photos_are_read_ahead(bench, steps):
    events = run(plan(Request((Path("photos"),))), bench)
    while not isinstance(next(events), PhotoDone):
        pass

    # The first is written, so at most the second is enhanced; two lie ready, and no more.
    assert not steps.has_begun("read", 5)
    events.close()


@pytest.mark.parametrize("step", ["read", "enhance", "write"])
def test_a_failure_anywhere_is_told_in_its_place(bench, steps, step):
    steps.failing = {(step, 2)}

    statuses = [status for _, status in done(bench)]

    assert statuses == ["ok", "ok", "failed", "ok", "ok", "ok"]


@pytest.mark.parametrize("step", ["read", "enhance", "write"])
def test_nothing_is_written_after_a_failure_that_ends_the_batch(bench, steps, step):
    steps.failing = {(step, 2)}

    statuses = [status for _, status in done(bench, fail_fast=True)]

    assert statuses == ["ok", "ok", "failed"]
    assert sorted(path.name for path in Path("photos-enhanced").iterdir()) == ["0.png", "1.png"]
    assert not steps.has_begun("write", 3)


def test_photos_that_fill_the_room_are_done_one_by_one(bench, steps, monkeypatch):
    monkeypatch.setattr("photoenhance.batch.run.Room", lambda: Room(pixels=50))

    assert done(bench) == [(name, "ok") for name in NAMES]


def test_a_batch_that_is_given_up_ends_its_threads(bench, steps, monkeypatch):
    monkeypatch.setattr("photoenhance.batch.run.Room", lambda: Room(pixels=50))
    events = run(plan(Request((Path("photos"),))), bench)
    next(events)
    next(events)

    events.close()

    assert [thread.name for thread in threading.enumerate() if "er_" in thread.name] == []


def test_a_written_photo_leaves_the_memory(bench, steps, monkeypatch):
    living = weakref.WeakSet()
    enhance = steps.enhance

    def watched(photo):
        made = replace(enhance(photo), photo=replace(photo, pixels=photo.pixels.copy()))
        living.update([photo.pixels.base if photo.pixels.base is not None else photo.pixels])
        living.add(made.photo.pixels)
        return made

    monkeypatch.setattr(steps, "enhance", watched)
    events = run(plan(Request((Path("photos"),))), bench)
    alive = [len(living) for event in events if isinstance(event, PhotoDone)]

    assert max(alive) <= 4  # of one that is enhanced and one that is written
    assert len(living) == 0


def test_a_photo_enters_when_there_is_room_for_it():
    room = Room(pixels=100)
    room.enter(JOBS[0], 60)
    waiting = threading.Thread(target=room.enter, args=(JOBS[1], 50), daemon=True)
    waiting.start()
    waiting.join(0.1)
    was_waiting = waiting.is_alive()

    room.leave(JOBS[0])

    waiting.join(SOON)
    assert was_waiting
    assert not waiting.is_alive()


def test_a_photo_of_any_size_enters_an_empty_room_and_has_it_alone():
    room = Room(pixels=100)
    room.enter(JOBS[0], None)
    waiting = threading.Thread(target=room.enter, args=(JOBS[1], 1), daemon=True)
    waiting.start()
    waiting.join(0.1)
    was_waiting = waiting.is_alive()

    room.close()

    waiting.join(SOON)
    assert was_waiting
    assert not waiting.is_alive()
