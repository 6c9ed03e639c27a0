"""A bundle's network in the TFLite runtime, without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.litert import load_interpreter

MAX_TENSOR_BYTES = 512 * 2**20
"""Most that all tensors of a model may take together."""


class TFLiteNetwork:
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
        The content is no TFLite model, or not one with a float input of one at a time and a row of
        floats as its output, or its tensors take more than `MAX_TENSOR_BYTES`.
    MissingExtraError
        ai-edge-litert is not installed.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._interpreter: Any = load_interpreter(content, _check_sizes)
        source, target = _only(self._interpreter)
        self._source, self._target = source["index"], target["index"]
        self.input_shape = tuple(int(side) for side in source["shape"][1:])
        self.outputs = int(target["shape"][-1])

    def __reduce__(self) -> tuple[type[TFLiteNetwork], tuple[bytes]]:
        return TFLiteNetwork, (self._content,)

    def clone(self) -> TFLiteNetwork:
        """The same network for another thread."""
        return TFLiteNetwork(self._content)

    def predict(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Outputs, shape ``(n, outputs)``, for inputs of shape ``(n, *input_shape)``.

        They become floats one at a time: as bytes, many pictures take a quarter of the memory.
        """
        rows = np.empty((len(inputs), self.outputs), np.float32)
        for row, one in zip(rows, inputs, strict=True):
            self._interpreter.set_tensor(self._source, one[None].astype(np.float32, copy=False))
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._target)[0]
        return rows


def _check_sizes(interpreter: Any) -> None:
    sizes = (
        math.prod(map(int, tensor["shape"])) * np.dtype(tensor["dtype"]).itemsize
        for tensor in interpreter.get_tensor_details()
    )
    if sum(sizes) > MAX_TENSOR_BYTES:
        raise ValueError(f"its tensors take more than {MAX_TENSOR_BYTES} bytes")


def _only(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one input and the one output of a model."""
    sources, targets = interpreter.get_input_details(), interpreter.get_output_details()
    if len(sources) != 1 or len(targets) != 1:
        raise ValueError(f"{len(sources)} inputs and {len(targets)} outputs, needed: one each")
    source, target = sources[0], targets[0]
    if source["dtype"] != np.float32 or target["dtype"] != np.float32:
        raise ValueError("its input and output are not both float32")
    if len(source["shape"]) < 2 or source["shape"][0] != 1 or len(target["shape"]) != 2:
        raise ValueError("it does not read one input and give one row at a time")
    return source, target
