import pytest

from photoenhance.errors import ConfigError
from photoenhance.training import config


@pytest.mark.parametrize("recipe", config.recipes())
def test_every_recipe_is_complete(recipe: str) -> None:
    assert config.load(recipe, {}).recipe == recipe


def test_the_paper_recipe_has_the_published_values() -> None:
    uegan = config.load("uegan", {})

    assert (uegan.width, uegan.batch, uegan.crop, uegan.pool) == (32, 10, 256, 50)
    assert (uegan.losses.adversarial, uegan.losses.fidelity, uegan.losses.identity) == (0.1, 1, 0.1)
    assert uegan.optimiser.betas == (0.5, 0.999)
    assert uegan.optimiser.generator_rate == 1e-4
    assert uegan.optimiser.discriminator_rate == 4e-4
    assert uegan.optimiser.weight_decay == 1e-4


def test_options_and_assignments_replace_values_of_the_recipe() -> None:
    changes = ["losses.identity=0.2", "degradation.exposure=[-1, 1]", "width=8"]

    changed = config.load("photo", {"steps": 7, "crop": None}, changes)

    assert changed.steps == 7
    assert changed.crop == config.load("photo", {}).crop
    assert changed.losses.identity == 0.2
    assert changed.degradation.exposure == (-1, 1)
    assert changed.width == 8


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("losses.unknown=1", "losses.unknown: "),
        ("degradation.unknown=1", "degradation.unknown: "),
        ("width=0", "width: "),
        ("crop=72", "crop: "),
        ("losses.identity=-1", "losses.identity: "),
        ("width", "--set width: not KEY=VALUE"),
        ("a=b=c", "--set a=b=c: not KEY=VALUE"),
    ],
)
def test_a_wrong_value_is_named(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("photo", {}, [assignment])

    assert raised.value.message.startswith(message)
    assert raised.value.hint


def test_an_unknown_recipe_lists_those_that_exist() -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("magic", {})

    assert "photo, style, tone, uegan" in raised.value.hint
