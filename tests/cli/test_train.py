import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photoenhance.training import grid
from photoenhance.training.cast import Cast
from photoenhance.training.events import Ended, Event, Validated
from photoenhance.training.loop import Run
from photoenhance.training.validation import Judgement
from photoenhance.zoo.load import load_generator

TINY = ("--steps", "2", "--crop", "80", "--batch", "2")
SMALL = (*TINY, "--recipe", "photo", "--width", "8", "--set", "pool=2")
NO_FIDELITY = ("--set", "losses.fidelity=0")


@pytest.fixture
def my_style(tmp_path: Path, draw) -> Path:
    folder = tmp_path / "my_style"
    draw(*(folder / f"{k}.jpg" for k in range(3)), size=(90, 120))
    return folder


def test_a_folder_becomes_a_model_that_enhances(cli, my_style: Path, tmp_path: Path) -> None:
    trained = cli("train", "--target", my_style, *SMALL)
    run = tmp_path / "my_style-model"

    enhanced = cli("enhance", my_style / "0.jpg", "-o", tmp_path / "out.jpg", "--model", run)

    assert trained.code == 0
    assert trained.out == f"{run / 'generator.safetensors'}\n"
    assert "3 photos of your style; about " in trained.err
    assert "\nnothing to judge by, so the last model is the one given out\n" in trained.err
    assert (run / "samples-000002.png").stat().st_size > 0
    assert enhanced.code == 0
    with Image.open(tmp_path / "out.jpg") as photo:
        assert photo.size == (120, 90)


def test_a_validation_says_in_plain_words_how_good_the_model_is(cli, tmp_path, draw) -> None:
    draw(*(tmp_path / "style" / f"{k}.jpg" for k in range(10)), size=(90, 120))
    looks = ("--set", "validation.every=1", "--set", "losses.adversarial=0")

    trained = cli("train", "--target", tmp_path / "style", *SMALL, *NO_FIDELITY, *looks)

    assert "10 photos of your style, 1 held out; about " in trained.err
    assert "\nthe best model is found by held-out targets made worse\n" in trained.err
    line = (
        r"1: \d+\.\d\d dB and a colour difference of \d+\.\d\d to the originals "
        r"\(before: \d+\.\d\d and \d+\.\d\d\), \d+\.\d % of the structure kept.*; the best so far, "
        r"saved\n"
    )
    assert re.search(line, trained.err)
    assert "Colour difference" in (tmp_path / "style-model" / "report.html").read_text()


@pytest.mark.parametrize(
    ("judgement", "said"),
    [
        (
            Judgement(0.4, content=0.982, look=0.4, cast=Cast(4.12, "magenta", grows=True)),
            "20: 40 % of the distance to the targets' look is left, 98.2 % of the structure kept, "
            "a cast grows: 4.1 towards magenta",
        ),
        (
            Judgement(0.4, content=0.9, look=0.4, cast=Cast(4.12, "magenta", grows=False)),
            "20: 40 % of the distance to the targets' look is left, 90.0 % of the structure kept",
        ),
        (
            Judgement(None, fault="the model gives one flat colour"),
            "20: the model gives one flat colour, so this step is never the best",
        ),
    ],
)
def test_what_a_validation_found_is_one_line(
    cli, my_style: Path, monkeypatch, judgement: Judgement, said: str
) -> None:
    told = [Validated(20, judgement, is_best=False), Ended(20, "done", 20)]

    def train(_, run: Run, *__: object) -> Iterator[Event]:
        run.output.mkdir()
        yield from told

    monkeypatch.setattr("photoenhance.training.loop.train", train)

    trained = cli("train", "--target", my_style, *SMALL)

    assert f"{said}\n" in trained.err


def test_a_folder_alone_takes_up_the_bundled_model(cli, my_style: Path, tmp_path: Path) -> None:
    trained = cli("train", "--target", my_style, *TINY)

    bundled = load_generator("uegan").generator.state_dict()
    learnt = load_generator(tmp_path / "my_style-model").generator.state_dict()
    assert trained.code == 0
    for name, weights in bundled.items():
        assert (learnt[name] - weights).abs().max() < 0.01
    assert any(not learnt[name].equal(weights) for name, weights in bundled.items())


def test_the_first_line_says_what_is_learnt_from_and_how_long_it_takes(
    cli, tmp_path: Path, draw
) -> None:
    draw(*(tmp_path / "my_style" / f"{k:02}.jpg" for k in range(20)), size=(90, 120))

    trained = cli("train", "--target", tmp_path / "my_style", *TINY)

    lines = [line for line in trained.err.splitlines() if not line.startswith((" !", "!!"))]
    said = r"20 photos of your style, 2 held out; about \d+ seconds? on cpu in (fp32|bf16)"
    assert re.fullmatch(said, lines[0])


def test_the_end_shows_photos_before_and_after_and_says_what_to_do_next(
    cli, my_style: Path, tmp_path: Path
) -> None:
    run = tmp_path / "my_style-model"

    trained = cli("train", "--target", my_style, *TINY)

    assert f"before and after: {run / 'before-after.png'}\n" in trained.err
    assert trained.err.endswith(
        f"Now give the look to other photos:\n  photoenhance enhance --model {run} PHOTOS\n"
    )
    with Image.open(run / "before-after.png") as grid:
        assert grid.size[0] > 3 * 120
    assert 'data-picture="before-after"' in (run / "report.html").read_text(encoding="utf-8")


def test_ordinary_photos_can_be_seen_as_well(cli, my_style: Path, tmp_path: Path, draw) -> None:
    draw(*(tmp_path / "snaps" / f"{k}.jpg" for k in range(4)), size=(90, 120))

    trained = cli(
        "train", "--target", my_style, "--source", tmp_path / "snaps", *TINY, *NO_FIDELITY
    )

    assert trained.code == 0
    assert "3 photos of your style and 4 ordinary ones; about " in trained.err
    with Image.open(tmp_path / "my_style-model" / "before-after.png") as grid:
        assert 2 * 120 < grid.size[0] < 3 * 120


def test_a_width_that_the_bundled_model_has_not_is_refused_with_a_way_out(
    cli, my_style: Path, tmp_path: Path
) -> None:
    failed = cli("train", "--target", my_style, "--width", "32", *TINY)

    assert failed.code == 2
    assert "Error: init: uegan has width 16, and the network of this run width 32" in failed.err
    assert "--recipe photo" in failed.err
    assert not (tmp_path / "my_style-model").exists()


def test_a_model_of_another_architecture_is_no_beginning(cli, my_style: Path) -> None:
    failed = cli("train", "--target", my_style, "--init", "dpe", *TINY)

    assert failed.code == 2
    assert "init: dpe is of the architecture dpe, and this run trains uegan" in failed.err


def test_what_is_worrying_is_said_at_the_start_and_the_run_goes_on(
    cli, tmp_path: Path, draw
) -> None:
    draw(tmp_path / "my_style" / "only.jpg", size=(90, 120))

    trained = cli("train", "--target", tmp_path / "my_style", *TINY)

    assert trained.err.startswith("!! there is 1 target photo: no look can be learnt from so few.")
    assert "!! Training would be pointless like this. It begins all the same" in trained.err
    assert trained.code == 0


def test_a_folder_of_broken_photos_is_one_error_and_no_advice(cli, my_style: Path) -> None:
    for photo in my_style.iterdir():
        photo.write_bytes(b"no photo")

    failed = cli("train", "--target", my_style, *TINY)

    assert failed.code == 2
    assert "!" not in failed.err
    assert "not one of 3 photos can be read" in failed.err


def test_our_recipes_are_listed_first(cli) -> None:
    listed = cli("train", "--list-recipes")

    names = [line.split()[0] for line in listed.out.splitlines()]
    assert names[:6] == ["style", "photo", "snapshots", "snapshots-finish", "light", "tone"]
    assert names[6:] == sorted(names[6:])


def test_a_model_can_be_the_beginning_of_another(cli, my_style: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    cli("train", "--target", my_style, "-o", first, *SMALL, *NO_FIDELITY)

    again = cli("train", "--target", my_style, "-o", second, "--init", first, *SMALL, *NO_FIDELITY)

    assert again.code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "nowhere"], 2, "Error: nowhere: no such folder"),
        (["--target", "."], 2, "Error: .: no photos (looked for jpeg, png, tiff"),
        (["--target", "{style}", "--recipe", "magic"], 2, "Error: recipe magic: there is none"),
        (["--target", "{style}", "--width", "9"], 2, "Error: width: expected a multiple of 8"),
        (["--target", "{style}", "--set", "losses.x=1"], 2, "Error: losses.x: "),
        (
            ["--target", "{style}", "--source", "{style}", "--perceptual", "no.safetensors"],
            2,
            "Error: no.safetensors: no such file",
        ),
        (["--target", "{style}", "--perceptual", "no"], 2, "Error: no: this run compares no"),
        (["--target", "{style}", "--init", "no.safetensors"], 3, "Error: no.safetensors"),
        (["--target", "{style}", "--device", "cuda:99"], 4, "Error: device cuda:99: not available"),
        (["--target", "{style}", "--init", "{style}"], 3, "Error: "),
        ([], 2, "--target"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    cli, my_style: Path, tmp_path: Path, arguments, code: int, message: str
) -> None:
    arguments = [text.format(style=my_style) for text in arguments]

    failed = cli("train", *arguments, "-o", tmp_path / "run")

    assert failed.code == code
    assert message in failed.err
    assert not (tmp_path / "run").exists()


def test_an_output_that_is_a_file_is_an_error(cli, my_style: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")

    failed = cli("train", "--target", my_style, "-o", tmp_path / "file", *SMALL, *NO_FIDELITY)

    assert failed.code == 2
    assert "file: cannot be used: " in failed.err
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_trained_model_is_not_overwritten(cli, my_style: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    cli("train", "--target", my_style, "-o", run, *SMALL, *NO_FIDELITY)
    before = (run / "generator.safetensors").read_bytes()

    again = cli("train", "--target", my_style, "-o", run, *SMALL, *NO_FIDELITY)

    assert again.code == 2
    assert "holds a trained model already" in again.err
    assert (run / "generator.safetensors").read_bytes() == before


def test_losses_that_are_no_numbers_end_the_run_and_keep_what_was_good(
    cli, my_style: Path, tmp_path: Path
) -> None:
    diverging = ("--set", "optimiser.generator_rate=1e30", "--set", "losses.adversarial=0")

    failed = cli(
        "train", "--target", my_style, "-o", tmp_path / "run", *SMALL, *NO_FIDELITY, *diverging
    )

    assert failed.code == 1
    assert "the loss is nan" in failed.err


def test_a_page_of_somebody_else_in_the_runs_folder_is_seen_before_the_run(
    cli, my_style: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.html").write_text("mine")

    failed = cli("train", "--target", my_style, "-o", tmp_path / "run", *SMALL, *NO_FIDELITY)

    assert failed.code == 2
    assert "report.html: exists, and is not a report of photoenhance" in failed.err
    assert (tmp_path / "run" / "report.html").read_text() == "mine"


@pytest.mark.parametrize("command", [("train",), ("train", "check")])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--recipe", "photo", "--crop", "64"],
            "crop: 64 is too small for the discriminator of uegan; at least 80",
        ),
        (["--crop", "100000"], "crop: 100000 is too large; at most 4096"),
        (["--steps", "0"], "steps: 0 is too small; at least 1"),
        (["--recipe", "enlightengan", "--set", "losses.fidelity=0"], "losses.fidelity: the obj"),
        (["--set", 'objective="dpe-one-way"'], "objective: dpe-one-way trains dpe, not uegan"),
        (["--set", "losses.identiy=0.2"], "losses.identiy: there is no such value\nHint: Did you"),
        (["--recipe", "stlye"], "recipe stlye: there is none\nHint: Did you mean style?"),
    ],
)
def test_values_that_cannot_be_are_one_line(
    cli, my_style: Path, command, options: list[str], message: str
) -> None:
    failed = cli(*command, "--target", my_style, *options)

    assert failed.code == 2
    assert failed.err.startswith(f"Error: {message}")


def test_the_folder_here_can_be_learnt_from(cli, my_style: Path, monkeypatch) -> None:
    monkeypatch.chdir(my_style)

    trained = cli("train", "--target", ".", *SMALL, *NO_FIDELITY)

    assert trained.code == 0
    assert (my_style.with_name("my_style-model") / "generator.safetensors").is_file()


@pytest.mark.parametrize("suffix", [".bmp", ".avif"])
def test_a_folder_of_any_format_is_learnt_from(cli, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "my_style"
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    folder.mkdir()
    for k in range(2):
        Image.fromarray(pixels).save(folder / f"{k}{suffix}")

    trained = cli("train", "--target", folder, *SMALL, *NO_FIDELITY)

    assert trained.code == 0
    assert "2 photos of your style" in trained.err


def test_a_run_inside_its_target_folder_goes_on_and_learns_from_nothing_of_its_own(
    cli, my_style: Path
) -> None:
    run = my_style / "model"
    options = ("--target", my_style, "-o", run, *SMALL[2:], *NO_FIDELITY, "--save-every", "1")
    (my_style / "notes.txt").write_text("mine")

    first = cli("train", *options, "--steps", "2")
    second = cli("train", *options, "--steps", "3", "--override")

    # Those of the first run, and its picture of before and after.
    pictures = len(list(run.glob("samples-*.png"))) - 1 + 1
    assert first.code == second.code == 0
    assert "3 photos of your style" in second.err
    assert "photos: other files than before" not in second.err
    assert (
        f"{my_style}: not learnt from {pictures} pictures that photoenhance has made" in second.err
    )
    assert f"{my_style}: passed over, as no photos in a known format: 1 .txt" in second.err


def test_unreadable_photos_are_named_and_not_counted(cli, my_style: Path) -> None:
    (my_style / "broken.jpg").write_bytes(b"no photo")

    trained = cli("train", "--target", my_style, *SMALL, *NO_FIDELITY)

    assert trained.err.count("broken.jpg") == 1
    assert "3 photos of your style" in trained.err


@pytest.mark.parametrize("role", ["--target", "--source"])
def test_a_folder_of_broken_photos_is_an_error_before_the_first_step(
    cli, my_style: Path, tmp_path: Path, role: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"no photo")
    folders = {"--target": my_style, "--source": my_style, role: broken}

    failed = cli("train", *(each for pair in folders.items() for each in pair), *SMALL)

    assert failed.code == 2
    assert f"{broken}: not one of 1 photos can be read" in failed.err


@pytest.mark.parametrize("command", [("train",), ("train", "check")])
def test_a_recipe_for_two_folders_says_what_is_missing(cli, my_style: Path, command) -> None:
    failed = cli(*command, "--target", my_style, "--recipe", "uegan")

    assert failed.code == 2
    assert failed.err == (
        "Error: recipe uegan: learns from two folders, and there is no --source\n"
        "Hint: Name a folder of ordinary photos, or have sources made of the targets: "
        "--set made=10.\n"
    )


def test_pairs_of_which_nothing_can_be_read_end_at_once(cli, my_style: Path, tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in my_style.iterdir():
        (broken / path.name).write_bytes(b"no photo")
    small = ("--set", "network.side=64", "--crop", "64", "--batch", "2", "--steps", "1")

    failed = cli(
        "train", "--recipe", "dpe-supervised", "--target", broken, "--source", my_style, *small
    )

    assert failed.code == 2
    assert f"{broken}: not one of 3 photos can be read" in failed.err


def test_a_log_that_cannot_be_written_costs_the_run_no_model(
    cli, my_style: Path, tmp_path: Path
) -> None:
    (tmp_path / "run" / "events.jsonl").mkdir(parents=True)

    trained = cli("train", "--target", my_style, "-o", tmp_path / "run", *SMALL, *NO_FIDELITY)

    assert trained.code == 0
    assert (
        trained.err.count("events.jsonl: cannot be written: Is a directory; the run goes on") == 1
    )
    assert "note: " in trained.err
    assert (tmp_path / "run" / "generator.safetensors").exists()


def test_a_model_that_the_last_save_did_not_write_is_written_by_the_same_command(
    cli, my_style: Path, tmp_path: Path
) -> None:
    command = ("train", "--target", my_style, "-o", tmp_path / "run", *SMALL, *NO_FIDELITY)
    cli(*command)
    model = tmp_path / "run" / "generator.safetensors"
    content = model.read_bytes()
    model.unlink()

    again = cli(*command)
    third = cli(*command)

    assert again.code == 0
    assert model.read_bytes() == content
    assert third.code == 2
    assert "holds a trained model already" in third.err


def test_a_picture_that_cannot_be_made_costs_the_run_nothing(
    cli, my_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(grid, "write", full)

    trained = cli("train", "--target", my_style, "-o", tmp_path / "run", *SMALL, *NO_FIDELITY)

    assert trained.code == 0
    assert "note: before and after: cannot be made: CUDA out of memory." in trained.err
    assert trained.out == f"{tmp_path / 'run' / 'generator.safetensors'}\n"
