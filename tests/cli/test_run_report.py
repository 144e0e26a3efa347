import json
import re
from pathlib import Path

import pytest

from photoenhance.cli import run_report

TINY = (
    *("--recipe", "photo", "--steps", "3", "--width", "8", "--crop", "80", "--batch", "2"),
    *("--save-every", "2", "--set", "losses.fidelity=0", "--set", "losses.adversarial=0"),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "my run"
    folder.mkdir()
    return folder


def log(run: Path, *events: dict[str, object], end: str = "\n") -> None:
    lines = (json.dumps(event) for event in events)
    (run / "events.jsonl").write_text("\n".join(lines) + end, encoding="utf-8")


def progress(step: int, **terms: float) -> dict[str, object]:
    return {"event": "Progress", "step": step, "terms": terms, "rate": 1e-4, "seconds": 2.0}


def validated(step: int, look: float, *, is_best: bool) -> dict[str, object]:
    judgement = {"content": 0.95, "look": look, "psnr": None, "score": look}
    return {"event": "Validated", "step": step, "judgement": judgement, "is_best": is_best}


def of_originals(step: int, *, is_best: bool) -> dict[str, object]:
    cast = {"strength": 2.5, "towards": "blue", "grows": False}
    judgement = {"score": 7.0, "fault": None, "content": 0.95, "known": "originals", "psnr": 21.5,
                 "psnr_before": 14.0, "difference": 7.0, "difference_before": 15.0, "look": None,
                 "cast": cast}  # fmt: skip
    return {"event": "Validated", "step": step, "judgement": judgement, "is_best": is_best}


def broken(step: int) -> dict[str, object]:
    empty = dict.fromkeys(("score", "content", "known", "psnr", "difference", "look", "cast"))
    judgement = {**empty, "fault": "the model gives one flat colour"}
    return {"event": "Validated", "step": step, "judgement": judgement, "is_best": False}


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))


def test_a_run_ends_with_a_page_of_its_curves_and_samples(cli, draw, tmp_path: Path) -> None:
    draw(*(tmp_path / "style" / f"{k}.jpg" for k in range(3)), size=(90, 120))
    page = tmp_path / "style-model" / "report.html"

    trained = cli("train", "--target", tmp_path / "style", *TINY)

    assert trained.code == 0
    assert f"curves and samples: {page}\n" in trained.err
    source = page.read_text(encoding="utf-8")
    assert "3 steps by the recipe photo; the run ran to its end." in source
    assert source.count('type="text/plain"') == 3  # two grids of samples, and before-after
    assert ">reconstruction</span>" in source
    assert "<dt>losses.fidelity</dt><dd>0" in source


def test_the_page_tells_of_the_best_step_and_of_the_time(run: Path) -> None:
    ended = {"event": "Ended", "step": 40, "reason": "settled", "best": 20}
    log(run, progress(20, color=0.5), validated(20, 0.4, is_best=True), progress(40, color=0.4),
        validated(40, 0.6, is_best=False), ended)  # fmt: skip

    text = text_of(run_report.write(run))

    assert "40 steps; the run ended by itself" in text
    assert "The model is that of step 20." in text
    assert "Distance to the look40 %" in text.replace("\n", "")
    assert "A step2.00 s" in text
    assert "In all1 min" in text


def test_a_log_cut_short_by_a_kill_has_a_page(run: Path) -> None:
    log(run, progress(20, color=0.5), end='\n{"event": "Progr')

    assert "A run that has not ended." in text_of(run_report.write(run))


def test_samples_that_were_moved_with_their_run_are_found_and_lost_ones_passed_over(
    run: Path, draw
) -> None:
    draw(run / "samples-000020.png")
    paths = {20: "/elsewhere/samples-000020.png", 40: "/elsewhere/samples-000040.png"}
    log(run, *({"event": "SampleSaved", "step": step, "path": p} for step, p in paths.items()))

    page = run_report.write(run).read_text(encoding="utf-8")

    assert re.findall(r'data-step="(\d+)"', page) == ["20"]


def test_the_page_tells_how_near_the_originals_a_model_comes(run: Path) -> None:
    log(run, broken(10), of_originals(20, is_best=True), of_originals(40, is_best=False),
        {"event": "Ended", "step": 40, "reason": "done", "best": 20})  # fmt: skip

    text = text_of(run_report.write(run)).replace("\n", "")

    assert "To the originals21.50 dB" in text
    assert "Colour difference7.00" in text
    assert "Structure kept95.0 %" in text
    assert "Distance to the look" not in text
    assert "Colour cast" in text


def test_a_run_whose_every_model_was_broken_has_a_page(run: Path) -> None:
    log(run, progress(10, color=0.5), broken(10))

    assert "Best step" in text_of(run_report.write(run))


def test_the_log_of_an_earlier_version_has_a_page(run: Path) -> None:
    old = {"content": 0.95, "look": 0.4, "psnr": 20.25, "score": -20.25}
    log(run, {"event": "Validated", "step": 20, "judgement": old, "is_best": True})

    text = text_of(run_report.write(run)).replace("\n", "")

    assert "To the references20.25 dB" in text
    assert "Distance to the look40 %" in text
