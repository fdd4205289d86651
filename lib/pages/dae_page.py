"""What both pages on spigler2019denoising read."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lib.results.reference import full_title
from lib.results.sources import Setting, Sources, sources_of
from lib.run import parameters

_KEYS = {"sigma": "noise", "omega": "omega", "alpha": "alpha"}


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of the chapter sets otherwise than its profile, by variant key."""
    return parameters.changed("dae", settings, _KEYS)


def sources(
    reference: pd.DataFrame,
    rows: pd.DataFrame,
    document: pd.DataFrame,
    title: str,
    setting: Setting,
) -> Sources:
    """The document's numbers, the committed rows by image set, and a run's with its changes."""
    return sources_of(
        "dae",
        reference,
        rows,
        document,
        sets=("MNIST", "Fashion-MNIST"),
        title=title,
        full=full_title(title),
        changed=setting,
    )
