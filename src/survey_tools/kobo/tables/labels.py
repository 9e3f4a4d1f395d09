"""Labels of choices and questions as frames, and frames with labels in place of codes.

Not here: where the answers come from. Everything works on what a form said when it was stored, so
that a language can be chosen without a server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form
from survey_tools.kobo.tables.catalogue import Catalogue, renamed

PARTS = {
    "vi": {"lat": "vĩ độ", "lon": "kinh độ", "alt": "độ cao", "acc": "sai số"},
    "en": {"lat": "latitude", "lon": "longitude", "alt": "altitude", "acc": "accuracy"},
}


def choice_labels(catalogue: Catalogue) -> pd.DataFrame:
    """List the choices: ``variable, code, lang, label, order``; the newest version's labels."""
    found = [
        (variable.name, code, lang, labels.get(lang), order)
        for variable in catalogue.variables.values()
        for order, (code, labels) in enumerate(variable.choices.items(), start=1)
        for lang in catalogue.languages
    ]
    frame = pd.DataFrame(found, columns=["variable", "code", "lang", "label", "order"])
    texts = dict.fromkeys(["variable", "code", "lang", "label"], "str")
    return frame.astype({**texts, "order": "int64"})


def question_labels(catalogue: Catalogue) -> pd.DataFrame:
    """List the questions that have columns: ``variable, path, type, lang, label``."""
    found = [
        (variable.name, variable.path, variable.type, lang, variable.labels.get(lang))
        for variable in catalogue.variables.values()
        if variable.kind != "none"
        for lang in catalogue.languages
    ]
    frame = pd.DataFrame(found, columns=["variable", "path", "type", "lang", "label"])
    return frame.astype("str")


def label_history(
    catalogue: Catalogue, forms: Sequence[Form], renames: Mapping[str, str]
) -> pd.DataFrame:
    """List the labels of choices that say something else in another version.

    Parameters
    ----------
    catalogue : Catalogue
        The merged form.
    forms : sequence of Form
        Oldest first.
    renames : mapping
        Path in older versions to path now.

    Returns
    -------
    DataFrame
        ``variable, code, lang, version, label``: one row a version that has the choice with a label
        in that language, oldest first, only where not all of them say the same.
    """
    said: dict[tuple[str, str, str], dict[str, str]] = {}
    for form in forms:
        for question in form.questions.values():
            name = catalogue.variables[renamed(question.path, renames)].name
            for code, labels in form.choices_of(question).items():
                for lang, label in labels.items():
                    said.setdefault((name, code, lang), {})[form.uid] = label
    found = [
        (*key, version, label)
        for key, labels in said.items()
        if len(set(labels.values())) > 1
        for version, label in labels.items()
    ]
    columns = ["variable", "code", "lang", "version", "label"]
    return pd.DataFrame(found, columns=columns).astype("str")


def label_frames(
    frames: Mapping[str, pd.DataFrame],
    labels: pd.DataFrame,
    languages: Sequence[str],
    lang: str,
) -> dict[str, pd.DataFrame]:
    """Return frames whose categories are labels; the given ones stay as they are.

    Parameters
    ----------
    frames : mapping
        Name to frame with codes.
    labels : DataFrame
        As `choice_labels` gives it.
    languages : sequence of str
        Of the form.
    lang : str
        Short code of the language wanted.

    Returns
    -------
    dict of DataFrame
        The order of categories is kept, and so are codes without a choice. A label that is missing in
        the language comes from another one, else the code stands; a label that two codes share is
        followed by the code.

    Raises
    ------
    KoboError
        If the form names its languages and has no such one.
    """
    order = language_order(languages, lang)
    texts: dict[str, dict[str, str]] = {}
    found = _first_labels(labels, ["variable", "code"], order)
    for name, code, label in found[["variable", "code", "label"]].itertuples(index=False):
        texts.setdefault(name, {})[code] = label
    return {name: _label_frame(frame, texts) for name, frame in frames.items()}


def column_labels(
    columns: pd.DataFrame,
    questions: pd.DataFrame,
    choices: pd.DataFrame,
    languages: Sequence[str],
    lang: str,
) -> dict[str, str]:
    """Return what each column of a table asks, in a language.

    Parameters
    ----------
    columns : DataFrame
        ``column, variable, code`` of one table.
    questions, choices : DataFrame
        As `question_labels` and `choice_labels` give them.
    languages, lang
        As in `label_frames`.

    Returns
    -------
    dict
        Column to label; ``question – choice`` for a choice, ``question – latitude`` for a part of a
        place. Where no language has a label, the name stands.

    Raises
    ------
    KoboError
        If the form names its languages and has no such one.
    """
    order = language_order(languages, lang)
    asked = _first_labels(questions, ["variable"], order).set_index("variable")["label"].to_dict()
    ticked = _first_labels(choices, ["variable", "code"], order)
    said = ticked.set_index(["variable", "code"])["label"].to_dict()
    parts = PARTS.get(lang, PARTS["en"])
    types = questions.drop_duplicates("variable").set_index("variable")["type"].to_dict()
    found = {}
    for column, variable, code in columns[["column", "variable", "code"]].itertuples(index=False):
        label = asked.get(variable, variable or column)
        if code:
            place = types.get(variable) == "geopoint"
            label += " – " + (parts[code] if place else said.get((variable, code), code))
        found[column] = label
    return found


def language_order(languages: Sequence[str], lang: str) -> list[str]:
    """Return the languages in which a label is looked for, the one wanted first.

    Parameters
    ----------
    languages : sequence of str
        Of the form; ``default`` where it names none.
    lang : str
        Short code.

    Returns
    -------
    list of str
        Without repetition.

    Raises
    ------
    KoboError
        If the form names its languages and has no such one.
    """
    named = [one for one in languages if one != "default"]
    if named and lang not in languages:
        raise KoboError(
            "The form has no such language.", expected=" or ".join(languages), found=lang
        )
    return list(dict.fromkeys((lang, *languages)))


def _first_labels(frame: pd.DataFrame, by: list[str], order: Sequence[str]) -> pd.DataFrame:
    """Keep the label of the first language that has one."""
    there = frame[frame["label"].notna()]
    rank = there["lang"].map({lang: place for place, lang in enumerate(order)})
    return there.loc[rank.sort_values(kind="stable").index].drop_duplicates(by)


def _label_frame(frame: pd.DataFrame, texts: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    labelled = frame.copy()
    for name in frame.columns:
        if name in texts and isinstance(frame[name].dtype, pd.CategoricalDtype):
            codes = list(frame[name].cat.categories)
            distinct = list(_distinct(codes, texts[name]))
            labelled[name] = frame[name].cat.rename_categories(distinct)
    return labelled


def _distinct(codes: Sequence[str], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield a text for each code, all different; codes without a label stay as they are."""
    shared = Counter(texts.get(code, code) for code in codes)
    bare = {code for code in codes if code not in texts}
    taken = set(bare)
    for code in codes:
        text = texts.get(code, code)
        if code not in bare:
            if shared[text] > 1:
                text = f"{text} ({code})"
            while text in taken:
                text = f"{text} ({code})"
            taken.add(text)
        yield text
