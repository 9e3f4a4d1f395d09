"""Take sentences from the files of `wording/` and make them agree with their numbers.

Decides nothing about findings: which sentence a result deserves is chosen in `sentences`.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path
from typing import Any

from survey_tools.errors import ParamsError
from survey_tools.params.read import load_yaml
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.traced import Traced

FOLDER = Path(__file__).parent / "wording"


class Wording:
    """Sentences of one language, by key.

    An entry with the forms `zero`, `one` and `many` is chosen by the value `count`. Whole numbers are
    written as the language writes them; other numbers must come already written, so that nobody forgets
    how many decimals a figure carries.
    """

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        self.numbers = Numbers(lang)
        self._entries = _page_entries(lang)

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the sentence `key` with `values` filled in.

        Raises
        ------
        ParamsError
            When there is no such sentence, or it needs a value that was not given.
        """
        if key not in self._entries:
            raise ParamsError(
                "There is no such sentence.", found=key, where=f"report/wording/{self.lang}.yml"
            )
        entry = self._entries[key]
        if isinstance(entry, dict):
            entry = entry[_form(values.get("count"), entry)]
        written = {name: self._write(name, value) for name, value in values.items()}
        needed = {name for _, name, _, _ in string.Formatter().parse(entry) if name}
        if missing := sorted(needed - set(written)):
            raise ParamsError(
                f"The sentence «{key}» needs {', '.join(missing)}.",
                where=f"report/wording/{self.lang}.yml",
            )
        return str(entry).format(**written)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def _write(self, name: str, value: object) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return self.numbers.count(value)
        if isinstance(value, Traced) and value.is_integer():
            return self.numbers.count(value)
        raise ParamsError(
            "A sentence takes texts and whole numbers; write other values first.",
            found=f"{name}: {type(value).__name__}",
            where=f"report/wording/{self.lang}.yml",
        )


@cache
def entries(lang: str) -> dict[str, Any]:
    """Read the sentences of one file of the folder."""
    content: dict[str, Any] = load_yaml((FOLDER / f"{lang}.yml").read_text("utf-8"))
    return content


@cache
def _page_entries(lang: Lang) -> dict[str, Any]:
    """Join the files of the pages; a page asks for its words hundreds of times."""
    parts = (
        "claims",
        "evidence",
        "commune",
        "site",
        "downloads",
        "compare",
        "suppression",
        "review",
    )
    files = (lang, *(f"{part}_{lang}" for part in parts))
    return {key: entry for file in files for key, entry in entries(file).items()}


def _form(count: object, entry: dict[str, str]) -> str:
    if count == 0 and "zero" in entry:
        return "zero"
    return "one" if count == 1 and "one" in entry else "many"
