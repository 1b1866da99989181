"""The filters in a URL: the usual ones, limited to the receipts that the caller may read."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import HTTPException, Request

from ..ledger.wanted import NAMES, FilterError, Wanted, read, unknown
from .own_receipts import caller_to_read


def asked(request: Request, *others: str) -> tuple[Wanted, Mapping[str, str]]:
    """The receipts that a URL asks for, and its values of the `others`, the other parameters.

    Raises a 400 that names a parameter that is unknown, repeated or unreadable, and a 403 if
    another caller's receipts are requested.
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
