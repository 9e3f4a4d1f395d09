"""Bring the labels of choices into the one table that pages read; writes no wording."""

from __future__ import annotations

import pandas as pd

KEY = ["variable", "code", "lang"]


def labels_table(*labels: pd.DataFrame) -> pd.DataFrame:
    """Join the labels of one or more forms into the contract `labels`.

    Parameters
    ----------
    *labels : DataFrame
        Each with `variable, code, lang, label` and, where known, `order`. A language may be named as in
        the form (`Tiếng Việt (vi)`) or by its code (`vi`). Where two forms label the same code of a
        variable of the same name, the first one given counts.

    Returns
    -------
    DataFrame
        `variable, code, lang, label, order`; `order` is the place in the form's list from 1.
    """
    frames = [_normalised(frame) for frame in labels]
    joined = pd.concat(frames, ignore_index=True).drop_duplicates(KEY)
    return joined.reset_index(drop=True)


def _normalised(labels: pd.DataFrame) -> pd.DataFrame:
    lang = labels["lang"].astype("str")
    short = lang.str.extract(r"\(([a-z]{2,3}(?:-[A-Za-z]+)?)\)\s*$", expand=False)
    order = (
        labels["order"]
        if "order" in labels
        else labels.groupby(["variable", "lang"]).cumcount() + 1
    )
    return pd.DataFrame(
        {
            "variable": labels["variable"].astype("str"),
            "code": labels["code"].astype("str"),
            "lang": short.fillna(lang).astype("str"),
            "label": labels["label"].astype("str").str.normalize("NFC"),
            "order": order.astype("int64"),
        }
    )
