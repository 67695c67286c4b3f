"""Stops a training whose validation macro-F1 no longer improves, and keeps the best weights."""

import logging
from typing import Any

from torch import Tensor

from sagemaker_jobs.train.encoder import ReviewEncoder

log = logging.getLogger("train")


class EarlyStopping:
    """Best validation macro-F1 of a run; with a patience of 0 it never stops the run.

    Args:
        model: The model in training.
        patience: Validations without improvement that stop the run.
    """

    def __init__(self, model: ReviewEncoder, patience: int) -> None:
        self._model, self._patience = model, patience
        self._waited = 0
        self.best_macro_f1 = -1.0
        self.best_weights: dict[str, Tensor] = {}
        self.stopped = False

    def update(self, macro_f1: float) -> None:
        """Take the result of a validation; keeps a copy of the weights if it is the best."""
        if not self._patience:
            return
        if macro_f1 > self.best_macro_f1:
            self.best_macro_f1, self._waited = macro_f1, 0
            self.best_weights = {
                name: parameter.detach().cpu().clone()
                for name, parameter in self._model.named_parameters()
                if parameter.requires_grad
            }
            return
        self._waited += 1
        self.stopped = self._waited >= self._patience
        if self.stopped:
            log.info("no better macro-F1 in %d validations: keeps the best weights", self._waited)

    def restore_best_weights(self) -> None:
        """Put the best weights into the model, if there are any."""
        if self.best_weights:
            self._model.load_state_dict(self.best_weights, strict=False)

    def state(self) -> dict[str, Any]:
        """State for restore, without the weights; JSON."""
        return {"best_f1": self.best_macro_f1, "waited": self._waited, "stopped": self.stopped}

    def restore(self, state: dict[str, Any], best_weights: dict[str, Tensor]) -> None:
        """Continue from a checkpoint's state and weights."""
        self.best_macro_f1, self._waited = state["best_f1"], state["waited"]
        self.stopped, self.best_weights = state["stopped"], best_weights
