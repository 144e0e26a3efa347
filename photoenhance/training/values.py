"""The kinds of values that a run's config holds."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

LARGEST_WEIGHT = 1e9
LARGEST_RATE = 1e30  # no run survives it; beyond, a step of Adam's is no float32

# Whole numbers are numbers, but `true` is none, nor is "3".
Count = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Weight = Annotated[Number, Field(ge=0, le=LARGEST_WEIGHT)]
Rate = Annotated[Number, Field(gt=0, le=LARGEST_RATE)]
Share = Annotated[Number, Field(ge=0, le=1)]
Flag = Annotated[bool, Strict()]

Item = TypeVar("Item")


def _two(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value} are not two numbers, as in [0.5, 1]")
    return value


def _ascending(value: tuple[Any, Any]) -> tuple[Any, Any]:
    if value[0] > value[1]:
        raise ValueError(f"{list(value)} is the wrong way round; the smaller number comes first")
    return value


Pair = Annotated[tuple[Item, Item], BeforeValidator(_two)]
Range = Annotated[tuple[Item, Item], BeforeValidator(_two), AfterValidator(_ascending)]


class Section(BaseModel):
    """A part of a config: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
