"""Recorded answers of a real server, and a small server in memory that keeps a real one's habits."""

import copy
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs

import httpx

from survey_tools.errors import StoreError
from survey_tools.kobo import KoboClient, Store

RECORDED = Path(__file__).parents[1] / "fixtures" / "kobo" / "recorded"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
SERVER = "https://kobo.example.org"
UID = "a7HrwyPd6X8BBYLptRxDkn"
VERSIONS = ("vMc34ehTDTZh8bw4Mhq9XE", "vAFEe9FuKXvEaeUPTnoKjg")


def recorded(name):
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


class FakeServer:
    """Serves one form's rows; understands the two queries that a sync asks."""

    def __init__(self, rows, max_page=1000):
        self.rows = {row["_id"]: row for row in copy.deepcopy(rows)}
        self.max_page = max_page
        self.asset = recorded("pilot/14_asset_v2.json")
        self.requests = []
        self.hide = set()  # ids that are counted and never given
        self.ignore_query = False
        self.before = lambda number: None

    def client(self, **options):
        options = {"sleep": lambda seconds: None, **options}
        return KoboClient(SERVER, TOKEN, transport=httpx.MockTransport(self), **options)

    def __call__(self, request):
        self.before(len(self.requests))
        self.requests.append(request)
        path = request.url.path.removeprefix(f"/api/v2/assets/{UID}/")
        if path == "":
            return httpx.Response(200, json=self.asset)
        if path == "versions/":
            return httpx.Response(200, json=recorded("pilot/15_versions_v2.json"))
        if path.startswith("versions/"):
            return httpx.Response(200, json=recorded(f"pilot/16_version_{path[9:-1]}.json"))
        return httpx.Response(200, json=self._data(parse_qs(request.url.query.decode())))

    def edit(self, row_id, **changes):
        self.rows[row_id] = {
            **self.rows[row_id],
            "_uuid": f"edited-{len(self.requests)}",
            **changes,
        }

    def _data(self, params):
        query = json.loads(params.get("query", ["{}"])[0])
        ids = sorted(row_id for row_id in self.rows if self._matches(row_id, query.get("_id", {})))
        fields = json.loads(params.get("fields", ["null"])[0])
        shown = [row_id for row_id in ids if row_id not in self.hide]
        page = shown[: min(int(params["limit"][0]), self.max_page)]
        rows = [self.rows[row_id] for row_id in page]
        if fields:
            wanted = {*fields, "_uuid", "meta/rootUuid", "_validation_status"}
            rows = [{k: v for k, v in row.items() if k in wanted} for row in rows]
        return {"count": len(ids), "next": None, "previous": None, "results": rows}

    def _matches(self, row_id, test):
        if self.ignore_query:
            return True
        in_range = test.get("$gt", -1) < row_id <= test.get("$lte", row_id)
        return in_range and row_id in test.get("$in", [row_id])


def reached_household():
    """A household that was reached and interviewed; both people in the roster are adults."""
    main = {
        "c_roster": {
            "hh_size": "2",
            "roster": [_member("1", "head", "female", "64"), _member("2", "child", "male", "17")],
            "n_adults": "1",
            "n_smart": "2",
            "kish_rand": "0.25",
            "kish_k": "1",
            "resp_line": "1",
            "resp_age": "64",
            "resp_sex": "female",
        },
        "d_access": {"net_fibre": "yes", "net_types": "fibre mobile", "mobile_signal": "g45"},
        "e_bills": {
            "elec_method": "bankapp",
            "water_piped": "no",
            "school_level": "none",
            "transfer_types": "social",
            "transfer_method": "account",
            "transfer_cashout": "part",
        },
        "f_person": {
            "acct": "yes",
            "acct_when": "y2023",
            "wallet": "no",
            "first_helper": "team",
            "pay12": "bill shop",
            "qr30": "yes",
            "qr7_n": "3",
            "qr_place": "grocery pharmacy",
            "cashless10": "4",
            "why_cash": "habit",
        },
        "g_buy": {"buy_when": "never", "buy_none": "trust"},
        "h_sell": {"sells": "none"},
        "i_exposure": {
            "team_know": "yes",
            "team_visit": "yes",
            "team_n": "2",
            "team_last": "2026-02-10",
            "team_topics": "electric",
            "team_how": "showed",
            "class_attend": "none",
            "zalo_group": "no",
            "loudspeaker": "few",
            "channels": "social",
            "campaign": "heard",
        },
        "j_skill": {
            **dict.fromkeys(["sk_app", "sk_pay", "sk_qr", "sk_order", "sk_safe"], "help"),
            "kn_otp": "no",
        },
        "k_trust": {"trust_pay": "4"},
        "l_biz": {"biz_type": "none"},
        "m_elder": {"eld_how": "helped", "eld_barrier": "sight"},
        "n_status": {"poor_cert": "no"},
        "o_sat": {"sat_team": "4", "gap_view": "3", "life_view": "3", "wish": "electric"},
        "p_close": {"enum_quality": "good"},
    }
    return {
        "_id": 7,
        "_uuid": "6f1ed002-ab5d-4e9a-8a0f-0000000000aa",
        "__version__": "vSSn8Xm4R8q2zZChWV58gK",
        "_submission_time": "2026-03-02T03:00:00",
        "_validation_status": {},
        "start": "2026-03-02T09:00:00.000+07:00",
        "end": "2026-03-02T09:40:00.000+07:00",
        "today": "2026-03-02",
        "a_id/wave": "w1",
        "a_id/visit_type": "main",
        "a_id/enumerator_id": "E01",
        "a_id/commune_code": "10270",
        "a_id/team_id": "10270-T01",
        "a_id/hhid": "10270-T01-H012-5",
        "a_id/visit_no": "1",
        "a_id/visit_result": "contact",
        "b_consent/consent": "yes",
        "b_consent/consent_version": "CONSENT-2026-01",
        "b_consent/consent_sensitive": "no",
        "b_consent/consent_gps": "no",
        "b_consent/consent_recontact": "no",
        **{f"main/{group}/{k}": v for group, answers in main.items() for k, v in answers.items()},
    }


def _member(number, rel, sex, age):
    answers = {
        "m_no": number,
        "m_rel": rel,
        "m_sex": sex,
        "m_age": age,
        "m_phone": "smart",
        "m_net": "yes",
        "m_acct": "yes",
        "m_wallet": "no",
        "m_adult": str(int(int(age) >= 18)),
        "m_smart": "1",
    }
    return {f"main/c_roster/roster/{key}": value for key, value in answers.items()}


def sync_in_child(url, token, path, uid):
    """Sync in a process of its own, to be killed; exit code 3 says that another sync was running."""
    try:
        with (
            KoboClient(url, token) as client,
            Store.open(path, server="sandbox", asset=uid) as store,
        ):
            client.sync(uid, store, accept_loss=True)
    except StoreError as error:
        sys.exit(3 if "Another" in str(error) else 4)
