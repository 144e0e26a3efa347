import itertools

import pytest
import torch

from photoenhance.inference import budget, cgroups

PLENTY = 64 << 30


def planned(generator, height: int, width: int, free: int = PLENTY, **asked) -> budget.Plan:
    asked = {"rendering": "auto", "tile": None, **asked}
    schemes = generator.schemes(height, width)
    return budget.plan(generator, schemes, (height, width), free=free, **asked)


def test_a_small_photo_is_rendered_whole(generator) -> None:
    assert planned(generator, 480, 640).rendering == "whole"


def test_a_big_photo_is_rendered_in_strips_of_its_whole_width(generator) -> None:
    plan = planned(generator, 8000, 3008)

    assert plan.rendering == "strips"
    assert plan.tile[1] == 3008
    assert 128 <= plan.tile[0] < 8000


def test_strips_of_a_wide_photo_are_cut_rather_than_thinned(generator) -> None:
    plan = planned(generator, 4000, 30_000)

    assert plan.rendering == "strips"
    assert plan.tile[0] == 128
    assert 1000 < plan.tile[1] < 30_000


def test_a_huge_photo_is_rendered_in_tiles(generator) -> None:
    plan = planned(generator, 400_000, 600_000)

    assert plan.rendering == "tiles"


@pytest.mark.parametrize("free", [64 << 30, 2 << 30, 256 << 20])
def test_what_auto_plans_fits_the_free_memory(generator, free: int) -> None:
    for height, width in itertools.product((512, 4000, 12_000), repeat=2):
        plan = planned(generator, height, width, free)
        area = (plan.tile[0]) * (plan.tile[1])
        held = 0.0 if plan.scheme is None else height * width * plan.scheme.held_bytes
        work = area * (plan.scheme.tile_bytes if plan.scheme else generator.whole_bytes)

        assert held + work <= max(min(free, budget.MOST_BYTES), 64 << 20)


@pytest.mark.parametrize("rendering", ["whole", "strips", "tiles"])
def test_a_named_rendering_is_taken(generator, rendering: str) -> None:
    assert planned(generator, 1024, 1024, 1 << 20, rendering=rendering).rendering == rendering


def test_a_named_tile_is_taken(generator) -> None:
    assert planned(generator, 1024, 2048, rendering="strips", tile=100).tile == (96, 2048)
    assert planned(generator, 1024, 2048, rendering="tiles", tile=300).tile == (288, 288)
    assert planned(generator, 1024, 2048, tile=128).rendering == "strips"


def test_plans_shrink_until_nothing_is_left(generator) -> None:
    schemes = generator.schemes(2048, 2048)
    plan, seen = budget.Plan(None, (2048, 2048), (2048, 2048)), []

    while plan is not None and len(seen) < 50:
        seen.append((plan.rendering, plan.tile))
        plan = budget.smaller(plan, schemes)

    assert [name for name, _ in itertools.groupby(name for name, _ in seen)] == [
        "whole",
        "strips",
        "tiles",
    ]
    assert seen[-1][1] == (budget.SMALLEST_TILE, budget.SMALLEST_TILE)
    assert len(seen) < 20


def test_free_memory_is_counted() -> None:
    assert budget.available_bytes(torch.device("cpu")) > 10 << 20


def test_the_memory_of_a_container_is_no_more_than_its_groups_allow(monkeypatch) -> None:
    monkeypatch.setattr(cgroups, "free_memory", lambda: 5 << 20)

    assert budget.available_bytes(torch.device("cpu")) == 5 << 20


def test_without_any_memory_left_the_smallest_tiles_are_planned(generator) -> None:
    plan = planned(generator, 4000, 6000, free=0)

    assert max(plan.tile) == budget.SMALLEST_TILE
