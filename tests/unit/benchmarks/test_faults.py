import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import faults
from benchmarks.baselines import BASELINES, auto_level, clahe, grey_world
from photoenhance.errors import ConfigError
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import checkpoint

LINEAR = 2.2  # the exponent between coded values and light


@pytest.fixture
def folder(tmp_path, draw):
    """Five photos of different sizes."""
    folder = tmp_path / "good"
    folder.mkdir()
    for number in range(5):
        Image.fromarray(draw(40 + number, 60)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file of seeded weights."""
    torch.manual_seed(0)
    architecture = ARCHITECTURES["uegan"]
    generator = architecture.generator(architecture.config(width=8))
    file = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    header = checkpoint.Header("uegan", {"width": 8}, "a test")
    checkpoint.write(file, generator.state_dict(), header)
    return file


@pytest.fixture(scope="module")
def picture(draw):
    return draw(90, 120)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command; return what it prints and what it says besides."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["faults", *map(str, arguments)])
        faults.main()
        return capsys.readouterr()

    return run


def light(pixels):
    return (pixels / 255) ** LINEAR


def fault(name, pixels, seed=0):
    return faults.with_fault(pixels, name, np.random.default_rng(seed))


def cells(table):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def test_none_is_untouched(picture):
    assert np.array_equal(fault("none", picture), picture)


def test_under_takes_one_and_a_half_stops(picture):
    ratio = light(fault("under", picture)).mean() / light(picture).mean()

    assert ratio == pytest.approx(2**-1.5, rel=0.01)


def test_flat_leaves_the_mean_and_three_fifths_of_the_contrast(picture):
    result = fault("flat", picture)

    assert result.mean() == pytest.approx(picture.mean(), abs=0.5)
    assert result.std() == pytest.approx(0.6 * picture.std(), rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_haze_lifts_black_and_takes_contrast(picture, seed):
    dark = picture // 2

    result = fault("haze", dark, seed)

    assert 0.06 <= light(result).min() <= 0.2
    assert 0.7 <= light(result).std() / light(dark).std() <= 0.9


@pytest.mark.parametrize("seed", range(4))
def test_cast_turns_red_and_blue_against_each_other_and_leaves_green(picture, seed):
    dark = picture // 2  # so that nothing is clipped

    gains = light(fault("cast", dark, seed)).mean((0, 1)) / light(dark).mean((0, 1))

    assert gains[1] == pytest.approx(1, abs=0.005)
    assert gains[0] + gains[2] == pytest.approx(2, abs=0.01)
    assert 0.075 <= abs(gains[0] - 1) <= 0.175


def test_casts_are_warm_or_cold_by_chance(picture):
    warm = {
        fault("cast", picture, seed)[..., 0].mean() > picture[..., 0].mean() for seed in range(9)
    }

    assert warm == {True, False}


def test_backlit_takes_light_from_what_is_below_and_none_from_what_is_above():
    grey = np.full((80, 120, 3), 128, np.uint8)

    result = light(fault("backlit", grey)).mean((1, 2)) / light(grey).mean()

    assert result[:8].min() > 0.85
    assert 2**-2.5 <= result[-8:].mean() <= 2**-1.4


def test_backlit_takes_more_where_the_surroundings_are_dark():
    halves = np.full((80, 120, 3), 40, np.uint8)
    halves[:, 60:] = 220

    kept = light(fault("backlit", halves)) / light(halves)

    assert kept[:, :30].mean() < 0.6 * kept[:, 90:].mean()


@pytest.mark.parametrize("name", sorted(set(faults.FAULTS) - {"none"}))
def test_each_fault_changes_a_photo_visibly(picture, name):
    assert np.abs(fault(name, picture) / 255 - picture / 255).mean() > 0.01


def test_auto_level_uses_the_whole_range_and_keeps_colours_apart(picture):
    result = auto_level(fault("flat", picture))

    assert result.min() == 0
    assert result.max() == 255
    assert np.argsort(result.mean((0, 1))).tolist() == np.argsort(picture.mean((0, 1))).tolist()


def test_auto_level_leaves_one_flat_colour_in_range():
    assert auto_level(np.full((8, 8, 3), 90, np.uint8)).max() == 0


def test_grey_world_takes_a_cast_away(picture):
    means = grey_world(picture // 2).mean((0, 1))

    assert np.ptp(means) < 1


def test_grey_world_leaves_a_black_photo_black():
    assert not grey_world(np.zeros((8, 8, 3), np.uint8)).any()


def test_clahe_raises_the_contrast_of_detail_in_the_dark(draw):
    dark = 10 + draw(256, 256) // 16

    assert clahe(dark).std() > dark.std() + 0.1


@pytest.mark.parametrize("name", faults.FAULTS)
def test_faults_and_baselines_are_those_of_the_independent_implementation(shared, picture, name):
    spec = importlib.util.spec_from_file_location("independent", shared / "tools" / "faults.py")
    independent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(independent)
    wanted = independent.FAULTS[name](picture / 255, np.random.default_rng(5))

    faulty = fault(name, picture, 5)

    assert list(independent.FAULTS) == list(faults.FAULTS)
    assert np.abs(faulty / 255 - wanted).max() <= 0.51 / 255
    backwards = np.ascontiguousarray(faulty[..., ::-1])
    for ours, theirs in zip(BASELINES.values(), independent.BASELINES.values(), strict=True):
        difference = ours(faulty).astype(int) - theirs(backwards)[..., ::-1]
        assert np.abs(difference).max() <= 1
        assert np.abs(difference).mean() < 0.01


def test_every_nth_photo_is_measured_by_name_beginning_with_the_first(folder):
    (folder / "notes.txt").write_text("no photo")

    names = [path.name for path in faults.chosen(folder, 2)]

    assert names == ["0.png", "2.png", "4.png"]


def test_the_numbers_do_not_depend_on_the_order_in_which_photos_were_written(
    tmp_path, folder, draw
):
    again = tmp_path / "again"
    again.mkdir()
    for number in (3, 1, 4, 0, 2):
        (again / f"{number}.png").write_bytes((folder / f"{number}.png").read_bytes())

    one, other = (
        list(faults.measured(faults.chosen(each, 1), faults.columns_of([], [], [])))
        for each in (folder, again)
    )

    assert one == other


def test_the_numbers_do_not_depend_on_what_else_is_measured(folder, model):
    paths = faults.chosen(folder, 2)
    many = faults.columns_of([str(model)], ["auto"], [1.0, 0.5])
    few = faults.columns_of([str(model)], ["auto"], [0.5])

    scores = [list(faults.measured(paths, columns)) for columns in (many, few)]

    assert [score for score in scores[0] if score.column in few] == scores[1]


def test_the_table_has_a_row_for_each_fault_and_a_column_for_what_enhanced_it(folder, run, model):
    table = cells(run(folder, "--model", model, "--every", 2).out)

    *rows, mean, least = table
    assert rows == list(faults.FAULTS)
    assert [mean, least] == ["mean SSIM of none", "least SSIM of none"]
    assert list(table["under"]) == ["as is", str(model), "auto-level", "grey world", "CLAHE"]
    assert table["none"]["as is"] == "0.00"
    assert table["least SSIM of none"]["as is"] == "1.000"
    assert float(table["under"]["as is"]) > float(table["under"]["auto-level"])
    assert float(table[mean]["CLAHE"]) > float(table[least]["CLAHE"])


def test_each_combination_of_model_rendering_and_strength_is_a_column(folder, run, model):
    options = ["--model", model, "--rendering", "auto", "guided", "--strength", 1, 0]

    table = cells(run(folder, "--every", 5, *options).out)

    names = [f"{model}{rest}" for rest in ("", " 0", " guided", " guided 0")]
    assert list(table["cast"])[1:5] == names
    for row in table.values():
        assert row[f"{model} 0"] == row["as is"] != row[f"{model}"]


def test_cells_are_means_of_what_is_written_for_each_photo(folder, run, tmp_path):
    file = tmp_path / "scores.json"

    table = cells(run(folder, "--model", "--every", 2, "--json", file).out)

    scores = json.loads(file.read_text())
    found = [s for s in scores if (s["fault"], s["column"]) == ("haze", "CLAHE")]
    assert [s["photo"] for s in found] == ["0.png", "2.png", "4.png"]
    assert float(table["haze"]["CLAHE"]) == pytest.approx(
        np.mean([s["delta_e"] for s in found]), abs=0.005
    )
    assert {s["ssim"] is None for s in found} == {True}


def test_progress_goes_to_standard_error(folder, run):
    said = run(folder, "--model", "--every", 3)

    assert said.err.startswith("1 of 2: 0.png, ")
    assert "of 2" not in said.out


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(ConfigError, match="holds no photo"):
        faults.chosen(tmp_path, 10)


def test_a_model_that_is_not_there_ends_with_one_message(folder, run, capsys):
    with pytest.raises(SystemExit) as ended:
        run(folder, "--model", "nothing-of-the-kind")

    assert ended.value.code == 3
    assert "nothing-of-the-kind" in capsys.readouterr().err


def test_what_cannot_be_written_is_said_before_anything_is_measured(folder, run, capsys):
    with pytest.raises(SystemExit) as ended:
        run(folder, "--model", "--json", Path("nowhere") / "scores.json")

    assert ended.value.code == 2
    assert "its folder does not exist" in capsys.readouterr().err
