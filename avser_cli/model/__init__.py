"""Models: recipes, networks, calibration, bundles on disk. Keras comes through `backend`."""
