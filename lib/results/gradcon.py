"""The numbers of kwon2020gradcon that are read off several rows at once."""

from collections.abc import Mapping

import pandas as pd

from lib.results.variants import parse_variant, variant

GRADCON = "recon+beta*grad"
KERNEL = "fisher-kernel"
KERNEL_SCORES = ("mean absolute kernel", "mean signed kernel", "mean self term")
# how a changed setting reads on a figure's axis
WORDS = {
    "alpha": "weight in training {}",
    "beta": "weight in the score {}",
    "epochs": "{} epochs",
    "loss": "trained on {}",
    "lr": "learning rate {}",
    "reference": "reference: {}",
    "selection": "epoch: {}",
    "test": "test set: {}",
}


def kernel_means(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The kernel of normal and abnormal images with training images, and their ratio, by class.

    The index has score and class, the columns are normal, abnormal and ratio; means over seeds.
    Empty without such rows.
    """
    kept = rows[(rows["table"] == KERNEL) & (rows["dataset"] == dataset)]
    kept = kept[(kept["metric"] == "kernel") & (kept["class"] != "average")]
    kind = kept["variant"].map(lambda text: parse_variant(text).get("condition", ""))
    wide = (
        kept.assign(kind=kind)
        .groupby(["score", "class", "kind"], sort=False)["value"]
        .mean()
        .unstack("kind")
        .reindex(columns=["normal", "abnormal"])
    )
    return wide.assign(ratio=wide["abnormal"] / wide["normal"])


def moves(
    rows: pd.DataFrame, dataset: str, *, setting: Mapping[str, str | int | float] | None = None
) -> pd.DataFrame:
    """GradCon's mean AUROC with one setting changed, beside the same classes and seeds without.

    `setting` is what the rows of the base have in their variant. One line per change: what, value,
    base and n, the number of networks that both means are over; changes of more than one setting
    and numbers over the course of training are left out. Where the base has several seeds, each
    seed's own mean comes first. Empty without rows of the base.
    """
    kept = rows[(rows["table"] == "sota-auroc") & (rows["dataset"] == dataset)]
    kept = kept[(kept["method"] == "GradCon") & (kept["score"] == GRADCON)]
    kept = kept[(kept["metric"] == "AUROC") & (kept["class"] != "average")]
    base_setting = parse_variant(variant(**(setting or {})))
    parsed = {text: parse_variant(text) for text in kept["variant"].unique()}
    by_variant = {
        text: kept[kept["variant"] == text].set_index(["class", "seed"])["value"] for text in parsed
    }
    base = by_variant.get(variant(**base_setting), pd.Series(dtype=float))
    lines = []
    if len(base) and base.index.get_level_values("seed").nunique() > 1:
        whole = float(base.mean())
        for seed, part in base.groupby(level="seed"):
            lines.append((f"seed {seed} alone", float(part.mean()), whole, len(part)))
    for key in WORDS:
        for text, found in parsed.items():
            differs = {k for k in {*found, *base_setting} if found.get(k) != base_setting.get(k)}
            both = by_variant[text].index.intersection(base.index)
            if differs == {key} and key in found and len(both):
                changed = by_variant[text]
                what = WORDS[key].format(found[key])
                lines.append(
                    (what, float(changed[both].mean()), float(base[both].mean()), len(both))
                )
    return pd.DataFrame(lines, columns=["what", "value", "base", "n"])
