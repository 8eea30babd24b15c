"""What each format makes of each event: ``python -m tests.formats.golden`` writes the files.

Read the difference before you commit it: others parse these lines.
"""

import json
import os
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).resolve().parent / "golden"


def written(entry):
    """Return `entry` in every format, as the text of a file."""
    from django_authaudit import formats

    lines = {}
    with mock.patch("socket.gethostname", return_value="web-1"):
        for name in formats.discover():
            line = formats.make_format(name).dumps(entry)
            lines[name] = json.loads(line) if line.startswith("{") else line
    return json.dumps(lines, indent=2, ensure_ascii=False) + "\n"


def main():
    import django

    django.setup()
    from tests.formats.samples import CODES, sample

    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.stem not in CODES:
            path.unlink()
    for code in CODES:
        (FOLDER / f"{code}.json").write_text(written(sample(code)), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main()
