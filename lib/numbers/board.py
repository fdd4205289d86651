"""The scoreboard: claims counted by verdict, tables by the cells that agree, a line per claim."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from lib.numbers.book import Book
from lib.numbers.claims import Claim, Document
from lib.numbers.lookup import ADDRESS, Lookup
from lib.numbers.rows import merge, read_rows, with_averages
from lib.numbers.runs import merge_runs, read_runs
from lib.numbers.verdicts import Verdict, judge_all

SHOWN = ("reproduced", "partly", "not at this budget", "not reproduced", "not tested yet")


def build_verdicts(book: Book, root: Path) -> dict[str, Verdict]:
    """The verdicts on the rows of a build: one folder with rows.csv and runs.csv per chapter."""
    folders = sorted(path.parent for path in root.glob("*/runs.csv"))
    rows = with_averages(merge(read_rows(folder / "rows.csv") for folder in folders))
    lookup = Lookup(rows, merge_runs(read_runs(folder / "runs.csv") for folder in folders))
    titles = set(rows["dataset"])
    verdicts: dict[str, Verdict] = {}
    for document in book.ledger.documents:
        stand_in = {old: new for old, new in document.stand_in.items() if new in titles}
        verdicts |= judge_all(claims_of(book, document), lookup, stand_in=stand_in)
    return verdicts


def claims_of(book: Book, document: Document, *, table: bool | None = None) -> list[Claim]:
    """A document's claims; with `table` only cells of its tables (true) or all others (false)."""
    own = [c for c in book.ledger.claims.values() if c.document == document.document]
    return [claim for claim in own if table is None or claim.table == table]


def verdict_counts(book: Book, documents: Iterable[Document]) -> pd.DataFrame:
    """How many claims of each document have which verdict, and in all; cells of tables not."""
    counts = {}
    for document in documents:
        ids = [claim.id for claim in claims_of(book, document, table=False)]
        words = [book.verdicts[id_].verdict for id_ in ids]
        counts[document.title] = {word: words.count(word) for word in SHOWN}
    table = pd.DataFrame(counts).T
    table.loc["all"] = table.sum()
    return table.assign(claims=table.sum(axis=1))


def cells(book: Book) -> pd.DataFrame:
    """The cells of the documents' tables: printed, ours with its 95 % interval, and agreement.

    Columns source, table, metric, class, published, ours, low, high (NaN where not re-made on full
    data), judged and agrees. A cell agrees where our mean is no further off than its claim's
    tolerance, or, without a claim of its own, where the printed number lies in our interval over
    seeds. With a single seed and no tolerance it is not judged.
    """
    tolerance = {
        tuple(case.sides[0].cells.values()): claim.rule.tolerance
        for claim in book.ledger.claims.values()
        for case in claim.cases
        if claim.rule.kind in ("within", "equal") and claim.rule.right is None
    }
    lines = []
    for printed in book.published_rows.to_dict("records"):
        at = {column: str(printed[column]) for column in ADDRESS}
        line = {name: printed[name] for name in ("source", "table", "metric", "class")}
        line |= {"published": printed["value"], "judged": False, "agrees": False}
        if ours := book.reference.interval(at):
            line |= {"ours": ours.mean, "low": ours.low, "high": ours.high}
            allowed = tolerance.get(tuple(at.values()))
            if allowed is not None:
                line["judged"] = True
                line["agrees"] = round(abs(ours.mean - printed["value"]), 12) <= allowed
            elif ours.n > 1:
                line["judged"] = True
                line["agrees"] = ours.low <= printed["value"] <= ours.high
        lines.append(line)
    return pd.DataFrame(lines)


def agreement(book: Book) -> pd.DataFrame:
    """The documents' tables: `cells` printed, re-made, judged, and agreeing with ours."""
    groups = cells(book).groupby(["source", "table"], sort=False)
    counts = groups.agg(
        **{
            "cells printed": ("published", "size"),
            "re-made": ("ours", "count"),
            "judged": ("judged", "sum"),
            "agree": ("agrees", "sum"),
        }
    )
    return counts[counts["re-made"] > 0].reset_index()
