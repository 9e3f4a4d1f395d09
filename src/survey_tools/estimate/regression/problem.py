"""One regression ready to fit: the outcome, the regressor of interest, the others, who belongs together.

Everything that estimates or resamples by least squares takes a `Problem`: numbers only, no frame, no
design. Stratum dummies are not columns of it; they are swept out, so that 4,000 strata cost no more
than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey_tools.estimate.design import Codes, Floats


@dataclass(frozen=True)
class Problem:
    """A least-squares problem with one regressor of interest.

    Attributes
    ----------
    y, focal : array of float, shape (n,)
        Outcome, and the regressor whose coefficient is wanted. No gaps.
    others : array of float, shape (n, k)
        Further regressors, neither constant within all strata nor collinear; k may be 0.
    strata : array of int, shape (n,)
        Number of the stratum of each row, from 0 to S-1, each in use. A dummy for each is in the
        regression; one stratum alone is the constant.
    clusters : array of int, shape (n,)
        Number of the cluster of each row, from 0 to G-1, each in use.
    cluster_names : tuple of str, length G
        Names of the clusters by number, so that draws over all clusters find those of this problem.
    weights : array of float, shape (n,), optional
        Above 0: probability weights. None counts all rows alike.
    """

    y: Floats
    focal: Floats
    others: Floats
    strata: Codes
    clusters: Codes
    cluster_names: tuple[str, ...]
    weights: Floats | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, G."""
        return len(self.cluster_names)

    @cached_property
    def n_strata(self) -> int:
        """Number of strata, S."""
        return int(self.strata.max()) + 1

    @property
    def n_parameters(self) -> int:
        """Number of coefficients: the focal one, the others, and one a stratum."""
        return 1 + self.others.shape[1] + self.n_strata

    def within(self, columns: Floats) -> Floats:
        """Take the (weighted) mean of its stratum from each row of `columns`, shape (n,) or (n, m)."""
        wide = columns if columns.ndim == 2 else columns[:, None]
        weight = np.ones(self.n) if self.weights is None else self.weights
        total = np.bincount(self.strata, weight, self.n_strata)
        out = np.empty(wide.shape)
        for j in range(wide.shape[1]):
            sums = np.bincount(self.strata, weight * wide[:, j], self.n_strata)
            out[:, j] = wide[:, j] - (sums / total)[self.strata]
        return out if columns.ndim == 2 else out[:, 0]

    @cached_property
    def controls(self) -> Floats:
        """`others` within strata, orthonormal in the metric of the weights: shape (n, k)."""
        inner = self.within(self.others)
        root = self._root
        q, _ = np.linalg.qr(inner * root[:, None])
        return np.asarray(q / root[:, None])

    def residual(self, columns: Floats) -> Floats:
        """Take from `columns` what strata and others explain, shape (n,) or (n, m)."""
        inner = self.within(columns)
        weighted = inner if self.weights is None else (inner.T * self.weights).T
        return np.asarray(inner - self.controls @ (self.controls.T @ weighted))

    @cached_property
    def focal_residual(self) -> Floats:
        """The regressor of interest, less strata and others."""
        return self.residual(self.focal)

    @cached_property
    def y_residual(self) -> Floats:
        """The outcome, less strata and others (the restricted residual under no effect)."""
        return self.residual(self.y)

    @cached_property
    def estimate(self) -> float:
        """Coefficient of the regressor of interest (Frisch and Waugh 1933)."""
        weighted = (
            self.focal_residual if self.weights is None else self.focal_residual * self.weights
        )
        return float(weighted @ self.y_residual / (weighted @ self.focal_residual))

    @cached_property
    def errors(self) -> Floats:
        """Residuals of the whole regression, shape (n,)."""
        return np.asarray(self.y_residual - self.estimate * self.focal_residual)

    def cluster_sums(self, columns: Floats) -> Floats:
        """Add up `columns` over the rows of each cluster: shape (G,) or (G, m)."""
        if columns.ndim == 1:
            return np.asarray(np.bincount(self.clusters, columns, self.n_clusters), dtype=float)
        sums = [np.bincount(self.clusters, column, self.n_clusters) for column in columns.T]
        return np.column_stack(sums) if sums else np.empty((self.n_clusters, 0))

    @cached_property
    def _root(self) -> Floats:
        return np.ones(self.n) if self.weights is None else np.sqrt(self.weights)


def is_explained(values: Floats, rest: Floats) -> bool:
    """Say whether of the variation of `values` only rounding is left in the residuals `rest`."""
    spread = ((values - values.mean()) ** 2).sum()
    return bool((rest**2).sum() <= 1e-10 * max(spread, 1e-300))
