import pytest
import torch
from torch import Tensor

from photoenhance.errors import WeightsError
from photoenhance.networks.dpe import DPEConfig, DPEDiscriminator, DPEGenerator
from photoenhance.zoo.dpe_names import (
    config_of,
    critic_names,
    critic_state,
    generator_names,
    generator_state,
)


def as_published(state: dict[str, Tensor], names: dict[str, str], prefix: str) -> dict[str, Tensor]:
    """Go the way back: the layout, and blue first."""
    tensors = {}
    for ours, tensor in state.items():
        turned = tensor.flip(0) if ours.startswith("decoder.5.") else tensor
        if ours in ("encoder.0.weight", "convolutions.0.weight"):
            turned = turned.flip(1)
        kernel = turned.dim() == 4
        tensors[prefix + names[ours]] = turned.permute(2, 3, 1, 0) if kernel else turned
    return tensors


@pytest.mark.parametrize(
    ("prefix", "config"),
    [
        ("netG-604_var_scope/netG-604_var_scopeA/netG-604_", DPEConfig(width=2, side=128)),
        ("netG_var_scope/netG_var_scopeA/netG_", DPEConfig(widths="2-3-4-5", norm_sets=2, side=64)),
    ],
)
def test_a_generator_comes_back_from_its_published_names(prefix: str, config: DPEConfig) -> None:
    state = DPEGenerator(config).state_dict()
    tensors = as_published(state, generator_names(config.norm_sets), prefix)

    found = generator_state(tensors)

    assert config_of(found).channels == config.channels
    assert config_of(found).norm_sets == config.norm_sets
    assert config_of(found).side == config.side
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("scope", ["A", "B"])
def test_the_critic_of_sources_changes_its_sign(scope: str) -> None:
    torch.manual_seed(0)
    critic = DPEDiscriminator(DPEConfig(width=2, side=64))
    prefix = f"netD_var_scope/netD_var_scope{scope}/netD_"
    tensors = as_published(critic.state_dict(), critic_names(), prefix)
    loaded = DPEDiscriminator(DPEConfig(width=2, side=64))

    loaded.load_state_dict(critic_state(tensors, scope))

    image = torch.rand(1, 3, 64, 64)
    sign = 1 if scope == "A" else -1
    torch.testing.assert_close(loaded(image), sign * critic(image))


def test_a_missing_tensor_is_named() -> None:
    config = DPEConfig(width=2, side=64)
    prefix = "netG_var_scope/netG_var_scopeA/netG_"
    tensors = as_published(DPEGenerator(config).state_dict(), generator_names(1), prefix)
    del tensors[prefix + "2/conv_6_w"]

    with pytest.raises(WeightsError, match="2/conv_6_w is missing"):
        generator_state(tensors)


def test_other_weights_are_refused() -> None:
    with pytest.raises(WeightsError, match="no tensor of DPE's netG, scope A"):
        generator_state({"module.conv1.weight": torch.zeros(1)})
