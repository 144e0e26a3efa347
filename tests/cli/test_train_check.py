import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

SMALL = (
    *("--recipe", "photo", "--steps", "2", "--width", "8", "--crop", "80", "--batch", "2"),
    *("--precision", "fp32"),
)
QUICK = (*SMALL, "--set", "losses.fidelity=0", "--set", "pool=2")


@pytest.fixture
def fill(tmp_path: Path):
    """A folder of pictures like no others, darker by a factor."""

    def make(name: str, seeds, *, light: float = 1.0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for seed in seeds:
            blobs = np.random.default_rng(seed).uniform(20, 235, (7, 9, 3)).astype(np.float32)
            pixels = cv2.resize(blobs, (120, 90), interpolation=cv2.INTER_CUBIC).clip(0, 255)
            Image.fromarray((pixels * light).astype(np.uint8)).save(folder / f"{seed:03}.jpg")
        return folder

    return make


def test_good_folders_end_with_0_and_nothing_is_written(cli, fill, tmp_path: Path) -> None:
    target, source = fill("style", range(22)), fill("plain", range(30, 52), light=0.5)

    checked = cli("train", "check", "--target", target, "--source", source, *QUICK)

    assert checked.code == 0
    assert f"target: 22 photos in {target}, 120x90 to 120x90" in checked.out
    assert f"source: 22 photos in {source}" in checked.out
    assert "a step takes " in checked.out
    assert " for 2 steps\n" in checked.out
    assert checked.out.endswith("Nothing speaks against training.\n")
    assert checked.err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "style", "work"]
    assert list((tmp_path / "work").iterdir()) == []


def test_the_plot_stands_further_left_for_darker_photos(cli, fill) -> None:
    target, source = fill("style", range(22)), fill("plain", range(30, 52), light=0.4)

    checked = cli("train", "check", "--target", target, "--source", source, *QUICK)

    lines = checked.out.splitlines()
    row = next(number for number, line in enumerate(lines) if "brightness" in line)
    assert lines[row].index("●") > lines[row + 1].index("●")
    assert "dark to light" in lines[row]
    assert "source" in lines[row + 1]


def test_too_few_photos_end_with_1_and_say_what_to_do(cli, fill) -> None:
    checked = cli("train", "check", "--target", fill("style", range(2)), *QUICK)

    assert checked.code == 1
    assert "!! there are 2 different target photos: no look can be learnt" in checked.out
    assert "Collect more" in checked.out
    assert checked.out.endswith("Training would be pointless like this.\n")
    assert "a step takes" not in checked.out


def test_json_is_one_line_with_everything(cli, fill) -> None:
    target, source = fill("style", range(22)), fill("plain", range(20, 42), light=0.5)
    (target / "broken.jpg").write_bytes(b"no photo")

    checked = cli("train", "check", "--target", target, "--source", source, "--json", *QUICK)

    told = json.loads(checked.out)
    assert checked.code == 0
    assert (told["schema"], told["record"], told["verdict"]) == (1, "check", "go")
    assert (told["target"]["photos"], told["target"]["unreadable"]) == (22, 1)
    assert told["target"]["sizes"]["largest"] == [120, 90]
    assert told["target"]["brightness"]["median"] > told["source"]["brightness"]["median"]
    assert told["shared"]["count"] == 2
    assert told["pace"]["steps"] == 2
    assert [advice["is_grave"] for advice in told["advice"]] == [False, False]


def test_json_of_a_pointless_run_ends_with_1(cli, fill) -> None:
    checked = cli("train", "check", "--target", fill("style", [1]), "--json", *QUICK)

    assert checked.code == 1
    assert json.loads(checked.out)["verdict"] == "pointless"


def test_steps_that_fail_make_a_run_pointless(cli, fill) -> None:
    diverging = ("--set", "optimiser.generator_rate=1e30", "--steps", "50")

    checked = cli("train", "check", "--target", fill("style", range(22)), *QUICK, *diverging)

    assert checked.code == 1
    assert "!! the first steps fail: " in checked.out
    assert "optimiser.generator_rate" in checked.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "nowhere"], 2, "Error: nowhere: no such folder"),
        (["--target", "."], 2, "Error: .: no photos (looked for jpeg, png, tiff"),
        (["--target", "{style}", "--source", "nowhere"], 2, "Error: nowhere: no such folder"),
        (["--target", "{style}", "--recipe", "magic"], 2, "Error: recipe magic: there is none"),
        (["--target", "{style}", "--width", "9"], 2, "Error: width: expected a multiple of 8"),
        (["--target", "{style}", "--init", "no.safetensors"], 3, "Error: no.safetensors"),
        (["--target", "{style}", "--device", "cuda:99"], 4, "Error: device cuda:99: not available"),
        ([], 2, "--target"),
    ],
)
def test_what_cannot_be_checked_is_an_error(cli, fill, arguments, code: int, message: str) -> None:
    style = fill("style", range(5))

    failed = cli("train", "check", *(text.format(style=style) for text in arguments))

    assert failed.code == code
    assert message in failed.err
    assert failed.out == ""


def test_options_before_the_command_are_refused_rather_than_passed_over(cli, fill) -> None:
    failed = cli("train", "--cache-gb", "1", "check", "--target", fill("style", range(5)))

    assert failed.code == 2
    assert "Error: --cache-gb: stands before check" in failed.err
    assert "photoenhance train check --target DIR" in failed.err


def test_help_tells_what_it_ends_with(spawn) -> None:
    shown = spawn("train", "check", "--help")

    assert shown.returncode == 0
    assert b"Ends with 1 where training would be" in shown.stdout


def test_a_look_at_the_photos_needs_no_package_of_an_extra(fill, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for extra in ("skimage", "tensorboard", "onnx", "pillow_heif", "rawpy"):
        (hidden / f"{extra}.py").write_text(f"raise ModuleNotFoundError(name={extra!r})\n")
    paths = f"{hidden}{os.pathsep}{os.environ['PYTHONPATH']}"

    checked = subprocess.run(
        [sys.executable, "-m", "photoenhance", "train", "check", "--target", fill("s", range(2)),
         *QUICK], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip

    assert checked.stderr == ""
    assert checked.returncode == 1
    assert checked.stdout.endswith("Training would be pointless like this.\n")
