"""Inference: from audio to an emotion, without TensorFlow."""
