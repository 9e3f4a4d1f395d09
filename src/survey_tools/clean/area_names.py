"""Hold the names that a form gives to commune codes against the study's list; repairs nothing."""

from __future__ import annotations

import pandas as pd

from survey_tools.areas import Areas
from survey_tools.errors import AreaError

VARIABLE = "commune_code"


def check_area_names(labels: pd.DataFrame, areas: Areas, list_: str) -> None:
    """Refuse a form whose commune codes are those of another list than the study's.

    An answer `10291` says nothing of its list, but the label that the enumerator chose it by does: in the
    list of 2024 it is Đại Thắng, in that of January 2025 Văn Hoàng. A label that is no list's name for
    its code proves nothing and passes.

    Parameters
    ----------
    labels : DataFrame
        Contract `labels`.
    areas : Areas
    list_ : str
        List of the study.

    Raises
    ------
    AreaError
        Names the codes and the lists that their labels are of.
    """
    named = labels.loc[labels["variable"].eq(VARIABLE), ["code", "label"]].dropna()
    known = {
        (str(code), str(label)): areas.lists_calling(str(code), str(label))
        for code, label in named.itertuples(index=False)
    }
    foreign = {pair: lists for pair, lists in known.items() if lists and list_ not in lists}
    if foreign:
        shown = [f"{code} is «{label}»" for code, label in foreign]
        others = sorted({name for lists in foreign.values() for name in lists})
        raise AreaError(
            "A form gives commune codes the names of another list of areas.",
            expected=f"names of the list {list_} (areas.list in the study file)",
            found=f"{', '.join(shown[:4])}: as in the list {' or '.join(others)}",
            where=f"choices of the question {VARIABLE}",
            next_step="see which answers came under which version of the form, and put the form's "
            f"codes back to the list {list_}",
        )
