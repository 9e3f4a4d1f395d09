"""Estimate levels by the units of any dated list of areas, from the same rows; compares no arms.

The sample was drawn within the communes of 2024, and they stay the strata whatever list is asked for:
only the domain that a mean is taken over changes (Kish 1965, section 4.5). A larger unit is the union of
whole strata, so its mean, its design effect and its interval are made as the district's are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from survey_tools.areas import Areas
from survey_tools.contracts import AREA_LIST, same_list
from survey_tools.errors import AreaError
from survey_tools.estimate.design import Design, outcome_scales, require_columns
from survey_tools.estimate.levels.means import GROUPS, cell_sums, estimate_cells, team_sums

COMMUNE = "commune_code"


def levels_by_area(
    panel: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    areas: Areas,
    lists: Sequence[str] | None = None,
    groups: Sequence[str] = GROUPS,
) -> pd.DataFrame:
    """Estimate the mean of each outcome in every unit of one or more lists, by wave and group.

    Parameters
    ----------
    panel : DataFrame
        As for `levels`, with `commune_code` and the list of its codes in `area_list`.
    design : Design
    outcomes : DataFrame with columns `outcome` and `scale`, or names
    areas : Areas
    lists : sequence of str, optional
        Lists of `areas`; all that the panel's codes can be told in by default.
    groups : sequence of str
        As for `levels`.

    Returns
    -------
    DataFrame
        Contract `levels_by_area` with `deff`: `area_list`, `area_code`, and the columns of `levels`, for
        the units that hold at least one interview. The units of a list add up to the district; those of
        the panel's own list are the communes of `levels`.

    Raises
    ------
    AreaError
        When the panel does not say of which list its codes are, or a list cannot be told from it.
    """
    design.check_ids(panel)
    own = _list_of(panel)
    scales = outcome_scales(outcomes, panel)
    teams = team_sums(panel, design, scales, groups, area=COMMUNE)
    parts = []
    for name in lists if lists is not None else _reachable(areas, own):
        merged = teams.assign(area=in_list(teams["area"], areas, own, name))
        units = in_list(panel[COMMUNE], areas, own, name)
        cells = cell_sums(merged, sorted(units.unique()), panel, groups, list(scales))
        found = estimate_cells(cells, panel, design, scales)
        parts.append(found.rename(columns={"area": "area_code"}).assign(**{AREA_LIST: name}))
    together = pd.concat(parts, ignore_index=True)
    rest = [column for column in together if column != AREA_LIST]
    return together[[AREA_LIST, *rest]].astype({AREA_LIST: "str"})


def in_list(codes: pd.Series, areas: Areas, list_from: str, list_to: str) -> pd.Series:
    """Put commune codes of one list into another.

    Parameters
    ----------
    codes : Series of str
        Codes of `list_from`; missing ones stay missing.
    areas : Areas
    list_from, list_to : str
        Lists, the second one the same or later: a unit of an older list lies wholly in one of a later.

    Returns
    -------
    Series of str
        Codes of `list_to`, index and name as `codes`.

    Raises
    ------
    AreaError
        When `list_to` is the older one, as nothing tells which part of a unit a household is of, or
        a code is none of `list_from`.
    """
    known = {code: unit.code for code, unit in areas.crosswalk(list_from, list_to).items()}
    foreign = sorted(set(codes.dropna().astype(str)) - set(known))
    if foreign:
        raise AreaError(
            "Some codes are not of the list that they are said to be of.",
            expected=f"codes of the list {list_from}",
            found=f"{len(foreign)} other(s): {', '.join(foreign[:5])}",
            where=f"column {codes.name}",
            next_step="find out of which list the codes are, and name that one",
        )
    return codes.astype("str").map(known).astype("str")


def _reachable(areas: Areas, own: str) -> list[str]:
    """Name the lists from the own one of the panel on, oldest first."""
    names = areas.lists()
    areas.of(own)
    return list(names[names.index(own) :])


def _list_of(panel: pd.DataFrame) -> str:
    require_columns(panel, [COMMUNE])
    own = same_list(panel=panel)
    if own is None:
        raise AreaError(
            "The panel does not say of which list its commune codes are.",
            expected=f"a column {AREA_LIST}",
            where="analysis/panel",
            next_step="run 40_construct again, which writes it",
        )
    return own
