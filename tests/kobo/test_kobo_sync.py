import copy
import stat

import pytest
from kobo_fakes import SERVER, UID, VERSIONS, FakeServer

from survey_tools.errors import KoboError, StoreError
from survey_tools.kobo import Store
from survey_tools.kobo.signature import signature_of


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "pilot.sqlite", server=SERVER, asset=UID) as opened:
        yield opened


def sync(server, store, **options):
    with server.client() as client:
        return client.sync(UID, store, **options)


def many(rows, number):
    copies = [copy.deepcopy(rows[place % len(rows)]) for place in range(number)]
    return [{**row, "_id": 3 * n + 1, "_uuid": f"u-{n}"} for n, row in enumerate(copies)]


def test_sync__first_pull_holds_exactly_the_servers_rows(server, store, pilot_rows):
    report = sync(server, store)
    assert list(store.rows()) == pilot_rows
    assert (report.new, report.rows, report.server_count, report.complete) == (55, 55, 55, True)
    assert report.requests == len(server.requests)
    assert set(store.form_versions()) == set(VERSIONS)
    assert store.last_pull() == report


@pytest.mark.parametrize("max_page", [1, 7, 30])
def test_sync__clamped_pages_lose_nothing(pilot_rows, store, max_page):
    server = FakeServer(pilot_rows, max_page=max_page)
    sync(server, store)
    assert list(store.rows()) == pilot_rows
    for row_id in list(server.rows)[:20]:
        server.edit(row_id)
    report = sync(server, store)
    assert (report.edited, report.unchanged) == (20, 35)
    assert list(store.rows()) == list(server.rows.values())


def test_sync__nothing_new_costs_an_index_and_changes_nothing(server, store):
    first = sync(server, store)
    before = len(server.requests)
    again = sync(server, store)
    assert (again.new, again.edited, again.deleted, again.unchanged) == (0, 0, 0, 55)
    assert again.proof == first.proof
    assert len(server.requests) - before == 2  # the form and one page of the index


def test_sync__few_changes_are_fetched_in_batches_of_200(pilot_rows, store):
    server = FakeServer(many(pilot_rows, 1200))
    sync(server, store)
    for row_id in list(server.rows)[:450]:
        server.edit(row_id)
    before = len(server.requests)
    assert sync(server, store).edited == 450
    asked = [r for r in server.requests[before:] if "%24in" in str(r.url) or "$in" in str(r.url)]
    assert len(asked) == 3
    assert max(len(str(r.url)) for r in asked) < 4000


def test_sync__more_than_half_changed_walks_whole_pages(pilot_rows, store):
    server = FakeServer(many(pilot_rows, 1200))
    sync(server, store)
    for row_id in list(server.rows)[:700]:
        server.edit(row_id)
    before = len(server.requests)
    report = sync(server, store)
    assert (report.edited, report.unchanged) == (700, 500)
    assert len(server.requests) - before == 1 + 2 + 2 + 1


def test_sync__changed_validation_status_is_an_edit(server, store):
    sync(server, store)
    server.rows[5]["_validation_status"] = {"uid": "validation_status_approved", "timestamp": 1}
    assert sync(server, store).edited == 1
    assert [event["kind"] for event in store.history(5)] == ["new", "edited"]


def test_sync__edit_delete_restore_keeps_every_version(server, store, pilot_rows):
    sync(server, store)
    first = pilot_rows[8]
    row_id = first["_id"]
    server.edit(row_id, **{"hh/income": "99"})
    sync(server, store)
    edited = server.rows.pop(row_id)
    assert sync(server, store).deleted == 1
    assert row_id not in store.signatures()
    server.rows[row_id] = edited
    report = sync(server, store)
    assert (report.restored, report.new) == (1, 0)
    history = store.history(row_id)
    assert [event["kind"] for event in history] == ["new", "edited", "deleted", "restored"]
    assert [event["doc"] for event in history] == [first, edited, edited, edited]


def test_sync__row_posted_late_with_a_low_id_is_found(server, store):
    late = server.rows.pop(9)
    sync(server, store)
    server.rows[9] = late
    assert sync(server, store).new == 1
    assert store.signatures()[9] == signature_of(late)


def test_sync__large_loss_is_refused_and_changes_nothing(server, store):
    sync(server, store)
    before = store.proof()
    for row_id in list(server.rows)[:10]:
        del server.rows[row_id]
    server.edit(next(iter(server.rows)))
    with pytest.raises(KoboError, match="none was marked as deleted") as caught:
        sync(server, store)
    assert "10 of 55" in caught.value.found
    assert store.proof() == before
    report = sync(server, store, accept_loss=True)
    assert (report.deleted, report.rows) == (10, 45)


def test_sync__small_loss_passes(server, store):
    sync(server, store)
    for row_id in list(server.rows)[:5]:
        del server.rows[row_id]
    assert sync(server, store).deleted == 5


def test_sync__row_missing_from_the_index_by_chance_is_asked_for_again(server, store):
    sync(server, store)
    start = len(server.requests)

    def hide_during_index(number):
        # requests of this pull: form, index, then the missing rows by id
        server.hide = {30} if number == start + 1 else set()

    server.before = hide_during_index
    report = sync(server, store)
    assert (report.deleted, report.restored, report.rows) == (0, 0, 55)
    assert [event["kind"] for event in store.history(30)] == ["new"]


def test_sync__hidden_rows_fail_loudly(server, store):
    server.hide = {30, 31}
    with pytest.raises(KoboError, match="as many rows as the server counts"):
        sync(server, store)
    assert store.last_pull() is None
    assert [pull.complete for pull in store.pulls()] == [False]


def test_sync__rows_that_come_in_during_the_walk_are_caught_by_the_next(server, store, pilot_rows):
    extra = {**pilot_rows[0], "_id": 900, "_uuid": "late"}

    def add(number):
        if number == 4:  # form, two versions, the rows; then the count
            server.rows[900] = extra

    server.before = add
    report = sync(server, store)
    assert (report.rows, report.server_count, report.arrived, report.walks) == (56, 56, 0, 2)


def test_sync__rows_that_never_stop_coming_do_not_make_it_fail(server, store, pilot_rows):
    def add(number):
        server.rows[900 + number] = {**pilot_rows[0], "_id": 900 + number, "_uuid": f"n{number}"}

    server.before = add
    report = sync(server, store)
    assert (report.walks, report.complete) == (3, True)
    assert report.rows == report.server_count - report.arrived
    assert report.arrived >= 1
    server.before = lambda number: None
    assert sync(server, store).rows == len(server.rows)


def test_sync__row_deleted_after_each_walk_fails_loudly_and_the_next_is_equal(server, store):
    def delete(number):
        if server.requests and "%22limit" not in str(server.requests[-1].url):
            server.rows.pop(min(server.rows), None)

    server.before = delete
    with pytest.raises(KoboError, match="as many rows as the server counts"):
        sync(server, store)
    server.before = lambda number: None
    assert sync(server, store, accept_loss=True).rows == len(server.rows)


def test_sync__file_that_a_device_sends_late_is_an_edit(server, store):
    sync(server, store)
    files = [{"uid": "att1", "filename": "a/b/audit.csv", "is_deleted": False}]
    server.rows[7]["_attachments"] = files
    assert sync(server, store).edited == 1
    assert [event["kind"] for event in store.history(7)] == ["new", "edited"]
    assert sync(server, store).edited == 0


def test_sync__version_deployed_while_pulling_is_kept(server, store):
    newest = server.asset["deployed_versions"]["results"].pop(0)
    server.asset["deployed_versions"]["count"] = 1
    sync(server, store)
    assert newest["uid"] in store.version_uids()


def test_sync__list_of_versions_that_is_cut_is_fetched_whole(server, store):
    server.asset["deployed_versions"] = {
        **server.asset["deployed_versions"],
        "results": server.asset["deployed_versions"]["results"][:1],
        "next": "https://kobo.example.org/api/v2/…",
    }
    sync(server, store)
    assert store.version_uids() == set(VERSIONS)


def test_sync__archived_form_is_read_or_refused_as_asked(server, store):
    server.asset["deployment_status"] = "archived"
    with pytest.raises(KoboError, match="archived"):
        sync(server, store, refuse_archived=True)
    assert store.pulls() == []
    assert sync(server, store).rows == 55


def test_sync__erased_rows_stay_away_and_are_told(server, store):
    sync(server, store)
    assert store.erase([3, 4, 99_999]) == 2
    for _ in range(2):
        report = sync(server, store)
        assert (report.rows, report.erased, report.server_count) == (53, 2, 55)
        assert (report.new, report.deleted) == (0, 0)
    server.edit(3)
    assert sync(server, store).rows == 53
    del server.rows[4]
    assert sync(server, store).erased == 1
    assert store.check() == []


def test_sync__server_that_ignores_the_query_is_detected(pilot_rows, store):
    server = FakeServer(pilot_rows, max_page=20)
    server.ignore_query = True
    with pytest.raises(KoboError, match="answer queries"):
        sync(server, store)


def test_sync__server_that_ignores_id_lists_is_detected(server, store):
    sync(server, store)
    server.edit(3)
    server.ignore_query = True
    with pytest.raises(KoboError, match="answer queries"):
        sync(server, store)


def test_sync__cut_off_pull_is_finished_by_the_next(pilot_rows, store):
    server = FakeServer(pilot_rows, max_page=10)

    def cut(number):
        if number == 7:
            raise KeyboardInterrupt

    server.before = cut
    with pytest.raises(KeyboardInterrupt):
        sync(server, store)
    assert 0 < store.count() < 55
    assert store.last_pull() is None
    server.before = lambda number: None
    report = sync(server, store)
    assert report.rows == 55
    assert report.new < 55


def test_sync__unreadable_form_leaves_the_store_alone(server, store):
    server.asset["effective_permissions"] = [{"codename": "partial_submissions"}]
    with pytest.raises(KoboError, match="only some"):
        sync(server, store)
    assert store.pulls() == []


def test_sync__two_at_once_second_is_refused(server, tmp_path):
    path = tmp_path / "pilot.sqlite"
    with (
        Store.open(path, server=SERVER, asset=UID) as one,
        Store.open(path, server=SERVER, asset=UID) as other,
        one.exclusive(),
        pytest.raises(StoreError, match="Another sync"),
    ):
        sync(server, other)


def test_sync__store_of_another_form_is_refused(server, store):
    with server.client() as client, pytest.raises(StoreError, match="another form"):
        client.sync("aOther", store)


def test_sync__store_with_a_named_server_takes_any_address(server, tmp_path):
    with Store.open(tmp_path / "s.sqlite", server="sandbox", asset=UID) as store:
        assert sync(server, store).server == "sandbox"


def test_sync__progress_ends_at_the_total(pilot_rows, store):
    calls = []
    sync(FakeServer(pilot_rows, max_page=20), store, progress=lambda *call: calls.append(call))
    assert calls == [(20, 55), (40, 55), (55, 55)]


def test_sync__files_are_private(server, store):
    sync(server, store)
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_signature_of__order_of_keys_does_not_matter():
    one = {"_uuid": "u", "_validation_status": {"a": 1, "b": 2}}
    other = {"_uuid": "u", "_validation_status": {"b": 2, "a": 1}, "hh/x": "3"}
    assert signature_of(one) == signature_of(other)
    assert signature_of(one) != signature_of({**one, "_uuid": "v"})


def test_sync__answer_older_than_the_index_is_not_called_complete(server, store):
    sync(server, store)
    old = copy.deepcopy(server.rows[7])
    server.edit(7)
    fresh, data = server.rows[7], server._data

    def lagging(params):
        whole = "fields" not in params
        server.rows[7] = old if whole else fresh
        return data(params)

    server._data = lagging
    with pytest.raises(KoboError, match="older state"):
        sync(server, store)
    server._data = data
    server.rows[7] = fresh
    assert sync(server, store).edited == 1


def test_sync__row_hidden_while_another_goes_is_not_called_complete(pilot_rows, store):
    server = FakeServer(many(pilot_rows, 40), max_page=10)
    server.hide = {40}
    gone = []

    def delete(number):
        # behind the walk, in time for the counts to cancel out
        if number == 6:
            gone.append(server.rows.pop(max(server.rows)))

    server.before = delete
    with pytest.raises(KoboError, match="left out rows"):
        sync(server, store)
    assert gone
    assert store.last_pull() is None
