"""Values of `train` that cannot be: one line, before anything is written."""

import pytest


@pytest.mark.parametrize("command", [("train",), ("train", "check")])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "0"], "width: 0 is too small; at least 1"),
        (["--width", "100000"], "width: 100000 is too large; at most 512"),
        (["--crop", "5000"], "crop: 5000 is too large; at most 4096"),
        (["--crop", "-16"], "crop: -16 is too small; at least 32"),
        (["--steps", "0"], "steps: 0 is too small; at least 1"),
        (["--steps", "99999999999999"], "steps: 99999999999999 is too large; at most 1000000000"),
        (["--batch", "0"], "batch: 0 is too small; at least 1"),
        (["--batch", "99999999999999"], "batch: 99999999999999 is too large; at most 4096"),
        (["--set", "seed=-1"], "seed: -1 is too small; at least 0"),
        (["--set", "losses.cycle=1"], "losses.cycle: the objective one-way does not know it; it"),
        (["--recipe", "dpe", "--crop", "256"], "crop: 256 is too small for the discriminator of"),
    ],
)
def test_a_value_that_cannot_be_is_one_line(
    cli, draw, tmp_path, command, options: list[str], message: str
) -> None:
    draw(tmp_path / "style" / "a.jpg")

    failed = cli(*command, "--target", tmp_path / "style", *options)

    assert failed.code == 2
    assert failed.err.startswith(f"Error: {message}")
    assert "\nHint: " in failed.err
    assert not (tmp_path / "style-model").exists()


def test_a_seed_below_0_is_one_line(cli, draw, tmp_path) -> None:
    draw(tmp_path / "style" / "a.jpg")

    failed = cli("train", "--target", tmp_path / "style", "--seed", "-1")

    assert failed.code == 2
    assert failed.err == "Error: seed: -1 is too small; at least 0\nHint: Correct seed.\n"
