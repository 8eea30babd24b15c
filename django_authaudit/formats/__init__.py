"""Entries as bytes or dicts: pure functions, one module per format."""
