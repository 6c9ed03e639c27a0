"""LiteRT, the runtime of TFLite models, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from avser_cli.errors import MissingExtraError
from avser_cli.native_output import suppress_native_output

_first = Lock()
_has_spoken = False


def load_interpreter(content: bytes, check: Callable[[Any], None] = lambda _: None) -> Any:
    """An interpreter of a ``.tflite`` file, on one thread and for one at a time.

    Parameters
    ----------
    content : bytes
    check : callable
        Called with the interpreter before and after memory is taken for its tensors; what it
        raises passes.

    Raises
    ------
    ValueError, RuntimeError
        The content is no TFLite model.
    MissingExtraError
        ai-edge-litert is not installed.
    """
    global _has_spoken
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError(
            "a network needs ai-edge-litert; install it with: pip install ai-edge-litert "
            "(there are wheels for Linux with glibc, macOS on Apple silicon, Windows on x86-64)"
        ) from None

    def load() -> Any:
        interpreter = Interpreter(model_content=content, num_threads=1)
        check(interpreter)
        interpreter.allocate_tensors()
        check(interpreter)
        return interpreter

    # Once a process the runtime names its delegate on stderr. Later ones, made by threads while
    # another may be printing, must leave the file descriptors alone.
    if _has_spoken:
        return load()
    with _first, suppress_native_output():
        interpreter = load()
        _has_spoken = True
    return interpreter
