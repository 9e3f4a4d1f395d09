"""Say which handler answers which address.

Not here: what they answer.
"""

from __future__ import annotations

from tornado.web import Application, RequestHandler

from survey_tools.kobo.sandbox import control, data_handlers, file_handlers, handlers
from survey_tools.kobo.sandbox.files import SIZES
from survey_tools.kobo.sandbox.world import World


def application(world: World) -> Application:
    """Route the addresses of the server, and those of the control side."""
    asset = r"/api/v2/assets/(?P<uid>[^/.]+)/"
    end = r"(?:/|\.json)"  # the server takes the format at the end of an address, too
    sizes = "|".join(SIZES)
    row = asset + r"data/(?P<row>[^/]+)/"
    routes: list[tuple[str, type[RequestHandler]]] = [
        (r"/", control.WelcomeView),
        (r"/_sandbox/faults", control.FaultsView),
        (r"/_sandbox/rows", control.RowsView),
        (r"/_sandbox/requests", control.RequestsView),
        (r"/(?:api/v1|assets)(?:/.*)?", handlers.GoneView),
        (r"/api/v2/assets" + end, handlers.AssetsView),
        (asset[:-1] + end, handlers.AssetView),
        (asset + r"versions" + end, handlers.VersionsView),
        (asset + r"versions/(?P<version>[^/]+)/", handlers.VersionView),
        (asset + r"deployment/", handlers.DeploymentView),
        (asset + r"counts/", data_handlers.CountsView),
        (asset + r"data" + end, data_handlers.DataView),
        (asset + r"data/bulk/", data_handlers.BulkView),
        (asset + r"data/validation_statuses/", data_handlers.StatusesView),
        (row, data_handlers.RowView),
        (row + r"validation_status/", data_handlers.StatusView),
        (row + r"attachments/(?P<attachment>[^/]+)/", file_handlers.AttachmentView),
        (
            row + rf"attachments/(?P<attachment>[^/]+)/(?P<size>{sizes})/",
            file_handlers.AttachmentView,
        ),
        (r".*", handlers.UnknownView),
    ]
    return _quiet(routes, world)


def store_application(world: World) -> Application:
    """Route the addresses of the store of files beside the server."""
    path = r"/(?P<uid>[^/]+)/(?P<attachment>[^/]+)"
    return _quiet([(path, file_handlers.StoreView)], world)


def _quiet(routes: list[tuple[str, type[RequestHandler]]], world: World) -> Application:
    return Application(
        [(path, handler, {"world": world}) for path, handler in routes],
        log_function=lambda handler: None,  # each request is noted before it is answered
    )
