"""A model's name, file or run -> a generator."""

import pytest
import torch

from photoenhance.errors import WeightsError
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import checkpoint, store
from photoenhance.zoo.checkpoint import Header
from photoenhance.zoo.load import load_generator


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    architecture = ARCHITECTURES["uegan"]
    return architecture.generator(architecture.config(width=8)).eval()


def write(path, generator, **changes):
    values = {"architecture": "uegan", "config": {"width": 8}, "origin": "a test"} | changes
    checkpoint.write(path, generator.state_dict(), Header(**values))
    return path


def test_a_file_gives_the_generator_that_was_written(tmp_path, generator):
    file = write(tmp_path / "x.safetensors", generator)
    image = torch.rand(1, 3, 64, 64)

    model = load_generator(str(file))

    with torch.inference_mode():
        assert torch.equal(model.generator(image), generator(image))
    assert not model.generator.training
    assert model.sha256 == store.sha256(file)
    assert model.header.origin == "a test"
    assert model.name == str(file)


def test_a_run_gives_its_generator(tmp_path, generator):
    file = write(tmp_path / store.RUN_FILE, generator)

    model = load_generator(tmp_path)

    assert model.sha256 == store.sha256(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "dream"}, "needs the architecture 'dream'"),
        ({"config": {"width": 16}}, "does not fit the architecture 'uegan'"),
        ({"config": {"depth": 3}}, "does not fit the architecture 'uegan'"),
    ],
)
def test_a_file_that_does_not_fit_is_a_clear_error(tmp_path, generator, changes, message):
    file = write(tmp_path / "x.safetensors", generator, **changes)

    with pytest.raises(WeightsError, match=message) as caught:
        load_generator(file)

    assert "\n" not in caught.value.message


def test_a_file_that_is_no_checkpoint_is_a_clear_error(tmp_path):
    file = tmp_path / "x.safetensors"
    file.write_text("hello")

    with pytest.raises(WeightsError, match="not a photoenhance checkpoint"):
        load_generator(file)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["enc1.main.1.weight", "dec4.main.1.bias"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, generator, name, value):
    state = {key: tensor.clone() for key, tensor in generator.state_dict().items()}
    state[name].view(-1)[-1] = value
    file = tmp_path / "x.safetensors"
    checkpoint.write(file, state, Header("uegan", {"width": 8}, "a test"))

    with pytest.raises(WeightsError) as caught:
        load_generator(file)

    assert caught.value.message == f"{file}: {name} holds numbers that are not finite"
    assert "choose another" in caught.value.hint
