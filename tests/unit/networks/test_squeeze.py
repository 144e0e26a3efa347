import pytest
import torch

from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator


def seeded(squeeze: str) -> UEGANGenerator:
    torch.manual_seed(5)
    generator = UEGANGenerator(UEGANConfig(width=8, squeeze=squeeze))
    generator.initialise(gain=1.387, last=0.25)
    return generator.eval()


@pytest.fixture
def image(draw) -> torch.Tensor:
    return torch.from_numpy(draw(112, 96)).permute(2, 0, 1)[None].float() / 255


def test_a_gate_after_the_attention_is_one_half_for_every_channel_and_image(image) -> None:
    generator = seeded("after")
    generator.ga5.gain = 1.0
    attended = generator.ga5(generator.encode(image)[-1])

    gated = generator.squeeze(attended)

    torch.testing.assert_close(gated, attended / 2, rtol=0, atol=1e-5)


@pytest.mark.parametrize("squeeze", ["after", "before"])
def test_pieces_equal_the_whole(image, render_in_pieces, squeeze: str) -> None:
    generator = seeded(squeeze)
    with torch.inference_mode():
        whole = generator(image)

    for scheme in generator.schemes(112, 96):
        pieces = render_in_pieces(generator, scheme, image, (32, 48))
        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


def test_a_gate_before_the_attention_learns_and_one_after_it_cannot(image) -> None:
    before, after = seeded("before"), seeded("after")

    for generator in (before, after):
        generator(image).square().mean().backward()

    assert before.squeeze.expand.weight.grad.abs().max() > 0
    assert after.squeeze.expand.weight.grad is None


def test_a_gate_before_the_attention_changes_the_result(image) -> None:
    gated, plain = seeded("before"), seeded("none")
    plain.load_state_dict(gated.state_dict(), strict=False)

    with torch.inference_mode():
        difference = (gated(image) - plain(image)).abs().max()

    assert difference > 1e-3


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValueError, match="squeeze: expected none, after or before"):
        UEGANConfig(squeeze="beside")
