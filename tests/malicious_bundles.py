"""Bundles and checkpoints of people who mean harm: what each does to a folder of avser's own."""

import io
import json
import os
import struct
import zipfile

import numpy as np

from avser_cli.checksums import sha256
from avser_cli.model.bundle import CLIPS, CONFIG, KERAS, MLP, TFLITE
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.mlp import MlpWeights

ESCAPE = "\x1b]0;owned\x07"


def changed(**values):
    """A config with other values; ``recipe__spectrogram__width=9`` changes what is nested."""

    def change(bundle):
        config = json.loads((bundle / CONFIG).read_text())
        for name, value in values.items():
            *parents, last = name.split("__")
            place = config
            for parent in parents:
                place = place[parent]
            place[last] = value
        (bundle / CONFIG).write_text(json.dumps(config))

    return change


def raw(text):
    return lambda bundle: (bundle / CONFIG).write_text(text)


def inserted(name, text):
    """A config with a value that `json.dumps` would not write."""

    def change(bundle):
        content = (bundle / CONFIG).read_text()
        (bundle / CONFIG).write_text(content.replace("{", f'{{"{name}": {text}, ', 1))

    return change


def grown(name, size):
    return lambda bundle: os.truncate(bundle / name, size)


def pipe(name):
    def change(bundle):
        (bundle / name).unlink()
        os.mkfifo(bundle / name)

    return change


def part(name, content, recipe=None):
    """A part with its right checksum."""

    def change(bundle):
        made = content() if callable(content) else content
        (bundle / name).write_bytes(made)
        if recipe:
            changed(recipe=recipe)(bundle)
        named({name: sha256(made)})(bundle)

    return change


def named(files):
    """A config that names these parts, and no others but the clips."""
    return lambda bundle: changed(files={CLIPS: sha256((bundle / CLIPS).read_bytes())} | files)(
        bundle
    )


CONFIGS = {
    "nested": raw('{"format": ' + "[" * 200_000),
    "nested-objects": raw('{"a":' * 200_000),
    "300-megabytes": grown(CONFIG, 300 * 2**20),
    "binary": raw("\0" * 100),
    "format-true": changed(format=True),
    "format-0": changed(format=0),
    "format-huge": changed(format=10**400),
    "not-finite": inserted("seconds_", "1e999"),
    "not-a-number": inserted("seconds_", "NaN"),
    "labels-text": changed(labels="happy"),
    "labels-twice": changed(labels=["happy", "happy", "sad", "angry"]),
    "labels-others": changed(labels=["bored", "sad", "angry", ESCAPE]),
    "labels-out-of-order": changed(labels=["sad", "happy", "angry", "neutral"]),
    "labels-nested": changed(labels=[["happy"], ["sad"]]),
    "name-up": changed(name="../../elsewhere"),
    "name-absolute": changed(name="/tmp/elsewhere"),
    "name-escapes": changed(name=f"a{ESCAPE}"),
    "name-list": changed(name=["a"]),
    "name-long": changed(name="a" * 5000),
    "files-up": changed(files={"../elsewhere": "0" * 64}),
    "files-without-checksum": named({}),
    "files-no-checksum": named({TFLITE: None}),
    "files-no-clips": changed(files={}),
    "clips-no-checksum": changed(files={CLIPS: None}),
    "clips-300-megabytes": grown(CLIPS, 300 * 2**20),
    "clips-no-clips": part(CLIPS, b"side,clip,samples_sha256\n" + b"train,a\n" * 99),
    "picture-8192": changed(recipe__spectrogram__width=8192, recipe__spectrogram__height=8192),
    "picture-fft": changed(recipe__spectrogram__fft=2**20),
    "picture-hop": changed(recipe__spectrogram__hop=0.0005, recipe__spectrogram__seconds=600),
    "picture-half": changed(recipe__spectrogram__width=150.5),
    "picture-true": changed(recipe__spectrogram__dynamic_range=True),
    "picture-number": changed(recipe__spectrogram=3),
    "picture-none": changed(recipe__spectrogram=None),
    "ensemble-huge": changed(recipe__ensemble=10**9),
    "network-other": changed(recipe__network="os.system"),
    "seed-text": changed(split__settings__seed=ESCAPE),
    "fold-half": changed(split__settings__kind="speaker", split__settings__fold=1.5),
    "split-list": changed(split=[1, 2, 3]),
    "calibration-text": changed(calibration={"temperature": "1"}),
}
if hasattr(os, "mkfifo"):
    CONFIGS |= {"pipe": pipe(CONFIG), "pipe-for-weights": pipe(TFLITE)}


def lite(function, *shapes, dtype="float32"):
    """A TFLite model of a TensorFlow function."""

    def make():
        from avser_cli.model.backend import tensorflow
        from avser_cli.native_output import suppress_native_output

        kinds = [tensorflow.TensorSpec(shape, dtype) for shape in shapes]
        traced = tensorflow.function(lambda *inputs: function(tensorflow, *inputs), kinds)
        with suppress_native_output():
            converter = tensorflow.lite.TFLiteConverter.from_concrete_functions(
                [traced.get_concrete_function()]
            )
            return bytes(converter.convert())

    return make


def answering(*values):
    def function(tf, spectrogram):
        return tf.constant([values], tf.float32) + 0 * spectrogram[:, 0, :4]

    return lite(function, (1, 150, 150))


LITES = {
    "random": part(TFLITE, np.random.default_rng(0).bytes(5000)),
    "random-after-the-mark": part(TFLITE, b"\x1c\0\0\0TFL3" + np.random.default_rng(1).bytes(5000)),
    "empty": part(TFLITE, b""),
    "answers-nan": part(TFLITE, answering(*[float("nan")] * 4)),
    "answers-2": part(TFLITE, answering(2.0, 0.0, 0.0, 0.0)),
    "answers-below-0": part(TFLITE, answering(2.0, -1.0, 0.0, 0.0)),
    "two-inputs": part(
        TFLITE, lite(lambda tf, a, b: a[:, 0, :4] + b[:, 0, :4], *[(1, 150, 150)] * 2)
    ),
    "bytes": part(TFLITE, lite(lambda tf, a: a[:, 0, :4], (1, 150, 150), dtype="uint8")),
    "one-side": part(TFLITE, lite(lambda tf, a: a[:4], (150,))),
    "gigabytes": part(
        TFLITE,
        lite(
            lambda tf, a: tf.reduce_mean(
                tf.reshape(a, (-1, 1)) * tf.reshape(a, (1, -1)), axis=0, keepdims=True
            )[:, :4],
            (1, 150, 150),
        ),
    ),
}


def weights(**changes):
    """The perceptron's arrays, some of them otherwise."""
    draw = np.random.default_rng(0)
    shapes = {
        "mean": (181,), "spread": (181,), "hidden": (181, 300), "hidden_bias": (300,),
        "output": (300, 4), "output_bias": (4,),
    }  # fmt: skip
    return {k: draw.uniform(0.1, 1, x).astype(np.float32) for k, x in shapes.items()} | changes


def npz(**changes):
    return MlpWeights(**weights(**changes)).to_npz()


def npy(shape, data, descr="<f4"):
    """An array file that may promise more than it holds."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (len(head) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def zipped(**members):
    """An ``.npz`` with these members in place of the perceptron's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in weights().items():
            file.writestr(f"{name}.npy", members.get(name, npy(array.shape, array.tobytes())))
        for name in set(members) - set(weights()):
            file.writestr(name, members[name])
    return buffer.getvalue()


def bomb(megabytes=64):
    """Zeros that unpack to a thousand times the file's size."""
    return zipped(output=npy((300, 4), bytes(megabytes * 2**20)))


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def pickled(canary):
    buffer = io.BytesIO()
    objects = np.array([Canary(canary)] * 4, dtype=object)
    np.savez(buffer, **{**weights(), "output_bias": objects})
    return buffer.getvalue()


ARRAYS = {
    "terabytes": lambda: zipped(mean=npy((2**40,), b"")),
    "bomb": bomb,
    "bomb-in-the-header": lambda: zipped(mean=npy("(" * 9000, b"")),
    "shape": lambda: npz(output=np.zeros((300, 5), np.float32)),
    "type": lambda: npz(output=np.zeros((300, 4))),
    "objects": lambda: zipped(mean=npy((181,), bytes(181 * 8), "|O")),
    "nan": lambda: npz(mean=np.full(181, np.nan, np.float32)),
    "no-spread": lambda: npz(spread=np.zeros(181, np.float32)),
    "huge": lambda: npz(hidden=np.full((181, 300), 3e38, np.float32)),
    "cut": lambda: npz()[:3000],
    "missing": lambda: zipped()[:-22],
    "text": lambda: b"no zip",
    "large": lambda: npz() + bytes(2**20),
}
MLP_RECIPE = find_recipe("mlp").as_dict()


def perceptron(content):
    return part(MLP, content, MLP_RECIPE)


def keras_files(canary):
    """``.keras`` files that would run code, or write elsewhere, where Keras read them."""
    from avser_cli.model.backend import keras

    code = f"open({str(canary)!r}, 'w')"
    run = eval(f"lambda x: ({code}, x)[1]")  # As text, so that nothing but the code is kept of it.
    model = keras.Sequential([keras.Input((150, 150)), keras.layers.Flatten()])
    model.add(keras.layers.Lambda(run))
    model.add(keras.layers.Dense(4, activation="softmax"))
    canary.unlink(missing_ok=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        layer = {
            "module": "os", "class_name": "system", "registered_name": None,
            "config": {"arguments": f"touch {canary}"},
        }  # fmt: skip
        file.writestr("config.json", json.dumps(layer))
        file.writestr("metadata.json", "{}")
        file.writestr(f"../{canary.name}", "")
    return {"lambda": model, "module-and-path": buffer.getvalue(), "text": b"no zip"}


def write_keras(made, path):
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        made.save(path)


def with_keras(bundle, made):
    """The bundle with such a file, and its right checksum."""
    write_keras(made, bundle / KERAS)
    config = json.loads((bundle / CONFIG).read_text())
    changed(files=config["files"] | {KERAS: sha256((bundle / KERAS).read_bytes())})(bundle)
