"""`photoenhance evaluate`, with tiny models and tiny photos."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from photoenhance.metrics.catalog import METRICS

HEAVY = ("torch", "torchvision", "torchmetrics", "numpy", "cv2", "PIL", "skimage", "scipy")
PLAIN = ("colourfulness", "contrast", "clipped-shadows", "clipped-highlights")


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def values_of(ended):
    """By photo's name and model."""
    return {
        (Path(record["input"]).stem, record["model"]): record["metrics"]
        for record in records(ended.out)
        if record["record"] == "file"
    }


@pytest.fixture
def folders(draw):
    """Three photos, and three others as their references."""
    draw(*(f"in/{name}.png" for name in "abc"))
    draw(*(f"ref/{name}.tif" for name in "cba"))


def test_inputs_are_judged_as_they_are(cli, draw):
    draw("in/a.png", "in/b.jpg")

    ended = cli("evaluate", "--inputs", "in")

    assert ended.code == 0
    header, *lines = [line.split() for line in ended.out.splitlines() if line.strip()]
    assert header == ["photo", "colour", "contrast", "%", "black", "%", "white", "%"]
    assert [line[0] for line in lines[1:5]] == ["a", "b", "mean", "median"]
    assert "2 photos judged in " in ended.err
    assert "note: without niqe, nima: see --metrics niqe\n" in ended.err


def test_a_model_is_judged_beside_the_inputs(cli, folders, model):
    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "--model", model, "--json")

    assert ended.code == 0
    start, *rows, summary = records(ended.out)
    assert {record["schema"] for record in (start, *rows, summary)} == {1}
    assert start["photos"] == 3
    assert [each["model"] for each in start["models"]] == [str(model)]
    assert [(Path(row["input"]).stem, row["model"]) for row in rows] == [
        (name, candidate) for name in "abc" for candidate in (None, str(model))
    ]
    assert rows[0]["metrics"]["sharpness-change"] is None
    assert rows[1]["metrics"]["sharpness-change"] is not None
    assert (summary["ok"], summary["failed"], summary["exit_code"]) == (6, 0, 0)


def test_the_numbers_are_those_of_what_enhance_writes(cli, folders, model):
    cli("enhance", "in", "-o", "out", "--model", model)

    ended = cli(
        *("evaluate", "--inputs", "in", "--references", "ref", "--model", model, "--json"),
        *("--metrics", "psnr,ssim", "--protocol", "scikit-image"),
    )

    for name in "abc":
        enhanced, reference = (
            np.asarray(Image.open(path)) for path in (f"out/{name}.png", f"ref/{name}.tif")
        )
        assert values_of(ended)[name, str(model)] == pytest.approx(
            {
                "psnr": peak_signal_noise_ratio(reference, enhanced),
                "ssim": structural_similarity(reference, enhanced, channel_axis=2),
            }
        )


def test_two_models_stand_side_by_side(cli, folders, model):
    for name in ("one.safetensors", "two.safetensors"):
        Path(name).write_bytes(model.read_bytes())

    ended = cli(
        *("evaluate", "--inputs", "in", "--references", "ref", "--metrics", "psnr"),
        *("--model", "one.safetensors", "--model", "two.safetensors"),
    )

    candidates = ["inputs", "one.safetensors", "two.safetensors"]
    above, _, below = ended.out.partition("worst")
    rows = [line.split() for line in above.splitlines() if line.strip()][2:]
    assert ended.code == 0
    assert [row[-2] for row in rows] == candidates * 5  # three photos, mean, median
    assert [row[0] for row in rows[::3]] == ["a", "b", "c", "mean", "median"]
    assert below.splitlines()[0].split() == candidates


def test_mean_median_and_the_worst_are_those_of_the_rows(cli, folders):
    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "--json", "--metrics", "psnr")

    rows = {name: each["psnr"] for (name, _), each in values_of(ended).items()}
    summed = records(ended.out)[-1]["candidates"][0]["metrics"]["psnr"]
    # The middle photo, b, is its own reference.
    assert rows["b"] is None
    assert records(ended.out)[2]["equals_reference"] is True
    assert (summed["count"], summed["mean"], summed["inflated_mean"]) == (3, None, None)
    assert summed["median"] == max(rows["a"], rows["c"])
    assert [each["photo"] for each in summed["worst"]][-1] == "b"


def test_uegans_protocol_shows_its_mean_beside_the_true_one(cli, folders):
    Path("in/b.png").unlink()
    Path("ref/b.tif").unlink()
    command = ("evaluate", "--inputs", "in", "--references", "ref", "--metrics", "psnr")

    shown = cli(*command, "--protocol", "uegan")
    recorded = records(cli(*command, "--protocol", "uegan", "--json").out)

    summed = recorded[-1]["candidates"][0]["metrics"]["psnr"]
    assert summed["inflated_mean"] == pytest.approx(2 * summed["mean"])
    assert f"{summed['inflated_mean']:.2f}" in shown.out.partition("sum/(n-1)")[2]
    assert "sum/(n-1)" not in cli(*command).out


def test_a_broken_photo_is_named_and_the_rest_judged(cli, folders):
    Path("in/b.png").write_bytes(Path("in/b.png").read_bytes()[:200])

    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "--csv", "rows.csv")

    assert ended.code == 1
    assert "in/b.png: failed: damaged" in ended.err
    assert "2 photos judged, 1 failed in " in ended.err
    assert "mean of 2" in ended.out
    lines = list(csv.DictReader(Path("rows.csv").read_text().splitlines()))
    assert [(line["photo"], bool(line["error"])) for line in lines] == [
        ("a", False),
        ("c", False),
        ("b", True),
    ]


def test_a_broken_photo_is_a_record(cli, folders):
    Path("in/b.png").write_bytes(b"")

    ended = cli("evaluate", "--inputs", "in", "--json")

    failed = records(ended.out)[2]
    assert ended.code == 1
    assert (failed["status"], failed["error_class"]) == ("failed", "ImageError")
    assert records(ended.out)[-1]["exit_code"] == 1


def test_nothing_but_broken_photos_makes_no_table(cli):
    Path("in").mkdir()
    Path("in/a.png").write_bytes(b"")

    ended = cli("evaluate", "--inputs", "in")

    assert (ended.code, ended.out) == (1, "")


def test_what_a_metric_cannot_judge_is_left_out_of_its_mean_and_counted(cli, draw):
    draw("in/small.png", "ref/small.png", size=(9, 9))
    draw("in/z.png", "in/large.png", "ref/z.png", "ref/large.png")

    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "--metrics", "ssim,contrast")
    whole = cli("evaluate", "--inputs", "in", "--metrics", "contrast")

    lines = [line.split() for line in ended.out.splitlines()]
    assert ["judged", "of", "3", "2", "3"] in lines
    assert next(line for line in lines if line[:1] == ["small"])[1] == "-"
    assert "judged of" not in whole.out


def test_csv_has_the_values_in_full(cli, folders):
    ended = cli("evaluate", "--inputs", "in", "--json", "--csv", "rows.csv")

    lines = list(csv.DictReader(Path("rows.csv").read_text().splitlines()))
    assert list(lines[0]) == ["photo", "model", *PLAIN, "error"]
    for line in lines:
        expected = values_of(ended)[line["photo"], None]
        assert line["model"] == "inputs"
        assert {name: float(line[name]) for name in PLAIN} == expected


def test_csv_holds_plain_numbers(cli, folders):
    cli("evaluate", "--inputs", "in", "--references", "ref", "--csv", "rows.csv")

    for line in csv.DictReader(Path("rows.csv").read_text().splitlines()):
        values = [line[name] for name in line if name not in ("photo", "model", "error")]
        assert [float(value) for value in values if value]


def test_subfolders_are_paired_below_their_folders(cli, draw):
    draw("in/x/a.png", "in/y/a.png", "ref/y/a.png", "ref/x/a.png")

    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "-r", "--json")

    references = [record["reference"] for record in records(ended.out)[1:-1]]
    assert references == ["ref/x/a.png", "ref/y/a.png"]


def test_a_narrow_terminal_gets_several_tables_of_whole_columns(cli, folders, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)

    ended = cli("evaluate", "--inputs", "in", "--references", "ref", "--no-progress", "-q")

    lines = re.sub(r"\x1b\[[\d;]*m", "", ended.out).splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.startswith(" photo ") for line in lines) > 1
    assert "…" not in ended.out


def test_names_are_shown_as_they_are(cli, draw):
    draw("in/[red]a.png", "in/b\n\x1b[31m.png")

    ended = cli("evaluate", "--inputs", "in")

    assert "[red]a " in ended.out
    assert r"b\n\x1b[31m" in ended.out


def test_strength_0_judges_the_inputs(cli, folders, model):
    ended = cli("evaluate", "--inputs", "in", "--model", model, "--strength", "0", "--json")

    for name in "abc":
        before, after = values_of(ended)[name, None], values_of(ended)[name, str(model)]
        assert after == before | {"sharpness-change": 0}


def test_niqe_is_taken_where_its_parameters_are_kept(cli, draw, home, shared):
    draw("in/a.png", size=(192, 200))
    kept = home / "data" / "metrics" / "niqe_pris_params.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes((shared / "weights" / "niqe_pris_params.npz").read_bytes())

    ended = cli("evaluate", "--inputs", "in", "--json")

    assert values_of(ended)["a", None]["niqe"] > 0
    assert records(ended.out)[0]["metric_files_sha256"]["niqe"].startswith("2a7c182a")
    assert "niqe" not in ended.err


def test_other_parameters_than_the_published_are_noted(cli, draw, tmp_path):
    draw("in/a.png", size=(192, 200))
    mean, spread, window = np.zeros(36), np.eye(36), np.full((7, 7), 1 / 49)
    file = tmp_path / "mine.npz"
    np.savez(file, mu_pris_param=mean, cov_pris_param=spread, gaussian_window=window)

    ended = cli("evaluate", "--inputs", "in", "--niqe-parameters", file, "--metrics", "niqe")

    assert ended.code == 0
    assert f"note: {file}: is not niqe's published file" in ended.err


@pytest.mark.parametrize("name", ["in/a.png", "new.jpg", "notes.txt"])
def test_a_table_takes_the_place_of_no_file_of_somebody_else(cli, draw, name):
    draw("in/a.png")
    Path("notes.txt").write_text("Mine.\n")
    before = Path(name).read_bytes() if Path(name).exists() else None

    ended = cli("evaluate", "--inputs", "in", "--csv", name)

    assert ended.code == 2
    assert ended.err.startswith(f"Error: {name}: ")
    assert "Hint: Name another file after --csv." in ended.err
    assert (Path(name).read_bytes() if Path(name).exists() else None) == before


def test_a_table_takes_the_place_of_an_older_one(cli, draw):
    draw("in/a.png")

    codes = [cli("evaluate", "--inputs", "in", "--csv", "rows.csv").code for _ in range(2)]

    assert codes == [0, 0]


@pytest.fixture
def misfits(cli, draw, folders, model):
    """Folders that go with no other, and the command to try them with."""
    draw("few/a.png", "few/b.png", "twice/a.png", "twice/a.jpg")
    draw("large/a.png", "large/b.png", "large/c.png", size=(24, 33))
    Path("empty").mkdir()
    return lambda arguments: cli("evaluate", *(text.format(model=model) for text in arguments))


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["--inputs", "none"], 2, "none: no such folder", "--inputs"),
        (["--inputs", "in/a.png"], 2, "in/a.png: is no folder", "--inputs"),
        (["--inputs", "empty"], 2, "empty: no photos were found", "--recursive"),
        (["--inputs", "in", "--references", "none"], 2, "none: no such folder", "--references"),
        (["--inputs", "in", "--references", "few"], 2, "few: has no reference for c of in", ""),
        (["--inputs", "few", "--references", "ref"], 2, "without an input in few: c", ""),
        (["--inputs", "in", "--references", "large"], 2, "large/a.png: is of 33 x 24 pixels", ""),
        (["--inputs", "twice", "--references", "ref"], 2, "twice: both a.", "suffix"),
        (["--inputs", "in", "--metrics", "pnsr"], 2, "metric pnsr: there is none", "psnr"),
        (["--inputs", "in", "--metrics", "psnr"], 2, "metric psnr: compares", "--references"),
        (
            ["--inputs", "in", "--metrics", "sharpness-change"],
            2,
            "metric sharpness-change: compares",
            "--model",
        ),
        (["--inputs", "in", "--metrics", "niqe"], 3, "niqe: needs", "--niqe-parameters"),
        (["--inputs", "in", "--metrics", "nima"], 3, "nima: needs", "--nima-weights"),
        (
            ["--inputs", "in", "--references", "ref", "--metrics", "lpips"],
            3,
            "lpips: needs",
            "--lpips-weights",
        ),
        (["--inputs", "in", "--niqe-parameters", "no.npz"], 3, "no.npz: cannot be read", ""),
        (["--inputs", "in", "--niqe-parameters", "in/a.png"], 3, "in/a.png: does not hold", ""),
        (["--inputs", "in", "--nima-weights", "in/a.png"], 3, "in/a.png: no .safetensors", ""),
        (["--inputs", "in", "--model", "magic"], 3, "magic: no model", ""),
        (["--inputs", "in", "--model", "inputs"], 2, "--model inputs: the inputs", "./inputs"),
        (["--inputs", "in", "--model", "{model}", "--device", "cuda:99"], 4, "cuda:99: not av", ""),
        (["--inputs", "in", "--csv", "no/rows.csv"], 2, "no/rows.csv: its folder", ""),
        (["--inputs", "in", "--csv", "empty"], 2, "empty: ", "--csv"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(misfits, arguments, code, message, hint):
    ended = misfits(arguments)

    assert ended.code == code
    assert message in ended.err.partition("Error: ")[2]
    assert not ended.err.startswith("note: ") or "--csv" in arguments  # which is written at the end
    assert hint in ended.err.partition("Hint: ")[2]


def in_a_process(*args, before=""):
    code = (
        f"import sys; {before}\n"
        "from photoenhance.cli.app import main\n"
        f"sys.argv = ['photoenhance', *{args!r}]\n"
        "code = main()\n"
        f"print('\\nLOADED', [name for name in {HEAVY!r} if name in sys.modules], int(code))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )


def test_without_scikit_image_it_says_what_to_install(draw, home):
    draw("in/a.png")

    ended = in_a_process("evaluate", "--inputs", "in", before="sys.modules['skimage'] = None")

    assert ended.stdout.splitlines()[-1].endswith(" 2")
    assert ended.stderr.startswith("Error: evaluate: scikit-image, which measures, is not inst")
    assert "pip install 'photoenhance[evaluate]'" in ended.stderr


def test_help_names_every_metric_and_loads_no_heavy_library(home):
    ended = in_a_process("evaluate", "--help")

    assert ended.stdout.splitlines()[-1] == "LOADED [] 0"
    assert all(name in ended.stdout for name in METRICS)


def test_judging_loads_torch_only_for_networks_and_torchvision_never(draw, home, model):
    draw("in/a.png")

    plain = in_a_process("evaluate", "--inputs", "in", "-q")
    enhanced = in_a_process("evaluate", "--inputs", "in", "-q", "--model", str(model))

    loaded, also = (each.stdout.splitlines()[-1] for each in (plain, enhanced))
    assert "'skimage'" in loaded
    assert "torch" not in loaded
    assert "'torch'" in also
    assert "torchvision" not in also


def test_results_of_one_model_name_it(cli, draw, model):
    draw("in/a.png", "in/b.jpg")
    cli("enhance", "in", "--strength", "0.5")

    table = cli("evaluate", "--inputs", "in-enhanced")
    record = records(cli("evaluate", "--inputs", "in-enhanced", "--json").out)[0]

    assert table.out.startswith(f"inputs: results of {model.name}, strength 0.5, fp32\n")
    assert record["inputs_by"] == f"{model.name}, strength 0.5, fp32"


def test_results_of_several_models_name_none(cli, draw):
    draw("in/a.png", "in/b.jpg")
    cli("enhance", "in/a.png", "--strength", "0.5", "-o", "out/")
    cli("enhance", "in/b.jpg", "-o", "out/")

    assert "results of" not in cli("evaluate", "--inputs", "out").out
