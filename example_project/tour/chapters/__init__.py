"""The chapters of the tour, in the order in which they happen."""

from tour.chapters import (
    admin_office,
    closed_doors,
    closing_time,
    front_door,
    guesser,
    lost_keys,
    opening,
)

BEFORE_THE_SERVER_RUNS = opening.CHAPTER
OVER_HTTP = (
    front_door.CHAPTER,
    guesser.CHAPTER,
    closed_doors.CHAPTER,
    admin_office.CHAPTER,
    lost_keys.CHAPTER,
    closing_time.CHAPTER,
)
