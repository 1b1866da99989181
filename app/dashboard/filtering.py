"""Which receipts a page is asked for: the filters in its address, as everywhere. PURE."""

from collections.abc import Mapping

from app.ledger.wanted import NAMES, Wanted, read

IN_THE_FORM = ("model", "provider", "caller", "verdict", "failed")


def asked(parameters: Mapping[str, str], *, reads_all: bool) -> Wanted:
    """The receipts that an address asks for; a field of the form that is left empty asks nothing.

    A visitor who may not read all callers' receipts sees their own, whatever caller is asked for.
    Raises `FilterError` for a value that can't be read. Other parameters are the page's own.
    """
    given = {name: parameters.get(name, "").strip() for name in NAMES}
    if not reads_all:
        del given["caller"]
    return read({name: text for name, text in given.items() if text})


def kept_beside(parameters: Mapping[str, str]) -> dict[str, str]:
    """The filters in an address that the form has no field for: they stay when it is sent."""
    return {name: parameters[name] for name in NAMES if name in parameters.keys() - IN_THE_FORM}
