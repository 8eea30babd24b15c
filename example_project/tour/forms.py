"""The forms of an HTML page, with the values that a browser would send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

BOXES = ("checkbox", "radio")
BUTTONS = ("submit", "button", "image", "file", "reset")
Attributes = list[tuple[str, str | None]]


@dataclass
class Form:
    """A form: where it goes, what it holds, and which fields it has (also the empty ones)."""

    action: str
    fields: dict[str, str | list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def add(self, name: str, value: str) -> None:
        """Set a value; a second one of the same name makes it a list."""
        known = self.fields.get(name)
        if known is None:
            self.fields[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self.fields[name] = [known, value]


def find_form(html: str, *, action: str, having: tuple[str, ...]) -> Form | None:
    """Return the first POST form that goes to `action` (if given) and has the fields `having`."""
    parser = FormParser()
    parser.feed(html)
    parser.close()
    for form in parser.forms:
        if action in ("", form.action) and form.names.issuperset(having):
            return form
    return None


class FormParser(HTMLParser):
    """Collect the POST forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attributes: Attributes) -> None:
        """Take in a form, or a field of the form that is open."""
        values = {name: value or "" for name, value in attributes}
        if tag == "form" and values.get("method", "").lower() == "post":
            self._form = Form(values.get("action", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._take_field(self._form, tag, values)

    def _take_field(self, form: Form, tag: str, values: dict[str, str]) -> None:
        name = values.get("name", "")
        if name:
            form.names.add(name)
        if tag == "input" and name and is_sent(values):
            unnamed = "on" if values.get("type") in BOXES else ""
            form.add(name, values.get("value", unnamed))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in values:
            form.add(self._select, values.get("value", ""))
        elif tag == "textarea":
            self._textarea, self._text = name, []

    def handle_data(self, data: str) -> None:
        """Collect the text of a textarea."""
        if self._textarea:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Close what was open."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._form is not None:
            self._form.add(self._textarea, "".join(self._text).removeprefix("\n"))
            self._textarea = ""


def is_sent(values: dict[str, str]) -> bool:
    """Tell whether a browser sends this input: no button, and no box that is not ticked."""
    kind = values.get("type", "text")
    if kind in BUTTONS or "disabled" in values:
        return False
    return kind not in BOXES or "checked" in values
