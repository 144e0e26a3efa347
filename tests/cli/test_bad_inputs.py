"""What a photo tool meets sooner or later: broken, hostile and odd files."""

import json
from pathlib import Path

import pytest

from photoenhance.imaging.folders import OTHER_PICTURES

# The expectation leaves the choice for animations; ours is to leave them out of folders.
ANIMATIONS = {"assorted/delay.png", "assorted/dispose_bgnd.gif", "assorted/iss634.webp"}
ALLOWED = {
    "enhance": {"ok"},
    "enhance-note": {"ok"},
    "skip": {"failed", "skipped"},
    "either": {"ok", "failed"},
}


def files(text):
    records = map(json.loads, text.splitlines())
    return [record for record in records if record["record"] == "file"]


def test_a_batch_of_bad_files_does_what_is_expected_of_each(cli, shared, expectations):
    folder = shared / "bad-inputs"

    ended = cli("enhance", folder, "-r", "-o", "out", "--json", "--quiet")

    told = {record["input"].removeprefix(f"{folder}/"): record for record in files(ended.out)}
    assert ended.code == 1
    assert set(told) == set(expectations)
    wrong = {
        name: record["message"]
        for name, record in told.items()
        if record["status"] not in ALLOWED[expectations[name]] and name not in ANIMATIONS
    }
    assert wrong == {}
    assert all(told[name]["status"] == "skipped" for name in ANIMATIONS)
    # What claims to be a photo and is none is a fault; other pictures do lie about in folders.
    skipped = {name for name, record in told.items() if record["status"] == "skipped"}
    assert all(Path(name).suffix in OTHER_PICTURES for name in skipped - ANIMATIONS)
    assert all(
        record["warnings"]
        for name, record in told.items()
        if expectations[name] == "enhance-note" and record["status"] == "ok"
    )
    assert all(record["message"] for record in told.values() if record["status"] == "failed")
    assert all(record["seconds"] < 30 for record in told.values())  # 4 where nothing else runs
    classes = {record["error_class"] for record in told.values()}
    assert classes == {None, "ImageError", "UnsupportedError"}
    # The decoders' own words must not get through.
    lines = [line for line in ended.err.splitlines() if not line.startswith("Hint: ")]
    assert all(line.startswith("[") and ": failed: " in line for line in lines)


@pytest.mark.slow
def test_bad_files_one_by_one_do_what_is_expected(cli, shared, expectations):
    for number, (name, expected) in enumerate(expectations.items()):
        ended = cli(
            "enhance", shared / "bad-inputs" / name, "-o", f"out-{number}", "--json", "--quiet"
        )

        (record,) = files(ended.out)
        assert name in ANIMATIONS or record["status"] in ALLOWED[expected], name
        assert ended.code == (0 if record["status"] == "ok" else 1), name
