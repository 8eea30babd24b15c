"""What a scene and a chapter are: something that happens, and what must be recorded of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tour.cast import Cast

Act = Callable[[Cast], None]


@dataclass(frozen=True)
class Scene:
    """One thing that happens, and exactly the events that it must leave."""

    title: str
    act: Act
    records: tuple[str, ...]
    """Codes of events, each with its reason after a slash if it has one."""


@dataclass
class Chapter:
    """Scenes that belong together, in their order."""

    title: str
    scenes: list[Scene] = field(default_factory=list)

    def scene(self, title: str, *records: str) -> Callable[[Act], Act]:
        """Add the decorated function as the next scene."""

        def add(act: Act) -> Act:
            self.scenes.append(Scene(title, act, records))
            return act

        return add
