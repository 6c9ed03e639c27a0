"""The one door to Keras and TensorFlow: quiet, set as avser needs them, a clear word without them.

What other projects leave in the environment or in ``~/.keras/keras.json`` changes nothing here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from avser_cli.caches import provide_library_caches
from avser_cli.errors import MissingExtraError, UsageError
from avser_cli.native_output import suppress_native_output

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_KERAS_SETTINGS = {
    "KERAS_BACKEND": "tensorflow",
    # Of no folder, no keras.json is read or written.
    "KERAS_HOME": os.path.join(os.devnull, "keras"),  # noqa: PTH118
    "KERAS_MAX_EPOCHS": None,
    "KERAS_MAX_STEPS_PER_EPOCH": None,
    "KERAS_NNX_ENABLED": None,
    # tensorflow.keras is Keras 3, not the older package of that switch.
    "TF_USE_LEGACY_KERAS": None,
}
"""What Keras reads when it is imported; None: nothing."""


@contextmanager
def _environment(wanted: dict[str, str | None]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in wanted}
    _set_variables(wanted)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


try:
    provide_library_caches()
    with _environment(_KERAS_SETTINGS), suppress_native_output():
        import keras
        import tensorflow
    # Advice to programmers, e.g. about retracing, is not for users.
    tensorflow.get_logger().setLevel("ERROR")
    # Of an operation on several threads the sums depend on their number, and so would weights on
    # the number of cores; a batch of small pictures gains little by them.
    with suppress(RuntimeError):  # A program used TensorFlow before: its threads stay.
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
except ImportError:
    raise MissingExtraError(
        "training needs TensorFlow; install it with: pip install 'avser[train]'"
    ) from None

_found = (keras.config.backend(), keras.config.floatx(), keras.config.image_data_format())
if _found != ("tensorflow", "float32", "channels_last"):
    # Only where a program imported Keras before avser.
    raise UsageError(
        f"Keras was imported before with other settings ({', '.join(_found)}; KERAS_BACKEND or "
        "keras.json); training needs tensorflow, float32 and channels_last"
    )

__all__ = ["keras", "tensorflow"]
