"""What a page shows of its numbers: published, reference and this build, side by side."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd
from pandas.io.formats.style import Styler

from lib.errors import BadInput, UnknownName, nearest
from lib.numbers.book import Book, the_book
from lib.numbers.claims import Claim, Name, filled
from lib.numbers.lookup import ADDRESS, Cells, Entry, Lookup, address, interval_of, interval_text
from lib.numbers.rows import COLUMNS, read_rows, with_averages
from lib.numbers.runs import read_runs, runs_frame
from lib.numbers.variants import VARIANT_KEYS, parse_variant, setting_text
from lib.numbers.verdicts import Verdict, judge_all

SOURCES = ("published", "reference", "this build")
BUILD = SOURCES[2]


@dataclass(frozen=True)
class Page:
    """A page's numbers from three sources that are never mixed.

    `published` are the documents' results, `reference` the committed rows, `build` the rows of this
    run; ours with the averages over classes. `stand_in` maps the title of a full image set to the
    one that this build read in its place.
    """

    build: pd.DataFrame
    lookup: Lookup
    stand_in: Mapping[str, str]
    book: Book

    def compare(
        self,
        lines: Mapping[str, str | Cells],
        *,
        columns: Mapping[str, Cells] | None = None,
        baselines: Mapping[str, str | Cells] | None = None,
        caption: str = "",
        decimals: int = 3,
        best: str = "high",
        rate: bool = False,
        **cells: str | int | float,
    ) -> Styler:
        """A line per number, a column per source; with `columns` one such group per column.

        `lines` map a label to a number's name, or to the cells of its address. `cells` belong to
        all lines, those of a column to all its numbers. Ours are means over seeds ± half the 95 %
        interval; with `rate`, or where the name says so, shares of all trials with their limits.
        The best of a column is bold: the "high"est, the "low"est, or "" for none. `baselines`, such
        as untrained networks and trivial scores, come last, in grey and never bold. Sources without
        any number are left out. Raises UnknownName for an unknown name or column.
        """
        labels = {**lines, **(baselines or {})}
        texts: dict[tuple[str, str], dict[str, str]] = {}
        marks: dict[tuple[str, str], list[str]] = {}
        for group, source in product(columns or {"": {}}, SOURCES):
            lookup, extra = self._lookup(source), {**cells, **(columns or {"": {}})[group]}
            means = {}
            for label, given in labels.items():
                line = self._line(given, extra, source)
                pooled = (rate or line.rate) and source != "published"
                if interval := lookup.interval(line.cells, rate=pooled):
                    text = interval_text(interval, decimals=decimals, rate=pooled)
                    texts.setdefault((group, source), {})[label] = text
                    means[label] = interval.mean
            rivals = {label: mean for label, mean in means.items() if label in lines}
            top = {"high": max, "low": min}[best](rivals.values()) if best and rivals else None
            marks[group, source] = [
                "font-weight: bold"
                if len(rivals) > 1 and label in rivals and rivals[label] == top
                else "opacity: 0.7" * (label not in lines)
                for label in labels
            ]
        table = pd.DataFrame(texts, index=list(labels)).fillna("")
        table.columns = pd.MultiIndex.from_tuples(texts) if columns else [s for _, s in texts]
        css = pd.DataFrame(
            {i: marks[key] for i, key in enumerate(texts)}, index=table.index
        ).set_axis(table.columns, axis=1)
        sources = [source for _, source in texts]
        return self._styled(table, caption, sources).apply(lambda _: css, axis=None)

    def classes(
        self,
        *,
        table: str,
        dataset: str,
        methods: Iterable[str] | None = None,
        caption: str = "",
        **setting: str | int | float,
    ) -> Styler:
        """AUROCs with a column per class, the average first; a line per method, score, source."""
        cells: dict[str, object] = {"table": table, "dataset": dataset, "metric": "AUROC"}
        cells |= setting
        if methods is not None:
            cells["method"] = list(methods)
        rows = pd.concat([self.values(s, **cells).assign(source=s) for s in SOURCES])
        rows = rows.sort_values(
            ["method", "score"],
            kind="stable",
            key=lambda c: c.map({v: i for i, v in enumerate(c.unique())}),
        )
        texts = _pivot(rows, ["method", "score", "source"], "class")
        names = [name for name in texts.columns if name != "average"]
        names = sorted(names, key=int) if all(name.isdigit() for name in names) else names
        names = ["average"] * ("average" in texts.columns) + names
        flat = texts[names].reset_index().rename_axis(columns=None)
        return self._styled(flat, caption, flat["source"]).hide(axis="index")

    def grid(
        self,
        *,
        rows: str | list[str],
        columns: str,
        source: str = "reference",
        caption: str = "",
        decimals: int = 3,
        **cells: str | int | float,
    ) -> Styler:
        """A table of means ± half the 95 % interval over seeds, of one source.

        `rows` and `columns` name columns of the rows, or keys of the variant; `cells` fix others.
        """
        keys = [rows] if isinstance(rows, str) else rows
        free = {key: "*" for key in [*keys, columns] if key in VARIANT_KEYS and key not in cells}
        texts = _pivot(self.values(source, **cells, **free), keys, columns, decimals)
        return self._styled(texts, caption, [source])

    def values(self, source: str = "reference", **cells: object) -> pd.DataFrame:
        """The rows of one source with these cells, for figures; a cell may be a list of values.

        A variant key with a value wants that setting; with "*" any, and becomes a column, of
        numbers where it can. All other keys must be absent: without any, it is the document's own
        setting. Raises UnknownName for another source or column.
        """
        book = self.book
        tables = (book.published_rows, book.reference_rows, self.build)
        rows = dict(zip(SOURCES, tables, strict=True)).get(source)
        if rows is None:
            raise UnknownName(f"There is no source {source!r}.{nearest(source, SOURCES)}")
        wanted: dict[str, list[object]] = {}
        for name, cell in cells.items():
            key = name.removesuffix("_")
            if key not in (*COLUMNS, *VARIANT_KEYS):
                raise UnknownName(f"Rows have no column {key!r}.{nearest(key, COLUMNS)}")
            wanted[key] = list(cell) if isinstance(cell, list | tuple) else [cell]
        if "dataset" in wanted and source == BUILD:
            wanted["dataset"] = [self.stand_in.get(str(d), d) for d in wanted["dataset"]]
        for key in [key for key in wanted if key in COLUMNS]:
            texts = wanted.pop(key)
            rows = rows if texts == ["*"] else rows[rows[key].isin(map(str, texts))]
        if "variant" not in cells:
            settings = {key: [setting_text(cell) for cell in wanted[key]] for key in wanted}
            fits = [text for text in rows["variant"].unique() if _fits(text, settings)]
            rows = rows[rows["variant"].isin(fits)]
        for key in wanted:
            found = rows["variant"].map(lambda text, key=key: parse_variant(text).get(key, ""))
            numbers = pd.to_numeric(found, errors="coerce")
            rows = rows.assign(**{key: found if numbers.isna().any() else numbers})
        return rows.reset_index(drop=True)

    def verdicts(self, *which: str) -> Styler:
        """The claims with these ids, or whose id begins so: what they say, our numbers, verdicts.

        Verdicts of the reference link to the scoreboard; the reason unfolds to scope and remarks.
        Raises UnknownName where a word fits no claim.
        """
        claims = self.book.ledger.claims
        shown: dict[str, Claim] = {}
        for word in which:
            fits = [word] if word in claims else [id_ for id_ in claims if id_.startswith(word)]
            if not fits:
                raise UnknownName(f"No claim begins with {word!r}.{nearest(word, claims)}")
            shown |= {id_: claims[id_] for id_ in fits}
        ours = judge_all(shown.values(), self.lookup, stand_in=self.stand_in)
        return claim_table(self.book, shown.values(), ours)

    def _line(self, given: str | Cells, extra: Cells, source: str) -> Name:
        """The name with its address, in which one image set may stand in for another."""
        name = self.book.name(given) if isinstance(given, str) else Name(given, address(given))
        name = filled(name, extra)
        title = name.cells["dataset"]
        read = self.stand_in.get(title, title) if source == BUILD else title
        return name._replace(cells=name.cells | {"dataset": read})

    def _lookup(self, source: str) -> Lookup:
        three = (self.book.published, self.book.reference, self.lookup)
        return dict(zip(SOURCES, three, strict=True))[source]

    def _styled(self, table: pd.DataFrame, caption: str, sources: Iterable[str]) -> Styler:
        if self.stand_in and BUILD in list(sources):
            pairs = ", ".join(f"{new} in place of {old}" for old, new in self.stand_in.items())
            caption = f"{caption} This build: {pairs}.".strip()
        return styled(table, caption)


def open_page(
    name: str,
    rows: pd.DataFrame | Path | object,
    *,
    run: Mapping[str, object] | None = None,
    stand_in: Mapping[str, str] | None = None,
    book: Book | None = None,
) -> Page:
    """A page by its chapter's name, with the rows of this run.

    `rows` are a table, what `measure` returned, or the folder that a chapter's run has left. `run`
    is the run's provenance; without it no verdict on this build is better than partly. Without
    `stand_in`, sets are replaced as the document's claims say, where the rows hold only the
    replacement. `book` is the committed one unless given.
    """
    runs = runs_frame([run] if run is not None else [])
    if isinstance(rows, Path):
        own, runs = read_rows(rows / "rows.csv"), read_runs(rows / "runs.csv")
    else:
        own = rows if isinstance(rows, pd.DataFrame) else rows.rows  # type: ignore[attr-defined]
    titles = set(own["dataset"])
    book = book or the_book()
    if stand_in is None:
        known = [d.stand_in for d in book.ledger.documents if name in d.pages]
        pairs = known[0] if known else {"MNIST": "MNIST-5k"}
        stand_in = {a: b for a, b in pairs.items() if b in titles and a not in titles}
    build = with_averages(own)
    return Page(build, Lookup(build, runs), dict(stand_in), book)


def claim_table(
    book: Book, claims: Iterable[Claim], build: Mapping[str, Verdict], *, board: bool = False
) -> Styler:
    """A line per claim: ours, the verdict, this build's, and the reason, which unfolds.

    On the scoreboard (`board`) each has its anchor `claim-ID` and its document; elsewhere the
    verdict links there.
    """
    titles = {document.document: document.title for document in book.ledger.documents}
    lines = []
    for claim in claims:
        ours, here = book.verdicts[claim.id], build[claim.id]
        word, says = coloured(ours.verdict), html.escape(claim.says, quote=False)
        link = f'<a class="verdict-link" href="scoreboard.html#claim-{claim.id}">{word}</a>'
        said = f'<span id="claim-{claim.id}">{says}</span><br><em>{titles[claim.document]}</em>'
        lines.append(
            {
                "claim": said if board else says,
                "published": claim.published,
                "reference": ours.measured,
                "verdict": word if board else link,
                BUILD: here.measured and f"{here.measured}<br>{coloured(here.verdict)}",
                "why": folded(ours.reason, claim),
            }
        )
    empty = [] if any(line[BUILD] for line in lines) else [BUILD]
    return styled(pd.DataFrame(lines).drop(columns=empty), kind="words")


def styled(table: pd.DataFrame, caption: str = "", *, kind: str = "numbers") -> Styler:
    """A table as pages show it: columns of `numbers`, or of `words`, which wrap, without index."""
    shown = table.style.set_table_attributes(f'class="{kind}"')
    shown = shown.hide(axis="index") if kind == "words" else shown
    return shown.set_caption(caption) if caption else shown


def coloured(verdict: str) -> str:
    """A verdict as HTML, in its colour."""
    return f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>'


def folded(reason: str, claim: Claim) -> str:
    """A verdict's reason as HTML, which unfolds to the rule, its reason, scope and remarks."""
    entry = claim.entry
    more = [entry.where, f"Rule: {entry.rule}.", claim.because, entry.scope, entry.note]
    rest = " ".join(f"{t[0].upper()}{t[1:]}{'' if t[-1] in '.!?' else '.'}" for t in more if t)
    summary, rest = html.escape(reason, quote=False), html.escape(rest, quote=False)
    return f"<details><summary>{summary}</summary>{rest}</details>"


def _fits(text: str, wanted: Mapping[str, list[str]]) -> bool:
    settings = parse_variant(text)
    return set(settings) == set(wanted) and all(
        texts == ["*"] or settings[key] in texts for key, texts in wanted.items()
    )


def _pivot(rows: pd.DataFrame, keys: list[str], columns: str, decimals: int = 3) -> pd.DataFrame:
    """Means with intervals as text, in the rows' own order."""
    free = [key for key in ADDRESS if key not in (*keys, columns, "variant")]
    if rows.duplicated([*keys, columns, "seed"]).any():
        mixed = ", ".join(key for key in free if rows[key].nunique() > 1)
        raise BadInput(f"Rows of one cell differ in {mixed}: fix it, or make it a key.")

    def text(values: pd.Series) -> str:
        entries = [Entry(0, value, 1, "") for value in values]
        return interval_text(interval_of(entries), decimals=decimals)

    order = {column: rows[column].unique() for column in [*keys, columns]}
    texts = rows.groupby([*keys, columns], sort=False)["value"].agg(text).unstack(columns)
    lines = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    index = lines if len(keys) > 1 else lines.get_level_values(0)
    return texts.reindex(index=index, columns=order[columns]).fillna("")
