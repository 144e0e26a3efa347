import torch

from photoenhance.losses.tone import as_tone, tone_distance


def _image(seed: int, *, side: int = 48) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _transformed(image: torch.Tensor) -> torch.Tensor:
    """A change that is a quadratic of the colours."""
    r, g, b = image.unbind(1)
    return torch.stack([0.1 + 0.8 * r + 0.2 * r * g, g - 0.3 * b * b, 0.9 * b + 0.1 * r], dim=1)


def test_a_colour_transform_is_its_own_tone() -> None:
    source = _image(0)

    tone = as_tone(source, _transformed(source))

    torch.testing.assert_close(tone, _transformed(source), atol=0.01, rtol=0)


def test_what_colours_do_not_explain_is_gone() -> None:
    source = _image(1)
    local = torch.linspace(-0.2, 0.2, 48).view(1, 1, 48, 1)

    tone = as_tone(source, source + local)

    torch.testing.assert_close(tone, source, atol=0.08, rtol=0)


def test_each_image_has_a_transform_of_its_own() -> None:
    source = _image(2)
    enhanced = torch.stack([source[0] * 0.5, source[1] * 0.9])

    torch.testing.assert_close(as_tone(source, enhanced), enhanced, atol=0.01, rtol=0)


def test_an_image_of_one_colour_has_a_tone() -> None:
    grey = torch.full((1, 3, 8, 8), 0.4)

    torch.testing.assert_close(as_tone(grey, grey + 0.2), grey + 0.2, atol=0.001, rtol=0)


def test_the_distance_is_none_for_the_wanted_image_and_its_gradient_leads_there() -> None:
    source = _image(3)
    wanted = _transformed(source).clamp(0, 1)
    enhanced = source.clone().requires_grad_()

    distance = tone_distance(source, enhanced, wanted)
    (gradient,) = torch.autograd.grad(distance, enhanced)

    closer = tone_distance(source, source - 300 * gradient, wanted)
    assert tone_distance(source, wanted, wanted) < 0.03 < float(distance.detach())
    assert closer < distance


def test_half_precision_takes_nothing_from_the_fit() -> None:
    source = _image(5)
    enhanced = _transformed(source)
    expected = as_tone(source, enhanced)

    with torch.autocast("cpu", torch.bfloat16):
        found = as_tone(source, enhanced)

    torch.testing.assert_close(found, expected)
