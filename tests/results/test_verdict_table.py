"""The verdicts of two scoreboards side by side."""

import re

import pandas as pd
import pytest

from lib.errors import BadInput
from lib.results import evaluate, frame, load_claims, runs_frame, verdict_counts, verdict_table
from lib.results.verdicts import SCOREBOARD
from lib.run.parameters import chapter_path

IDS = ["a-finding1", "a-finding2-more", "a-finding2", "b-finding1"]
COLUMNS = [
    *("claim", "published", "reference", "reference numbers"),
    *("this build", "this build's numbers"),
]


def board(verdicts, mark):
    """A scoreboard about IDS; `mark` tells its numbers from another's."""
    lines = [
        dict.fromkeys(SCOREBOARD, "-")
        | {
            "id": name,
            "claim": f"claim {name}",
            "published": f"published {name}",
            "measured": f"{mark} {name}",
            "verdict": word,
        }
        for name, word in zip(IDS, verdicts, strict=True)
    ]
    return pd.DataFrame(lines, columns=list(SCOREBOARD))


THEIRS = board(["reproduced", "partly", "not reproduced", "partly"], "theirs")
OURS = board(["partly", "not tested yet", "reproduced", "not reproduced"], "ours")


def test_each_side_stands_under_its_name():
    found = verdict_table(THEIRS, OURS, "a-finding1")
    assert found.columns.tolist() == COLUMNS
    assert found.values.tolist() == [
        [
            *("claim a-finding1", "published a-finding1"),
            *("reproduced", "theirs a-finding1"),
            *("partly", "ours a-finding1"),
        ]
    ]


@pytest.mark.parametrize(
    ("prefixes", "wanted"),
    [
        ((), IDS),
        (("a-",), IDS[:3]),
        (("a-finding2",), IDS[1:3]),
        (("b-", "a-finding1"), [IDS[0], IDS[3]]),  # the board's order, not that of the prefixes
        (("a-", "a-finding1"), IDS[:3]),  # and no claim twice
    ],
)
def test_a_prefix_chooses_claims_in_the_order_of_the_board(prefixes, wanted):
    found = verdict_table(THEIRS, OURS, *prefixes)
    assert found["claim"].tolist() == [f"claim {name}" for name in wanted]
    assert found["this build's numbers"].tolist() == [f"ours {name}" for name in wanted]


def test_a_prefix_without_claims_is_refused():
    with pytest.raises(BadInput, match="No claim begins with 'a-finding3'"):
        verdict_table(THEIRS, OURS, "a-", "a-finding3")
    with pytest.raises(BadInput, match="No claim begins with 'finding1'"):
        verdict_table(THEIRS, OURS, "finding1")  # inside the ids, but not at their start


def test_a_dot_is_a_dot():
    with pytest.raises(BadInput, match="No claim begins with"):
        verdict_table(THEIRS, OURS, "a.finding1")


@pytest.mark.parametrize("other", [OURS.iloc[::-1], OURS.head(3), OURS.assign(id="c")])
def test_boards_about_other_claims_are_refused(other):
    for pair in ((THEIRS, other), (other, THEIRS)):
        with pytest.raises(BadInput, match="same claims in the same order"):
            verdict_table(*pair)


def test_scoreboards_of_the_ledger_fit():
    claims = load_claims()
    nothing = evaluate(claims, frame([]), runs_frame([]))
    found = verdict_table(nothing, nothing, "localization-")
    assert len(found) == sum(claim.id.startswith("localization-") for claim in claims) > 0
    assert set(found["reference"]) == set(found["this build"]) == {"not tested yet"}
    assert set(found["reference numbers"]) == {""}


def test_boards_are_left_as_they_were():
    kept = THEIRS.copy(), OURS.copy()
    verdict_table(THEIRS, OURS, "a-")
    assert THEIRS.equals(kept[0]) and OURS.equals(kept[1])


def test_verdicts_are_counted_by_chapter_and_in_sum():
    found = verdict_counts(THEIRS)
    assert list(found) == ["reproduced", "partly", "not tested yet", "not reproduced", "claims"]
    assert found.index.tolist() == ["a", "b", "all"]
    assert found.to_numpy().tolist() == [[1, 1, 0, 1, 3], [0, 1, 0, 0, 1], [1, 2, 0, 1, 4]]


def test_the_scoreboard_page_has_a_section_for_every_claim():
    page = chapter_path("scoreboard").read_text(encoding="utf-8")
    sections = re.findall(r'^section\("(.+)"\)$', page, flags=re.MULTILINE)
    assert sorted(sections) == sorted({claim.id.partition("-")[0] for claim in load_claims()})
