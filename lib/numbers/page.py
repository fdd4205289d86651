"""What a page shows of its numbers: published, reference and this build, side by side."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.io.formats.style import Styler

from lib.errors import BadInput, UnknownName, nearest
from lib.numbers.averages import with_averages
from lib.numbers.book import Book, the_book
from lib.numbers.claims import Claim, Name, filled
from lib.numbers.lookup import ADDRESS, Cells, Entry, Lookup, address, interval_of, interval_text
from lib.numbers.rows import COLUMNS, read_rows
from lib.numbers.runs import read_runs, runs_frame
from lib.numbers.variants import VARIANT_KEYS, parse_variant
from lib.numbers.verdicts import Verdict, judge_all

SOURCES = ("published", "reference", "this build")
AVERAGE = "average"


@dataclass(frozen=True)
class Page:
    """A page's numbers from three sources that are never mixed.

    `published` are the documents' results, `reference` the committed rows, `build` the rows of this
    run; ours with the averages over classes. `stand_in` maps the title of a full image set to the
    one that this build read in its place.
    """

    name: str
    build: pd.DataFrame
    lookup: Lookup
    stand_in: Mapping[str, str]
    book: Book

    @property
    def published(self) -> pd.DataFrame:
        """The documents' results, with the columns of rows that an address needs."""
        return self.book.published_rows

    @property
    def reference(self) -> pd.DataFrame:
        """The committed rows with their averages."""
        return self.book.reference_rows

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
        if best not in ("high", "low", ""):
            raise BadInput(f"The best is 'high', 'low' or '', not {best!r}.")
        groups = columns or {"": {}}
        texts: dict[tuple[str, str], dict[str, str]] = {}
        means: dict[tuple[str, str], dict[str, float]] = {}
        for group, extra in groups.items():
            for source in SOURCES:
                lookup = self._lookup(source)
                for label, given in [*lines.items(), *(baselines or {}).items()]:
                    line = self._line(given, {**cells, **extra}, rate)
                    told = line.rate and source != "published"
                    found = lookup.interval(self._read_as(line.cells, source), rate=told)
                    if found is None:
                        continue
                    text = interval_text(found, decimals=decimals, rate=told)
                    texts.setdefault((group, source), {})[label] = text
                    means.setdefault((group, source), {})[label] = found.mean
        labels = [*lines, *(baselines or {})]
        table = (
            pd.DataFrame(texts, index=labels).fillna("") if texts else pd.DataFrame(index=labels)
        )
        table.columns = (
            pd.MultiIndex.from_tuples(list(texts))
            if columns
            else pd.Index([source for _, source in texts])
        )
        marks = pd.DataFrame("", index=table.index, columns=table.columns)
        for i, key in enumerate(texts):
            rivals = {label: mean for label, mean in means[key].items() if label in lines}
            if best and len(rivals) > 1:
                top = (max if best == "high" else min)(rivals.values())
                marks.iloc[:, i] = [
                    "font-weight: bold" if rivals.get(label) == top else "" for label in labels
                ]
        for label in baselines or {}:
            marks.loc[label] = "opacity: 0.7"
        return _styled(table, caption, self._build_note(texts)).apply(lambda _: marks, axis=None)

    def classes(
        self,
        *,
        table: str,
        dataset: str,
        methods: Iterable[str] | None = None,
        metric: str = "AUROC",
        caption: str = "",
        decimals: int = 3,
        **cells: str | int | float,
    ) -> Styler:
        """A column per class, the average first; a line per method, score and source."""
        wanted = {"table": table, "dataset": dataset, "metric": metric, **cells}
        parts = []
        for source in SOURCES:
            part = self.values(source, **wanted)
            if methods is not None:
                part = part[part["method"].isin(list(methods))]
            parts.append(part.assign(source=source))
        every = pd.concat(parts, ignore_index=True)
        found = _pivot(every, ["method", "score", "source"], "class", decimals)
        names = list(found.columns)
        first = [name for name in names if name == AVERAGE]
        rest = [name for name in names if name != AVERAGE]
        rest = sorted(rest, key=int) if all(name.isdigit() for name in rest) else rest
        methods_in_order = list(dict.fromkeys(line[:2] for line in found.index))
        found = found.loc[
            sorted(found.index, key=lambda x: (methods_in_order.index(x[:2]), SOURCES.index(x[2])))
        ]
        flat = found[[*first, *rest]].reset_index().rename_axis(columns=None)
        return _styled(flat, caption, self._build_note([("", s) for s in flat["source"]])).hide(
            axis="index"
        )

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
        keys = [rows] if isinstance(rows, str) else list(rows)
        free = {key: "*" for key in [*keys, columns] if key in VARIANT_KEYS and key not in cells}
        found = _pivot(self.values(source, **cells, **free), keys, columns, decimals)
        if len(keys) == 1:
            found.index = pd.Index([name for (name,) in found.index], name=keys[0])
        return _styled(found, caption, self._build_note([("", source)]))

    def values(self, source: str = "reference", **cells: object) -> pd.DataFrame:
        """The rows of one source with these cells, for figures; a cell may be a list of values.

        A variant key with a value wants that setting; with "*" any, and becomes a column, of
        numbers where it can. All other keys must be absent: without any, it is the document's own
        setting. Raises UnknownName for another source or column.
        """
        rows = self._rows(source)
        given = {name.removesuffix("_"): cell for name, cell in cells.items()}
        for key in given:
            if key not in (*COLUMNS, *VARIANT_KEYS):
                raise UnknownName(f"Rows have no column {key!r}.{nearest(key, COLUMNS)}")
        if "dataset" in given and source == SOURCES[2]:
            given["dataset"] = [self.stand_in.get(d, d) for d in _listed(given["dataset"])]
        keep = pd.Series(True, index=rows.index)
        for key, cell in given.items():
            if key in rows.columns and cell != "*":
                keep &= rows[key].isin(_listed(cell))
        found = rows[keep]
        wanted = {key: cell for key, cell in given.items() if key in VARIANT_KEYS}
        if "variant" not in given:
            fits = {text: _fits(text, wanted) for text in found["variant"].unique()}
            found = found[found["variant"].map(fits).astype(bool)]
        for key in wanted:
            settings = found["variant"].map(lambda text, key=key: parse_variant(text).get(key, ""))
            numbers = pd.to_numeric(settings, errors="coerce")
            found = found.assign(**{key: settings if numbers.isna().any() else numbers})
        return found.reset_index(drop=True)

    def verdicts(self, *which: str) -> Styler:
        """The claims with these ids, or whose id begins so: what they say, our numbers, verdicts.

        Verdicts of the reference link to the scoreboard; the reason unfolds to scope and remarks.
        Raises UnknownName where a word fits no claim.
        """
        claims = self.book.ledger.claims
        chosen: dict[str, Claim] = {}
        for word in which:
            fits = [word] if word in claims else [id_ for id_ in claims if id_.startswith(word)]
            if not fits:
                raise UnknownName(f"No claim begins with {word!r}.{nearest(word, claims)}")
            chosen |= {id_: claims[id_] for id_ in fits}
        ours = judge_all(claims.values(), self.lookup, stand_in=self.stand_in)
        lines = []
        for id_, claim in chosen.items():
            reference, build = self.book.verdicts[id_], ours[id_]
            lines.append(
                {
                    "claim": claim.says,
                    "published": claim.published,
                    "reference": reference.measured,
                    "verdict": verdict_link(reference),
                    "this build": build.measured,
                    "its verdict": coloured(build.verdict) if build.measured else "",
                    "why": folded(reference.reason, claim),
                }
            )
        table = pd.DataFrame(lines)
        if not any(line["this build"] for line in lines):
            table = table.drop(columns=["this build", "its verdict"])
        return styled(table, kind="words")

    def _line(self, given: str | Cells, extra: Cells, rate: bool) -> Name:
        if not isinstance(given, str):
            return Name(given, address({**extra, **given}), rate)
        name = filled(self.book.name(given), extra)
        return name._replace(rate=name.rate or rate)

    def _rows(self, source: str) -> pd.DataFrame:
        if source not in SOURCES:
            raise UnknownName(f"There is no source {source!r}.{nearest(source, SOURCES)}")
        return {"published": self.published, "reference": self.reference}.get(source, self.build)

    def _lookup(self, source: str) -> Lookup:
        book = self.book
        return {"published": book.published, "reference": book.reference}.get(source, self.lookup)

    def _read_as(self, cells: Cells, source: str) -> Cells:
        """The address as this source has it: in a build one image set may stand in for another."""
        full = address(cells)
        if source == SOURCES[2]:
            full["dataset"] = self.stand_in.get(full["dataset"], full["dataset"])
        return full

    def _build_note(self, columns: Iterable[tuple[str, str]]) -> str:
        if not self.stand_in or all(source != SOURCES[2] for _, source in columns):
            return ""
        pairs = [f"{new} in place of {old}" for old, new in self.stand_in.items()]
        return f"This build: {', '.join(pairs)}."


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
    return Page(name, build, Lookup(build, runs), dict(stand_in), book)


def styled(table: pd.DataFrame, caption: str = "", *, kind: str = "numbers") -> Styler:
    """A table as pages show it: columns of `numbers`, or of `words`, which wrap, without index."""
    if kind not in ("numbers", "words"):
        raise BadInput(f"A table holds numbers or words, not {kind!r}.")
    shown = table.style.set_table_attributes(f'class="{kind}"')
    shown = shown.hide(axis="index") if kind == "words" else shown
    return shown.set_caption(caption) if caption else shown


def _styled(table: pd.DataFrame, caption: str, note: str) -> Styler:
    return styled(table, " ".join(filter(None, [caption, note])))


def coloured(verdict: str) -> str:
    """A verdict as HTML, in its colour."""
    return f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>'


def verdict_link(found: Verdict, page: str = "scoreboard.html") -> str:
    """A verdict as HTML that links to its claim's line on the scoreboard."""
    return f'<a class="verdict-link" href="{page}#claim-{found.id}">{coloured(found.verdict)}</a>'


def folded(reason: str, claim: Claim) -> str:
    """A verdict's reason as HTML, which unfolds to the rule, its reason, scope and remarks."""
    more = [claim.where, f"Rule: {claim.words}.", claim.because, claim.scope, claim.note]
    rest = " ".join(_sentence(text) for text in more if text)
    summary, rest = html.escape(reason, quote=False), html.escape(rest, quote=False)
    return f"<details><summary>{summary}</summary>{rest}</details>"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _listed(cell: object) -> list[str]:
    return [str(c) for c in cell] if isinstance(cell, list | tuple) else [str(cell)]


def _fits(text: str, wanted: Mapping[str, object]) -> bool:
    settings = parse_variant(text)
    if set(settings) != set(wanted):
        return False
    return all(
        cell == "*" or settings[key] in [_as_setting(c) for c in _cells(cell)]
        for key, cell in wanted.items()
    )


def _cells(cell: object) -> list[object]:
    return list(cell) if isinstance(cell, list | tuple) else [cell]


def _as_setting(cell: object) -> str:
    return cell if isinstance(cell, str) else f"{float(cell) + 0.0:.12g}"  # type: ignore[arg-type]


def _pivot(rows: pd.DataFrame, keys: list[str], columns: str, decimals: int) -> pd.DataFrame:
    """Means with intervals as text, in the rows' own order."""
    lookup: dict[tuple[object, ...], dict[object, list[tuple[int, float]]]] = {}
    own = [key for key in ADDRESS if key not in (*keys, columns) and rows[key].nunique() > 1]
    own = [key for key in own if key != "variant"]
    if own and rows.duplicated([*keys, columns, "seed"]).any():
        raise BadInput(f"Rows of one cell differ in {', '.join(own)}: fix it, or make it a key.")
    for *key, column, seed, value in rows[[*keys, columns, "seed", "value"]].itertuples(
        index=False
    ):
        lookup.setdefault(tuple(key), {}).setdefault(column, []).append((seed, value))
    texts = {
        key: {
            column: interval_text(
                interval_of([Entry(seed, value, 1, "") for seed, value in found]), decimals=decimals
            )
            for column, found in line.items()
        }
        for key, line in lookup.items()
    }
    names = list(dict.fromkeys(column for line in texts.values() for column in line))
    grid = [[line.get(name, "") for name in names] for line in texts.values()]
    index = pd.MultiIndex.from_tuples(list(texts), names=keys) if texts else pd.Index([])
    return pd.DataFrame(grid, index=index, columns=pd.Index(names, name=columns))
