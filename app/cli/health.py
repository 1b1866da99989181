"""`pointsman health`: whether a server answers, for health checks of containers and scripts."""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from ..errors import reason_of
from ..settings import Settings
from .words import command, local_address

_PATIENCE_SECONDS = 2.0


def health(settings: Settings) -> int:
    """Ask the server at the configured address for `/health`; the exit code is 0 if it answers.

    It needs no key, and sends no request to OpenRouter. Loads little, since it runs every few
    seconds in a container.
    """
    host, port = local_address(settings.host), settings.port
    base = f"http://{host}:{port}"
    connection = HTTPConnection(host.strip("[]"), port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.stderr.write(
            f"no server at {base}: {reason_of(error)}; start it with {command()} serve\n"
        )
        return 1
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        sys.stderr.write(f"{base}/health answers {status}; is it Pointsman? Set POINTSMAN_PORT\n")
        return 1
    print(f"{base} answers")
    return 0
