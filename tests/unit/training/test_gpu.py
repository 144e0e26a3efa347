"""What only a GPU can show of a training run."""

import pytest
import torch

from photoenhance.training import events, state
from photoenhance.training.loop import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


@pytest.mark.parametrize("recipe", ["photo", "uegan", "enlightengan", "dpe"])
def test_a_run_goes_on_from_its_state_on_the_gpu(
    recipe: str, small, run_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")
    on_gpu = {"device": torch.device("cuda"), "precision": "bf16"}
    list(train(small(recipe, steps=3), run_in("run", **on_gpu)))

    told = list(train(small(recipe, steps=9), run_in("run", override=True, **on_gpu)))

    assert isinstance(told[1], events.Resumed)
    assert told[-1].step == 9
    network = state.read(state.latest(run_in("run").output)).parts["average"]["network"]
    assert all(torch.isfinite(tensor).all() for tensor in network.values())


def test_two_steps_on_the_gpu_are_those_of_the_cpu(small, run_in) -> None:
    config = small("photo", "losses.fidelity=0", "validation.every=0", steps=2)
    list(train(config, run_in("cpu")))

    list(train(config, run_in("gpu", device=torch.device("cuda"))))

    cpu, gpu = (
        state.read(state.latest(run_in(name).output)).parts["average"]["network"]
        for name in ("cpu", "gpu")
    )
    for name, tensor in cpu.items():
        torch.testing.assert_close(gpu[name], tensor, rtol=0, atol=2e-3)
