"""From a folder of photos to better photos, as a user goes, with the real model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

REPOSITORY = Path(__file__).parents[2]
SAMPLES = {"astronaut": data.astronaut, "chelsea": data.chelsea, "coffee": data.coffee}


@pytest.fixture
def photoenhance(tmp_path: Path):
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PHOTOENHANCE_")}
    environment["PHOTOENHANCE_HOME"] = str(tmp_path / "home")
    environment["PHOTOENHANCE_OFFLINE"] = "1"
    environment["PYTHONPATH"] = str(REPOSITORY)

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "photoenhance", *map(str, arguments)]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
            timeout=300,
        )

    return call


def worse(pixels: np.ndarray) -> np.ndarray:
    """One stop darker in linear light, and 15 % flatter around the mean."""
    image = (pixels / 255) ** 2.2 / 2
    image = image ** (1 / 2.2)
    image = (image - image.mean()) * 0.85 + image.mean()
    return (image.clip(0, 1) * 255).round().astype(np.uint8)


@pytest.fixture
def dull(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, load in SAMPLES.items():
        Image.fromarray(worse(load())).save(folder / f"{name}.png")
    return folder


def difference(pixels: np.ndarray, reference: np.ndarray) -> float:
    return float(deltaE_ciede2000(rgb2lab(reference), rgb2lab(pixels)).mean())


def test_dull_photos_come_back_nearly_as_they_were(photoenhance, dull: Path) -> None:
    ended = photoenhance("enhance", dull, "--json")

    assert ended.returncode == 0, ended.stderr
    records = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [r["status"] for r in records if r["record"] == "file"] == ["ok"] * 3
    before, after = [], []
    for name, load in SAMPLES.items():
        before.append(difference(np.asarray(Image.open(dull / f"{name}.png")), load()))
        enhanced = Image.open(dull.with_name("photos-enhanced") / f"{name}.png")
        after.append(difference(np.asarray(enhanced), load()))
    assert np.mean(before) > 9
    assert np.mean(after) < 0.6 * np.mean(before)


def test_photos_that_are_not_dull_are_changed_little(photoenhance, tmp_path: Path) -> None:
    for name, load in SAMPLES.items():
        Image.fromarray(load()).save(tmp_path / f"{name}.png")

    photoenhance("enhance", *(f"{name}.png" for name in SAMPLES), "-o", "out")

    kept = [
        structural_similarity(
            np.asarray(Image.open(tmp_path / "out" / f"{name}.png")), load(), channel_axis=2
        )
        for name, load in SAMPLES.items()
    ]
    assert np.mean(kept) > 0.9


def test_a_style_is_learnt_and_given_to_a_folder(photoenhance, dull: Path, tmp_path: Path) -> None:
    style = tmp_path / "my_style"
    style.mkdir()
    for name, load in SAMPLES.items():
        Image.fromarray(load()[:200, :240]).save(style / f"{name}.jpg")

    trained = photoenhance(
        *("train", "--target", style, "--source", dull, "--steps", 3),
        *("--crop", 80, "--batch", 2, "--set", "made=1"),
    )
    enhanced = photoenhance("enhance", dull, "--model", tmp_path / "my_style-model", "-o", "out")

    assert trained.returncode == 0, trained.stderr
    assert "the encoder of the bundled model" in trained.stderr
    assert trained.stdout.strip().endswith("generator.safetensors")
    assert enhanced.returncode == 0, enhanced.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{n}.png" for n in SAMPLES]
