"""What lets an auditor tell whether the log is whole."""
