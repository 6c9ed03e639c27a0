"""The network of a bundle, for many threads at once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from avser_cli.errors import ModelError
from avser_cli.model.bundle import BundleConfig


class Network(Protocol):
    """What answers: a TFLite model, or the weights of a perceptron; for one thread at a time."""

    def predict(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Outputs, shape ``(n, emotions)``."""
        ...

    def clone(self) -> Network:
        """The same for another thread."""
        ...


class CalibratedNetwork:
    """A bundle's network, calibrated where the bundle says how.

    Parameters
    ----------
    config : BundleConfig
    network : Network
    """

    def __init__(self, config: BundleConfig, network: Network) -> None:
        self._name, self._calibration = config.name, config.calibration
        self._network = network
        # Networks that no thread uses now; there are never more than threads.
        self._idle = [network]

    def __getstate__(self) -> dict[str, Any]:
        # Another process starts with one network.
        return {**vars(self), "_idle": [self._network]}

    def probabilities(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Probabilities for what the network reads.

        Parameters
        ----------
        inputs : numpy.ndarray
            uint8 pictures, shape ``(n, height, width)``, or float32 features ``(n, 181)``.

        Returns
        -------
        numpy.ndarray
            float32, shape ``(n, emotions)``; rows add up to 1.

        Raises
        ------
        ModelError
            What the network gives is no probabilities, or nothing.
        """
        try:
            network = self._idle.pop()
        except IndexError:
            network = self._network.clone()
        try:
            outputs = network.predict(inputs)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self._name}: cannot be asked ({error})") from None
        self._idle.append(network)
        # `not (a <= b)` is true for NaN too.
        if not (outputs.min(initial=0) >= 0 and np.all(np.abs(outputs.sum(axis=1) - 1) <= 0.01)):
            raise ModelError(f"{self._name}: its answers are no probabilities; train or copy again")
        return self._calibration.apply(outputs) if self._calibration else outputs
