import csv

import numpy as np
import pandas as pd
import pytest
from construct_frames import ROOT

from survey_tools.construct import FAMILIES, OUTCOMES, add_outcomes

NAN = np.nan


def frame(**columns):
    table = pd.DataFrame(columns)
    types = {c: "boolean" if "__" in c else "str" for c in table if c != "cashless10"}
    return table.astype(types).assign(_id=range(len(table)))


def values(outcome, **columns):
    return OUTCOMES[outcome](frame(**columns)).tolist()


def check(found, expected):
    np.testing.assert_array_equal(np.array(found, dtype=float), np.array(expected, dtype=float))


def test_outcomes__are_those_of_the_table_in_its_order():
    with (ROOT / "params" / "outcomes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["outcome"] for r in rows if r["scale"] != "index"] == list(OUTCOMES)
    families = {
        r["outcome"]: tuple(
            o["outcome"] for o in rows if o["family"] == r["family"] and o["scale"] != "index"
        )
        for r in rows
        if r["scale"] == "index"
    }
    assert families == FAMILIES


@pytest.mark.parametrize(
    ("answer", "value"),
    [("autodebit", 1), ("bankapp", 1), ("ewallet", 1), ("family", 0), ("agent", 0),
     ("cash_collector", 0), ("cash_point", 0), ("nobill", NAN), ("dk", NAN), (None, NAN)],
)  # fmt: skip
def test_elec_cashless_last__every_answer(answer, value):
    check(values("elec_cashless_last", elec_method=[answer]), [value])


def test_every_payment_code_of_the_form__is_decided():
    from survey_tools.construct.outcomes import CASHLESS, IN_CASH_OR_BY_OTHERS

    openpyxl = pytest.importorskip("openpyxl")
    sheet = openpyxl.load_workbook(ROOT / "params" / "forms" / "household.xlsx")["choices"]
    codes = {row[1] for row in sheet.iter_rows(values_only=True) if row[0] == "paym"}
    assert codes == {*CASHLESS, *IN_CASH_OR_BY_OTHERS, "nobill", "dk"}


def test_water_cashless_last__only_with_piped_water():
    found = values(
        "water_cashless_last",
        water_piped=["yes", "yes", "no", None, "yes"],
        water_method=["ewallet", "family", None, "ewallet", "nobill"],
    )
    check(found, [1, 0, NAN, NAN, NAN])


def test_school_fee_cashless_last__only_with_pupils():
    found = values(
        "school_fee_cashless_last",
        school_level__none=[False, False, True, None],
        tuition_method=["bankapp", "cash_point", None, "bankapp"],
    )
    check(found, [1, 0, NAN, NAN])


def test_welfare_account_last__only_recipients():
    found = values(
        "welfare_account_last",
        transfer_types__none=[False, False, False, False, True],
        transfer_method=["account", "wallet", "cash", "dk", None],
    )
    check(found, [1, 1, 0, NAN, NAN])


def test_cashless_share_last10__a_tenth_a_purchase():
    table = frame(qr30=["yes", "no", None]).assign(cashless10=pd.array([0, 7, None], dtype="Int64"))
    check(OUTCOMES["cashless_share_last10"](table), [0, 0.7, NAN])
    check(OUTCOMES["qr_shop_30d"](table), [1, 0, NAN])


def test_bought_online_12m__older_than_a_year_is_no():
    check(values("bought_online_12m", buy_when=["m3", "m12", "older", "never", None]),
          [1, 1, 0, 0, NAN])  # fmt: skip


def test_sold_online_12m__selling_nothing_is_no():
    found = values(
        "sold_online_12m",
        sells__none=[False, False, True, None],
        sell_online=["yes", "no", None, None],
    )
    check(found, [1, 0, 0, NAN])


def test_district_platform_12m__not_asked_is_no_and_not_answered_is_missing():
    found = values(
        "district_platform_12m",
        buy_when=["m3", "m3", "never", "never", "m12", None, None],
        buy_platform__district=[True, False, None, None, None, None, None],
        sells__none=[True, True, True, False, True, False, False],
        sell_online=[None, None, None, "yes", None, "yes", "no"],
        sell_platform__district=[None, None, None, True, None, True, None],
    )
    check(found, [1, 0, 0, 1, NAN, 1, NAN])


def test_online_income_1m__bands_and_missing():
    found = values(
        "online_income_1m",
        sells__none=[True] + [False] * 9,
        sell_online=[None, "no"] + ["yes"] * 8,
        sell_income=[None, None, "b0", "b1", "b2", "b3", "b4", "b5", "ref", None],
        consent_sensitive=["yes"] * 10,
    )
    check(found, [0, 0, 0, 0.5, 3, 7.5, 20, 40, NAN, NAN])


def test_online_income_1m__without_consent_is_missing_for_sellers_and_others_alike():
    found = values(
        "online_income_1m",
        sells__none=[True, False, False, True],
        sell_online=[None, "no", "yes", None],
        sell_income=[None, None, None, None],
        consent_sensitive=["no", "no", "no", "yes"],
    )
    check(found, [NAN, NAN, NAN, 0])


def test_add_outcomes__a_form_without_the_questions_gives_missing_not_zero():
    table = add_outcomes(pd.DataFrame({"_id": [1, 2]}, index=[5, 3]))
    assert table.index.tolist() == [5, 3]
    assert table[list(OUTCOMES)].isna().all(axis=None)
    assert set(table[list(OUTCOMES)].dtypes.astype(str)) == {"float64"}
