"""Verdicts on the claims, computed from result rows and the runs that made them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from lib.metrics import Interval, student_interval
from lib.numbers.claims import Case, Claim
from lib.numbers.lookup import ADDRESS, Entry, Lookup, interval_text
from lib.numbers.rows import EXACT_METRICS
from lib.numbers.rules import short

# from worst to best; a claim about several things is as good as its worst
VERDICTS = ("not reproduced", "not at this budget", "not tested yet", "partly", "reproduced")
REDUCED_PROFILES = ("smoke", "quick")
REDUCED_DATASETS = ("MNIST-5k",)
LEAST_SEEDS = 3
# parameters of the budget: a smaller network is another network, a shorter training only a remark
NETWORK = ("width",)
TRAINING = ("epochs", "width")


@dataclass(frozen=True)
class Verdict:
    """A claim's verdict and its reason; of several cases, those of the deciding one.

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

    @property
    def measured(self) -> str:
        """Our numbers in one line: `0.650 ± 0.004 against 0.570 ± 0.010`; empty without rows."""
        sides = [side for side in (self.left, self.right) if side is not None]
        return " against ".join(interval_text(side) for side in sides)


def judge_all(
    claims: Iterable[Claim], rows: Lookup, *, stand_in: Mapping[str, str] | None = None
) -> dict[str, Verdict]:
    """The verdict on each claim, by id. Arguments as `judge`."""
    return {claim.id: judge(claim, rows, stand_in=stand_in) for claim in claims}


def judge(claim: Claim, rows: Lookup, *, stand_in: Mapping[str, str] | None = None) -> Verdict:
    """The verdict on one claim, one of VERDICTS.

    `rows` are those with averages, and know the parameters of their runs. `stand_in` maps a data
    set's title to the one that is read in its place, {"MNIST": "MNIST-5k"}. Two sides are paired
    over the seeds they share. Reproduced needs the whole interval where the claim puts it,
    LEAST_SEEDS seeds, full data with known provenance, networks as large as the document's, and no
    stand-in; otherwise the best is partly. Not reproduced needs the document's own epochs, width
    and images; with less it is not at this budget. Exact counts need none of that. Raises BadInput
    if two rows share a seed.
    """
    parts = []
    for case in claim.cases:
        part = _compare(claim, case, rows, stand_in or {})
        reason = f"{case.label}: {part.reason}" if case.label else part.reason
        parts.append(replace(part, reason=reason))
    return min(parts, key=lambda part: VERDICTS.index(part.verdict))


def _compare(claim: Claim, case: Case, rows: Lookup, stand_in: Mapping[str, str]) -> Verdict:
    wanted = [side.cells for side in case.sides]
    read = [{**c, "dataset": stand_in.get(c["dataset"], c["dataset"])} for c in wanted]
    sides = [rows.entries(cells) for cells in read]
    for side, cells in zip(sides, read, strict=True):
        if not side:
            where = ", ".join(f"{key} {cells[key]}" for key in ADDRESS if cells[key])
            return Verdict(claim.id, "not tested yet", f"not measured yet: {where}")
    if all(cells["metric"] in EXACT_METRICS for cells in read):
        values = [[entry.value for entry in side] for side in sides]
        pairs = [claim.rule.quantity(*pair) for pair in product(*values)]
        return _judged(claim, case, [_span(v) for v in values], _span(pairs))
    by_seed = [{entry.seed: entry for entry in side} for side in sides]
    seeds = sorted(set.intersection(*(set(side) for side in by_seed)))
    if not seeds:
        return Verdict(claim.id, "not tested yet", "the two sides have no seed in common")
    used = [[side[seed] for seed in seeds] for side in by_seed]
    # paired: what a seed does to both sides drops out of the difference
    values = [[entry.value for entry in side] for side in used]
    pairs = [claim.rule.quantity(*pair) for pair in zip(*values, strict=True)]
    few = [f"fewer than {LEAST_SEEDS} seeds"] if len(seeds) < LEAST_SEEDS else []
    swapped = [
        f"{new['dataset']} in place of {old['dataset']}"
        for old, new in zip(wanted, read, strict=True)
        if old != new
    ][:1]
    reduced = {f"data set {c['dataset']}" for c in read if c["dataset"] in REDUCED_DATASETS}
    lacks, shorter, remarks = _shortfalls(claim, used, rows, reduced)
    intervals = [student_interval(v) for v in values]
    verdict = _judged(
        claim,
        case,
        intervals,
        student_interval(pairs),
        limits=[*few, *swapped, *lacks],
        lesser=[*swapped, *lacks, *shorter],
    )
    reason = "; ".join([verdict.reason, *remarks])
    return replace(verdict, reason=reason, n_seeds=len(seeds))


def _judged(
    claim: Claim,
    case: Case,
    sides: Sequence[Interval],
    compared: Interval,
    *,
    limits: Sequence[str] = (),
    lesser: Sequence[str] = (),
) -> Verdict:
    """`limits` are why it is partly at best, `lesser` why it cannot be called not reproduced."""
    verdict = claim.rule.judge(compared, case.x)
    if verdict == "reproduced" and limits:
        verdict = "partly"
    if verdict == "not reproduced" and lesser:
        verdict = "not at this budget"
    right = sides[1] if len(sides) > 1 else None
    kind = "value" if right is None else "ratio" if claim.rule.kind == "at_least" else "difference"
    value, low, high = (short(v) for v in (compared.mean, compared.low, compared.high))
    span = "" if low == high or compared.n == 1 else f" [{low}, {high}]"
    reason = f"{kind} {value}{span}, wanted {claim.rule.wish(case.x)}"
    return Verdict(claim.id, verdict, "; ".join([reason, *limits]), sides[0], right, compared)


def _shortfalls(
    claim: Claim, used: Sequence[Sequence[Entry]], rows: Lookup, reduced: set[str]
) -> tuple[list[str], list[str], list[str]]:
    """What the runs had less of: network, data and provenance; training; and remarks on budgets."""
    unknown: set[str] = set()
    small: set[tuple[str, str]] = set()
    remarks: set[tuple[str, str]] = set()
    # an average over classes has the names of all runs behind it
    for name in {name for side in used for entry in side for name in entry.run.split("+")}:
        if name not in rows.parameters:
            unknown.add(f"no provenance for run {name}")
            continue
        profile, given = rows.parameters[name]
        if profile in REDUCED_PROFILES:
            reduced.add(f"profile {profile}")
        for key, value in given.items():
            if key.endswith("_limit") and isinstance(value, int | float) and value > 0:
                reduced.add(f"{key} {value:g}")
        for key, wanted in claim.budget.items():
            value = given.get(key, wanted)
            if isinstance(value, int | float) and value < wanted:
                words = f"{value:g} of the document's {wanted:g} {key}"
                (small if key in NETWORK else remarks).add((key, words))
    network, others = ([words for _, words in sorted(part)] for part in (small, remarks))
    shorter = [words for key, words in sorted(remarks) if key in TRAINING]
    return [*network, *sorted(reduced), *sorted(unknown)], shorter, others


def _span(values: Sequence[float]) -> Interval:
    """Exact counts have no sampling error: the limits are the values themselves."""
    return Interval(sum(values) / len(values), min(values), max(values), 1)
