"""Tables that set published, reference and just measured numbers side by side, never mixed."""

from collections.abc import Iterable, Mapping

import pandas as pd
from pandas.io.formats.style import Styler

from lib.errors import BadInput
from lib.metrics import Interval, student_interval
from lib.numbers.documents import KEYS

LABELS = ("published", "reference", "this build")


def join_published(rows: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column `published`, matched on KEYS and only where variant is empty.

    NaN stands where the document has no such number; no row is lost or doubled. Raises BadInput
    if two published rows share their KEYS.
    """
    told = published[published["kind"].isin(["measured", "derived"])]
    if not (twins := told[told.duplicated(list(KEYS))]).empty:
        raise BadInput(f"Two published rows share their keys: {dict(twins[list(KEYS)].iloc[0])}.")
    right = told[[*KEYS, "value"]].rename(columns={"value": "published"}).assign(variant="")
    return rows.merge(right, how="left", on=[*KEYS, "variant"], validate="many_to_one")


def interval_text(interval: Interval, *, decimals: int = 3) -> str:
    """`0.968 ± 0.004`, mean and half width; the mean alone if one value gave no width."""
    mean = f"{interval.mean:,.{decimals}f}"
    half = (interval.high - interval.low) / 2
    return f"{mean} ± {half:,.{decimals}f}" if interval.n > 1 else mean


def mean_text(values: pd.Series, *, decimals: int = 3) -> str:
    """Mean and half the 95 % Student interval over seeds, `0.606 ± 0.024`; empty without values."""
    return interval_text(student_interval(values), decimals=decimals) if len(values) else ""


def page_table(table: pd.DataFrame, caption: str = "", *, kind: str = "numbers") -> Styler:
    """A table as pages show it: columns of `numbers`, or of `words` without line names.

    Raises BadInput for another kind.
    """
    if kind not in ("numbers", "words"):
        raise BadInput(f"A table holds numbers or words, not {kind!r}.")
    styled = table.style.set_table_attributes(f'class="{kind}"')
    styled = styled.hide(axis="index") if kind == "words" else styled
    return styled.set_caption(caption) if caption else styled


def three_numbers(
    this_build: pd.DataFrame,
    reference: pd.DataFrame,
    published: pd.DataFrame,
    *,
    table: str,
    dataset: str,
    published_dataset: str | None = None,
    metric: str = "AUROC",
    methods: Iterable[str] | None = None,
    decimals: int = 3,
    intervals_in: Iterable[str] | None = None,
) -> pd.DataFrame:
    """One line of text per method, score and origin of the number, one column per class.

    The index has the levels method, score, numbers (one of LABELS) and data. `dataset` is the
    title of this build's images; `published_dataset`, if another, that of the other two (MNIST
    beside a build on MNIST-5k). Our cells are means over seeds with half the 95 % Student
    interval; cells without number are empty. Only rows with empty variant enter, and of the
    published ones only results. The order is the document's, then that of our rows; "average"
    comes last. Raises BadInput if two rows claim one cell and seed.
    """
    document = published_dataset or dataset
    results = published[published["kind"].isin(["measured", "derived"])].assign(variant="", seed=0)
    wide = None if intervals_in is None else set(intervals_in)
    parts = []
    for label, rows, title in (
        (LABELS[0], results, document),
        (LABELS[1], reference, document),
        (LABELS[2], this_build, dataset),
    ):
        keep = (rows["table"] == table) & (rows["metric"] == metric) & (rows["variant"] == "")
        part = rows[keep & (rows["dataset"] == title)]
        if methods is not None:
            part = part[part["method"].isin(list(methods))]
        cells = ["method", "score", "class"]
        if part.duplicated([*cells, "seed"]).any():
            raise BadInput(f"Two rows of {label!r} claim the same cell of table {table!r}.")
        for names, group in part.groupby(cells, sort=False):
            method, score, class_ = (str(name) for name in names)
            found = student_interval(group["value"])
            bare = wide is not None and class_ not in wide
            text = f"{found.mean:.{decimals}f}" if bare else interval_text(found, decimals=decimals)
            parts.append((method, score, label, title, class_, text))
    return _pivot(parts)


def flat_numbers(found: pd.DataFrame, title: str) -> pd.DataFrame:
    """What `three_numbers` gives with its index as columns, as a page shows it.

    Numbers name their images where these are others than those of `title`. The average comes
    before the classes, which may be wider than the page.
    """
    flat = found.reset_index().rename_axis(columns=None)
    others = flat.pop("data").map(lambda data: "" if data == title else f", {data}")
    flat["numbers"] += others
    if "average" in flat:
        flat.insert(list(flat).index("numbers") + 1, "average", flat.pop("average"))
    return flat


def compared(
    lines: Mapping[str, Mapping[str, str]],
    this_build: pd.DataFrame,
    reference: pd.DataFrame,
    published: pd.DataFrame,
    *,
    stand_in: Mapping[str, str] | None = None,
    beside: Mapping[str, Mapping[str, str]] | None = None,
    decimals: int = 3,
) -> pd.DataFrame:
    """One line of text per entry of `lines`, with the columns of LABELS.

    An entry picks rows by column, as in a claim; variant is empty unless given. `stand_in` maps a
    full data set's title to that of this build. `beside` adds columns: each changes some columns
    of the entry and reads this build, {"chance": {"method": "chance"}}. Our cells are means over
    seeds with half the 95 % Student interval; cells without number are empty, columns without any
    are left out. Raises BadInput if two rows claim one cell and seed, and for an entry without
    dataset or with a column that rows do not have.
    """
    titles = stand_in or {}
    told = published[published["kind"].isin(["measured", "derived"])].assign(variant="", seed=0)
    own = [(LABELS[0], told), (LABELS[1], reference), (LABELS[2], this_build)]
    parts = [(name, rows, dict[str, str]()) for name, rows in own]
    parts += [(name, this_build, dict(change)) for name, change in (beside or {}).items()]
    texts = {}
    for name, rows, change in parts:
        for line, entry in lines.items():
            wanted = {"variant": "", **entry, **change}
            if "dataset" not in wanted or not set(wanted) <= set(rows.columns):
                raise BadInput(f"The entry {line!r} must name a dataset, and columns of rows only.")
            if rows is this_build:
                wanted["dataset"] = titles.get(wanted["dataset"], wanted["dataset"])
            cell = rows[(rows[list(wanted)] == pd.Series(wanted)).all(axis=1)]
            if cell["seed"].duplicated().any():
                raise BadInput(f"Two rows of {name!r} claim the cell {line!r}.")
            if len(cell):
                found = student_interval(cell["value"])
                texts[line, name] = interval_text(found, decimals=decimals)
    columns = [name for name, *_ in parts if any((line, name) in texts for line in lines)]
    grid = [[texts.get((line, name), "") for name in columns] for line in lines]
    return pd.DataFrame(grid, index=pd.Index(list(lines)), columns=columns)


def _pivot(parts: list[tuple[str, str, str, str, str, str]]) -> pd.DataFrame:
    names = ["method", "score", "numbers", "data"]
    methods = list(dict.fromkeys(part[:2] for part in parts))
    lines = sorted(
        dict.fromkeys(part[:4] for part in parts),
        key=lambda line: (methods.index(line[:2]), LABELS.index(line[2])),
    )
    classes = list(dict.fromkeys(part[4] for part in parts))
    # digits sort themselves; other names keep the document's order; the average ends the line
    classes.sort(key=lambda c: (c == "average", int(c) if c.isdigit() else 0))
    index = pd.MultiIndex.from_arrays(list(zip(*lines, strict=True)) or [[]] * 4, names=names)
    texts = {tuple(part[:5]): part[5] for part in parts}
    grid = [[texts.get((*line, class_), "") for class_ in classes] for line in lines]
    return pd.DataFrame(grid, index=index, columns=pd.Index(classes, name="class"))
