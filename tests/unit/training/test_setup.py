from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.training import setup
from photoenhance.training.validation import (
    OriginalValidator,
    ReferenceValidator,
    UnpairedValidator,
)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")


@pytest.fixture
def many(folders: Path, draw) -> Path:
    """Make the folders as large as judging by real sources needs them."""
    for name in ("target", "source"):
        for k in range(12, 20):
            Image.fromarray(draw(84 + k, 100)).save(folders / name / f"{k:02}.png")
    return folders


def built(chosen, run):
    photos = setup.find_photos(chosen, run)
    return photos, setup.build_validator(chosen, run, photos, setup.find_look(chosen, photos))


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("recipe", ["photo", "style"])
def test_where_sources_are_made_the_originals_judge(recipe, source, small, run_in) -> None:
    run = run_in("run") if source else run_in("run", source=None)

    photos, validator = built(small(recipe), run)

    assert isinstance(validator, OriginalValidator)
    assert len(photos.held_target.paths) == 1
    assert not photos.held_source.paths
    assert len(validator.sources) == 4
    assert len({source.tobytes() for source in validator.sources}) == 4
    assert len({wanted.tobytes() for wanted in validator.wanted}) == 1


def test_photos_are_made_worse_in_the_same_ways_in_each_run(small, run_in) -> None:
    first, again, other = (
        built(small("photo", seed=seed), run_in("run"))[1].sources for seed in (1, 1, 2)
    )

    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))


def test_real_sources_alone_are_judged_by_all_photos_held_out(small, run_in, many) -> None:
    photos, validator = built(small("uegan", made=0), run_in("run"))

    assert isinstance(validator, UnpairedValidator)
    assert len(validator.sources) == len(photos.held_source.paths) == 2
    assert len(validator.targets) == 2


def test_real_sources_are_not_judged_by_a_single_target(small, run_in) -> None:
    _, validator = built(small("uegan", made=0), run_in("run"))

    assert validator is None


def test_pairs_that_are_learnt_from_are_judged_as_pairs(small, run_in, folders) -> None:
    _, validator = built(small("dpe-supervised"), run_in("run"))

    assert isinstance(validator, ReferenceValidator)
    source = np.asarray(Image.open(folders / "source" / "09.png"))
    target = np.asarray(Image.open(folders / "target" / "09.png"))
    assert np.array_equal(validator.sources[0], source)
    assert np.array_equal(validator.wanted[0], target)


def test_pairs_to_judge_by_need_no_photos_held_out(small, run_in, folders, draw) -> None:
    for name in ("input", "reference"):
        (folders / name).mkdir()
        Image.fromarray(draw(80, 90)).save(folders / name / "a.png")

    photos, validator = built(small("photo"), run_in("run", pairs=folders))

    assert isinstance(validator, ReferenceValidator)
    assert not photos.held_target.paths
    assert len(photos.target.paths) == 12

    Image.fromarray(draw(80, 100)).save(folders / "input" / "a.png")
    with pytest.raises(ConfigError, match=r"a\.png: input and reference differ in shape"):
        built(small("photo"), run_in("run", pairs=folders))


def test_fewer_than_ten_photos_are_not_judged(small, run_in, folders) -> None:
    for k in range(9, 12):
        (folders / "target" / f"{k:02}.png").unlink()

    photos, validator = built(small("photo"), run_in("run", source=None))

    assert validator is None
    assert len(photos.target.paths) == 9
