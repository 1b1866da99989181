"""Every setting: its name, default and effect. Read once, by `main` and `cli`.

Values come from the command line, else the environment, else `.env` in the working directory, else
`.env` in the user's own folder (`$XDG_CONFIG_HOME/pointsman`): `OPENROUTER_API_KEY` under its usual
name, everything else with the prefix `POINTSMAN_`.
"""

import os
import re
from collections.abc import Callable, Container
from datetime import UTC, timedelta, tzinfo
from functools import partial
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .errors import SettingsError, reason_of
from .suggest import did_you_mean
from .wire.forwarding import read_forwarded
from .wire.origins import NULL, read_origin
from .wire.paths import base_of

_OPENROUTER = "https://openrouter.ai/api/v1"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_SHORTEST_SECRET = 32
_OF_CLIENTS = "POINTSMAN_KEY"  # the key that tools send; docs/tools.md
_GUESSES_ALONE = (
    "POINTSMAN_GUESS_SESSIONS is set without POINTSMAN_SHARED_SECRET: if other Pointsmans share "
    "this ledger, each guesses other sessions; set it to the same value for all"
)
_LEDGERS = frozenset({"sqlite", "postgresql", "postgresql+psycopg"})
_OPTIONS = {
    "host": "--host",
    "port": "--port",
    "workers": "--workers",
    "upstream_url": "--upstream",
    "policies": "--policies",
    "ledger_url": "--ledger",
    "open": "--open",
}
CommaList = Annotated[tuple[str, ...], NoDecode]


def _base_address(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) URL; use e.g. {_OPENROUTER}")
    if parts.username or parts.password:
        raise ValueError("the URL must not contain a key; set OPENROUTER_API_KEY instead")
    if parts.query or parts.fragment:
        raise ValueError(f"the URL must not have a query; use e.g. {_OPENROUTER}")
    base = base_of(parts.path)
    if base is not None:
        if f".{parts.hostname}".endswith(".openrouter.ai"):
            base = "/api/v1"  # its web pages have paths like /models, too
        raise ValueError(
            f"{url!r} is the URL of one API path, and each request adds its own; "
            f"set {parts.scheme}://{parts.netloc}{base}"
        )
    return url.strip().rstrip("/")


def _check_webhook(url: str) -> None:
    """Raise `ValueError` for an address to which nothing must be sent; the message has none of it.

    Unencrypted, anyone on the way could read it, and then post there.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not (url.isascii() and url.isprintable()) or " " in url or not host:
        raise ValueError("not a URL; copy it again, e.g. https://HOST/PATH")
    if parts.username or parts.password:
        raise ValueError("the URL must not contain a user's name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("use https; http is accepted for this machine only (127.0.0.1)")


def _each(read_one: Callable[[str], str], entries: tuple[str, ...]) -> tuple[str, ...]:
    """The checked entries. Raises `ValueError` listing the problem of each bad entry."""
    read: list[str] = []
    wrong: list[str] = []
    for entry in entries:
        try:
            read.append(read_one(entry))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(read)


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    number, unit = value.strip()[:-1], value.strip()[-1:]
    if not (re.fullmatch("[1-9][0-9]{0,4}", number) and unit in _UNITS):
        raise ValueError(f"{value!r} is not a duration; use e.g. 90d, 12h or 4w")
    return timedelta(**{_UNITS[unit]: int(number)})


def _zone_name(name: str) -> str:
    name = name.strip()
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "; use a name such as Europe/Berlin"
        raise ValueError(f"{name!r} is not a time zone{hint}") from None
    return name


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def unknown_settings() -> list[str]:
    """Unknown variables that look like Pointsman's settings, each with a suggestion.

    Reported, not refused: a cluster sets names of this kind for a service called pointsman.
    """
    known = [f"POINTSMAN_{name.upper()}" for name in Settings.model_fields]
    strange = {name for name in os.environ if name.startswith("POINTSMAN_")} - {_OF_CLIENTS}
    unknown = sorted(name for name in strange if name not in known)
    return [f"{name} is not a setting{did_you_mean(name, known, cutoff=0.8)}" for name in unknown]


def state_folder() -> Path:
    """Where files that outlive a run are kept: `$XDG_STATE_HOME/pointsman`."""
    base = os.environ.get("XDG_STATE_HOME")
    if base:
        return Path(base) / "pointsman"
    try:
        return Path.home() / ".local" / "state" / "pointsman"
    except RuntimeError:
        raise SettingsError("this user has no home folder; set POINTSMAN_STATE") from None


def config_folder() -> Path | None:
    """The user's own folder, `$XDG_CONFIG_HOME/pointsman`; None for a user without a home."""
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(base) if base else Path.home() / ".config") / "pointsman"
    except RuntimeError:
        return None


def _env_files() -> tuple[Path, ...]:
    """The user's own `.env`, and the working directory's, which takes precedence."""
    own = config_folder()
    return (*([own / ".env"] if own else []), Path(".env"))


class Settings(BaseSettings):
    """The settings of one Pointsman process; immutable, and safe to print."""

    model_config = SettingsConfigDict(
        env_prefix="POINTSMAN_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    openrouter_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="OPENROUTER_API_KEY",
        description="The key sent to OpenRouter; unset: the key that the client sends.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=4477, ge=0, le=65535, description="The port; 0 picks a free one.")
    workers: int = Field(
        default=1, ge=1, le=64, description="Number of worker processes; 1 is enough in most cases."
    )
    upstream_url: Annotated[str, AfterValidator(_base_address)] = Field(
        default=_OPENROUTER,
        description="OpenRouter's base URL. Never taken from a request (T-45).",
    )
    policies: Path | None = Field(
        default=None,
        description="The folder of policy files; unset: ./policies, else yours, else shipped.",
    )
    ledger_url: SecretStr | None = Field(
        default=None,
        description="Where receipts are stored, a file or an SQLAlchemy URL; unset: in the state "
        "folder.",
    )
    ledger_keep: Annotated[timedelta | None, BeforeValidator(_span)] = Field(
        default=None,
        description="How long receipts are kept: 90d, 12h, 4w; unset: for ever.",
    )
    ledger_max_mb: float | None = Field(
        default=None,
        gt=0,
        description="How large the ledger may grow, in megabytes; unset: without limit.",
    )
    catalog_keep: Annotated[timedelta | None, BeforeValidator(_span)] = Field(
        default=timedelta(days=400),
        description="How long listings are kept that receipts were judged by; empty: for ever.",
    )
    catalog_max_mb: float = Field(
        default=256,
        gt=0,
        description="How much space these listings may take in the ledger, in megabytes.",
    )
    state: Path = Field(
        default_factory=state_folder,
        description="The folder for the default ledger and the catalog's copy.",
    )
    caller_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        description="Caller keys as name:key,name:key. If set, every request must have one.",
    )
    operators: CommaList = Field(
        default=(),
        description="Callers (names of CALLER_KEYS) that may read all receipts, comma-separated.",
    )
    allowed_hosts: CommaList = Field(
        default=(),
        description="Host names accepted besides loopback names and HOST, comma-separated.",
    )
    allowed_origins: Annotated[CommaList, AfterValidator(partial(_each, read_origin))] = Field(
        default=(),
        description="Web origins (https://app.example) that may send requests, comma-separated.",
    )
    forward_headers: Annotated[CommaList, AfterValidator(partial(_each, read_forwarded))] = Field(
        default=(),
        description="Headers sent to OpenRouter besides those it uses: x-foo, x-bar-*.",
    )
    open: bool = Field(
        default=False,
        description="Allow listening beyond loopback without caller keys.",
    )
    max_body_mb: float = Field(
        default=64, gt=0, description="The largest request body, in megabytes (10^6 bytes)."
    )
    max_bodies_mb: float = Field(
        default=512,
        gt=0,
        description="All request bodies held at once, in megabytes, per worker.",
    )
    max_head_kb: float = Field(
        default=64, ge=1, description="The largest head of a request, in kilobytes (10^3 bytes)."
    )
    max_headers: int = Field(
        default=100, ge=10, description="The most header lines that a request may have."
    )
    max_connections: int | None = Field(
        default=None,
        ge=1,
        description="Client connections per worker; unset: as many as file descriptors allow.",
    )
    head_timeout: float = Field(
        default=30, gt=0, description="Seconds in which the head of a request must arrive (T-65)."
    )
    body_timeout: float = Field(
        default=30,
        gt=0,
        description="Seconds in which 8 kB more of a request's body, or its end, must arrive.",
    )
    idle_timeout: int = Field(
        default=75, ge=1, description="Seconds that a connection may stay open without a request."
    )
    connect_timeout: float = Field(
        default=10, gt=0, description="Seconds to wait for a connection to OpenRouter."
    )
    read_timeout: float = Field(
        default=900,
        gt=0,
        description="Seconds without data from OpenRouter after which a request ends (T-16).",
    )
    transport: Literal["auto", "lean", "httpx"] = Field(
        default="auto",
        description="The HTTP client for OpenRouter; auto: lean, or httpx if a proxy is set.",
    )
    write_timeout: float = Field(
        default=120, gt=0, description="Seconds that a client may leave an answer unread (T-19)."
    )
    worker_timeout: float = Field(
        default=30,
        ge=0,
        description="Seconds without a sign of life after which a worker is replaced; 0: never.",
    )
    drain_seconds: int = Field(
        default=30, ge=0, description="Seconds that running requests have to finish at shutdown."
    )
    pin_seconds: int = Field(
        default=600,
        ge=1,
        description="Seconds without a turn after which `affinity: pin` lets go of a host.",
    )
    time_zone: Annotated[str, AfterValidator(_zone_name)] = Field(
        default="UTC",
        description="The time zone in which budgets have their hours, days, weeks and months.",
    )
    defects: bool = Field(
        default=True, description="Look for defects in answers; only their names are kept."
    )
    notify_url: SecretStr | None = Field(
        default=None,
        description="A webhook that is told of events, https only; unset: nothing is sent.",
    )
    notify_format: Literal["auto", "json", "slack", "ntfy"] = Field(
        default="auto",
        description="The shape of what is sent to it; auto: by the host or path of the URL.",
    )
    notify_secret: SecretStr | None = Field(
        default=None,
        description="The secret by which messages are signed (HMAC-SHA256); unset: unsigned.",
    )
    explain_errors: bool = Field(
        default=True,
        description="Explain in OpenRouter's routing 404s how the policy was involved.",
    )
    guess_sessions: bool = Field(
        default=False,
        description="Guess the session of requests that name none, by how a conversation begins.",
    )
    shared_secret: SecretStr | None = Field(
        default=None,
        description="The secret of digests, the same for all replicas; unset: each makes its own.",
    )
    otel: bool = Field(
        default=False,
        description="Export traces and metrics by OpenTelemetry; OTEL_* variables set the target.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What the process log shows; requests are logged at info."
    )

    @field_validator("allowed_hosts", "allowed_origins", "forward_headers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("operators", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("caller_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys: dict[str, str] = {}
        for pair in filter(None, (part.strip() for part in value.split(","))):
            name, colon, key = (piece.strip() for piece in pair.partition(":"))
            if not (name and colon and key):
                raise ValueError("write each entry as name:key, and separate entries by commas")
            if name in keys:
                raise ValueError(f"the name {name!r} is given twice")
            keys[name] = key
        if len(set(keys.values())) < len(keys):
            raise ValueError(
                "two names have the same key, so the key would not identify the caller"
            )
        return keys

    @field_validator(
        *("openrouter_api_key", "ledger_url", "ledger_max_mb", "max_connections"),
        *("notify_url", "notify_secret", "shared_secret"),
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return (value.strip() or None) if isinstance(value, str) else value

    @field_validator("ledger_url", mode="after")
    @classmethod
    def _is_a_ledger(cls, value: SecretStr | None) -> SecretStr | None:
        url = value.get_secret_value() if value else "sqlite:///"
        if _is_a_path(url):
            return SecretStr(f"sqlite:///{Path(url).expanduser()}")
        scheme, _, rest = url.partition("://")
        if scheme not in _LEDGERS or not (rest or value is None):
            raise ValueError(
                "not a file or a ledger URL; use e.g. ./receipts.db or "
                "postgresql+psycopg://USER@HOST/NAME"
            )
        if scheme.startswith("postgresql") and rest.count("@") > 1:
            # Part of the password would be taken for the host, and be shown as one.
            raise ValueError("it has more than one @; in a password, write %40 for @")
        if scheme.startswith("postgresql") and find_spec("psycopg") is None:
            raise ValueError("PostgreSQL requires a driver: pip install 'pointsman[postgres]'")
        return value

    @field_validator("notify_url", mode="after")
    @classmethod
    def _is_a_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        """Check the address without repeating it: it is all that one needs to post there."""
        if value is not None:
            _check_webhook(value.get_secret_value())
        return value

    @field_validator("shared_secret", mode="after")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse what could be found by trying: a digest in the ledger shows when a guess fits."""
        if value is not None and len(value.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(
                f"it must have {_SHORTEST_SECRET} characters or more; make one with "
                "'openssl rand -hex 32'"
            )
        return value

    @field_validator("openrouter_api_key", mode="after")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else ""
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError(
                "the key contains characters that an HTTP header can't carry; copy it again"
            )
        return value

    @classmethod
    def read(cls, **options: Any) -> Self:
        """Settings from the environment, with the options given on the command line on top.

        Options that are None count as not given. Raises `SettingsError` naming every bad setting,
        without repeating values, since some of them are keys.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(_env_file=_env_files(), **given)  # type: ignore[call-arg]  # of the base
        except ValidationError as error:
            raise SettingsError("\n".join(_complaints(error, given))) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{Path('.env').absolute()} can't be read: {reason_of(error)}; let this user read "
                "it, write it as UTF-8, or run in another folder"
            ) from None

    @property
    def own_policies(self) -> Path | None:
        """The user's own folder of policies, whether or not it exists."""
        own = config_folder()
        return own / "policies" if own else None

    @property
    def zone(self) -> tzinfo:
        """The time zone of budgets."""
        return _zone(self.time_zone)

    @property
    def names_upstream(self) -> bool:
        """Whether requests are meant for an upstream: it is set, or a key for OpenRouter is."""
        return self.openrouter_api_key is not None or "upstream_url" in self.model_fields_set

    def ledger(self) -> str:
        """The ledger's URL, the default filled in."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.state / 'ledger.db'}"

    def doubts(self) -> list[str]:
        """What works, and is probably not meant."""
        alone = self.guess_sessions and self.shared_secret is None
        return [_GUESSES_ALONE] if alone and self.ledger().startswith("postgresql") else []

    def check_exposure(self) -> None:
        """Raise `SettingsError` if settings contradict each other or would admit strangers."""
        strangers = sorted(set(self.operators) - set(self.caller_keys))
        if strangers:
            raise SettingsError(
                f"POINTSMAN_OPERATORS names {strangers[0]!r}, which is not a name in "
                "POINTSMAN_CALLER_KEYS; add name:key there, or remove it"
            )
        if self.caller_keys and self.openrouter_api_key is None:
            raise SettingsError(
                "POINTSMAN_CALLER_KEYS is set, so clients send those keys, not OpenRouter's; "
                "set OPENROUTER_API_KEY too, or unset POINTSMAN_CALLER_KEYS"
            )
        if NULL in self.allowed_origins and not self.caller_keys:
            raise SettingsError(
                "POINTSMAN_ALLOWED_ORIGINS contains 'null', which any web page can send from a "
                "sandboxed frame, so every page you visit could spend your key. "
                "Set POINTSMAN_CALLER_KEYS too, or remove 'null'"
            )
        upstream = urlsplit(self.upstream_url)
        host = upstream.hostname or ""
        here = host == self.host or (is_loopback(host) and is_loopback(self.host))
        if here and self.port and upstream.port == self.port:
            raise SettingsError(
                f"POINTSMAN_UPSTREAM_URL is {self.upstream_url}, which is this Pointsman itself, "
                "so requests would loop for ever; set it to OpenRouter's address"
            )
        if not (is_loopback(self.host) or self.caller_keys or self.open):
            raise SettingsError(
                f"refusing to listen on {self.host}, since other machines could spend your key; "
                "set POINTSMAN_CALLER_KEYS=name:key, or listen on 127.0.0.1, "
                "or use --open (POINTSMAN_OPEN=1) if a firewall or proxy controls access"
            )


class _OfOneFile(Settings):
    """Settings that are read from a file and from nowhere else."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, init_settings, env_settings, file_secret_settings
        return (dotenv_settings,)


def settings_of(file: Path) -> Settings:
    """The settings of a process that has them from this `.env` file alone, as a service has.

    A file that does not exist has none. Raises `SettingsError` naming the file and each bad
    setting, without repeating values.
    """
    try:
        return _OfOneFile(_env_file=file)  # type: ignore[call-arg]  # of the base
    except ValidationError as error:
        raise SettingsError(
            "\n".join(f"{file}: {each}" for each in _complaints(error, ()))
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} can't be read: {reason_of(error)}") from None


def _is_a_path(ledger: str) -> bool:
    """Whether a ledger is given as a file path rather than as a URL."""
    names_file = "/" in ledger or os.sep in ledger or "." in ledger
    return names_file and re.match(r"[a-z+]+:", ledger) is None


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _complaints(error: ValidationError, options: Container[str]) -> list[str]:
    return [
        f"{_source(part['loc'], options)}: {part['msg'].removeprefix('Value error, ')}"
        for part in error.errors()
    ]


def _source(location: tuple[int | str, ...], options: Container[str]) -> str:
    """The option that a value came from, else the setting."""
    named = str(location[0]) if location else ""
    if named in options and named in _OPTIONS:
        return _OPTIONS[named]
    name = str(location[0]).upper() if location else "settings"
    return name if name == "OPENROUTER_API_KEY" else f"POINTSMAN_{name}"
