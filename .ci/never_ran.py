"""Fail when a test was skipped by every run: what nothing ran, nothing proved.

A skip is right where another run does the test (a database's own behaviour, an integration that
is not installed there) and wrong everywhere else (a server that is not there).
"""

import sys
from pathlib import Path
from xml.etree import ElementTree


def main(reports: list[str]) -> int:
    """Read the JUnit reports of all runs and print the tests that none of them ran."""
    skipped: dict[str, str] = {}
    ran: set[str] = set()
    for report in reports:
        for case in ElementTree.parse(Path(report)).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}".strip(".")
            skip = case.find("skipped")
            if skip is None:
                ran.add(name)
            else:
                skipped[name] = skip.get("message") or "no reason given"
    # A module that is skipped whole is reported by its own name, its tests by longer ones.
    never = {
        name: reason
        for name, reason in skipped.items()
        if name not in ran and not any(test.startswith(f"{name}.") for test in ran)
    }
    for name, reason in sorted(never.items()):
        print(f"{name}: skipped in every run ({reason})")
    print(f"{len(ran)} tests ran in {len(reports)} runs, {len(never)} never")
    return 1 if never or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
