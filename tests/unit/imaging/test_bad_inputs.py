"""Every bad input, read in a process of its own: what it says, how long, how much memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

READER = """
import json, resource, sys, time
from pathlib import Path
from photoenhance.errors import ImageError
from photoenhance.imaging.read import read

folder, results = Path(sys.argv[1]), {}
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(folder.rglob("*")):
    if not path.is_file() or path.parent == folder or path.suffix == ".txt":
        continue
    began = time.monotonic()
    try:
        photo = read(path)
        result = {"size": photo.pixels.shape[:2], "notes": photo.notes + photo.left_out}
    except ImageError as error:
        result = {"message": error.message, "hint": error.hint}
    result["seconds"] = time.monotonic() - began
    results[path.relative_to(folder).as_posix()] = result
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
print(json.dumps({"files": results, "grown_kb": grown}))
"""
# Left to choice by their reasons ("or skip"); we refuse animations.
REFUSED = {"assorted/delay.png", "assorted/dispose_bgnd.gif", "assorted/iss634.webp"}


@pytest.fixture(scope="module")
def ended(shared):
    """Read them all once."""
    folder = shared / "bad-inputs"
    package = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-c", READER, str(folder)],
        capture_output=True, text=True, check=True, cwd=package, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(ended):
    return json.loads(ended.stdout)


def test_every_file_is_known(results, expectations):
    assert set(results["files"]) == set(expectations)


def test_every_file_does_what_is_expected(results, expectations):
    allowed = {"enhance": [True], "enhance-note": [True], "skip": [False], "either": [True, False]}

    wrong = {
        name: result
        for name, result in results["files"].items()
        if name not in REFUSED and ("size" in result) not in allowed[expectations[name]]
    }

    assert wrong == {}


def test_what_was_left_out_is_said(results, expectations):
    noted = [name for name, expected in expectations.items() if expected == "enhance-note"]

    silent = [n for n in noted if n not in REFUSED and not results["files"][n]["notes"]]

    assert silent == []


def test_each_refusal_names_its_file_and_a_reason(results):
    for name, result in results["files"].items():
        if "message" in result:
            path, _, reason = result["message"].partition(": ")
            assert path.endswith(name)
            assert len(reason) > 10


def test_animations_are_refused_as_such(results):
    assert "animation of 5 frames" in results["files"]["assorted/delay.png"]["message"]
    assert "animation of 42 frames" in results["files"]["assorted/iss634.webp"]["message"]


def test_no_file_takes_long_and_all_together_little_memory(results):
    slow = {name for name, result in results["files"].items() if result["seconds"] > 10}

    assert slow == set()
    assert results["grown_kb"] < 150_000


def test_no_codec_writes_to_standard_error(ended):
    assert ended.stderr == ""


def test_the_bomb_is_refused_with_the_limit_and_the_option(results):
    result = results["files"]["made/bomb-30000x30000.png"]

    assert "900,000,000 pixels, and the limit is 250,000,000" in result["message"]
    assert "--max-pixels" in result["hint"]


def test_the_eight_orientations_of_one_photo_come_out_alike(results):
    sizes = {tuple(results["files"][f"orientation/portrait_{n}.jpg"]["size"]) for n in range(1, 9)}

    assert sizes == {(600, 450)}
