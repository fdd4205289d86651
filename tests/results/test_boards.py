"""The two scoreboards of a chapter's page."""

import pytest

from lib.errors import BadInput, UnknownName
from lib.results import (
    boards,
    evaluate,
    judged,
    load_claims,
    reference_rows,
    reference_runs,
    verdict_table,
)

RUNS = reference_runs()
RUN = RUNS[RUNS["chapter"] == "conditions"].iloc[0].to_dict()
REFERENCE = reference_rows().query("run == @RUN['run'] or dataset == 'GTSRB-32'")
MINE = REFERENCE[REFERENCE["run"] == RUN["run"]]


def of_conditions():
    """The boards of a run that measured just what the reference did."""
    return boards("conditions", REFERENCE, MINE, RUN)


def test_claims_are_the_chapters_and_each_side_reads_its_own_rows():
    found = of_conditions()
    claims = [c for c in load_claims() if c.id.startswith("conditions-")]
    assert found.reference.equals(evaluate(claims, REFERENCE, RUNS))
    assert found.this_build["id"].tolist() == [claim.id for claim in claims]
    none = boards("conditions", REFERENCE, MINE.head(0), RUN)
    assert set(none.this_build["verdict"]) == {"not tested yet"}
    assert none.reference.equals(found.reference)


def test_a_stand_in_is_read_for_the_full_set():
    renamed, title = MINE.assign(dataset="other signs"), MINE["dataset"].iloc[0]
    found = boards("conditions", REFERENCE, renamed, RUN, stand_in={title: "other signs"})
    assert found.this_build["measured"].tolist() == of_conditions().this_build["measured"].tolist()


def test_a_page_shows_the_claims_that_begin_with_its_words():
    found = of_conditions()
    word = found.reference["id"].iloc[0].removeprefix("conditions-")
    shown = judged(found, "conditions", word)
    assert shown.data.equals(verdict_table(*found, f"conditions-{word}"))
    assert judged(found, "conditions").data.equals(verdict_table(*found))
    assert 'class="words"' in shown.to_html()


def test_nonsense_is_refused():
    with pytest.raises(UnknownName, match="No claim is about a chapter 'weather'"):
        boards("weather", REFERENCE, MINE, RUN)
    with pytest.raises(BadInput, match="No claim begins with 'conditions-snowman'"):
        judged(of_conditions(), "conditions", "snowman")
