"""The report room: tables, figures, cards and talk for people."""
