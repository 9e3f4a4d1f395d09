"""Build the panel: one row a household and wave, with arm, covariates, outcomes and exposure.

Estimates nothing and fills no missing value.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.construct.anderson import anderson_indices, anderson_weights
from survey_tools.construct.broad import add_broad
from survey_tools.construct.coding import coded, number, ticked
from survey_tools.construct.exposure import household_exposure
from survey_tools.construct.indices import add_indices
from survey_tools.construct.outcomes import add_outcomes
from survey_tools.errors import ContractError
from survey_tools.params import Study

ELDERLY_FROM = 60
ADULT_FROM = 18

COVARIATES = (
    "resp_age", "resp_female", "resp_edu", "hh_size", "n_adults", "has_smartphone", "poor",
    "sells_any", "women", "age60", "sellers",
)  # fmt: skip
"""Columns of the panel that describe respondent and household."""


def build_panel(
    household: pd.DataFrame, roster: pd.DataFrame, teams: pd.DataFrame, study: Study
) -> pd.DataFrame:
    """Build the contract `panel` from cleaned interviews.

    Parameters
    ----------
    household, roster : DataFrame
        Contracts `household` and `roster`.
    teams : DataFrame
        `team_id, commune_code` and the arm (`study.design.treatment`), one row a team.
    study : Study
        Interviews of waves that the study does not name are left out.

    Returns
    -------
    DataFrame
        Sorted by household and wave: keys, arm, `interview_date`, covariates, twelve outcomes and their
        second definitions (`<outcome>__broad`, `<index>__icw`), exposures. All numbers float64 (missing:
        not applicable or not answered) but the arm (int64); `resp_edu` is a code.

    Raises
    ------
    ContractError
        When there is no interview, a team stands twice in the list, or an interview's team is not in it
        or in another commune there.
    """
    rows = household.loc[household["wave"].isin(study.waves.all)].reset_index(drop=True)
    if rows.empty:
        raise ContractError(
            "There is no interview to analyse.",
            expected="interviews of " + ", ".join(study.waves.all),
            found=f"{len(household)} interview(s), none of these waves",
            where="clean/household",
            next_step="look at the flow of 20_clean for the reason",
        )
    contracts.same_list(study.areas.list_, interviews=rows, teams=teams)
    arm = _arm(rows, teams, study.design.treatment)
    parts = [
        rows[["hhid", "wave"]],
        arm,
        _interview_date(rows),
        _respondent(rows, roster),
        _composition(rows, roster),
        _status(rows),
        add_outcomes(rows).drop(columns="_id"),
        add_broad(rows).drop(columns="_id"),
        household_exposure(rows),
    ]
    panel = _with_groups(pd.concat(parts, axis=1))
    panel = _with_indices(panel, study)
    panel = panel.sort_values(["hhid", "wave"], ignore_index=True)
    if len(panel) != len(rows):
        raise AssertionError("rows were lost or doubled while the panel was built")
    return contracts.validate(panel, "panel")


def _with_indices(panel: pd.DataFrame, study: Study) -> pd.DataFrame:
    treatment = study.design.treatment
    weights = anderson_weights(panel, study.waves.baseline, treatment=treatment)
    second = anderson_indices(panel, weights)
    return pd.concat([add_indices(panel, treatment=treatment), second], axis=1)


def _arm(rows: pd.DataFrame, teams: pd.DataFrame, treatment: str) -> pd.DataFrame:
    listed = teams[["team_id", "commune_code", treatment]]
    if listed["team_id"].duplicated().any():
        raise ContractError(
            "A team stands twice in the list of teams.",
            expected="one row a team",
            found=f"{int(listed['team_id'].duplicated().sum())} row(s) too many",
            where="params/teams.csv",
            next_step="take the surplus rows out of the list",
        )
    merged = rows[["team_id", "commune_code"]].merge(
        listed, on="team_id", how="left", validate="m:1", suffixes=("_said", ""), indicator=True
    )
    wrong = (merged["_merge"] != "both") | (merged["commune_code"] != merged["commune_code_said"])
    if wrong.any():
        names = sorted(merged.loc[wrong, "team_id"].dropna().unique())
        raise ContractError(
            "Interviews name teams that are not in the list, or are in another commune there.",
            expected="every interview in a team of params/teams.csv",
            found=f"{int(wrong.sum())} interview(s) of " + ", ".join(names[:5]),
            where="clean/household, columns team_id and commune_code",
            next_step="correct params/teams.csv, or params/corrections.csv for these interviews",
        )
    return merged[["commune_code", "team_id", treatment]].astype({treatment: "int64"})


def _interview_date(rows: pd.DataFrame) -> pd.Series:
    date = rows["today"] if "today" in rows else rows["start"].dt.tz_localize(None)
    return date.dt.normalize().astype("datetime64[ns]").rename("interview_date")


def _respondent(rows: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    line = "m_no" if "m_no" in roster and roster["m_no"].notna().all() else "roster_no"
    members = roster[["_id", line, "m_age", "m_sex", "m_edu"]].astype({line: "float64"})
    members = members.drop_duplicates(["_id", line])
    wanted = pd.DataFrame({"_id": rows["_id"], line: number(rows, "resp_line")})
    person = wanted.merge(members, on=["_id", line], how="left", validate="1:1")
    age = number(person, "m_age").fillna(number(rows, "resp_age"))
    female = coded(person, "m_sex", one=("female",), zero=("male",)).fillna(
        coded(rows, "resp_sex", one=("female",), zero=("male",))
    )
    education = person["m_edu"].where(person["m_edu"] != "dk").astype("str")
    return pd.DataFrame({"resp_age": age, "resp_female": female, "resp_edu": education})


def _composition(rows: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    adult = roster["m_age"].ge(ADULT_FROM).astype("float64")
    smart = coded(roster, "m_phone", one=("smart",), zero=("none", "basic"))
    by_household = pd.DataFrame({"_id": roster["_id"], "adult": adult, "smart": smart})
    listed = by_household.groupby("_id").agg(n_adults=("adult", "sum"), smart=("smart", "max"))
    listed = listed.reindex(rows["_id"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "hh_size": number(rows, "hh_size"),
            "n_adults": number(rows, "n_adults").fillna(listed["n_adults"]).astype("float64"),
            "has_smartphone": listed["smart"].astype("float64"),
        }
    )


def _status(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "poor": coded(rows, "poor_cert", one=("poor", "near"), zero=("no",)),
            "sells_any": 1 - ticked(rows, "sells", "none"),
        }
    )


def _with_groups(panel: pd.DataFrame) -> pd.DataFrame:
    age = panel["resp_age"]
    return panel.assign(
        women=panel["resp_female"],
        age60=(age >= ELDERLY_FROM).astype("float64").where(age.notna()),
        sellers=panel["sells_any"],
    )
