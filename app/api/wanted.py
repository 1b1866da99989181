"""The filters of an address: the same as everywhere, within what its caller may read."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import HTTPException, Request

from app.api.own_receipts import caller_to_read
from app.ledger.wanted import NAMES, FilterError, Wanted, read, unknown


def asked(request: Request, *others: str) -> tuple[Wanted, Mapping[str, str]]:
    """Which receipts an address asks for, and its parameters of the `others` that it may have.

    Raises a 400 that names what is not known, given twice or can't be read, and a 403 where
    another caller's receipts are asked for.
    """
    given = _once_each(request)
    beside = {name: given.pop(name) for name in others if name in given}
    try:
        for name in given:
            if name not in NAMES:
                raise unknown(name, (*NAMES, *others))
        wanted = read(given)
    except FilterError as error:
        raise HTTPException(400, str(error)) from None
    return replace(wanted, caller=caller_to_read(request, wanted.caller)), beside


def _once_each(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise HTTPException(400, f"{name}: given twice")
        given[name] = value
    return given
