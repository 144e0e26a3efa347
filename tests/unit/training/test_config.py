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
        ("losses.unknown=1", "losses.unknown: there is no such value"),
        ("degradation.unknown=1", "degradation.unknown: there is no such value"),
        ("width=0", "width: 0 is too small; at least 1"),
        ("steps=0", "steps: 0 is too small; at least 1"),
        ("steps=many", "steps: many is not a whole number"),
        ("crop=72", "crop: 72 is not a multiple of 16"),
        ("crop=100000", "crop: 100000 is too large; at most 4096"),
        ("losses.identity=-1", "losses.identity: -1 is too small; at least 0"),
        ("framing.kind=round", "framing.kind: round is not one of 'zoom', 'crop', 'square'"),
        ("width", "--set width: is not KEY=VALUE"),
        ("a=b=c", "--set a=b=c: is not KEY=VALUE"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("photo", {}, [assignment])

    assert raised.value.message.startswith(message)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("assignment", "key"),
    [
        ("losses.identiy=0.2", "losses.identity"),
        ("degradation.expozure=[0, 1]", "degradation.exposure"),
        ("stepz=3", "steps"),
    ],
)
def test_a_misspelt_key_is_recognised(assignment: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("photo", {}, [assignment])

    assert raised.value.hint == f"Did you mean {key}?"


def test_a_misspelt_recipe_is_recognised() -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("stlye", {})

    assert raised.value.hint.startswith("Did you mean style? Choose one of: ")


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_words_need_no_quotes_of_their_own(quote: str) -> None:
    changed = config.load("photo", {}, [f"framing.kind={quote}square{quote}"])

    assert changed.framing.kind == "square"


@pytest.mark.parametrize(("written", "value"), [("true", True), ("false", False)])
def test_truth_stays_no_word(written: str, value: bool) -> None:
    assert config.load("photo", {}, [f"optimiser.late={written}"]).optimiser.late is value


@pytest.mark.parametrize(
    ("recipe", "assignments", "message"),
    [
        ("photo", ["crop=64"], "crop: 64 is too small for the discriminator of uegan; at least 80"),
        ("dpe", ["crop=256"], "crop: 256 is too small for the discriminator of dpe; at least 512"),
        ("enlightengan", ["losses.fidelity=0"], "losses.fidelity: the objective enlightengan can"),
        ("photo", ["objective=dpe-one-way"], "objective: dpe-one-way trains dpe, not uegan"),
        ("tone", ["objective=enlightengan"], "objective: enlightengan trains enlightengan, not"),
        ("dpe", ["architecture=uegan"], "objective: dpe-two-way trains dpe, not uegan"),
    ],
)
def test_values_that_do_not_go_together_are_refused(
    recipe: str, assignments: list[str], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(recipe, {}, assignments)

    assert raised.value.message.startswith(message)
    assert raised.value.hint


def test_small_crops_are_good_where_nothing_judges_them() -> None:
    assert config.load("style", {"crop": 64}).crop == 64


def test_an_unknown_recipe_lists_those_that_exist() -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("magic", {})

    assert "photo, style, tone, uegan" in raised.value.hint
