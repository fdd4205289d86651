"""The few numbers of the README, written from the rows and never by hand."""

import pandas as pd

from lib.pages import comparison, dae, oracle
from lib.pages import localization as lo
from lib.results.provenance import run_parameters
from lib.results.select import pick
from lib.results.tables import mean_text

SETS = ("CIFAR-10", "MNIST", "Fashion-MNIST")  # GradCon's, as its document has them
START, END = "<!-- results: written by `make accept` -->", "<!-- end of results -->"
SHOWN = (
    ("baseline-auroc", "CAE", "recon"),
    ("baseline-auroc", "CAE+Grad", "recon"),
    ("baseline-auroc", "CAE+Grad", "grad"),
    ("sota-auroc", "GradCon", "recon+beta*grad"),
    ("baseline-auroc", "untrained CAE", "grad"),
    ("baseline-auroc", "distance to mean", ""),
)
NOT_TRAINED = ("untrained CAE", "distance to mean", oracle.UNTRAINED, oracle.PIXELS)
NO_NETWORK = ("distance to mean", oracle.PIXELS)
NONE = "none"
PLANTED = lo.Place("planted-average", "", "mean pixel average precision")
COMPARED = ("OCSVM", "KDE", "DAE", "VAE", "DSVDD", "LSA (without estimator)", comparison.GRADCON)
LOCALIZATION = {
    "top 5 pixels: 0-2 shared": (lo.agreement_place(5, most=False), 3),
    "top 10 pixels: 0-5 shared": (lo.agreement_place(10, most=False), 3),
    "maximum distance, top 10, pixels": (lo.distance_place(10), 2),
    "map error, saliency": (lo.map_error_place(lo.BOTH), 4),
    "map error, squared saliency": (lo.map_error_place(lo.SQUARED), 4),
    "image AUROC of the mean error": (
        lo.Place("novelty-decision", "reconstruction error", "AUROC"),
        3,
    ),
    "planted region, average precision of the error map": (
        PLANTED._replace(score="reconstruction error"),
        3,
    ),
    "planted region, average precision of saliency": (PLANTED._replace(score="saliency"), 3),
}

ORACLE = {
    "max logit": (oracle.Q1_Q2, oracle.BASE, "max logit", oracle.AUC),
    "forest on z (oracle detector)": (*(oracle.Q1_Q2, oracle.DETECTOR, oracle.FOREST, oracle.AUC),),
    "forest on z of a network of all classes": (
        *(oracle.Q1_Q2, oracle.REPRESENTATION, oracle.FOREST, oracle.AUC),
    ),
    "Q1, detector gap": (oracle.GAPS, oracle.Q1_GAP, oracle.GAP_SCORE, oracle.GAP_METRIC),
    "Q2, representation gap": (oracle.GAPS, oracle.Q2_GAP, oracle.GAP_SCORE, oracle.GAP_METRIC),
    "forest on z of an untrained network": (
        *("networks", oracle.UNTRAINED, oracle.FOREST, oracle.AUC),
    ),
    "forest on pixels": (*("networks", oracle.PIXELS, oracle.PIXEL_FOREST, oracle.AUC),),
}

DAE = {
    f"{method}: {words} {dae.word_of(level)}": (method, score, level, metric)
    for method in (dae.CNN, dae.COOL, dae.SYM)
    for words, score, level, metric in (
        ("accuracy", dae.ACCURACY, 0.0, dae.FRACTION),
        ("accuracy", dae.ACCURACY, 0.99, dae.FRACTION),
        ("fooling rate", dae.RATE, 0.9, dae.FRACTION),
        ("fooling rate", dae.RATE, 0.99, dae.FRACTION),
    )
}


def at_a_glance(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """All tables of the README, one below the other; arguments as in `glance`, all documents."""
    gradcon = published[published["source"] == "gradcon-slides"]
    paper = published[published["source"] == "localization-paper"]
    talk = published[published["source"] == "oracle-slides"]
    tables = [glance(rows, runs, gradcon), glance_comparison(rows, gradcon)]
    tables += [glance_localization(rows, runs, paper), glance_oracle(rows, runs, talk)]
    slides = published[published["source"] == "dae-slides"]
    tables.append(glance_dae(rows, runs, slides))
    return "\n\n".join(table for table in tables if table)


def glance(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """A Markdown table of GradCon's mean AUROCs: what the document prints, and our reference.

    `rows` are reference rows with averages, `runs` their provenance. Sets without a full reference
    are left out; interval: 95 %, over seeds.
    """
    lines = [
        "| images | method, score | published | reference | seeds, epochs |",
        "|---|---|---|---|---|",
    ]
    averages = rows[(rows["class"] == "average") & (rows["variant"] == "")]
    for title in SETS:
        kept = rows[(rows["dataset"] == title) & (rows["variant"] == "")]
        for table, method, score in SHOWN:
            ours = _pick(averages, table, title, method, score)
            if ours.empty:
                continue
            told = _pick(published[published["class"] == "average"], table, title, method, score)
            printed = f"{told.iloc[0]:.3f}" if len(told) else ""
            name = ", ".join(filter(None, [method, score]))
            behind = kept[(kept["table"] == table) & (kept["method"] == method)]
            (epochs,) = _given(behind, runs[runs["chapter"] == "gradcon"], "epochs")
            budget = f"{len(ours)}, {NONE if method in NOT_TRAINED else epochs}"
            lines.append(f"| {title} | {name} | {printed} | {mean_text(ours)} | {budget} |")
    return "\n".join(lines)


def glance_comparison(rows: pd.DataFrame, published: pd.DataFrame) -> str:
    """Mean AUROCs of GradCon and other methods on the same images and draws, by image set.

    A method counts where it has all classes that any has. Empty without reference.
    """
    columns: list[pd.Series] = []
    head = ["mean AUROC of ten classes"]
    for title in SETS[:2]:
        told = published[(published["table"] == "sota-auroc") & (published["dataset"] == title)]
        told = told[(told["class"] == "average") & (told["metric"] == "AUROC")]
        columns.append(told.groupby("method")["value"].first())
        head += [f"{title}, published", "balanced draw", "all test images"]
        for test in ("", "test=full"):
            wide = comparison.auroc_by_class(comparison.lines_of(rows), title, test=test)
            columns.append(wide.dropna().mean(axis=1))
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in COMPARED:
        found = [column.get(name) for column in columns]
        if any(value is not None for value in (*found[1:3], *found[4:])):
            cells = [name, *("" if value is None else f"{value:.3f}" for value in found)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def glance_localization(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """The same for the localization paper: one line per number, normal and novel images of MNIST.

    Empty without reference.
    """
    told = published.assign(variant="", seed=0)
    whole = rows[(rows["dataset"] == "MNIST") & (rows["variant"] == "")]
    (epochs,) = _given(whole, runs[runs["chapter"] == "localization"], "epochs")
    lines = [
        "| MNIST, digits 0-4 normal, 5-9 novel | published | reference | seeds, epochs |",
        "|---|---|---|---|",
    ]
    for words, (place, decimals) in LOCALIZATION.items():
        where = {"dataset": "MNIST", "method": lo.METHOD, **place._asdict()}
        ours = {kind: pick(rows, **where, class_=kind) for kind in ("normal", "novel")}
        ours = {kind: values for kind, values in ours.items() if len(values)}
        if not ours:
            continue
        theirs = [pick(told, **where, class_=kind) for kind in ours]
        printed = " / ".join(f"{v.iloc[0]:.{decimals}f}" for v in theirs if len(v))
        found = " / ".join(mean_text(values, decimals=decimals) for values in ours.values())
        seeds = max(len(values) for values in ours.values())
        lines.append(f"| {words} | {printed} | {found} | {seeds}, {epochs} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def glance_oracle(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """The same for the representation oracle: AUC of nominal against anomaly, by image set.

    Empty without reference.
    """
    told = published.assign(variant="", seed=0)
    lines = [
        "| images | AUC, nominal against anomaly | published | reference | splits, width, epochs |",
        "|---|---|---|---|---|",
    ]
    for title in rows.loc[rows["table"] == oracle.Q1_Q2, "dataset"].drop_duplicates():
        for words, (table, method, score, metric) in ORACLE.items():
            where = {"table": table, "method": method, "score": score, "metric": metric}
            ours = pick(rows, dataset=title, class_=oracle.CLASS, **where)
            if ours.empty:
                continue
            theirs = pick(told, dataset=title, class_=oracle.CLASS, **where)
            printed = f"{theirs.iloc[0]:.3f}" if len(theirs) else ""
            kept = rows[(rows["dataset"] == title) & (rows["table"] == table)]
            width, epochs = _given(kept, runs, "width", "epochs")
            width = NONE if method in NO_NETWORK else width
            epochs = NONE if method in NOT_TRAINED else epochs
            cells = [title, words, printed, mean_text(ours), f"{len(ours)}, {width}, {epochs}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def glance_dae(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """The same for the denoising autoencoder: accuracy and fooling at thresholds, by image set.

    Empty without reference.
    """
    told = published[published["kind"] == "measured"].assign(variant="", seed=0)
    lines = [
        "| images | network, at a threshold | published | reference | seeds, epochs |",
        "|---|---|---|---|---|",
    ]
    for title in rows.loc[rows["table"] == dae.FOOLING, "dataset"].drop_duplicates():
        kept = rows[(rows["table"] == dae.FOOLING) & (rows["dataset"] == title)]
        (epochs,) = _given(kept, runs, "epochs")
        for words, (method, score, level, metric) in DAE.items():
            place = dae.Place(dae.FOOLING, score, dae.at(level), metric)
            where = {"dataset": title, "method": method, **place._asdict()}
            ours, theirs = pick(rows, **where), pick(told, **where)
            if ours.empty:
                continue
            printed = f"{theirs.iloc[0]:.3f}" if len(theirs) else ""
            cells = [title, words, printed, mean_text(ours), f"{len(ours)}, {epochs}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def with_glance(text: str, table: str) -> str:
    """`text` with the part between the two marks replaced by the table."""
    before, rest = text.split(START)
    return f"{before}{START}\n\n{table}\n\n{END}{rest.split(END)[1]}"


def _given(rows: pd.DataFrame, runs: pd.DataFrame, *names: str) -> list[str]:
    """What the runs that made these rows were given, a text per parameter: `20 and 60`."""
    made = runs.loc[runs["run"].isin(set(rows["run"])), "parameters"].map(run_parameters)
    return [" and ".join(map(str, sorted({given.get(name) for given in made}))) for name in names]


def _pick(rows: pd.DataFrame, table: str, dataset: str, method: str, score: str) -> pd.Series:
    keep = (rows["table"] == table) & (rows["dataset"] == dataset) & (rows["metric"] == "AUROC")
    found: pd.Series = rows[keep & (rows["method"] == method) & (rows["score"] == score)]["value"]
    return found
