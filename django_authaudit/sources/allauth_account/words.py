"""What the parts of this source call things."""

VIA = "allauth"
THROTTLED = "too_many_login_attempts"
"""The code of allauth's error when a login, or a second factor, comes too often."""
