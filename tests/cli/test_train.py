import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from photoenhance.training.cast import Cast
from photoenhance.training.events import Ended, Event, Validated
from photoenhance.training.loop import Run
from photoenhance.training.validation import Judgement

SMALL = ("--steps", "2", "--width", "8", "--crop", "80", "--batch", "2", "--set", "pool=2")
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
    assert "3 targets, no sources (made of targets), on cpu in " in trained.err
    assert "; nothing to judge by, so the last model is the one given out\n" in trained.err
    assert (run / "samples-000002.png").stat().st_size > 0
    assert enhanced.code == 0
    with Image.open(tmp_path / "out.jpg") as photo:
        assert photo.size == (120, 90)


def test_a_validation_says_in_plain_words_how_good_the_model_is(cli, tmp_path, draw) -> None:
    draw(*(tmp_path / "style" / f"{k}.jpg" for k in range(10)), size=(90, 120))
    looks = ("--set", "validation.every=1", "--set", "losses.adversarial=0")

    trained = cli("train", "--target", tmp_path / "style", *SMALL, *NO_FIDELITY, *looks)

    assert "9 targets, no sources (made of targets), 1 photo held out, on cpu in" in trained.err
    assert "; judged by held-out targets made worse\n" in trained.err
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


def test_a_model_can_be_the_beginning_of_another(cli, my_style: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    cli("train", "--target", my_style, "-o", first, *SMALL, *NO_FIDELITY)

    again = cli("train", "--target", my_style, "-o", second, "--init", first, *SMALL, *NO_FIDELITY)

    assert again.code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "nowhere"], 2, "Error: nowhere: no such folder"),
        (["--target", "."], 2, "Error: .: no photos (looked for .jpeg, .jpg, .png"),
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
        (["--crop", "64"], "crop: 64 is too small for the discriminator of uegan; at least 80"),
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
