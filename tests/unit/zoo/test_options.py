import pytest

from photoenhance.errors import ConfigError
from photoenhance.zoo.checkpoint import Header
from photoenhance.zoo.options import with_options

ENLIGHTENGAN = Header("enlightengan", {"width": 4, "align_corners": True}, "a test")
DPE = Header("dpe", {"width": 4}, "a test")


def test_options_replace_values_of_the_config() -> None:
    changed = with_options(ENLIGHTENGAN, ["align_corners=false", "truncate=true"])

    assert changed.config == {"width": 4, "align_corners": False, "truncate": True}
    assert with_options(DPE, ["context=native"]).config["context"] == "native"


def test_without_options_nothing_changes() -> None:
    assert with_options(DPE, []) is DPE


@pytest.mark.parametrize(
    ("header", "assignment", "message"),
    [
        (DPE, "width=8", "has no such option"),
        (DPE, "context", "has no such option"),
        (DPE, "context=huge", "context: expected scaled or native"),
        (ENLIGHTENGAN, "truncate=perhaps", "neither true nor false"),
        (Header("uegan", {"width": 8}, "a test"), "context=native", "uegan has no such option"),
    ],
)
def test_what_a_model_does_not_offer_is_refused(
    header: Header, assignment: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        with_options(header, [assignment])

    assert raised.value.hint
