"""The numbers of kwon2020gradcon that are read off several rows at once."""

from collections.abc import Mapping

import pandas as pd

from lib.metrics import student_interval
from lib.results.provenance import run_parameters
from lib.results.variants import parse_variant, variant

BASELINE, COMPARED, TRAINING = "baseline-auroc", "sota-auroc", "training"
GRADCON = "recon+beta*grad"
OTHER_ERROR = "other-error-auroc"  # recon by the loss that a network was not trained on
KERNEL = "fisher-kernel"
ABSOLUTE, SIGNED = "mean absolute kernel", "mean signed kernel"
KERNEL_SCORES = (ABSOLUTE, SIGNED, "mean self term")
NETWORKS = ("CAE", "CAE+Grad", "VAE", "VAE+Grad")
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
Setting = Mapping[str, str | int | float]


def single_classes(
    rows: pd.DataFrame, method: str, score: str, setting: Setting | None = None
) -> pd.DataFrame:
    """The AUROC rows of single classes of one method, score and setting."""
    single = (rows["class"] != "average") & (rows["metric"] == "AUROC")
    keys = (rows["method"] == method) & (rows["score"] == score)
    return rows[single & keys & (rows["variant"] == variant(**(setting or {})))]


def kernel_means(
    rows: pd.DataFrame, dataset: str, *, setting: Setting | None = None
) -> pd.DataFrame:
    """The kernel of normal and abnormal images with training images, and their ratio, by class.

    The index has score and class, the columns are normal, abnormal and ratio; means over seeds.
    `setting` is what the variant holds beside the condition. Empty without such rows.
    """
    return _with_ratio(_kernels(rows, dataset, setting), "class")


def kernel_ratios(
    rows: pd.DataFrame, dataset: str, *, setting: Setting | None = None
) -> pd.DataFrame:
    """As `kernel_means`, by score and seed: the mean over classes comes first, then the ratio."""
    return _with_ratio(_kernels(rows, dataset, setting), "seed")


def change_words(key: str, value: str) -> str:
    """A changed setting, by its key and value in the variant, in words."""
    return WORDS[key].format("cross-entropy" if value == "bce" else value)


def moves(rows: pd.DataFrame, dataset: str, *, setting: Setting | None = None) -> pd.DataFrame:
    """GradCon's mean AUROC with one setting changed, beside the same classes and seeds without.

    `setting` is what the rows of the base have in their variant. One line per change: what, value,
    base, n (the number of networks that both means are over), classes, their names in order, and
    key, "seed" or one of WORDS; lines over more classes first. Changes of more than one setting and
    numbers over the course of training are left out. Where the base has several seeds, each seed
    alone comes first, beside the mean of all over its classes. Empty without rows of the base.
    """
    kept = _single(rows, dataset, COMPARED)
    kept = kept[(kept["method"] == "GradCon") & (kept["score"] == GRADCON)]
    base_setting = _texts(setting)
    parsed = {text: parse_variant(text) for text in kept["variant"].unique()}
    by_variant = {
        text: kept[kept["variant"] == text].set_index(["class", "seed"])["value"] for text in parsed
    }
    base = by_variant.get(variant(**base_setting), pd.Series(dtype=float))
    lines = []
    if len(base) and base.index.get_level_values("seed").nunique() > 1:
        by_class = base.groupby(level="class").mean()
        for seed, part in base.groupby(level="seed"):
            names = part.index.get_level_values("class")
            values = float(part.mean()), float(by_class[names].mean())
            lines.append((f"seed {seed} alone", *values, len(part), tuple(sorted(names)), "seed"))
    for key in WORDS:
        for text, found in parsed.items():
            differs = {k for k in {*found, *base_setting} if found.get(k) != base_setting.get(k)}
            both = by_variant[text].index.intersection(base.index)
            if differs == {key} and key in found and len(both):
                names = tuple(sorted(both.get_level_values("class").unique()))
                values = float(by_variant[text][both].mean()), float(base[both].mean())
                lines.append((change_words(key, found[key]), *values, len(both), names, key))
    table = pd.DataFrame(lines, columns=["what", "value", "base", "n", "classes", "key"])
    more_first = table["classes"].map(len).sort_values(ascending=False, kind="stable").index
    return table.loc[more_first].reset_index(drop=True)


def courses(
    rows: pd.DataFrame, dataset: str, *, metric: str = "AUROC", setting: Setting | None = None
) -> pd.DataFrame:
    """`metric` of each network over the epochs of its training, one column per epoch.

    The index has line (method and score; "CAE grad" is the control without constraint), class and
    seed; NaN where a network was not looked at. `metric` is AUROC or "validation loss"; `setting`
    is what the variant holds beside the epoch, its alpha in constrained networks only.
    """
    kept = _single(rows, dataset, BASELINE if metric == "AUROC" else TRAINING, metric)
    constrained = _texts(setting)
    plain = {key: value for key, value in constrained.items() if key != "alpha"}
    found = []
    for line in kept.to_dict("records"):
        given = parse_variant(str(line["variant"]))
        epoch, method = given.pop("epochs_shown", ""), str(line["method"])
        if epoch and given == plain | {"alpha": "0"}:
            name = f"{method.removesuffix('+Grad')} {line['score']}"
        elif epoch and given == (constrained if "Grad" in method else plain):
            name = f"{method} {line['score']}".strip()
        else:
            continue
        found.append((name, line["class"], line["seed"], int(epoch), line["value"]))
    long = pd.DataFrame(found, columns=["line", "class", "seed", "epoch", "value"])
    wide = long.set_index(["line", "class", "seed", "epoch"])["value"].unstack("epoch")
    return wide.reindex(columns=sorted(wide.columns))


def course_means(wide: pd.DataFrame) -> pd.DataFrame:
    """Means of `courses` over the networks that have every epoch of their line.

    Columns line, epoch, value and n, the number of networks: the same at each epoch of a line, so
    that no step of a curve is a change of networks.
    """
    parts = []
    for name, part in wide.groupby(level="line"):
        whole = part.dropna(axis="columns", how="all").dropna()
        means = whole.mean().rename("value").rename_axis("epoch").reset_index()
        parts.append(means.assign(line=str(name), n=len(whole)))
    columns = ["line", "epoch", "value", "n"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def course_changes(wide: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """What changed in `courses` from one epoch to another, by line, where networks have both.

    Columns: change, an Interval over the seeds' means over classes; n, the number of networks; up,
    how many of them rose. Empty where an epoch was not looked at.
    """
    found = {}
    if {start, end} <= set(wide.columns):
        for name, part in (wide[end] - wide[start]).dropna().groupby(level="line"):
            change = student_interval(part.groupby(level="seed").mean())
            found[name] = change, len(part), int((part > 0).sum())
    return pd.DataFrame.from_dict(found, orient="index", columns=["change", "n", "up"])


def layers(rows: pd.DataFrame, dataset: str, *, setting: Setting | None = None) -> pd.DataFrame:
    """The AUROC rows of single decoder layers of CAE+Grad, with a column layer, 1 to 4."""
    kept = _single(rows, dataset, BASELINE)
    places = {variant(**_texts(setting), layer=i): i for i in range(1, 5)}
    kept = kept[(kept["method"] == "CAE+Grad") & kept["variant"].isin(places)]
    return kept.assign(layer=[places[text] for text in kept["variant"]])


def losses(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Mean AUROC of the four networks trained on the squared error and on cross-entropy.

    The index has method and score; columns squared, bce and n, over the classes and seeds that
    have both; an attribute `classes` names them. Empty without rows of both.
    """
    kept = rows[rows["table"].isin([BASELINE, COMPARED])]
    kept = pd.concat([_single(kept, dataset, table) for table in (BASELINE, COMPARED)])
    kept = kept[kept["method"].isin([*NETWORKS, "GradCon"])]
    cells = ["method", "score", "class", "seed"]
    both = pd.concat(
        {
            word: kept[kept["variant"] == text].set_index(cells)["value"]
            for word, text in (("squared", ""), ("bce", "loss=bce"))
        },
        axis=1,
    ).dropna()
    grouped = both.groupby(level=["method", "score"], sort=False)
    table = grouped.mean().assign(n=grouped.size())
    table.attrs["classes"] = list(both.index.get_level_values("class").unique())
    return table


def epochs_of(
    rows: pd.DataFrame, runs: pd.DataFrame, dataset: str, *, setting: Setting | None = None
) -> dict[int, list[int]]:
    """The seeds behind GradCon's rows on a set, in one setting, by the epochs of their runs."""
    kept = _single(rows, dataset, COMPARED)
    kept = kept[(kept["method"] == "GradCon") & (kept["variant"] == variant(**(setting or {})))]
    given = runs.set_index("run")["parameters"].map(lambda text: run_parameters(text)["epochs"])
    by_epochs = kept.groupby(kept["run"].map(given).astype(int))["seed"]
    return {int(str(epochs)): sorted(map(int, set(seeds))) for epochs, seeds in by_epochs}


def _single(rows: pd.DataFrame, dataset: str, table: str, metric: str = "AUROC") -> pd.DataFrame:
    """The rows of single classes in one table, on one set, of one metric."""
    keep = (rows["table"] == table) & (rows["dataset"] == dataset) & (rows["metric"] == metric)
    return rows[keep & (rows["class"] != "average")]


def _texts(setting: Setting | None) -> dict[str, str]:
    return parse_variant(variant(**(setting or {})))


def _kernels(rows: pd.DataFrame, dataset: str, setting: Setting | None) -> pd.DataFrame:
    kept = _single(rows, dataset, KERNEL, "kernel")
    kinds = {variant(**_texts(setting), condition=kind): kind for kind in ("normal", "abnormal")}
    kept = kept[kept["variant"].isin(kinds)]
    return kept.assign(kind=kept["variant"].map(kinds))


def _with_ratio(kernels: pd.DataFrame, by: str) -> pd.DataFrame:
    means = kernels.groupby(["score", by, "kind"], sort=False)["value"].mean()
    wide = means.unstack("kind").reindex(columns=["normal", "abnormal"])
    return wide.assign(ratio=wide["abnormal"] / wide["normal"])
