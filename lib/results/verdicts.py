"""Verdicts on the claims, computed from result rows and the runs they came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd

from lib.errors import BadInput
from lib.metrics import Interval, student_interval
from lib.numbers.averages import GROUP
from lib.numbers.rows import EXACT_METRICS, describe
from lib.numbers.runs import run_parameters
from lib.results.claims import Claim, Selector, published_text
from lib.results.rules import judge, limit_text, quantity
from lib.results.tables import interval_text

# from worst to best; a claim about several things is as good as its worst
VERDICTS = ("not reproduced", "not tested yet", "partly", "reproduced")
REDUCED_PROFILES = ("smoke", "quick")
REDUCED_DATASETS = ("MNIST-5k",)
LEAST_SEEDS = 3
# a parameter of the budget that makes another network, not only a shorter training
NETWORK = ("width",)
SCOREBOARD = (
    *("id", "document", "where", "claim", "published", "measured", "verdict", "reason"),
    *("seeds", "scope", "note"),
)


@dataclass(frozen=True)
class Verdict:
    """A claim's verdict and its reason; of several comparisons, those of the deciding one.

    `left` and `right` are 95 % Student intervals over seeds, `compared` that of the difference,
    ratio or value which the rule judged. They are None without rows.
    """

    id: str
    verdict: str
    reason: str
    left: Interval | None = None
    right: Interval | None = None
    compared: Interval | None = None
    n_seeds: int = 0


def verdict(
    claim: Claim,
    rows: pd.DataFrame,
    *,
    runs: pd.DataFrame,
    stand_in: Mapping[str, str] | None = None,
) -> Verdict:
    """The verdict on one claim, one of VERDICTS.

    `rows` are checked result rows with averages, `runs` the provenance of their runs. `stand_in`
    maps a data set's title to the one that is read in its place, {"MNIST": "MNIST-5k"}. Two sides
    are paired over the seeds they share. Reproduced needs the whole interval where the claim puts
    it, LEAST_SEEDS seeds, full data with known provenance, networks as large as the document's, and
    no stand-in; otherwise the best is partly. Exact counts need none of that. Raises BadInput if
    two rows share a seed.
    """
    titles = stand_in or {}
    parts = []
    for value, left, right in claim.sides():
        wanted = [side for side in (left, right) if side is not None]
        read = [
            {**side, "dataset": titles.get(side["dataset"], side["dataset"])} for side in wanted
        ]
        swapped = [
            f"{new['dataset']} in place of {old['dataset']}"
            for old, new in zip(wanted, read, strict=True)
            if old != new
        ]
        part = _compare(claim, read, rows, runs, limits=swapped[:1])
        parts.append(replace(part, reason=f"{value}: {part.reason}" if value else part.reason))
    return min(parts, key=lambda part: VERDICTS.index(part.verdict))


def evaluate(
    claims: Iterable[Claim],
    rows: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    stand_in: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The scoreboard: one line per claim, in the order of the claims. Arguments as `verdict`.

    A claim whose premise is among them and not reproduced is not reproduced either.
    """
    listed = list(claims)
    judged = [verdict(claim, rows, runs=runs, stand_in=stand_in) for claim in listed]
    by_id = {found.id: found for found in judged}
    lines = []
    for claim, alone in zip(listed, judged, strict=True):
        found = _with_premise(alone, by_id.get(claim.premise))
        lines.append(
            {
                "id": claim.id,
                "document": claim.document,
                "where": claim.where,
                "claim": claim.claim,
                "published": published_text(claim),
                "measured": measured_text(found),
                "verdict": found.verdict,
                "reason": found.reason,
                "seeds": found.n_seeds,
                "scope": claim.scope,
                "note": claim.note,
            }
        )
    return pd.DataFrame(lines, columns=list(SCOREBOARD))


def verdict_table(
    reference: pd.DataFrame, this_build: pd.DataFrame, *prefixes: str
) -> pd.DataFrame:
    """The verdicts of two scoreboards side by side, for the claims whose id begins with a prefix.

    `reference` and `this_build` are what `evaluate` gives for the same claims. Without prefixes
    all claims come. Raises BadInput where a prefix fits no claim, or the boards differ in claims.
    """
    if reference["id"].tolist() != this_build["id"].tolist():
        raise BadInput("The two scoreboards must be about the same claims in the same order.")
    for prefix in prefixes:
        if not reference["id"].str.startswith(prefix).any():
            raise BadInput(f"No claim begins with {prefix!r}.")
    table = pd.DataFrame(
        {
            "claim": reference["claim"],
            "published": reference["published"],
            "reference": reference["verdict"],
            "reference numbers": reference["measured"],
            "this build": this_build["verdict"],
            "this build's numbers": this_build["measured"],
        }
    )
    return table[reference["id"].str.startswith(prefixes)] if prefixes else table


def verdict_counts(board: pd.DataFrame) -> pd.DataFrame:
    """How many claims of a scoreboard have which verdict, the best first, and in sum.

    A line per chapter, whose name begins the id, in the board's order, and one for all.
    """
    chapters = board["id"].str.partition("-")[0]
    counts = pd.crosstab(chapters, board["verdict"]).reindex(
        index=chapters.unique(), columns=list(reversed(VERDICTS)), fill_value=0
    )
    counts.loc["all"] = counts.sum()
    return counts.assign(claims=counts.sum(axis=1)).rename_axis(index=None, columns=None)


def measured_text(found: Verdict) -> str:
    """Our numbers in one line: `0.650 ± 0.004 against 0.570 ± 0.010`; empty without rows."""
    sides = [side for side in (found.left, found.right) if side is not None]
    texts = [interval_text(side, decimals=0 if side.mean >= 1000 else 3) for side in sides]
    return " against ".join(texts)


def _with_premise(found: Verdict, premise: Verdict | None) -> Verdict:
    failed = premise is not None and premise.verdict == "not reproduced"
    if premise is None or not failed or found.verdict not in ("partly", "reproduced"):
        return found
    reason = f"{found.reason}; but its premise {premise.id} is not reproduced"
    return replace(found, verdict="not reproduced", reason=reason)


def _compare(
    claim: Claim,
    selectors: Sequence[Selector],
    rows: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    limits: Sequence[str],
) -> Verdict:
    sides = [_select(rows, selector) for selector in selectors]
    for side, selector in zip(sides, selectors, strict=True):
        if side.empty:
            return Verdict(claim.id, "not tested yet", f"no row for {describe(selector)}")
    if all(side["metric"].isin(EXACT_METRICS).all() for side in sides):
        values = [side["value"].tolist() for side in sides]
        pairs = [quantity(claim.rule, *pair) for pair in product(*values)]
        return _judged(claim, [_span(v) for v in values], _span(pairs), 0, limits)
    for side, selector in zip(sides, selectors, strict=True):
        if side["seed"].duplicated().any():
            raise BadInput(f"Two rows have one seed: {describe(selector)}.")
    seeds = sorted(set.intersection(*(set(side["seed"]) for side in sides)))
    if not seeds:
        return Verdict(claim.id, "not tested yet", "the two sides have no seed in common")
    values = [side.set_index("seed")["value"].loc[seeds].tolist() for side in sides]
    # paired: what a seed does to both sides drops out of the difference
    pairs = [quantity(claim.rule, *pair) for pair in zip(*values, strict=True)]
    few = [f"fewer than {LEAST_SEEDS} seeds"] if len(seeds) < LEAST_SEEDS else []
    used = pd.concat([side[side["seed"].isin(seeds)] for side in sides])
    names = _run_names(used, rows)
    small, remarks = _smaller_budget(claim, names, runs)
    limits = [*few, *limits, *small, *_reductions(used, names, runs)]
    intervals = [student_interval(v) for v in values]
    found = _judged(claim, intervals, student_interval(pairs), len(seeds), limits)
    return replace(found, reason="; ".join([found.reason, *remarks]))


def _judged(
    claim: Claim,
    sides: Sequence[Interval],
    compared: Interval,
    n_seeds: int,
    limits: Sequence[str],
) -> Verdict:
    bare = judge(claim.rule, compared, claim.numbers)
    found = "partly" if limits and bare == "reproduced" else bare
    right = sides[1] if len(sides) > 1 else None
    kind = "value" if right is None else "ratio" if claim.rule == "at_least" else "difference"
    wish = limit_text(claim.rule, claim.numbers, _number)
    return Verdict(
        claim.id,
        found,
        "; ".join([f"{kind} {_interval(compared)}, {wish}", *limits]),
        left=sides[0],
        right=right,
        compared=compared,
        n_seeds=n_seeds,
    )


def _select(rows: pd.DataFrame, selector: Selector) -> pd.DataFrame:
    keep = pd.Series(True, index=rows.index)
    for column, cell in selector.items():
        keep &= rows[column] == cell
    return rows[keep]


def _run_names(used: pd.DataFrame, rows: pd.DataFrame) -> set[str]:
    """The runs behind these rows, also those behind an average over several."""
    names = set(used["run"]) - {"merged"}
    for _, average in used[used["run"] == "merged"].iterrows():
        behind = set(rows.loc[(rows[GROUP] == average[GROUP]).all(axis=1), "run"])
        # its own mark is no run; alone, with no class rows behind it, it is without provenance
        names |= behind - {"merged"} or {"merged"}
    return names


def _reductions(used: pd.DataFrame, names: set[str], runs: pd.DataFrame) -> list[str]:
    """Why these rows are less than the document's experiment, in words."""
    found = {f"data set {name}" for name in used["dataset"] if name in REDUCED_DATASETS}
    known = runs.set_index("run")
    for name in names:
        if name not in known.index:
            found.add(f"no provenance for run {name}")
            continue
        if (profile := known.loc[name, "profile"]) in REDUCED_PROFILES:
            found.add(f"profile {profile}")
        for key, value in run_parameters(str(known.loc[name, "parameters"])).items():
            if key.endswith("_limit") and isinstance(value, int | float) and value > 0:
                found.add(f"{key} {value:g}")
    return sorted(found)


def _smaller_budget(
    claim: Claim, names: set[str], runs: pd.DataFrame
) -> tuple[list[str], list[str]]:
    """What these runs had less of than the document's: limits of the network, and remarks."""
    limits: set[str] = set()
    remarks: set[str] = set()
    for text in runs.loc[runs["run"].isin(names), "parameters"]:
        given = run_parameters(str(text))
        for key, wanted in claim.budget.items():
            value = given.get(key, wanted)
            if isinstance(value, int | float) and value < wanted:
                words = f"{value:g} of the document's {wanted:g} {key}"
                (limits if key in NETWORK else remarks).add(words)
    return sorted(limits), sorted(remarks)


def _span(values: Sequence[float]) -> Interval:
    """Exact counts have no sampling error: the limits are the values themselves."""
    return Interval(sum(values) / len(values), min(values), max(values), 1)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def _interval(interval: Interval) -> str:
    if interval.low == interval.high or interval.n == 1:
        return _number(interval.mean)
    return f"{_number(interval.mean)} [{_number(interval.low)}, {_number(interval.high)}]"
