"""Verdicts on the claims, computed from result rows and the runs that made them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from lib.metrics import Interval, student_interval
from lib.numbers.claims import Case, Claim
from lib.numbers.lookup import ADDRESS, Entry, Lookup, interval_text
from lib.numbers.rows import EXACT_METRICS

# from worst to best; a claim about several things is as good as its worst
VERDICTS = ("not reproduced", "not at this budget", "not tested yet", "partly", "reproduced")
FAILED = VERDICTS[:2]
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
    """The verdict on each claim, by id. Arguments as `judge`.

    A claim whose premise is among them and does not hold is not better than its premise.
    """
    listed = list(claims)
    alone = {claim.id: judge(claim, rows, stand_in=stand_in) for claim in listed}
    found = {}
    for claim in listed:
        own, premise = alone[claim.id], alone.get(claim.premise)
        if premise and premise.verdict in FAILED and own.verdict in ("partly", "reproduced"):
            reason = f"{own.reason}; but its premise {premise.id} is {premise.verdict}"
            own = replace(own, verdict=premise.verdict, reason=reason)
        found[claim.id] = own
    return found


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
            return Verdict(claim.id, "not tested yet", f"no row for {where}")
    if all(cells["metric"] in EXACT_METRICS for cells in read):
        values = [[entry.value for entry in side] for side in sides]
        pairs = [claim.rule.quantity(*pair) for pair in product(*values)]
        return _judged(claim, case, [_span(v) for v in values], _span(pairs), 0, [], [])
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
    ]
    reduced, unknown, small, remarks = _shortfalls(claim, read, used, rows)
    lesser = [*swapped[:1], *small, *reduced, *unknown]
    short = [text for key, text in remarks if key in TRAINING]
    intervals = [student_interval(v) for v in values]
    found = _judged(
        claim,
        case,
        intervals,
        student_interval(pairs),
        len(seeds),
        [*few, *lesser],
        [*lesser, *short],
    )
    return replace(found, reason="; ".join([found.reason, *(text for _, text in remarks)]))


def _judged(
    claim: Claim,
    case: Case,
    sides: Sequence[Interval],
    compared: Interval,
    n_seeds: int,
    limits: Sequence[str],
    lesser: Sequence[str],
) -> Verdict:
    """`limits` are why it is partly at best, `lesser` why it cannot be called not reproduced."""
    verdict = claim.rule.judge(compared, case.x)
    if verdict == "reproduced" and limits:
        verdict = "partly"
    if verdict == "not reproduced" and lesser:
        verdict = "not at this budget"
    right = sides[1] if len(sides) > 1 else None
    kind = "value" if right is None else "ratio" if claim.rule.kind == "at_least" else "difference"
    reason = f"{kind} {_interval(compared)}, wanted {claim.rule.wish(case.x)}"
    reason = "; ".join([reason, *limits])
    return Verdict(claim.id, verdict, reason, sides[0], right, compared, n_seeds)


def _shortfalls(
    claim: Claim,
    read: Sequence[dict[str, str]],
    used: Sequence[Sequence[Entry]],
    rows: Lookup,
) -> tuple[list[str], list[str], list[str], list[tuple[str, str]]]:
    """What the runs had less of: data, provenance, network, and of the rest of the budget."""
    reduced = {f"data set {c['dataset']}" for c in read if c["dataset"] in REDUCED_DATASETS}
    unknown, small, remarks = set(), set(), set()
    names = set.union(*(rows.runs_behind(c, e) for c, e in zip(read, used, strict=True)))
    for name in names:
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
                if key in NETWORK:
                    small.add(words)
                else:
                    remarks.add((key, words))
    return sorted(reduced), sorted(unknown), sorted(small), sorted(remarks)


def _span(values: Sequence[float]) -> Interval:
    """Exact counts have no sampling error: the limits are the values themselves."""
    return Interval(sum(values) / len(values), min(values), max(values), 1)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def _interval(interval: Interval) -> str:
    if interval.low == interval.high or interval.n == 1:
        return _number(interval.mean)
    return f"{_number(interval.mean)} [{_number(interval.low)}, {_number(interval.high)}]"
