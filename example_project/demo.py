#!/usr/bin/env python
"""Drive the example project over HTTP, show what was recorded, and serve the admin.

Exits with 1 when an event was not recorded, was recorded twice, or holds what it must not.
"""

import argparse
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import django
from django.core.management import call_command

from tour import site, terminal
from tour.visitor import TourError

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the demo; return its exit status."""
    options = parse_arguments()
    terminal.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "harbour.settings"
    data = Path(os.environ.setdefault("HARBOUR_DATA_DIR", str(HERE / "var")))
    signal.signal(signal.SIGTERM, end)
    try:
        with closing(site.claim(data)):
            site.sweep(data)
            django.setup()
            call_command("migrate", verbosity=0)
            return run(options, data)
    except TourError as error:
        print(f"\n{terminal.styled('The demo stopped:', 'red', 'bold')} {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--no-serve", action="store_true", help="end after the table")
    parser.add_argument("--port", type=int, help="default: 8000, or any other that is free")
    return parser.parse_args()


def end(number: int, frame: object) -> NoReturn:
    """End in the regular way, so that the server's process ends too."""
    sys.exit(128 + number)


def run(options: argparse.Namespace, data: Path) -> int:
    """Play the tour and show the log; then serve until Ctrl-C, unless told otherwise."""
    # These need the apps to be loaded.
    from tour import chapters
    from tour.cast import Cast
    from tour.narrator import Narrator
    from tour.summary import goodbye, show

    cast = Cast()
    narrator = Narrator(cast)
    print(terminal.styled("The Harbour Library: a tour of django_authaudit", "bold"))
    narrator.play(chapters.BEFORE_THE_SERVER_RUNS)
    port = options.port or site.free_port(usual=not options.no_serve)
    with site.Server(port, data / "server.log") as server:
        cast.arrive(server.address)
        try:
            for chapter in chapters.OVER_HTTP:
                narrator.play(chapter)
        except TourError as error:
            narrator.problems.append(f"The tour stopped: {error}")
        show(narrator)
        if narrator.problems:
            return 1
        if not options.no_serve:
            goodbye(server.address, cast)
            server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
