"""A pytest plugin for mutation testing: Hypothesis draws the same examples every time."""

from hypothesis import settings

settings.register_profile("mutation", derandomize=True, database=None)
settings.load_profile("mutation")
