"""Measure how well the people of a table hide among each other: k-anonymity and l-diversity.

Changes and hides nothing, and knows no threshold: whoever releases a table decides what is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from survey_tools.errors import ContractError
from survey_tools.register import Register

SIZE = "class_size"
"""Column of `Anonymity.classes`: rows of the class."""

DISTINCT, ENTROPY = "__distinct", "__entropy"
"""Endings of its columns for a sensitive variable."""

LIMITS = (3, 5, 10)
"""Class sizes that the report counts below."""

QUASI_IDENTIFIER = "quasi_identifier"


@dataclass(frozen=True)
class Anonymity:
    """Equivalence classes of a table: rows that are alike in all quasi-identifiers.

    Attributes
    ----------
    quasi, sensitive : tuple of str
        Variables that it was measured for.
    classes : DataFrame
        One row a class, smallest first: the quasi-identifiers, `class_size`, and for each sensitive
        variable `<name>__distinct` (how many different answers) and `<name>__entropy` (how many answers of
        equal share would be as uncertain: exp of Shannon's entropy).
    """

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    classes: pd.DataFrame = field(repr=False)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.classes[SIZE].sum())

    @property
    def smallest(self) -> int:
        """Size of the smallest class: the k of k-anonymity; 0 for a table without rows."""
        return int(self.classes[SIZE].min()) if len(self.classes) else 0

    def share_below(self, k: int) -> float:
        """Return the share of rows, 0 to 1, whose class has fewer than `k` rows."""
        sizes = self.classes[SIZE]
        return float(sizes[sizes < k].sum() / self.rows) if self.rows else 0.0

    def diversity(self) -> pd.DataFrame:
        """Sum up l-diversity, one row a sensitive variable.

        Returns
        -------
        DataFrame
            `variable`; `smallest_distinct` and `smallest_entropy`: the l of distinct and of entropy
            l-diversity (missing where nobody answered); `share_one_answer`: share of the rows, 0 to 1,
            in classes that gave one answer only, so that knowing the class is knowing the answer.
        """
        columns = ["variable", "smallest_distinct", "smallest_entropy", "share_one_answer"]
        found = pd.DataFrame([self._diversity(name) for name in self.sensitive], columns=columns)
        kinds = {"variable": "str", "smallest_distinct": "Int64"}
        return found.astype(kinds | dict.fromkeys(columns[2:], "float64"))

    def _diversity(self, name: str) -> tuple[str, object, float, float]:
        distinct = self.classes[name + DISTINCT]
        given = distinct > 0
        one = int(self.classes.loc[distinct == 1, SIZE].sum())
        return (
            name,
            int(distinct[given].min()) if given.any() else pd.NA,
            float(self.classes.loc[given, name + ENTROPY].min()) if given.any() else np.nan,
            one / self.rows if self.rows else 0.0,
        )


def k_anonymity(
    frame: pd.DataFrame, quasi: Sequence[str], sensitive: Sequence[str] = ()
) -> Anonymity:
    """Group rows that are alike in all quasi-identifiers and count them, and their sensitive answers.

    A table is k-anonymous when each class has at least k rows (Samarati 2001; Sweeney 2002), and
    l-diverse when each class has at least l well-represented answers to a sensitive question
    (Machanavajjhala, Kifer, Gehrke and Venkitasubramaniam 2007, by number of answers and by entropy).

    A missing quasi-identifier is a value of its own: it is alike to missing only. (To let it be alike to
    any value would make classes larger and the table look safer.) A missing sensitive answer is no answer:
    it makes no class more diverse, and a class in which nobody answered tells nothing.

    Parameters
    ----------
    frame : DataFrame
        One row a person or household; not changed. A table of several waves has a row a wave: take the
        rows of one wave, or one row a household, else a household hides behind itself.
    quasi : sequence of str
        Columns by which somebody could be recognised. Without any, all rows are one class.
    sensitive : sequence of str
        Columns that nobody should learn of a person.

    Raises
    ------
    ContractError
        When a column is not there, or stands twice among those named.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [40, 40, 71], "sex": ["f", "f", "m"], "income": [1, 2, 3]})
    >>> found = k_anonymity(people, ["age", "sex"], ["income"])
    >>> found.smallest, round(found.share_below(2), 3)
    (1, 0.333)
    """
    _check_columns(frame, [*quasi, *sensitive])
    codes = _class_numbers(frame, quasi)
    size = pd.Series(codes).value_counts().sort_index()
    first = pd.Series(codes).drop_duplicates()
    order = first.sort_values().index
    classes = frame[list(quasi)].iloc[order].reset_index(drop=True)
    classes[SIZE] = size.to_numpy(dtype="int64")
    for name in sensitive:
        distinct, entropy = _answers(codes, frame[name], len(classes))
        classes[name + DISTINCT], classes[name + ENTROPY] = distinct, entropy
    classes = classes.sort_values(SIZE, kind="stable").reset_index(drop=True)
    return Anonymity(tuple(quasi), tuple(sensitive), classes)


def anonymity_report(
    frame: pd.DataFrame, sets: Mapping[str, Sequence[str]], sensitive: Sequence[str] = ()
) -> pd.DataFrame:
    """Compare sets of quasi-identifiers.

    Parameters
    ----------
    frame : DataFrame
        See `k_anonymity`.
    sets : mapping of str to sequence of str
        Name of a set -> its columns; `quasi_sets` makes some from a register.
    sensitive : sequence of str

    Returns
    -------
    DataFrame
        One row a set: `set`, `variables` (how many), `rows`, `classes`, `smallest`, `below_3`, `below_5`,
        `below_10` (shares of rows, 0 to 1); `least_diverse`, the sensitive variable with the highest
        share of rows in classes of one answer, and `one_answer`, that share. Holds no row of `frame`.
    """
    rows = []
    for name, quasi in sets.items():
        found = k_anonymity(frame, quasi, sensitive)
        worst = found.diversity().nlargest(1, "share_one_answer")
        rows.append(
            {
                "set": name,
                "variables": len(quasi),
                "rows": found.rows,
                "classes": len(found.classes),
                "smallest": found.smallest,
                **{f"below_{k}": found.share_below(k) for k in LIMITS},
                "least_diverse": None if worst.empty else worst["variable"].iloc[0],
                "one_answer": np.nan if worst.empty else worst["share_one_answer"].iloc[0],
            }
        )
    return pd.DataFrame(rows).astype({"least_diverse": "str", "one_answer": "float64"})


def quasi_sets(register: Register, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Make sets of what the register calls a quasi-identifier, as far as the columns are in `frame`.

    Returns
    -------
    dict of str to tuple of str
        `all`; `without <question>` for each, which shows what it would bring to leave that one out; and
        each alone. A question with several columns (select-multiple) goes with all of them.
    """
    of_question = {
        name: tuple(column for column in register[name].columns if column in frame)
        for name in register.of_class(QUASI_IDENTIFIER)
    }
    return dict(_sets({name: columns for name, columns in of_question.items() if columns}))


def _sets(of_question: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    columns = tuple(column for own in of_question.values() for column in own)
    yield "all", columns
    if len(of_question) > 1:
        for name, own in of_question.items():
            yield f"without {name}", tuple(column for column in columns if column not in own)
        yield from of_question.items()


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if missing or twice:
        raise ContractError(
            "Anonymity cannot be measured for these columns.",
            expected="columns of the table, each named once",
            found=", ".join([f"no {name}" for name in missing] + [f"{t} twice" for t in twice]),
            next_step="compare the register's classes quasi_identifier and sensitive with the table",
        )


def _class_numbers(frame: pd.DataFrame, quasi: Sequence[str]) -> np.ndarray:
    """Give each row the number of its class, from 0; missing is a value."""
    if not quasi or frame.empty:
        return np.zeros(len(frame), dtype="int64")
    plain = frame[list(quasi)].reset_index(drop=True)
    return plain.groupby(list(quasi), observed=True, dropna=False, sort=False).ngroup().to_numpy()


def _answers(codes: np.ndarray, answers: pd.Series, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Count different answers of each class, and exp of their entropy; missing is no answer."""
    values, _ = pd.factorize(answers, use_na_sentinel=True)
    given = pd.DataFrame({"class": codes, "value": values}).loc[values >= 0]
    counts = given.value_counts(["class", "value"]).rename("n").reset_index()
    share = counts["n"] / counts.groupby("class")["n"].transform("sum")
    entropy = (-share * np.log(share)).groupby(counts["class"]).sum()
    distinct = counts.groupby("class").size()
    every = range(classes)
    return (
        distinct.reindex(every, fill_value=0).to_numpy(dtype="int64"),
        np.exp(entropy.reindex(every)).to_numpy(dtype="float64"),
    )
