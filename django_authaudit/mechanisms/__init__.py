"""What several sources have in common: ways to sign in and ways to listen."""
