"""One-class SVM on principal components, without labels, and its upper bound with labels."""

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.methods.task import Scorer, Task, as_rows
from lib.scores.one_class import fit_one_class_svm, label_chosen_one_class_svm

CHOSEN = "chosen by test labels"


def fit_ocsvm(task: Task, *, by_labels: bool = False) -> Scorer:
    """A one-class SVM with settings that use no label; nothing is drawn.

    With `by_labels` the settings are those with the highest AUROC on `task.labelled`, and the
    score's name is CHOSEN: an upper bound, to be judged on other images than those. Raises BadInput
    where they are missing. Source: scholkopf2001estimating; settings of methods.md 2.2.
    """
    train = as_rows(task.train)
    if not by_labels:
        name, machine = "", fit_one_class_svm(train)
    else:
        if task.labelled is None:
            raise BadInput("Choosing settings by labels needs labelled images.")
        shown, labels = as_rows(task.labelled.images), task.labelled.labels
        name, machine = CHOSEN, label_chosen_one_class_svm(train, shown, labels)

    def score(x: Tensor) -> dict[str, Tensor]:
        return {name: torch.from_numpy(machine.score(as_rows(x)))}

    return score
