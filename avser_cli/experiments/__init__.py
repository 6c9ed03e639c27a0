"""Experiments: runs that are planned, looked up, trained, compared and summarized."""
