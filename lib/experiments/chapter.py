"""What each chapter's first cells do: check the parameters, choose the device, leave the run."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

import pandas as pd

from lib import training
from lib.data import ImageSet
from lib.experiments.settings import Settings
from lib.numbers import Page, open_page
from lib.run import workspace

S = TypeVar("S", bound=Settings)


class Measured(Protocol):
    """What `measure` of a document returns at least."""

    @property
    def rows(self) -> pd.DataFrame: ...

    @property
    def images(self) -> ImageSet: ...

    @property
    def seconds(self) -> float: ...


class Begun(NamedTuple):
    """When a chapter's run began, with which parameters and where."""

    at: workspace.Beginning
    parameters: Mapping[str, Any]
    device: str


def begin(kind: type[S], values: Mapping[str, Any]) -> tuple[S, Begun]:
    """The chapter's settings out of its `values` (globals()), and what `leave` wants of its begin.

    Raises UnknownName or BadInput for parameters that make no sense.
    """
    at = workspace.begin()
    settings = kind(**{name: values[name] for name in kind.model_fields})
    device = training.named_device(values["device"])
    training.deterministic(values["seeds"][0])
    return settings, Begun(at, settings.model_dump(), device)


def leave(
    name: str,
    measured: Measured,
    begun: Begun,
    *,
    shown: pd.DataFrame | None = None,
    stand_in: Mapping[str, str] | None = None,
) -> Page:
    """Leave the chapter's rows with their provenance in its work folder, and open its page.

    The page reads the rows `shown` in their place where these are given; `stand_in` is that of
    `open_page`.
    """
    run = workspace.leave_run(
        name,
        begun.parameters,
        measured.rows,
        began=begun.at,
        device=begun.device,
        images=measured.images,
        trained=measured.seconds,
    )
    return open_page(name, measured if shown is None else shown, run=run, stand_in=stand_in)
