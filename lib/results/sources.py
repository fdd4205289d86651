"""The rows that a page reads, and what it says of each image set in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from lib.errors import BadInput, UnknownName, nearest
from lib.metrics import Interval, wilson_interval
from lib.numbers.variants import variant
from lib.results.tables import compared, mean_text

BUILD = "this build"
Cells = Mapping[str, str]
Setting = Mapping[str, str | int | float]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a page's numbers come from, three kinds that are never mixed.

    `published` are the document's, `reference` the committed rows by the title of their image set,
    `build` this run's, on the images of `title`, which stand in for those of the full set `full`.
    `changed` are the settings in which this run differs from its profile: all its variants have
    them.
    """

    published: pd.DataFrame
    reference: Mapping[str, pd.DataFrame]
    build: pd.DataFrame
    title: str
    full: str
    changed: Setting = field(default_factory=dict)

    @property
    def places(self) -> list[str]:
        """The titles of the reference sets, and BUILD."""
        return [*self.reference, BUILD]

    @property
    def told(self) -> list[str]:
        """Whose numbers the sentences tell: the reference sets', or without any BUILD's."""
        return list(self.reference) or [BUILD]

    @property
    def words(self) -> str:
        """What `told` are, within a sentence."""
        return "our reference" if self.reference else BUILD

    def rows(self, where: str) -> pd.DataFrame:
        """The rows of a reference set or of BUILD. Raises UnknownName for another place."""
        if where not in self.places:
            raise UnknownName(f"There are no rows of {where!r}.{nearest(where, self.places)}")
        return self.build if where == BUILD else self.reference[where]


def sources_of(
    chapter: str,
    reference: pd.DataFrame,
    rows: pd.DataFrame,
    published: pd.DataFrame,
    *,
    sets: Iterable[str],
    title: str,
    full: str,
    changed: Setting,
) -> Sources:
    """The sources of a chapter's page: its rows among all committed ones, and those of its run.

    `sets` are the titles of reference sets in their order; one without rows is left out.
    """
    own = reference[reference["run"].str.startswith(f"{chapter}-")]
    return Sources(
        published=published,
        reference={
            name: own[own["dataset"] == name] for name in sets if name in set(own["dataset"])
        },
        build=rows[rows["dataset"] == title],
        title=title,
        full=full,
        changed=changed,
    )


def as_columns(cells: Cells) -> dict[str, str]:
    """Cells as columns of rows name them: `class_`, which Python allows as a keyword, is class."""
    return {name.removesuffix("_"): cell for name, cell in cells.items()}


def chosen(
    of: Sources, where: str, cells: Cells, *, setting: Setting | None = None
) -> pd.DataFrame:
    """The rows of one place with these cells by column, and with `setting` as all that varies.

    Raises BadInput for a column that rows do not have.
    """
    changed = of.changed if where == BUILD else {}
    wanted = {"variant": variant(**{**changed, **(setting or {})})} | as_columns(cells)
    rows = of.rows(where)
    if unknown := sorted(set(wanted) - set(rows.columns)):
        raise BadInput(f"Result rows have no column {unknown[0]!r}.")
    return rows[(rows[list(wanted)] == pd.Series(wanted)).all(axis=1)]


def mean_of(of: Sources, where: str, cells: Cells, *, setting: Setting | None = None) -> float:
    """The mean of what `chosen` finds, over seeds; NaN where it finds nothing."""
    return float(chosen(of, where, cells, setting=setting)["value"].mean())


def mean_words(
    of: Sources, where: str, cells: Cells, *, setting: Setting | None = None, decimals: int = 3
) -> str:
    """The mean over seeds with half its 95 % Student interval; empty where nothing is found."""
    return mean_text(chosen(of, where, cells, setting=setting)["value"], decimals=decimals)


def pooled_rate(
    of: Sources, where: str, cells: Cells, *, setting: Setting | None = None
) -> Interval | None:
    """A rate over the trials of all seeds together with its 95 % Wilson interval.

    The values are shares of their `n` trials. None where nothing is found.
    """
    kept = chosen(of, where, cells, setting=setting)
    hits = int((kept["value"] * kept["n"]).round().sum())
    return wilson_interval(hits, int(kept["n"].sum())) if len(kept) else None


def rate_words(
    of: Sources, where: str, cells: Cells, *, setting: Setting | None = None, n: bool = False
) -> str:
    """`pooled_rate` as `0.51 [0.47, 0.55]`, with `n` also `of 600`; empty where it is None."""
    if (found := pooled_rate(of, where, cells, setting=setting)) is None:
        return ""
    text = f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"
    return text + (f" of {found.n:,}" if n else "")


def place_words(of: Sources, *places: str) -> str:
    """`on MNIST and Fashion-MNIST`, or for BUILD `in this build (MNIST-5k)`."""
    sets = " and ".join(where for where in places if where != BUILD)
    here = f"in {BUILD} ({of.title})" if BUILD in places else ""
    return " and ".join(filter(None, [sets and f"on {sets}", here]))


def over_sets(
    of: Sources,
    text: Callable[[str], str],
    places: Iterable[str] | None = None,
    *,
    after: bool = False,
) -> str:
    """What `text` says of each place, by default of those `told`, with the place before it.

    Places of equal text are told together, those without text not at all; `after` puts the place
    behind its text. Without any text `not measured`.
    """
    by_text: dict[str, list[str]] = {}
    for where in places or of.told:
        if words := text(where):
            by_text.setdefault(words, []).append(where)
    pairs = [(words, place_words(of, *sets)) for words, sets in by_text.items()]
    parts = [f"{words} {place}" if after else f"{place} {words}" for words, place in pairs]
    separator = "; " if any("," in part or ";" in part for part in by_text) else ", "
    return separator.join(parts) or "not measured"


def three_columns(
    of: Sources, lines: Mapping[tuple[str, ...], Mapping[str, str]], *levels: str, decimals: int = 3
) -> pd.DataFrame:
    """Published, reference and this build's numbers side by side (`compared`), a text per cell.

    `lines` name rows by column, keyed by their words on the `levels` of the index; the dataset is
    the full set's. Lines without any number are left out.
    """
    same = of.build["variant"] == variant(**of.changed)
    this_build = of.build[same].assign(variant="")
    reference = pd.concat([of.build.iloc[:0], *of.reference.values()], ignore_index=True)
    # `compared` takes one text per line
    keyed = {"\n".join(words): entry for words, entry in lines.items()}
    found = compared(
        keyed,
        this_build,
        reference,
        of.published,
        stand_in={of.full: of.title},
        decimals=decimals,
    )
    found.index = pd.MultiIndex.from_tuples(list(lines), names=levels)
    return found[(found != "").any(axis=1)]
