"""The TFLite runtime, without TensorFlow."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.errors import MissingExtraError
from avser_cli.quiet import quiet


class LiteNetwork:
    """A TFLite model that takes one input at a time. Not for use by several threads at once.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` file.

    Attributes
    ----------
    input_shape : tuple of int
        Of one input.
    outputs : int
        Number of outputs.

    Raises
    ------
    ValueError, RuntimeError
        The content is no TFLite model.
    MissingExtraError
        ai-edge-litert is not installed.
    """

    _has_spoken = False

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise MissingExtraError(
                "classifying needs ai-edge-litert; install it with: pip install ai-edge-litert"
            ) from None
        self._content = content
        # Once a process the runtime names its delegate on stderr. Later ones, made by threads while
        # another may be printing, must leave the file descriptors alone.
        with nullcontext() if LiteNetwork._has_spoken else quiet():
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        LiteNetwork._has_spoken = True
        source = self._interpreter.get_input_details()[0]
        target = self._interpreter.get_output_details()[0]
        self._source, self._target = source["index"], target["index"]
        self.input_shape = tuple(int(side) for side in source["shape"][1:])
        self.outputs = int(target["shape"][-1])

    def another(self) -> LiteNetwork:
        """The same network for another thread."""
        return LiteNetwork(self._content)

    def predict(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Outputs, shape ``(n, outputs)``, for inputs of shape ``(n, *input_shape)``."""
        rows = np.empty((len(inputs), self.outputs), np.float32)
        for row, one in zip(rows, inputs, strict=True):
            self._interpreter.set_tensor(self._source, one[None])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._target)[0]
        return rows
