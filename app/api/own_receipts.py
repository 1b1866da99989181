"""Which receipts a request may read; decided by the door, see `Callers.may_read_of`."""

from fastapi import HTTPException, Request


def caller_to_read(request: Request, asked: str | None) -> str | None:
    """The caller whose receipts are read, if those of the caller `asked` are requested.

    None: those of all. Raises a 403 if another caller's receipts are requested.
    """
    only: str | None = request.scope["reads"]
    if only is None or asked in {None, only}:
        return asked if only is None else only
    raise HTTPException(
        403,
        f"this caller key reads the receipts of {only!r} only; POINTSMAN_OPERATORS names the "
        "callers that may read all",
    )


def may_read(request: Request, caller: str | None) -> bool:
    """Whether a receipt of this caller may be read."""
    only: str | None = request.scope["reads"]
    return only is None or caller == only
