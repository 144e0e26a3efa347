"""What a later run need not do again."""

import hashlib
from dataclasses import replace

import pytest

from photoenhance.batch.events import Settings
from photoenhance.batch.journal import Journal, fingerprint
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
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))

    with Journal(file) as journal:
        assert journal.has_result(output, "settings", digest(b"input"))


def test_other_settings_and_other_inputs_are_not_known(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))

        assert not journal.has_result(output, "others", digest(b"input"))
        assert not journal.has_result(output, "settings", digest(b"another"))


@pytest.mark.parametrize("content", [b"touched up by hand", None])
def test_a_result_counts_only_while_its_bytes_are_there(file, output, content):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))
        output.unlink() if content is None else output.write_bytes(content)

        assert not journal.has_result(output, "settings", digest(b"input"))


def test_a_photo_enhanced_in_place_is_known_by_its_new_bytes(file, output):
    with Journal(file) as journal:
        journal.enter_result(output, "settings", digest(b"input"), digest(b"result"))

        assert journal.has_result(output, "settings", digest(b"result"))


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

        assert journal.has_result(output, "settings", digest(b"input"))


def test_a_path_through_a_link_is_the_same_output(file, output, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)

    with Journal(file) as journal:
        journal.enter_failure(output)

        assert journal.has_failure(tmp_path / "link" / "out.jpg")


def test_a_damaged_journal_is_a_clear_error(file):
    file.parent.mkdir()
    file.write_bytes(b"no database at all " * 100)

    with pytest.raises(ConfigError, match="the journal of finished photos cannot be used"):
        Journal(file)


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "01"},
        {"strength": 0.5},
        {"precision": "bf16"},
        {"quality": 90},
        {"strip_metadata": True},
        {"rendering": "guided"},
        {"rendering": "exact"},
        {"work_size": 640},
    ],
)
def test_settings_that_change_a_result_change_the_fingerprint(change):
    assert fingerprint(replace(SETTINGS, **change)) != fingerprint(SETTINGS)


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"tile": 512}, {"max_pixels": 9}])
def test_settings_that_change_no_result_keep_the_fingerprint(change):
    assert fingerprint(replace(SETTINGS, **change)) == fingerprint(SETTINGS)


@pytest.mark.parametrize("change", [{"rendering": "tiles"}, {"work_size": 640}])
def test_all_exact_renderings_have_one_fingerprint(change):
    exact = replace(SETTINGS, rendering="exact")

    assert fingerprint(replace(exact, **change)) == fingerprint(exact)
