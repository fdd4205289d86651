"""What the settings of all chapters share: types, bounds, and one sentence for a bad value."""

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lib.errors import BadInput, UnknownName, nearest

T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    if len(set(values)) < len(values):
        raise ValueError("must have each entry once")
    return values


Once = AfterValidator(_distinct)
Count = Annotated[int, Field(ge=1)]
Names = Annotated[list[str], Once]  # maybe empty
Places = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), Once]  # seeds, splits
Counts = Annotated[list[Count], Field(min_length=1), Once]


class Settings(BaseModel):
    """Base of a chapter's settings: made from its parameters, frozen, checked before anything runs.

    Raises UnknownName for a parameter that the chapter does not have, and BadInput for a value
    that makes no sense, in one sentence that names the parameter. A validator of a subclass
    raises ValueError with the words after the parameter's name.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as problem:
            raise _in_words(problem, sorted(type(self).model_fields)) from None


def _in_words(problem: ValidationError, known: list[str]) -> BadInput | UnknownName:
    first = problem.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return UnknownName(f"There is no parameter {name!r}.{nearest(name, known)}")
    if first["type"] == "missing":
        return BadInput(f"The parameter {name} is missing.")
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    if not name:  # a rule about several parameters names them itself
        return BadInput(message if message.endswith("?") else f"{message}.")
    return BadInput(f"{name} {message}; it was {first['input']!r}.")
