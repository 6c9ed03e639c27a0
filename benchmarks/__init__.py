"""Scripts that measure avser; run them from the top of a checkout, with ``python -m``."""
