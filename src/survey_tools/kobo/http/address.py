"""Normalise a server's address, so that two spellings of one server are one server.

Not here: requests.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from survey_tools.errors import KoboError

PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Address:
    """A server: scheme, host, port, and the path in front of ``/api`` (mostly empty)."""

    scheme: str
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def loopback(self) -> bool:
        """Say whether the address is this machine itself."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def same_origin(self, scheme: str, host: str, port: int | None) -> bool:
        """Say whether another address is the same scheme, host and port."""
        own = (self.scheme, self.host, self.port)
        return own == (scheme, host.lower().strip("[]"), port or PORTS.get(scheme))


def read_address(url: str) -> Address:
    """Read a server's address.

    Parameters
    ----------
    url : str
        Such as ``https://kf.kobotoolbox.org``. Letter case, a default port and a final slash do not
        matter.

    Returns
    -------
    Address
        What is left when spelling is taken away.

    Raises
    ------
    KoboError
        If it is no http(s) address, holds a user name, or is plain http to another machine.
    """
    wanted = "an address such as https://kf.kobotoolbox.org"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise KoboError("The server's address cannot be read.", expected=wanted) from error
    if parts.username is not None or parts.password is not None:
        raise KoboError(
            "The server's address holds a user name or password.",
            expected=wanted,
            next_step="Take it out; the token stands in KOBO_TOKEN or the file KOBO_TOKEN_FILE names.",
        )
    if parts.scheme not in PORTS or not parts.hostname or parts.query or parts.fragment:
        raise KoboError("The server's address is not usable.", expected=wanted, found=url)
    address = Address(
        parts.scheme, parts.hostname, port or PORTS[parts.scheme], parts.path.rstrip("/")
    )
    if address.scheme == "http" and not address.loopback:
        raise KoboError(
            "Plain http would send the token in clear over the network.",
            expected="https (http only to this machine itself)",
            found=str(address),
        )
    return address


def server_name(server: str) -> str:
    """Return the name under which a store remembers its server.

    An address is normalised; anything without ``://`` (for instance ``sandbox``) is a name that
    the caller gives to a server whose address changes, and is kept as it is.
    """
    return str(read_address(server)) if "://" in server else server
