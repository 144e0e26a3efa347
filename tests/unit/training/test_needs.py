"""What is written of the objectives is what they do."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from photoenhance.training import config, setup
from photoenhance.training.batches import Batches
from photoenhance.training.data import PhotoFolder
from photoenhance.training.distributed import Processes
from photoenhance.training.needs import NEEDS
from photoenhance.training.objective import Workplace

RECIPES = {
    "one-way": "photo",
    "enlightengan": "enlightengan",
    "dpe-one-way": "dpe-one-way",
    "dpe-two-way": "dpe",
    "supervised": "dpe-supervised",
}


class Gradients(nn.Module):
    """Features of a kind."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image[..., 1:] - image[..., :-1]]


def test_every_objective_has_its_needs() -> None:
    assert NEEDS.keys() == setup.OBJECTIVES.keys() == RECIPES.keys()


@pytest.mark.parametrize("objective", NEEDS)
def test_the_generator_has_the_terms_that_are_named(
    objective: str, folders, small: Callable[..., config.TrainConfig]
) -> None:
    """All weights are 1; made sources have lost nothing of their structure's share."""
    needs = NEEDS[objective]
    settings = small(RECIPES[objective], *(f"losses.{name}=1" for name in needs.weights), made=1)
    source, target = PhotoFolder(folders / "source"), PhotoFolder(folders / "target")
    batch = Batches(target, source, settings, Processes()).at(1)
    workplace = Workplace(
        torch.device("cpu"), Processes(), setup.build_generator(settings), Gradients()
    )
    learning = setup.OBJECTIVES[settings.objective](settings, workplace)

    turns = {
        id(turn.player): set(turn.terms) for turn in learning.turns(batch, 1, torch.Generator())
    }

    assert turns[id(learning.generator)] == set(needs.weights)
