"""`pointsman catalog`: shows the endpoints and prices of a model, and saves them to a file."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from rich.text import Text

from ..catalog.catalog import Catalog, listing_key
from ..catalog.endpoint import Endpoint
from ..catalog.snapshot import Snapshot, written
from ..errors import PolicyFileError, SettingsError, reason_of
from ..exact_numbers import plainly
from ..policy.forecast.scenarios import models_wanted
from ..policy.prices import listed_price
from ..settings import Settings
from ..suggest import did_you_mean
from ..wording import plural
from .catalogs import open_catalog
from .policies import book_of
from .terminal import Console, Table

_NARROW = 100
_THOUSAND, _MILLION = 1_000, 1_000_000


def show_catalog(
    settings: Settings, models: Sequence[str], *, catalog: str, save: Path | None
) -> int:
    """Print the endpoints of each model; the exit code is 1 if a model has no endpoint.

    Without models, those named in the policies are saved and none is printed. Raises
    `SettingsError`, and `PolicyFileError` if the policies are read.
    """
    if not models and save is None:
        raise SettingsError("name a model, or use --save FILE to save the models of the policies")

    def wanted(known: Catalog) -> Sequence[str]:
        return models or models_wanted(book_of(settings), known)

    models = meant(models, settings)
    source = open_catalog(catalog, settings, wanted)
    console = Console()
    unknown = [model for model in models if not _print_model(console, source.catalog, model)]
    if save is not None:
        save_snapshot(source.snapshot, save)
        left_out = f" ({source.left_out} more left out)" if source.left_out else ""
        models_listed = plural(len(source.snapshot.endpoints), "model")
        console.print(f"wrote {save}: the endpoints of {models_listed}{left_out}")
    return 1 if unknown else 0


def meant(models: Sequence[str], settings: Settings) -> Sequence[str]:
    """The models of aliases; any other name unchanged, and all of them if no policy can be read."""
    with suppress(PolicyFileError):
        book = book_of(settings)
        return [alias.model if (alias := book.alias_of(name)) else name for name in models]
    return models


def save_snapshot(snapshot: Snapshot, file: Path) -> None:
    """Write a snapshot to a file. Raises `SettingsError` if it can't be written."""
    try:
        file.write_bytes(written(snapshot))
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from None


def _print_model(console: Console, catalog: Catalog, model: str) -> bool:
    listing = catalog.listing(model)
    if listing is None:
        hint = (
            did_you_mean(listing_key(model), catalog.models)
            or "; a model slug has the form author/model"
        )
        console.print(f"{model}: no such model is listed{hint}")
        return False
    console.print(Text(model, style="bold"))
    console.print(endpoints_table(console, listing.endpoints))
    return True


def endpoints_table(console: Console, endpoints: Sequence[Endpoint]) -> Table:
    """One endpoint per row, the cheapest first; in a narrow terminal, only by its tag."""
    narrow = console.width < _NARROW
    table = Table(gap=1 if narrow else 2)
    if not narrow:
        table.add_column("provider", no_wrap=True)
    table.add_column("tag", overflow="fold")
    table.add_column("listed as", no_wrap=True)
    for heading in ("in $/M", "out $/M", "context", "answer", "uptime", "params"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in sorted(endpoints, key=_price):
        name = () if narrow else (Text(each.provider_name),)
        table.add_row(*name, Text(each.tag), *map(Text, _figures(each)))
    return table


def _figures(endpoint: Endpoint) -> tuple[str, ...]:
    return (
        endpoint.quantization or "-",
        _dollars(listed_price("prompt", endpoint)),
        _dollars(listed_price("completion", endpoint)),
        _short(endpoint.context_length),
        _short(endpoint.max_completion_tokens),
        "-" if endpoint.uptime is None else f"{endpoint.uptime:.1f}%",
        str(len(endpoint.supported_parameters)),
    )


def _price(endpoint: Endpoint) -> tuple[Decimal, str]:
    prices = (endpoint.prompt_price, endpoint.completion_price)
    return sum((price or Decimal(0) for price in prices), Decimal(0)), endpoint.tag


def _dollars(price: Decimal | None) -> str:
    return "-" if price is None else plainly(price)


def _short(count: int | None) -> str:
    """262144 as 262k: the order of magnitude is enough to compare endpoints."""
    if count is None:
        return "-"
    if count >= _MILLION:
        return f"{count / _MILLION:.3g}M"
    return f"{count // _THOUSAND}k" if count >= _THOUSAND else str(count)
