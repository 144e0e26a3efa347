"""What a later run need not do again."""

import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from photoenhance.batch import journal as journal_module
from photoenhance.batch.events import Settings
from photoenhance.batch.journal import Entry, Journal, fingerprint
from photoenhance.errors import ConfigError

SETTINGS = Settings(model="uegan", weights_sha256="00", device="cpu")


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "out.jpg"
    path.write_bytes(b"result")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "journal.sqlite3"


def test_a_result_is_known_to_later_runs(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", "input", "output", "before")

    with Journal(file) as journal:
        assert journal.entry(output) == Entry(False, "settings", "input", "output", "before")


def test_only_the_last_result_counts(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", "input", "output", "before")
        journal.enter_result(output, "others", "input", "another")

        assert journal.entry(output) == Entry(False, "others", "input", "another")


def test_a_journal_of_the_first_version_is_read_and_written(file, output):
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as old:
        old.execute(
            "CREATE TABLE results (output BLOB PRIMARY KEY, has_failed INTEGER NOT NULL, "
            "settings TEXT, input_sha256 TEXT, output_sha256 TEXT) WITHOUT ROWID"
        )
        row = (os.fsencode(output), False, "settings", "input", "output")
        old.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?)", row)
        old.commit()

    with Journal(file) as journal:
        assert journal.entry(output) == Entry(False, "settings", "input", "output")
        journal.enter_result(output, "settings", "input", "output", "before")
        assert journal.entry(output).replaced_sha256 == "before"


def test_a_journal_that_is_only_read_is_not_made(file, output):
    with Journal(file) as journal:
        assert journal.entry(output) is None

    assert not file.parent.exists()


def test_a_failure_is_remembered_until_a_result(file, output):
    with Journal(file) as journal:
        journal.enter_failure(output)
        assert journal.has_failure(output)

        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))
        assert not journal.has_failure(output)


def test_a_failure_does_not_forget_an_older_result(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))
        journal.enter_failure(output)

        assert journal.entry(output).input_sha256 == digest(b"input")


def test_a_failure_is_forgotten_when_nothing_is_left_to_do(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))
        journal.enter_failure(output)
        journal.forget_failure(output)

        assert not journal.has_failure(output)
        assert journal.entry(output).input_sha256 == digest(b"input")


def test_a_path_through_a_link_is_the_same_output(file, output, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)

    with Journal(file) as journal:
        journal.enter_failure(output)

        assert journal.has_failure(tmp_path / "link" / "out.jpg")


def test_a_damaged_journal_is_a_clear_error_where_it_is_needed(file):
    file.parent.mkdir()
    file.write_bytes(b"no database at all " * 100)

    with Journal(file) as journal, pytest.raises(ConfigError, match="journal of finished photos"):
        journal.check()


def damaged(file):
    file.parent.mkdir()
    file.write_bytes(b"no database at all " * 100)


def locked(file):
    file.parent.mkdir()
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    return database


def a_folder(file):
    file.mkdir(parents=True)


@pytest.mark.parametrize("spoil", [damaged, locked, a_folder])
def test_a_journal_that_cannot_be_used_lasts_as_long_as_the_program(
    file, output, monkeypatch, spoil
):
    monkeypatch.setattr(journal_module, "_PATIENCE", 0.01)
    spoilt = spoil(file)
    troubles = []

    with Journal(file, troubles.append) as journal:
        journal.enter_result(output, "settings", "input", "output")
        journal.enter_failure(output)

        assert journal.entry(output) == Entry(True, "settings", "input", "output")
    assert len(troubles) == 1
    assert "the journal of finished photos cannot be used" in troubles[0]
    if spoilt:
        spoilt.close()


def test_what_a_journal_knows_is_read_where_it_cannot_be_written(file, output, monkeypatch):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", "input", "output")
    real = Journal._opened

    def read_only(self):
        database = real(self)
        database.execute("PRAGMA query_only = ON")
        return database

    monkeypatch.setattr(Journal, "_opened", read_only)
    troubles = []
    with Journal(file, troubles.append) as journal:
        journal.enter_result(output.with_name("b.jpg"), "settings", "input", "other")

        assert journal.entry(output).output_sha256 == "output"
        assert journal.entry(output.with_name("b.jpg")).output_sha256 == "other"
    assert len(troubles) == 1


def test_a_closed_journal_is_no_trouble(file, output):
    troubles = []
    journal = Journal(file, troubles.append)
    with journal:
        journal.enter_failure(output)

    journal.enter_result(output, "settings", "input", "output")

    assert troubles == []


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "01"},
        {"strength": 0.5},
        {"precision": "bf16"},
        {"quality": 90},
        {"strip_metadata": True},
        {"no_mark": True},
        {"rendering": "guided"},
        {"rendering": "tone"},
        {"rendering": "exact"},
        {"work_size": 640},
    ],
)
def test_settings_that_change_a_result_change_the_fingerprint(change):
    assert fingerprint(replace(SETTINGS, **change)) != fingerprint(SETTINGS)


@pytest.mark.parametrize(
    "change", [{"device": "cuda"}, {"tile": 512}, {"max_pixels": 9}, {"keep_dates": True}]
)
def test_settings_that_change_no_result_keep_the_fingerprint(change):
    assert fingerprint(replace(SETTINGS, **change)) == fingerprint(SETTINGS)


@pytest.mark.parametrize("change", [{"rendering": "tiles"}, {"work_size": 640}])
def test_all_exact_renderings_have_one_fingerprint(change):
    exact = replace(SETTINGS, rendering="exact")

    assert fingerprint(replace(exact, **change)) == fingerprint(exact)


def test_fingerprints_of_earlier_versions_hold():
    known = "3cbeaec9e37b9ae8ae93d25da0bda3691c85568c618ff3b142e5030bdf53888a"

    assert fingerprint(SETTINGS) == known
