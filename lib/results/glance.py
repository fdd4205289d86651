"""The few numbers of the README, written from the rows and never by hand."""

import pandas as pd

from lib.metrics import student_interval
from lib.results.provenance import run_parameters
from lib.results.tables import interval_text

START, END = "<!-- results: written by `make accept` -->", "<!-- end of results -->"
SHOWN = (
    ("baseline-auroc", "CAE", "recon"),
    ("baseline-auroc", "CAE+Grad", "recon"),
    ("baseline-auroc", "CAE+Grad", "grad"),
    ("sota-auroc", "GradCon", "recon+beta*grad"),
    ("baseline-auroc", "untrained CAE", "grad"),
    ("baseline-auroc", "distance to mean", ""),
)


def glance(rows: pd.DataFrame, runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """A Markdown table of mean AUROCs: what the document prints, and our reference.

    `rows` are reference rows with averages, `runs` their provenance. Sets without a full reference
    are left out; interval: 95 %, over seeds.
    """
    lines = [
        "| images | method, score | published | reference | seeds, epochs |",
        "|---|---|---|---|---|",
    ]
    averages = rows[(rows["class"] == "average") & (rows["variant"] == "")]
    for title in averages["dataset"].drop_duplicates():
        names = set(rows.loc[rows["dataset"] == title, "run"])
        given = [run_parameters(text) for text in runs.loc[runs["run"].isin(names), "parameters"]]
        epochs = sorted({str(values.get("epochs")) for values in given})
        for table, method, score in SHOWN:
            ours = _pick(averages, table, title, method, score)
            if ours.empty:
                continue
            told = _pick(published[published["class"] == "average"], table, title, method, score)
            printed = f"{told.iloc[0]:.3f}" if len(told) else ""
            name = ", ".join(filter(None, [method, score]))
            found = interval_text(student_interval(ours))
            budget = f"{len(ours)}, {' and '.join(epochs)}"
            lines.append(f"| {title} | {name} | {printed} | {found} | {budget} |")
    return "\n".join(lines)


def with_glance(text: str, table: str) -> str:
    """`text` with the part between the two marks replaced by the table."""
    before, rest = text.split(START)
    return f"{before}{START}\n\n{table}\n\n{END}{rest.split(END)[1]}"


def _pick(rows: pd.DataFrame, table: str, dataset: str, method: str, score: str) -> pd.Series:
    keep = (rows["table"] == table) & (rows["dataset"] == dataset) & (rows["metric"] == "AUROC")
    found: pd.Series = rows[keep & (rows["method"] == method) & (rows["score"] == score)]["value"]
    return found
