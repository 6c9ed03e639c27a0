"""The inference room: the classifier and the evaluation of bundles, without TensorFlow."""
