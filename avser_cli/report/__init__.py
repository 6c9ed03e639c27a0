"""Reports: tables, figures, model cards, and messages at the terminal."""
