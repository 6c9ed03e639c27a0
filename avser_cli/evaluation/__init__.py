"""Evaluation: metrics, confidence intervals, scoring of bundles on labelled clips."""
