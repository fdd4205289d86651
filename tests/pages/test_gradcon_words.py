"""GradCon's sentences: the right numbers in them, and something honest where rows are lacking."""

import pandas as pd

from lib.pages import gradcon_words as told


def test_a_mean_has_an_interval_only_over_several_seeds():
    assert told.mean(pd.Series([0.5])) == "0.500"
    # two values 0.2 apart: half width 12.706 * 0.1414 / sqrt(2) = 1.271
    assert told.mean(pd.Series([0.4, 0.6])) == "0.500 ± 1.271"
    assert told.seeds([0]) == "1 seed" and told.seeds([0, 1]) == "2 seeds"


def test_sizes_have_three_digits_and_no_powers_of_ten():
    assert told.size(15120.2) == "15,100" and told.size(-1234567) == "-1,230,000"
    assert told.size(99.96) == "100" and told.size(7.0) == "7" and told.size(0.03123) == "0.0312"


def test_epochs_name_the_seeds_only_where_they_differ():
    assert told.epochs({60: [0, 1, 2]}) == "60 epochs"
    assert (
        told.epochs({20: [1, 2], 60: [0]}) == "20 epochs with seeds 1 and 2, 60 epochs with seed 0"
    )
    assert told.epochs({}) == "no epochs"


def test_layers_name_the_best_of_each_class():
    cells = [("a", 1, 0.6), ("a", 2, 0.5), ("b", 1, 0.7), ("b", 2, 0.9)]
    rows = pd.DataFrame(cells, columns=["class", "layer", "value"]).assign(seed=0)
    assert told.layers("x", rows) == (
        "x (1 seed): mean AUROC layer 1 0.650, layer 2 0.700. Best layer: 1 for a; 2 for b."
    )


def test_the_kernel_is_told_in_both_readings():
    columns = ["normal", "abnormal", "ratio"]
    both = {"mean absolute kernel": [2.0, 6.0, 3.0], "mean signed kernel": [1.0, -2.0, -2.0]}
    table = pd.DataFrame(
        list(both.values()),
        index=pd.MultiIndex.from_tuples([(score, 0) for score in both]),
        columns=columns,
    )
    text = told.kernel("x", table, table)
    assert "by absolute value the mean kernel of abnormal images is 3.00 times" in text
    assert "single classes 3.00 to 3.00, 2 or more in 1" in text
    assert "signed means are -2 (abnormal) and 1 (normal)" in text
    assert text.endswith("the larger in 0 of the 1 classes.")


def test_losses_need_rows_of_both():
    index = pd.MultiIndex.from_tuples([("CAE", "recon"), ("VAE", "recon")])
    table = pd.DataFrame({"squared": [0.5, 0.4], "bce": [0.6, 0.7]}, index=index)
    table.attrs["classes"] = ["car", "deer"]
    assert told.losses(table) == (
        "On the classes car, deer alone, recon after training on the squared error 0.500 (CAE) and "
        "0.400 (VAE); on cross-entropy 0.600 (CAE) and 0.700 (VAE)."
    )
    assert told.losses(table.iloc[:1]).endswith("no reference rows yet.")


def test_moves_name_what_reaches_the_printed_numbers():
    table = pd.DataFrame(
        {
            "what": ["more", "less"],
            "value": [0.7, 0.5],
            "base": [0.6, 0.6],
            "n": [3, 3],
            "key": ["epochs", "lr"],
            "published": [0.8, 0.8],
            "third party": [0.65, 0.65],
        }
    )
    text = told.moves(table, "runs")
    assert "raises the mean most is more (+0.100, n = 3)" in text
    assert "lowers it most less (-0.100, n = 3)" in text
    assert "their own classes is reached by 0 of 2, the third-party mean by 1." in text
    near = told.moves(table.assign(published=0.6), "runs")
    assert "their own classes is reached by 1 of 2 (more), the" in near
    assert "published" not in told.moves(table.assign(published=float("nan")), "runs")
    assert told.moves(table.iloc[:0], "runs") == "There are no rows with another setting yet."
    words = told.untried(table)
    assert "150 epochs" not in words and "another learning rate" not in words
    assert words.startswith("Not tried yet: the weight of the constraint, the reference gradient")
