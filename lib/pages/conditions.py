"""Scores of kwon2020gradcon under abnormal conditions: where they stand, and what is read off."""

from collections.abc import Mapping

import pandas as pd

from lib.pages.gradcon_places import Setting, Variants, main_places
from lib.results.variants import parse_variant, variant

TABLE = "abnormal-condition"
PREFIX = "condition="
Lines = Mapping[str, tuple[str, str, Setting]]


def lines(variants: Variants) -> dict[str, tuple[str, str, Setting]]:
    """Method, score and setting of each line of the page, by its name in words."""
    found = main_places(variants, methods=())
    del found["gradient norm"]  # not measured here
    return found | {"mean brightness": ("mean brightness", "", variants.loose)}


def cell_of(condition: str) -> str:
    """A condition in the column class, where it must not pass for a class of images."""
    return f"{PREFIX}{condition}"


def means(rows: pd.DataFrame, title: str, places: Lines) -> pd.DataFrame:
    """Mean over levels by line and condition (`[lines, conditions]`), means over seeds."""
    found = {}
    for line, (method, score, setting) in places.items():
        kept = _of_line(rows[rows["dataset"] == title], method, score)
        kept = kept[(kept["variant"] == variant(**setting)) & (kept["class"] != "average")]
        names = kept["class"].str.removeprefix(PREFIX)
        found[line] = kept.groupby(names, sort=False)["value"].mean()
    return pd.DataFrame(found).T


def level_curve(
    rows: pd.DataFrame, place: tuple[str, str, Setting], condition: str
) -> pd.DataFrame:
    """The rows of one line of `lines` under one condition, with a column level, by level."""
    method, score, setting = place
    kept = _of_line(rows, method, score)
    kept = kept[kept["class"] == cell_of(condition)]
    own = parse_variant(variant(**setting))
    given = [parse_variant(text) for text in kept["variant"]]
    same = ["level" in found and found == own | {"level": found["level"]} for found in given]
    levels = [int(found["level"]) for found, is_own in zip(given, same, strict=True) if is_own]
    return kept[same].assign(level=levels).sort_values("level")


def summary(table: pd.DataFrame, words: str) -> str:
    """The means of the main lines of `means` over conditions; `words` say whose they are."""
    told = table.mean(axis=1)
    return (
        f"{words} the gradient score has a mean AUROC of {told['CAE+Grad grad']:.3f} over "
        f"{table.shape[1]} conditions, the reconstruction error of the plain autoencoder "
        f"{told['CAE recon']:.3f}, both combined {told['GradCon']:.3f}; the gradient of an "
        f"untrained network {told['untrained grad']:.3f}, the distance to the mean training image "
        f"{told['distance to mean']:.3f}."
    )


def weak(table: pd.DataFrame, words: str) -> str:
    """Which conditions of `means` make images look more normal, by score."""
    told = []
    for line, name in (("CAE recon", "reconstruction error"), ("CAE+Grad grad", "gradient")):
        below = ", ".join(str(name) for name, value in table.loc[line].items() if value < 0.5)
        told.append(f"the {name} ranks {below or 'none of them'} as more normal than clean")
    return f"{words} {'; '.join(told)} images."


def _of_line(rows: pd.DataFrame, method: str, score: str) -> pd.DataFrame:
    keep = (rows["table"] == TABLE) & (rows["method"] == method) & (rows["score"] == score)
    return rows[keep]
