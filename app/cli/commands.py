"""All commands. Each has its own file, imported when the command runs, for a fast start-up."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .. import __version__
from .filters import filtered
from .groups import Grouped

if TYPE_CHECKING:
    from ..ledger.wanted import Wanted
    from ..settings import Settings

commands = typer.Typer(
    name="pointsman",
    help="Enforce your provider policy per model, and record which provider served.",
    cls=Grouped,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Host = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="The address to listen on [127.0.0.1].")
]
Port = Annotated[int | None, typer.Option(metavar="PORT", help="The port to listen on [4477].")]
ItsHost = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Pointsman's address [127.0.0.1].")
]
ItsPort = Annotated[
    int | None, typer.Option("--port", metavar="PORT", help="Pointsman's port [4477].")
]
Upstream = Annotated[
    str | None,
    typer.Option(metavar="URL", help="OpenRouter's base URL [https://openrouter.ai/api/v1]."),
]
Policies = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="The folder of policy files [./policies, else yours, else shipped]."
    ),
]
Ledger = Annotated[
    str | None,
    typer.Option(metavar="FILE|URL", help="The ledger of receipts [a file in your state folder]."),
]
CatalogSource = Annotated[
    str | None,
    typer.Option(
        "--catalog", metavar="live|simulated|FILE", help="Also show which endpoints are left."
    ),
]
Workers = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Number of worker processes [1].")
]
Open = Annotated[
    bool | None, typer.Option("--open", help="Allow listening beyond loopback without caller keys.")
]


def _print_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        print(__version__)
        raise typer.Exit


@commands.callback()
def _every(
    _version: Annotated[
        bool | None,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = None,
) -> None:
    pass


def _to_serve(
    host: str | None,
    port: int | None,
    upstream: str | None,
    policies: Path | None,
    ledger: str | None,
    workers: int | None,
    open_: bool | None,  # noqa: FBT001 - as above
) -> "Settings":
    from ..settings import Settings

    return Settings.read(
        host=host,
        port=port,
        upstream_url=upstream,
        policies=policies,
        ledger_url=ledger,
        workers=workers,
        open=open_ or None,
    )


@commands.command()
def run(
    host: Host = None,
    port: Port = None,
    upstream: Upstream = None,
    policies: Policies = None,
    ledger: Ledger = None,
    workers: Workers = None,
    open_: Open = None,
) -> None:
    """Serve if a key or upstream is set, else demo."""
    settings = _to_serve(host, port, upstream, policies, ledger, workers, open_)
    if settings.names_upstream:
        from .serve import serve as start
    else:
        from .demo import demo as start
    start(settings)


@commands.command()
def serve(
    host: Host = None,
    port: Port = None,
    upstream: Upstream = None,
    policies: Policies = None,
    ledger: Ledger = None,
    workers: Workers = None,
    open_: Open = None,
) -> None:
    """Start the proxy in front of OpenRouter."""
    from .serve import serve as start

    start(_to_serve(host, port, upstream, policies, ledger, workers, open_))


@commands.command()
def demo(
    host: Host = None,
    port: Port = None,
    policies: Policies = None,
    ledger: Ledger = None,
    open_: Open = None,
) -> None:
    """Try it with a simulated OpenRouter, free."""
    from ..settings import Settings
    from .demo import demo as start

    start(
        Settings.read(
            host=host, port=port, policies=policies, ledger_url=ledger, open=open_ or None
        )
    )


@commands.command()
def simulate(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The port to listen on.")] = 4478,
    catalog: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A catalog file of your own.")
    ] = None,
    presets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A presets file of your own.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="The same seed routes the same way.")
    ] = 0,
    pace: Annotated[
        float, typer.Option(metavar="FACTOR", help="1 as a real host streams, 0 without pauses.")
    ] = 1.0,
) -> None:
    """Start only the simulated OpenRouter."""
    from .demo import simulate as start

    start(host=host, port=port, catalog=catalog, presets=presets, seed=seed, pace=pace)


@commands.command()
def launch(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool, such as codex or claude.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARGUMENT", help="The tool's own arguments, behind --."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model to use [the tool's own].")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|KEY",
            envvar="POINTSMAN_KEY",
            show_envvar=False,
            help="The caller key, or its caller [POINTSMAN_KEY, or the first of the settings].",
        ),
    ] = None,
    any_tool: Annotated[
        bool, typer.Option("--env", help="TOOL is any program; set variables only.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Leave out the account at the end.")
    ] = False,
    host: ItsHost = None,
    port: ItsPort = None,
    upstream: Upstream = None,
    policies: Policies = None,
    ledger: Ledger = None,
) -> None:
    """Run a coding tool through Pointsman, once."""
    from ..settings import Settings
    from .launch import launch as start

    settings = Settings.read(
        host=host, port=port, upstream_url=upstream, policies=policies, ledger_url=ledger
    )
    code = start(
        settings, tool, arguments or (), any_tool=any_tool, model=model, key=key, quiet=quiet
    )
    raise typer.Exit(code)


@commands.command()
def connect(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool, such as codex.")],
    write: Annotated[
        bool, typer.Option("--write", help="Edit the tool's own file, with a backup.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take out what --write put in.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model to set [the tool's own].")
    ] = None,
    host: ItsHost = None,
    port: ItsPort = None,
) -> None:
    """Show or write a tool's own configuration."""
    from ..settings import Settings
    from .connect import connect as start
    from .connect import disconnect

    settings = Settings.read(host=host, port=port)
    if undo:
        if write or model is not None:
            raise typer.BadParameter("--undo goes alone")
        disconnect(settings, tool)
    else:
        start(settings, tool, model=model, writes=write)


@commands.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="The same as --policies.")
    ] = None,
    catalog: CatalogSource = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0, for review.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    since: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A saved catalog: also report what has drifted."),
    ] = None,
    policies: Policies = None,
    upstream: Upstream = None,
) -> None:
    """Check the policy files.

    The exit status is 0 without errors, 1 with errors, and 2 where a file can't be used.
    """
    from ..settings import Settings
    from .check import check as start
    from .check import output_of

    if folder is not None and policies is not None:
        raise typer.BadParameter("name the folder once: as an argument, or with --policies")
    output = output_of(as_json=as_json, as_sarif=as_sarif)
    settings = Settings.read(policies=folder or policies, upstream_url=upstream)
    raise typer.Exit(start(settings, catalog=catalog, since=since, output=output, strict=strict))


@commands.command()
def catalog(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Models [with --save: those of the policies]."),
    ] = None,
    source: Annotated[
        str, typer.Option("--catalog", metavar="live|simulated|FILE", help="The catalog to show.")
    ] = "live",
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save it to this file, for check.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME|RECEIPT", help="As listed then, from the ledger."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="How the listing changed, from the ledger.")
    ] = False,
    policies: Policies = None,
    ledger: Ledger = None,
    upstream: Upstream = None,
) -> None:
    """Show the endpoints that offer a model."""
    from ..settings import Settings

    if history and (at is not None or save is not None):
        raise typer.BadParameter("--history goes without --at and --save")
    settings = Settings.read(policies=policies, ledger_url=ledger, upstream_url=upstream)
    if history:
        from .catalog_then import show_history

        raise typer.Exit(show_history(settings, models or ()))
    if at is not None:
        from .catalog_then import show_then

        raise typer.Exit(show_then(settings, models or (), at=at, save=save))
    from .catalog import show_catalog

    raise typer.Exit(show_catalog(settings, models or (), catalog=source, save=save))


@commands.command()
def scores(
    model: Annotated[
        str | None, typer.Argument(help="A model or alias [all models]; fetch: renew the scores.")
    ] = None,
    date: Annotated[
        str | None, typer.Option(help="With fetch: the day to fetch [the newest].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    policies: Policies = None,
    upstream: Upstream = None,
) -> None:
    """Show or fetch benchmark scores by provider."""
    from ..settings import Settings
    from .scores import fetch_scores, show_scores

    settings = Settings.read(policies=policies, upstream_url=upstream)
    if model == "fetch":
        if as_json:
            raise typer.BadParameter("--json shows kept scores: fetch them first, without it")
        raise typer.Exit(fetch_scores(settings, date))
    if date is not None:
        raise typer.BadParameter("--date needs fetch: pointsman scores fetch --date 2026-11-21")
    raise typer.Exit(show_scores(settings, model, as_json=as_json))


@commands.command()
def explain(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RECEIPT", help="A model's slug, an alias, a receipt's id, or last."
        ),
    ],
    provider: Annotated[
        str | None, typer.Option(metavar="JSON", help="The caller's own provider object, as JSON.")
    ] = None,
    caller: Annotated[
        str | None, typer.Option(metavar="CALLER", help="Explain for this caller [the receipt's].")
    ] = None,
    user_agent: Annotated[
        str, typer.Option(metavar="TOOL", help="For this user agent [the receipt's].")
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:VALUE", help="A header, 'name: value'; repeatable."),
    ] = None,
    catalog: CatalogSource = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    policies: Policies = None,
    ledger: Ledger = None,
    upstream: Upstream = None,
) -> None:
    """Show what would be sent, and why."""
    from ..settings import Settings
    from .explain import show_explanation

    code = show_explanation(
        Settings.read(policies=policies, ledger_url=ledger, upstream_url=upstream),
        model,
        catalog=catalog,
        provider=provider,
        caller=caller,
        user_agent=user_agent,
        headers=header or (),
        as_json=as_json,
    )
    raise typer.Exit(code)


@commands.command()
def init(
    model: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="A model you use; repeatable.")
    ] = None,
    tool: Annotated[
        list[str] | None, typer.Option(metavar="TOOL", help="A tool you use; repeatable.")
    ] = None,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path(
        "policies/mine.yaml"
    ),
) -> None:
    """Write a commented starter policy."""
    from .init import init as start

    start(model or (), tool or (), output)


@commands.command()
def schema() -> None:
    """Print the JSON Schema of policy files."""
    from ..policy.file.schema import json_schema
    from .terminal import print_json

    print_json(json_schema(), indent=2)


@commands.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The configuration file of another tool.")
    ],
    tool: Annotated[
        str | None,
        typer.Option("--from", metavar="TOOL", help="Its format, e.g. litellm [detected]."),
    ] = None,
) -> None:
    """Convert another tool's settings to a policy."""
    from .import_ import print_imported

    print_imported(file, tool)


@commands.command()
@filtered
def log(
    receipt: Annotated[
        str | None,
        typer.Argument(
            metavar="RECEIPT", help="Show this receipt in full: an id, its end, or last."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep showing new receipts.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option("--limit", "-n", min=1, metavar="NUMBER", help="How many to show at first."),
    ] = 20,
    *,
    wanted: "Wanted",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ledger: Ledger = None,
) -> None:
    """Show receipts: provider, verdict, cost."""
    from ..settings import Settings
    from .ledgers import to_follow, to_read
    from .log import log as start
    from .log import show_one

    settings = Settings.read(ledger_url=ledger)
    store = to_follow(settings) if follow else to_read(settings)
    if receipt is not None:
        show_one(store, receipt, as_json=as_json)
        return
    start(store, wanted, follow=follow, as_json=as_json, limit=limit)


@commands.command()
@filtered
def stats(
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="provider, quantization, model, caller, rule [provider,quantization]; with "
            "--sessions rule, model, tool, provider, caller, affinity, session [rule].",
        ),
    ] = None,
    *,
    wanted: "Wanted",
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Turns, flips, caches and their money.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="With --sessions: by rule and affinity.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    ledger: Ledger = None,
) -> None:
    """Show providers: share, speed and cost."""
    from ..ledger.session_stats import session_dimensions
    from ..ledger.stats import dimensions
    from ..settings import Settings
    from .ledgers import to_read
    from .session_stats import COMPARED, print_session_stats
    from .stats import print_stats

    try:
        grouped = dimensions("provider,quantization" if by is None else by) if not sessions else ()
        turns_by = session_dimensions("rule" if by is None else by) if sessions else ()
    except ValueError as error:
        raise typer.BadParameter(f"--by: {error}") from None
    if compare and (by is not None or not sessions):
        raise typer.BadParameter("--compare goes with --sessions, and without --by")
    store = to_read(Settings.read(ledger_url=ledger))
    if sessions:
        found = store.session_stats(by=COMPARED if compare else turns_by, wanted=wanted)
        print_session_stats(found, as_json=as_json)
        return
    print_stats(store.stats(by=grouped, wanted=wanted), as_json=as_json)


@commands.command()
def budget(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    policies: Policies = None,
    ledger: Ledger = None,
) -> None:
    """Show what is spent of each budget."""
    from ..settings import Settings
    from .budget import show_budgets

    show_budgets(Settings.read(policies=policies, ledger_url=ledger), as_json=as_json)


@commands.command()
@filtered
def score(
    by: Annotated[
        str, typer.Option(help="provider, or provider,quantization.")
    ] = "provider,quantization",
    *,
    wanted: "Wanted",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    ledger: Ledger = None,
) -> None:
    """Show which hosts give faulty answers.

    Each rate has its 95 % interval. Without a time, the last 7 days are counted.
    """
    from datetime import UTC, datetime

    from ..catalog.providers import slug_of
    from ..ledger.scorecard import host_dimensions, within_days
    from ..settings import Settings
    from .ledgers import to_read
    from .score import print_scorecard

    try:
        hosts_by = host_dimensions(by)
    except ValueError as error:
        raise typer.BadParameter(f"--by: {error}") from None
    store = to_read(Settings.read(ledger_url=ledger))
    found = store.scorecard(
        slug=slug_of, by=hosts_by, wanted=within_days(wanted, datetime.now(UTC))
    )
    print_scorecard(found, as_json=as_json)


@commands.command()
@filtered
def suggest(
    *,
    wanted: "Wanted",
    catalog: CatalogSource = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    ledger: Ledger = None,
    upstream: Upstream = None,
) -> None:
    """Suggest a policy that avoids faulty hosts.

    It prints a policy file with the evidence as comments, and changes nothing.
    """
    from datetime import UTC, datetime

    from ..catalog.catalog import EMPTY
    from ..catalog.providers import slug_of
    from ..ledger.scorecard import within_days
    from ..settings import Settings
    from .catalogs import open_catalog
    from .ledgers import to_read
    from .suggest import print_suggestions, suggestions

    settings = Settings.read(ledger_url=ledger, upstream_url=upstream)
    store = to_read(settings)
    card, sent = store.scored_and_sent(slug=slug_of, wanted=within_days(wanted, datetime.now(UTC)))
    models = [each.model for each in card.models if each.model is not None]
    listed = open_catalog(catalog, settings, lambda _: models).catalog if catalog else EMPTY
    print_suggestions([*suggestions(card, sent, listed)], as_json=as_json)


@commands.command()
@filtered
def export(
    form: Annotated[
        Literal["csv", "jsonl", "parquet"],
        typer.Option("--format", help="Parquet requires pip install 'pointsman[export]'."),
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write [standard output]."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep in FILE how far it got, and go on there."),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="RECEIPT", help="Only what was written after this receipt."),
    ] = None,
    *,
    wanted: "Wanted",
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on as receipts are written; add to FILE."),
    ] = False,
    ledger: Ledger = None,
) -> None:
    """Export receipts as CSV, JSON lines, Parquet."""
    from ..settings import Settings
    from .export import export as once
    from .export_follow import follow as going_on
    from .export_place import place_of
    from .ledgers import to_follow, to_read

    settings, place = Settings.read(ledger_url=ledger), place_of(state, after)
    start, store = (going_on, to_follow(settings)) if follow else (once, to_read(settings))
    count = start(store, wanted, form=form, output=output, place=place)
    if output is not None:
        from ..wording import plural

        print(f"{plural(count, 'receipt')} in {output}")


@commands.command()
def prove(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's slug, or an alias.")],
    positive: Annotated[
        bool, typer.Option("--positive", help="Also send one small request (billed).")
    ] = False,
    channels: Annotated[
        bool,
        typer.Option("--channels", help="Test `provider` on each channel instead."),
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET", help="With --channels: a preset of the account's, by its slug."
        ),
    ] = None,
    inner: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="With --channels --positive: a model for tools [openai/gpt-4o-mini].",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list, for machines.")] = False,
    policies: Policies = None,
    upstream: Upstream = None,
) -> None:
    """Test that OpenRouter enforces a policy."""
    from ..settings import Settings

    if not channels and (preset or inner):
        raise typer.BadParameter("--preset and --inner need --channels")
    settings = Settings.read(policies=policies, upstream_url=upstream)
    if channels:
        from .prove_channels import INNER, Asked, prove_channels

        asked = Asked(model, preset=preset, inner=inner or INNER, positive=positive)
        raise typer.Exit(prove_channels(settings, asked, as_json=as_json))
    from .prove import prove as start

    raise typer.Exit(start(settings, model, positive=positive, as_json=as_json))


@commands.command()
def audit(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="A model's slug, or an alias; or an audit's id."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Compare with this endpoint [the author's own]."),
    ] = None,
    endpoints: Annotated[
        str | None, typer.Option(metavar="TAGS", help="Only these endpoints, with commas [all].")
    ] = None,
    prompts: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="How many prompts to ask [50].")
    ] = None,
    max_usd: Annotated[
        str, typer.Option("--max-usd", metavar="USD", help="Spend no more than this.")
    ] = "0.25",
    deep: Annotated[
        bool, typer.Option("--deep", help="200 prompts, three answers, an hour apart.")
    ] = False,
    spread: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin the second pass so much later: 1h.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="FILE|ID|last", help="Compare endpoints with their own answers then."),
    ] = None,
    outside_policy: Annotated[
        str | None,
        typer.Option(
            "--outside-policy", metavar="TAGS", help="Also these, which your policy shuts out."
        ),
    ] = None,
    include: Annotated[
        str | None, typer.Option(metavar="TAGS", help="Also these, if free or degraded.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the result and the hashes.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an audit that was stopped.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List the audits, and ask nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    policies: Policies = None,
    upstream: Upstream = None,
    ledger: Ledger = None,
) -> None:
    """Compare endpoints by their answers."""
    from ..settings import Settings
    from .audit import audit as start
    from .audit import show_list
    from .audit_plan import Options, dollars_of, span_of, tags_of

    settings = Settings.read(policies=policies, upstream_url=upstream, ledger_url=ledger)
    if list_:
        raise typer.Exit(show_list(settings, model, as_json=as_json))
    options = Options(
        model=model,
        reference=reference and reference.lower(),
        endpoints=tags_of(endpoints),
        outside_policy=tags_of(outside_policy),
        include=tags_of(include),
        prompts=prompts,
        max_usd=dollars_of(max_usd),
        deep=deep,
        spread=span_of(spread),
        since=since,
        yes=yes,
        as_json=as_json,
        save=save,
        resume=resume,
    )
    raise typer.Exit(start(settings, options))


@commands.command()
def verify(
    receipt: Annotated[
        str, typer.Argument(metavar="RECEIPT", help="A receipt's id, its end, or last.")
    ],
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="Seconds to wait for the record.")
    ] = 30.0,
    today: Annotated[bool, typer.Option("--today", help="Also judge by today's listing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    ledger: Ledger = None,
    upstream: Upstream = None,
) -> None:
    """Judge a receipt by OpenRouter's own record."""
    from ..settings import Settings
    from .verify import verify as start

    settings = Settings.read(ledger_url=ledger, upstream_url=upstream)
    raise typer.Exit(start(settings, receipt, wait=wait, today=today, as_json=as_json))


@commands.command()
def doctor(
    host: Host = None,
    port: Port = None,
    upstream: Upstream = None,
    policies: Policies = None,
    ledger: Ledger = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Diagnose settings, ledger, key and server."""
    from ..settings import Settings
    from .doctor import doctor as start

    settings = Settings.read(
        host=host, port=port, upstream_url=upstream, policies=policies, ledger_url=ledger
    )
    raise typer.Exit(start(settings, as_json=as_json))


@commands.command()
def bundle(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")] = (
        Path("pointsman-bundle.zip")
    ),
    receipts: Annotated[
        int, typer.Option(min=0, max=10_000, metavar="NUMBER", help="How many of the newest.")
    ] = 50,
    without_policies: Annotated[
        bool, typer.Option("--without-policies", help="Leave out the policy files.")
    ] = False,
    host: Host = None,
    port: Port = None,
    upstream: Upstream = None,
    policies: Policies = None,
    ledger: Ledger = None,
) -> None:
    """Collect what a bug report needs, no secrets.

    A .zip file. Its README says what is in it, and what was left out.
    """
    from ..settings import Settings
    from .bundle import write_bundle

    settings = Settings.read(
        host=host, port=port, upstream_url=upstream, policies=policies, ledger_url=ledger
    )
    write_bundle(settings, out, receipts=receipts, with_policies=not without_policies)


@commands.command()
def service(
    what: Annotated[
        Literal["install", "status", "uninstall"],
        typer.Argument(metavar="install|status|uninstall", help="install also upgrades in place."),
    ],
    key_from_environment: Annotated[
        bool,
        typer.Option(
            "--key-from-environment", help="With install: write this shell's key to a new .env."
        ),
    ] = False,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="With uninstall: also remove .env, policies and receipts."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With status: one JSON object, for machines.")
    ] = False,
) -> None:
    """Run as a service of this user, from login.

    The exit status is 0 if the service runs and answers, and 1 if it does not.
    """
    given = {"--key-from-environment": key_from_environment, "--purge": purge}
    given |= {"--dry-run": dry_run, "--json": as_json}
    allowed = {
        "install": {"--key-from-environment", "--dry-run"},
        "status": {"--json"},
        "uninstall": {"--purge", "--dry-run"},
    }
    for option in (each for each, is_given in given.items() if is_given):
        if option not in allowed[what]:
            raise typer.BadParameter(f"{option} does not go with {what}")
    from .service import install, service_here, uninstall
    from .service_status import show_status

    here = service_here()
    if what == "install":
        code = install(here, dry_run=dry_run, key_from_environment=key_from_environment)
    elif what == "status":
        code = show_status(here, as_json=as_json)
    else:
        code = uninstall(here, purge_too=purge, dry_run=dry_run)
    raise typer.Exit(code)


@commands.command()
def health(host: Host = None, port: Port = None) -> None:
    """Ask whether the server answers."""
    from ..settings import Settings
    from .health import health as start

    raise typer.Exit(start(Settings.read(host=host, port=port)))


@commands.command()
def notify(
    what: Annotated[
        Literal["test"], typer.Argument(metavar="test", help="test: send a test notification.")
    ],
) -> None:
    """Send a test notification to the webhook."""
    from ..settings import Settings
    from .notify import notify_test

    del what
    raise typer.Exit(notify_test(Settings.read()))


@commands.command()
def mcp(
    host: Host = None,
    port: Port = None,
    caller: Annotated[
        str | None,
        typer.Option(metavar="CALLER", help="Show only this caller's requests [all]."),
    ] = None,
    policies: Policies = None,
    ledger: Ledger = None,
) -> None:
    """Serve read-only tools to an agent, by MCP.

    They answer who served its requests, and why one was slow, over standard input and output.
    """
    from ..settings import Settings
    from .mcp.start import serve_mcp

    settings = Settings.read(host=host, port=port, policies=policies, ledger_url=ledger)
    serve_mcp(settings, caller)


@commands.command()
def version() -> None:
    """Print the version."""
    print(__version__)
