"""Evaluation: metrics, significance, scoring of bundles on labelled clips."""
