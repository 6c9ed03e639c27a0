"""The one door to Keras and TensorFlow: quiet, and with a clear word where they are missing."""

from __future__ import annotations

import os

from avser_cli.errors import MissingExtraError
from avser_cli.native_output import suppress_native_output

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with suppress_native_output():
        import keras
        import tensorflow
    # Advice to programmers, e.g. about retracing, is not for users.
    tensorflow.get_logger().setLevel("ERROR")
except ImportError:
    raise MissingExtraError(
        "training needs TensorFlow; install it with: pip install 'avser[train]'"
    ) from None

__all__ = ["keras", "tensorflow"]
