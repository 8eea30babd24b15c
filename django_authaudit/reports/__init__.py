"""Plain numbers about the log, without HTML; words and pages are made of them.

Each of `coverage`, `activity`, `health`, `protection` and `inventory` has `collect()`.
"""
