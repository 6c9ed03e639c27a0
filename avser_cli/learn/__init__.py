"""The learning room: recipes, networks, training, bundles, scores. TensorFlow stays in here."""
