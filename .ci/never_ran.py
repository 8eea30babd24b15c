"""Fail when a test was skipped by every run: what nothing ran, nothing proved.

A skip is right where another run does the test (a database's own behaviour, an integration that
is not installed there) and wrong everywhere else (a server that is not there).

    never_ran.py [--forgive PATTERN] REPORT [REPORT ...]
"""

import argparse
import re
import sys
from pathlib import Path
from xml.etree import ElementTree


def read(reports: list[Path]) -> tuple[set[str], dict[str, str]]:
    """Return the tests that ran in any of the JUnit reports, and the skipped with a reason."""
    ran: set[str] = set()
    skipped: dict[str, str] = {}
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}".strip(".")
            skip = case.find("skipped")
            if skip is None:
                ran.add(name)
            else:
                skipped[name] = skip.get("message") or "no reason given"
    return ran, skipped


def main() -> int:
    """Print the tests that no run ran; return 1 when there is one that is not forgiven."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--forgive", type=re.compile, help="reasons that are no fault here")
    parser.add_argument("reports", type=Path, nargs="+")
    options = parser.parse_args()
    ran, skipped = read(options.reports)
    # A module that is skipped whole is reported by its own name, its tests by longer ones.
    never = {
        name: reason
        for name, reason in skipped.items()
        if name not in ran and not any(test.startswith(f"{name}.") for test in ran)
    }
    for name, reason in sorted(never.items()):
        print(f"{name}: skipped in every run ({reason})")
    print(f"{len(ran)} tests ran in {len(options.reports)} runs, {len(never)} never")
    pattern = options.forgive
    unforgiven = [why for why in never.values() if not (pattern and pattern.search(why))]
    return 1 if unforgiven or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
