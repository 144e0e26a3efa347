import pytest
import torch
from torch import Tensor, nn

from photoenhance.networks.dpe import DPEConfig, DPEDiscriminator, DPEGenerator
from photoenhance.networks.dpe_layers import BatchNorm, activate
from photoenhance.networks.generator import Tile
from photoenhance.training.players import keep_statistics

SMALL = DPEConfig(width=4, side=64)


def picture(height: int, width: int, count: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(height * 1000 + width)
    return torch.rand(count, 3, height, width, generator=random)


def test_the_activation_has_its_own_constants() -> None:
    values = activate(torch.tensor([-50.0, -1.0, 0.0, 2.0]))

    expected = torch.tensor([-1.0225820, -0.6463930, 0.0, 2.0053077])
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_the_running_variance_is_the_batchs_own() -> None:
    norm, theirs = BatchNorm(2), nn.BatchNorm2d(2)
    features = picture(2, 3, 4)[:, :2] * 3

    ours = norm(features)

    torch.testing.assert_close(ours, theirs(features))
    variance = features.var(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * variance)
    torch.testing.assert_close(norm.running_mean, theirs.running_mean)


def test_a_norm_in_evaluation_is_the_affine_map_that_it_says() -> None:
    norm = BatchNorm(3)
    norm(picture(4, 4))
    features = picture(5, 5)

    scale, shift = norm.eval().scale_and_shift()

    affine = features * scale.view(1, 3, 1, 1) + shift.view(1, 3, 1, 1)
    torch.testing.assert_close(norm(features), affine.float())


def test_a_new_generator_hardly_changes_an_image() -> None:
    torch.manual_seed(0)
    image = picture(64, 64)

    enhanced = DPEGenerator(SMALL).eval()(image)

    assert 0 < (enhanced - image).abs().max() < 0.05


def test_each_set_of_norms_has_its_own_statistics() -> None:
    torch.manual_seed(0)
    generator = DPEGenerator(DPEConfig(width=4, side=128, norm_sets=2))
    before = {name: buffer.clone() for name, buffer in generator.named_buffers()}

    generator.unclamped(picture(128, 128, 2), 1)

    moved = {n for n, buffer in generator.named_buffers() if not buffer.equal(before[n])}
    assert moved == {name for name in before if ".sets.1." in name}


@pytest.mark.parametrize(
    ("size", "context", "scale"),
    [
        ((64, 64), "scaled", 1),
        ((40, 90), "scaled", 1),
        ((97, 40), "scaled", 2),
        ((160, 10), "scaled", 2),  # 2.5, and halves go to the even number
        ((64, 1000), "scaled", 16),
        ((64, 4000), "scaled", 32),
        ((64, 1000), "native", 1),
    ],
)
def test_the_scale_follows_the_long_side(size: tuple[int, int], context: str, scale: int) -> None:
    generator = DPEGenerator(DPEConfig(width=4, side=64, context=context))

    assert generator.scale(*size) == scale


@pytest.mark.parametrize(
    ("size", "extended"),
    [((40, 50), (64, 64)), ((64, 65), (64, 80)), ((1, 200), (48, 208)), ((200, 130), (208, 144))],
)
def test_photos_are_extended_to_what_the_kernels_need(
    size: tuple[int, int], extended: tuple[int, int]
) -> None:
    extension = DPEGenerator(SMALL).extension(*size)

    assert extension.size(*size) == extended
    assert extension.repeats_edge


def test_training_on_images_larger_than_its_side_is_what_will_be_used() -> None:
    torch.manual_seed(0)
    generator = DPEGenerator(SMALL).train()
    keep_statistics(generator)
    image = picture(64, 80)

    learning = generator.unclamped(image)

    assert learning.requires_grad
    torch.testing.assert_close(generator.eval().unclamped(image), learning, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("context", "scale"), [("native", 1), ("scaled", 2)])
def test_the_local_path_reaches_79_pixels_a_scale(context: str, scale: int) -> None:
    torch.manual_seed(0)
    generator = DPEGenerator(DPEConfig(width=4, side=192, context=context)).double().eval()
    generator.initialise(gain=1.4, last=1)
    image = picture(384, 48).double().requires_grad_()
    vector = torch.zeros(1, 32, 1, 1).double()

    skips, deep = generator.encode(image, 0, scale)
    output = generator.decode(image, skips, deep, vector, 0, scale)
    output[:, :, 192:208].sum().backward()

    rows = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows[0]) == 192 - 79 * scale
    assert int(rows[-1]) == 207 + (79 * scale - 15)


@pytest.mark.parametrize("held", [0, 1, 2])
def test_half_precision_stays_near_the_whole_in_single(draw, render_in_pieces, held: int) -> None:
    torch.manual_seed(0)
    generator = DPEGenerator(SMALL).eval()
    generator.initialise(gain=1.387, last=0.25)
    image = torch.from_numpy(draw(100, 150)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        whole = generator(image)

    with torch.autocast("cpu", torch.bfloat16):
        scheme = generator.schemes(100, 150)[held]
        pieces = render_in_pieces(generator, scheme, image, (64, 64)).float()

    assert (pieces - whole).abs().mean() < 1 / 255
    assert (pieces - whole).abs().max() < 12 / 255


def test_a_survey_keeps_only_what_it_says_it_holds() -> None:
    generator = DPEGenerator(SMALL).eval()
    image = picture(192, 256)
    whole = Tile(image, 0, 0, 192, 256, (slice(0, 192), slice(0, 256)))

    with torch.inference_mode():
        for scheme in generator.schemes(192, 256):
            coarse = scheme.survey([whole]).coarse

            assert coarse.numel() * 4 <= scheme.held_bytes * 192 * 256


@pytest.mark.parametrize(
    ("field", "value"),
    [("widths", "4-5-6"), ("widths", "4-5-six-8"), ("norm_sets", 3), ("side", 100), ("side", 0)],
)
def test_a_config_that_makes_no_network_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field if value != "4-5-six-8" else "six"):
        DPEConfig(**{field: value})


def test_a_critic_gives_one_score_an_image() -> None:
    torch.manual_seed(0)
    critic = DPEDiscriminator(SMALL)
    images = picture(64, 64, 3)

    scores = critic(images)

    assert scores.shape == (3,)
    torch.testing.assert_close(critic(images[1:2]), scores[1:2], rtol=0, atol=1e-6)
