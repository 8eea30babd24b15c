"""Somebody guesses passwords, and pretends to sit in the office."""

from axes.models import AccessAttempt

from tour.cast import Cast
from tour.chapters.front_door import LOGIN, sign_in
from tour.scenes import Chapter
from tour.visitor import TourError

CHAPTER = Chapter("Somebody guesses, with a forged X-Forwarded-For")


@CHAPTER.scene("A name that nobody has", "auth.login.failure/unknown_user")
def _(cast: Cast) -> None:
    typed = {"username": "administrator", "password": "letmein"}
    cast.guesser.submit(LOGIN, typed, arrives=LOGIN)


@CHAPTER.scene("A name with a NUL byte in it", "auth.login.failure/malformed")
def _(cast: Cast) -> None:
    cast.guesser.submit(LOGIN, {"username": "root\0", "password": "letmein"}, arrives=LOGIN)


@CHAPTER.scene(
    "Five guesses at Tomas's password: the fifth locks it",
    *["auth.login.failure/invalid_password"] * 5,
    "auth.account_locked",
)
def _(cast: Cast) -> None:
    for guess in ("tomas1", "library", "harbour", "qwertz", "tomas2026"):
        status = 429 if guess == "tomas2026" else 200
        typed = {"username": cast.tomas.username, "password": guess}
        cast.guesser.submit(LOGIN, typed, status=status)


@CHAPTER.scene("A sixth guess, against the lock", "auth.login.failure/locked")
def _(cast: Cast) -> None:
    typed = {"username": cast.tomas.username, "password": "lighthouse"}
    cast.guesser.submit(LOGIN, typed, status=429)


@CHAPTER.scene("Tomas himself, from the desk, is not locked out", "auth.login.success")
def _(cast: Cast) -> None:
    sign_in(cast.tomas_browser, cast.tomas)


def lock_page(cast: Cast) -> str:
    """Return the path where the admin lifts the guesser's lock."""
    locks = AccessAttempt.objects.filter(
        username=cast.tomas.username, ip_address=cast.guesser.address
    )
    if not locks:
        raise TourError(f"axes knows of no attempt from {cast.guesser.address}")
    return f"/admin/axes/accessattempt/{locks[0].pk}/delete/"
