from pathlib import Path

import pytest

from photoenhance.errors import ConfigError
from photoenhance.networks import ARCHITECTURES
from photoenhance.training import config
from photoenhance.training.needs import NEEDS
from photoenhance.training.players import share_of_rate


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
        ("crop=72", "crop: 72 is not a multiple of 16; 64 and 80 are"),
        ("crop=100000", "crop: 100000 is too large; at most 4096"),
        ("losses.identity=-1", "losses.identity: -1 is too small; at least 0"),
        ("losses.identity=inf", "losses.identity: inf is not a finite number"),
        ("losses.identity=nan", "losses.identity: nan is not a finite number"),
        ("losses.identity=true", "losses.identity: True is not a number"),
        ("losses.identity='1'", "losses.identity: 1 is not a number"),
        ("losses.fidelity_layers=relu1_1", "losses.fidelity_layers: relu1_1 is not a list"),
        ("losses=1", "losses: 1 is not a section of its own"),
        ("optimiser.generator_rate=inf", "optimiser.generator_rate: inf is not a finite number"),
        ("optimiser.generator_rate=1e38", "optimiser.generator_rate: 1e+38 is too large; at most"),
        ("optimiser.clip=nan", "optimiser.clip: nan is not a finite number"),
        ("optimiser.betas=[1, 0]", "optimiser.betas: 1 is too large; less than 1"),
        ("optimiser.betas=[-0.5, 0]", "optimiser.betas: -0.5 is too small; at least 0"),
        ("optimiser.betas=[0.5]", "optimiser.betas: [0.5] are not two numbers, as in [0.5, 1]"),
        ("optimiser.betas=0.5", "optimiser.betas: 0.5 are not two numbers"),
        ("optimiser.late=1", "optimiser.late: 1 is neither true nor false"),
        ("width=true", "width: True is not a whole number"),
        ("width=8.0", "width: 8.0 is not a whole number"),
        ("width=100000", "width: 100000 is too large; at most 512"),
        ("width=9", "width: expected a multiple of 8, found 9"),
        ("batch=0", "batch: 0 is too small; at least 1"),
        ("batch=1000000000", "batch: 1000000000 is too large; at most 4096"),
        ("made=1000000000", "made: 1000000000 is too large; at most 4096"),
        ("pool=1000000000", "pool: 1000000000 is too large; at most 1000"),
        ("seed=-1", "seed: -1 is too small; at least 0"),
        ("seed=10000000000000000000", "seed: 10000000000000000000 is too large; at most"),
        ("steps=10000000000", "steps: 10000000000 is too large; at most 1000000000"),
        ("gain=1e9", "gain: 1000000000.0 is too large; at most 10"),
        (
            "degradation.exposure=[-0.1, -2.5]",
            "degradation.exposure: [-0.1, -2.5] is the wrong way round; the smaller number comes",
        ),
        ("degradation.exposure=[-inf, 0]", "degradation.exposure: -inf is not a finite number"),
        ("degradation.contrast=[1e9, 1e9]", "degradation.contrast: 1000000000.0 is too large"),
        ("degradation.gamma=[0, 1]", "degradation.gamma: 0 is too small; at least 0.1"),
        ("degradation.gamma=1", "degradation.gamma: 1 are not two numbers"),
        ("degradation.untouched=2", "degradation.untouched: 2 is too large; at most 1"),
        ("degradation.untouched=nan", "degradation.untouched: nan is not a finite number"),
        ("degradation.read=-1", "degradation.read: -1 is too small; at least 0"),
        ("degradation.softness=-1", "degradation.softness: -1 is too small; at least 0"),
        ("network.unknown=1", "network.unknown: there is no such value"),
        ("network.width=8", "network.width: there is no such value"),
        ("network.squeeze=1", "network.squeeze: 1 is not a text"),
        ("network.squeeze=beside", "network.squeeze: expected none, after or before"),
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
        (
            "dpe",
            ["crop=256"],
            "crop: 256 is too small for the discriminator of dpe, whose network.side is 512",
        ),
        ("dpe", ["network.norm_sets=1"], "network.norm_sets: the objective dpe-two-way needs 2"),
        ("dpe", ["network.side=100"], "network.side: expected a multiple of 64 up to 4096"),
        ("dpe", ["network.side=64000000"], "network.side: expected a multiple of 64 up to 4096"),
        ("dpe", ["network.widths='4-x'"], "network.widths: expected four numbers such as 4-5-6-8"),
        ("dpe", ["network.side=[64]"], "network.side: [64] is not a whole number"),
        ("dpe", ["network.norm_sets=true"], "network.norm_sets: True is not a whole number"),
        ("dpe", ["network.context=wide"], "network.context: expected scaled or native, found"),
        ("light", ["network.margin=5"], "network.margin: expected a multiple of 16 up to 256"),
        ("light", ["network.work_size=-3"], "network.work_size: expected 0 or at least 64"),
        ("light", ["network.attention=3"], "network.attention: 3 is not true or false"),
        (
            "photo",
            ["network.work_size=40"],
            "network.work_size: expected 0 or at least 64, found 40",
        ),
        ("photo", ["network.local=2"], "network.local: expected a number from 0 to 1, found 2"),
        ("tone", ["network.local=nan"], "network.local: expected a number from 0 to 1, found nan"),
        ("tone", ["network.local=true"], "network.local: True is not a number"),
        (
            "dpe-supervised",
            ["network.side=64", "crop=64", "batch=1"],
            "batch: 1 is too small for the norms of dpe; at least 2",
        ),
        ("uegan", ["losses.fidelity_layers=[]"], "losses.fidelity_layers: [] are not one to 5"),
        (
            "uegan",
            ["losses.fidelity_layers=['relu9_9']"],
            "losses.fidelity_layers: ['relu9_9'] are not one to 5 layers of vgg19, shallow first",
        ),
        (
            "uegan",
            ["losses.fidelity_layers=['relu2_1', 'relu1_1']"],
            "losses.fidelity_layers: ['relu2_1', 'relu1_1'] are not one to 5 layers of vgg19",
        ),
        (
            "enlightengan",
            ["losses.fidelity_layers=['relu5_4']"],
            "losses.fidelity_layers: ['relu5_4'] are not one to 5 layers of vgg16",
        ),
        (
            "photo",
            [f"losses.{name}=0" for name in NEEDS["one-way"].weights],
            "losses: all that the objective one-way knows are 0, so nothing would be learnt",
        ),
        (
            "tone",
            ["made=0"],
            "losses.reconstruction: compares made sources with what they were made",
        ),
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


def test_a_critic_of_another_side_is_told_how_both_can_fit() -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("dpe", {"crop": 256})

    assert raised.value.hint == "Take --crop 512 or more, or a network.side of at most 256."
    assert config.load("dpe", {"crop": 256}, ["network.side=256"]).crop == 256


@pytest.mark.parametrize(
    ("recipe", "assignment", "known"),
    [
        ("photo", "losses.cycle=1", "losses.adversarial, losses.fidelity, losses.identity"),
        ("photo", "losses.local=1", "losses.adversarial, losses.fidelity"),
        ("photo", "losses.penalty_rule=released", "losses.adversarial"),
        ("photo", "optimiser.critic_steps=3", "losses.adversarial"),
        ("photo", "framing.brightness=0.5", "losses.adversarial"),
        ("enlightengan", "losses.reconstruction=5", "losses.adversarial, losses.local, losses."),
        ("enlightengan", "losses.identity_form=charbonnier", "losses.adversarial, losses.local"),
        ("dpe-one-way", "losses.cycle=1", "losses.adversarial, losses.identity"),
        ("dpe", "losses.fidelity=1", "losses.adversarial, losses.identity, losses.cycle, losses.p"),
        ("dpe-supervised", "losses.reconstruction=1", "losses.log_mse"),
        ("dpe-supervised", "pool=4", "losses.log_mse"),
    ],
)
def test_what_an_objective_does_not_know_is_refused(
    recipe: str, assignment: str, known: str
) -> None:
    key = assignment.partition("=")[0]
    objective = config.load(recipe, {}).objective

    with pytest.raises(ConfigError) as raised:
        config.load(recipe, {}, [assignment])

    expected = f"{key}: the objective {objective} does not know it; it knows {known}"
    assert raised.value.message.startswith(expected)
    assert raised.value.hint == f"Leave {key} out, or choose another objective."


def test_epochs_are_as_long_a_part_of_a_shorter_run() -> None:
    assert config.load("dpe", {}).optimiser.epoch == 6000
    assert config.load("dpe", {"steps": 1500}).optimiser.epoch == 10
    assert config.load("dpe", {}, ["steps=1500"]).optimiser.epoch == 10
    assert config.load("dpe", {"steps": 20}).optimiser.epoch == 1
    assert config.load("enlightengan", {"steps": 6400}).optimiser.epoch == 32
    assert config.load("photo", {"steps": 20}).optimiser.epoch == 1


def test_an_epoch_that_is_given_with_the_steps_is_kept() -> None:
    changed = config.load("dpe", {"steps": 1500}, ["optimiser.epoch=70"])

    assert changed.optimiser.epoch == 70


def test_the_rate_falls_in_a_short_run_too() -> None:
    settings = config.load("dpe", {"steps": 100})

    assert share_of_rate(settings.optimiser, 100, settings.steps) < 0.05


def test_a_recipe_can_be_based_on_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "house.toml").write_text('base = "dpe"\nsteps = 1500\nwidth = 4\n')
    (tmp_path / "mine" / "wide.toml").write_text('base = "../house.toml"\nwidth = 8\n')

    settings = config.load(tmp_path / "mine" / "wide.toml", {"batch": 2})

    assert (settings.recipe, settings.objective) == ("wide", "dpe-two-way")
    assert (settings.steps, settings.width, settings.batch) == (1500, 8, 2)
    assert settings.optimiser.epoch == 10


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ('"b.toml"', "is its own base: {a} -> {b} -> {a}"),
        ('"a.toml"', "is its own base: {a} -> {a}"),
        ('"missing.toml"', "cannot be read: "),
        ('"magic"', "recipe magic: there is none"),
        ("3", "base: 3 is not a text"),
    ],
)
def test_a_base_that_leads_nowhere_is_refused(tmp_path: Path, base: str, message: str) -> None:
    a, b = tmp_path / "a.toml", tmp_path / "b.toml"
    a.write_text(f"base = {base}\n")
    b.write_text('base = "a.toml"\n')

    with pytest.raises(ConfigError) as raised:
        config.load(a, {})

    assert message.format(a=a, b=b) in raised.value.message
    assert raised.value.hint


def test_whole_numbers_are_numbers() -> None:
    assert config.load("photo", {}, ["losses.identity=1"]).losses.identity == 1.0


@pytest.mark.parametrize("recipe", ["photo", "light", "tone"])
@pytest.mark.parametrize(("written", "share"), [("0", 0), ("0.5", 0.5), ("1", 1)])
def test_a_recipe_says_how_its_model_works_on_small_copies(
    recipe: str, written: str, share: float
) -> None:
    run = config.load(recipe, {}, [f"network.local={written}", "network.work_size=128"])

    generator = ARCHITECTURES[run.architecture].generator(config.network_config(run))

    assert (generator.work_size, generator.local_share) == (128, share)


def test_small_crops_are_good_where_nothing_judges_them() -> None:
    assert config.load("style", {"crop": 64}, ["losses.adversarial=0"]).crop == 64


def test_an_unknown_recipe_lists_those_that_exist() -> None:
    with pytest.raises(ConfigError) as raised:
        config.load("magic", {})

    assert "photo, snapshots-finish, snapshots, style, tone, uegan" in raised.value.hint
