"""The table of MNIST's digits: what stands in it, and what is left out."""

import pandas as pd
import pytest

from lib import results
from lib.pages.gradcon import GRADCON
from lib.pages.gradcon_digits import DIGITS, digits_table, living_words, variational_words

SLOW = "lr=0.0001"


def row(digit, value, *, seed=0, **changes):
    where = {"table": "baseline-auroc", "dataset": "MNIST", "method": "CAE", "score": "recon"}
    where |= {"class_": digit, "metric": "AUROC", "variant": "", "n": 10} | changes
    return results.row(run="r", value=value, seed=seed, **where)


def variance(digit, value, **changes):
    return row(digit, value, table="training", score="", metric="explained variance", **changes)


def printed(*, digits=DIGITS):
    line = {"table": "sota-auroc", "dataset": "MNIST", "method": "GradCon", "score": GRADCON}
    return pd.DataFrame([line | {"class": digit, "value": 0.9} for digit in digits])


def both(value, slow, *, digits=DIGITS, **changes):
    """A line at both rates."""
    return [
        row(digit, number, variant=setting, **changes)
        for setting, number in (("", value), (SLOW, slow))
        for digit in digits
    ]


def cells(table, line, setting):
    found = table[(table["line"] == line) & (table["rate"] == setting)]
    return found.iloc[0].to_dict() if len(found) else None


def test_means_over_seeds_of_both_rates_stand_beside_what_is_published():
    more = [row("3", 0.4, seed=1), row("average", 0.1), row("3", 0.0, dataset="Fashion-MNIST")]
    gradcon = both(0.7, 0.8, table="sota-auroc", method="GradCon", score=GRADCON)
    table = digits_table(results.frame([*both(0.5, 0.6), *more, *gradcon]), printed())
    official = cells(table, "CAE recon", "official")
    assert official["2"] == "0.500" and official["3"] == "0.450"  # (0.5 + 0.4) / 2
    assert official["mean"] == "0.495"  # of the digits' means: (9 · 0.5 + 0.45) / 10
    assert cells(table, "CAE recon", "slower")["mean"] == "0.600"
    assert cells(table, "GradCon", "slides")["mean"] == "0.900"
    assert cells(table, "CAE recon", "slides") is None
    assert table["line"].tolist() == ["CAE recon"] * 2 + ["GradCon"] * 3
    assert table["rate"].tolist()[2:] == ["slides", "official", "slower"]


def test_networks_that_explain_less_than_nothing_are_counted():
    dark = [variance(digit, -1.0 if digit in "13" else 0.0) for digit in DIGITS]
    dark += [variance("3", 0.8, seed=1), variance("4", -0.1, method="CAE+Grad")]
    table = digits_table(results.frame([*both(0.5, 0.6), *dark]), printed())
    black = cells(table, "CAE poor", "official")
    assert (black["0"], black["1"], black["3"], black["mean"]) == (
        "0/1", "1/1", "1/2", "2/11",
    )  # fmt: skip
    # of the constrained one there is one digit alone
    assert cells(table, "CAE+Grad poor", "official") is None


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(digit, 0.5) for digit in DIGITS],  # the official rate alone
        both(0.5, 0.6, digits=DIGITS[:9]),
        both(0.5, 0.6, dataset="Fashion-MNIST"),
    ],
)
def test_without_ten_digits_at_the_slower_rate_it_is_empty(rows):
    table = digits_table(results.frame(rows), printed())
    assert table.empty and list(table.columns) == ["line", "rate", "mean", *DIGITS]


def test_a_published_line_with_a_digit_missing_is_left_out():
    gradcon = both(0.7, 0.8, table="sota-auroc", method="GradCon", score=GRADCON)
    table = digits_table(results.frame(gradcon), printed(digits=DIGITS[1:]))
    assert cells(table, "GradCon", "slides") is None and len(table) == 2


def test_living_networks_are_those_that_explain_something():
    gradcon = {"table": "sota-auroc", "method": "GradCon", "score": GRADCON}
    alive = {"method": "CAE+Grad"}
    rows = [
        *(row("0", value, seed=seed, **gradcon) for seed, value in enumerate((0.8, 0.2, 0.6))),
        *(
            variance("0", value, seed=seed, **alive)
            for seed, value in ((0, 0.5), (1, -1), (2, 0.1))
        ),
        row("1", 0.5, **gradcon),
        variance("1", 0.0, **alive),  # black: no better than the mean
        variance("1", 0.9),  # the plain network's does not count
        row("2", 1.0, **gradcon),
        variance("2", 0.4, **alive),
        row("3", 0.1, **gradcon | {"variant": SLOW}),
        variance("3", 0.9, **alive, variant=SLOW),
    ]
    words = living_words(results.frame(rows), printed())
    assert "Over the 3 of 5 constrained networks" in words
    assert "on 2 of ten digits, GradCon has 0.850" in words  # ((0.8 + 0.6) / 2 + 1.0) / 2
    assert "print 0.900 for these digits" in words
    assert "by digit 0.150)" in words  # (|0.7 - 0.9| + |1.0 - 0.9|) / 2


@pytest.mark.parametrize("rows", [[], [row("0", 0.5)], both(0.5, 0.6)])
def test_without_rows_of_gradcon_it_says_so(rows):
    assert "no reference runs" in living_words(results.frame(rows), printed())


def test_without_living_networks_it_says_so():
    gradcon = {"table": "sota-auroc", "method": "GradCon", "score": GRADCON}
    rows = [row("0", 0.5, **gradcon), variance("0", -0.1, method="CAE+Grad")]
    words = living_words(results.frame(rows), printed())
    assert words == "None of the 1 constrained networks draws better than the mean image."


def variational(*, killed, saved):
    """Two digits: all of VAE live and all of CAE are dead; of VAE+Grad and CAE+Grad some are."""
    dead = {"CAE": 2, "CAE+Grad": 2 - saved, "VAE": 0, "VAE+Grad": killed}
    rows = [
        variance(digit, -0.5 if place < count else 0.5, method=method)
        for method, count in dead.items()
        for place, digit in enumerate("01")
    ]
    rows += [row("average", 0.9, method="VAE"), row("average", 0.7, method="VAE+Grad")]
    rows.append(variance("0", -0.5, method="VAE", variant=SLOW))  # another rate does not count
    return results.frame(rows)


# of four networks two are dead, both of one kind: the chance of that, either way, is 2 / 6
@pytest.mark.parametrize(
    ("killed", "saved", "end"),
    [(2, 2, "CAE p = 0.33, VAE p = 0.33."), (0, 2, "CAE p = 0.33, VAE p = 1.00.")],
)
def test_what_the_constraint_does_to_the_networks_of_the_vae(killed, saved, end):
    rows = variational(killed=killed, saved=saved)
    plain = "Of the plain VAE's networks on MNIST 0 of 2 draw worse than the mean image, and its "
    plain += "recon has 0.900 (1 seed)"
    assert variational_words(rows, short=True) == f"{plain}."
    assert variational_words(rows) == (
        f"{plain}; under the constraint {killed} of 2 do, and it has 0.700. Whether the "
        f"constraint changes how many, by Fisher's exact test: {end}"
    )


def test_without_both_kinds_of_vae_nothing_is_said_of_them():
    rows = variational(killed=1, saved=1)
    for lacking in (
        rows.iloc[:0],
        rows[rows["method"] != "VAE+Grad"],
        rows[rows["class"] != "average"],
    ):
        assert variational_words(lacking, short=True) == ""
        assert variational_words(lacking).endswith("no reference runs of the VAE on MNIST yet.")
