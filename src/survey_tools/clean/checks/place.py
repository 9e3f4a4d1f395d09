"""Check positions against the area of the team; passes on distances, never a position."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, flags, nothing, times

EARTH_KM = 6371.0


def gps_far(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose position lies more than `km` from the middle of the team.

    The middle is the median position of the team's interviews over all waves, which a few far ones do not
    move; with fewer than `least` of them, that of the commune.
    """
    rule = work.rules.gps_far
    question, positions = _positions(work.given("locations"))
    rows = work.of_rows(positions).dropna(subset=["team_id"])
    if rows.empty:
        return nothing("gps_far")
    commune = rows["team_id"].str.slice(0, 5)
    enough = rows.groupby("team_id")["lat"].transform("size") >= rule.least
    area = rows["team_id"].where(enough, commune)
    middle = {
        name: _median(rows[name], rows["team_id"], commune, enough) for name in ("lat", "lon")
    }
    km = _distance(rows["lat"], rows["lon"], middle["lat"], middle["lon"])
    known = rows.groupby(area)["lat"].transform("size") >= rule.least
    far = (km > rule.km) & known
    detail = times(km[far], "km")
    message = "The position lies " + detail + " from the middle of the team."
    return flags("gps_far", rows.loc[far], message, detail=detail, variable=question)


def _positions(locations: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the first question with positions, and `_id, lat, lon`."""
    lat = next((c for c in locations.columns if c.endswith("_lat")), None)
    if lat is None:
        return "", pd.DataFrame({"_id": pd.Series(dtype="int64"), "lat": [], "lon": []})
    question = lat.removesuffix("_lat")
    places = {"_id": locations["_id"], "lat": locations[lat], "lon": locations[f"{question}_lon"]}
    return question, pd.DataFrame(places).astype({"lat": "float64", "lon": "float64"}).dropna()


def _median(values: pd.Series, team: pd.Series, commune: pd.Series, enough: pd.Series) -> pd.Series:
    of_team = values.groupby(team).transform("median")
    return of_team.where(enough, values.groupby(commune).transform("median"))


def _distance(lat: pd.Series, lon: pd.Series, lat0: pd.Series, lon0: pd.Series) -> pd.Series:
    """Great-circle distance in km (haversine)."""
    a, b, a0, b0 = (np.radians(v) for v in (lat, lon, lat0, lon0))
    half = np.sin((a - a0) / 2) ** 2 + np.cos(a) * np.cos(a0) * np.sin((b - b0) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(half))
