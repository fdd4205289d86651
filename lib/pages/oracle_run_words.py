"""Sentences on what one run of the oracle's page was given, and what it took and found."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lib.pages import oracle
from lib.pages.oracle_tables import Source
from lib.pages.oracle_words import chain
from lib.results.variants import parse_variant


def budget(rows: pd.DataFrame, *, width: int, epochs: int, schedule: str) -> str:
    """This build's budget, and the accuracy and time of every budget that `rows` tell of."""
    words = []
    kept = rows[rows["table"] == "budget"]
    for (title, variant), group in kept.groupby(["dataset", "variant"], sort=False):
        at = group.groupby("metric")["value"].mean()
        setting = parse_variant(str(variant))
        words.append(
            f"{title}, width {setting['width']}, {setting['epochs']} epochs, "
            f"{setting['schedule']}: {at['validation accuracy']:.3f} in {at[oracle.COST]:.1f} min"
        )
    return (
        f"This build uses width {width} and {epochs} epochs with the schedule {schedule}. "
        f"Validation accuracy of the base network by budget, first split: {'; '.join(words)}."
    )


def build(source: Source, *, width: int, epochs: int) -> str:
    """The three steps of this build, with its budget."""
    return (
        f"This build, on {source.dataset} with width {width} and {epochs} epochs: "
        f"{chain(source)} (score → detector → representation)."
    )


def settings(given: Mapping[str, Any]) -> str:
    """The parameters of a run of the chapter, as the box at its end tells them."""
    stored = "z and logits from results/reference/latents"
    return (
        f"networks {', '.join(given['networks'] + given['extra'])}, "
        f"{stored if given['latents'] else 'trained here'}; splits {given['splits']}, seeds "
        f"{given['seeds']}; width {given['width']}, {given['epochs']} epochs, batches of "
        f"{given['batch_size']}, learning rate {given['learning_rate']:g} ({given['schedule']}, "
        f"{given['precision']}); forests of {given['trees']} trees"
    )
