"""Settings are read once, checked whole, and never show a secret."""

from pathlib import Path

import pytest

from app.errors import SettingsError
from app.settings import Settings, is_loopback, unknown_settings


def test_the_defaults_are_safe() -> None:
    settings = Settings.read()
    settings.check_exposure()
    assert (settings.host, settings.port) == ("127.0.0.1", 4477)
    assert settings.upstream_url == "https://openrouter.ai/api/v1"
    assert settings.ledger().endswith("state/pointsman/ledger.db")
    assert settings.read_timeout >= 600  # T-16


def test_the_environment_is_read_and_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_PORT", "5000")
    monkeypatch.setenv("POINTSMAN_ALLOWED_HOSTS", " Pointsman , other.internal,")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-1")
    settings = Settings.read(port=None, host="::1")
    assert (settings.host, settings.port) == ("::1", 5000)
    assert settings.allowed_hosts == ("pointsman", "other.internal")
    assert Settings.read(port=6000).port == 6000


def test_a_dotenv_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENROUTER_API_KEY=sk-or-2\nSOMETHING_ELSE=1\n")
    key = Settings.read().openrouter_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-or-2"


def test_a_dotenv_file_that_is_no_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OPENROUTER_API_KEY=secret\xe4\n")
    with pytest.raises(SettingsError, match=r"/\.env can't be read: ") as caught:
        Settings.read()
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_dotenv_file_that_can_not_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A mode would not keep root out; nothing can be read at the beginning of this file."""
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(SettingsError, match=r"/\.env can't be read: Input/output error; let this"):
        Settings.read()


def test_every_bad_setting_is_named_and_no_value_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_PORT", "secret-by-mistake")
    monkeypatch.setenv("POINTSMAN_CALLER_KEYS", "anna:secret-a,secret-b")
    monkeypatch.setenv("POINTSMAN_UPSTREAM_URL", "http://user:secret-c@host")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    for name in ("POINTSMAN_PORT", "POINTSMAN_CALLER_KEYS", "POINTSMAN_UPSTREAM_URL"):
        assert name in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("keys", ["anna", "anna:", ":k", "anna:k,anna:l", "anna:k,bob:k"])
def test_ambiguous_caller_keys_are_an_error(keys: str) -> None:
    with pytest.raises(SettingsError, match="POINTSMAN_CALLER_KEYS"):
        Settings.read(caller_keys=keys)


@pytest.mark.parametrize("url", ["ftp://x", "openrouter.ai/api/v1", "http://", "file:///etc"])
def test_an_upstream_that_is_no_web_address_is_an_error(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^--upstream: "):
        Settings.read(upstream_url=url)


def test_t39_printing_the_settings_shows_no_key() -> None:
    settings = Settings.read(
        openrouter_api_key="canary",
        caller_keys="anna:canary",
        ledger_url="postgresql://u:canary@h/d",
    )
    assert "canary" not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - compared, not bound
        ("::", False),
        ("127.evil.com", False),
        ("localhost.evil.com", False),
    ],
)
def test_t41_only_real_loopback_addresses_count_as_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "key", ["sk-or-1\nX-Evil: 1", "sk or", "sk-or-\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
def test_a_key_that_no_header_can_carry_is_an_error(key: str) -> None:
    with pytest.raises(SettingsError, match="OPENROUTER_API_KEY") as caught:
        Settings.read(openrouter_api_key=key)
    assert key not in str(caught.value)


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    key = Settings.read(openrouter_api_key=" sk-or-1\n").openrouter_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-or-1"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://h/d",
        "sqlite",
        "sqlite://",
        "postgres://h/d",
        "postgresql://",
        "sqlite:x.db",
    ],
)
def test_a_ledger_that_can_not_be_is_an_error(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^--ledger: not a file or a ledger URL; use e\.g\. "):
        Settings.read(ledger_url=url)


@pytest.mark.parametrize("upstream", ["127.0.0.1:4477", "localhost:4477", "[::1]:4477"])
def test_serving_oneself_is_an_error(upstream: str) -> None:
    with pytest.raises(SettingsError, match="itself"):
        Settings.read(upstream_url=f"http://{upstream}/v1").check_exposure()
    Settings.read(upstream_url=f"http://{upstream}/v1", port=4478).check_exposure()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.raises(SettingsError, match="POINTSMAN_STATE"):
        Settings.read()


def test_a_setting_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POINTSMAN_POLCIES", "POINTSMAN_PORT", "POINTSMAN_SERVICE_HOST", "POINTSMAN_KEY"):
        monkeypatch.setenv(name, "1")
    assert unknown_settings() == [
        "POINTSMAN_POLCIES is not a setting; did you mean POINTSMAN_POLICIES?",
        "POINTSMAN_SERVICE_HOST is not a setting",
    ]


def test_allowed_origins_are_read_as_browsers_send_them() -> None:
    settings = Settings.read(allowed_origins=" https://App.example/ , app://obsidian.md,")
    assert settings.allowed_origins == ("https://app.example", "app://obsidian.md")


def test_every_origin_that_is_none_is_named_at_start() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read(allowed_origins="*, https://app.example, app.example, https://a.example/page")
    told = str(caught.value)
    assert told.startswith(
        "POINTSMAN_ALLOWED_ORIGINS: '*' would allow every web page you visit to spend your key "
        "and read your receipts; list the origins, e.g. https://app.example; 'app.example'"
    )
    for part in ("every web page you visit", "'app.example'", "write https://a.example"):
        assert part in told


def test_headers_to_forward_are_read_by_name_and_prefix() -> None:
    settings = Settings.read(forward_headers=" X-Team, x-experiment-* ,x-openrouter-title,")
    assert settings.forward_headers == ("x-team", "x-experiment-*", "x-openrouter-title")


def test_every_header_that_is_never_forwarded_is_named_at_start() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read(forward_headers="x-team, cookie, x-*, X-OR-Endpoint-Id, x-foo: sk-canary, *")
    told = str(caught.value)
    assert told.startswith(
        "POINTSMAN_FORWARD_HEADERS: 'cookie' is never forwarded, because it holds a credential; "
        "remove it; 'x-*' covers a header that is never forwarded, because it holds a credential; "
        "use a longer prefix, or whole names; 'x-or-endpoint-id' is never forwarded, because "
    )
    assert "'x-foo' is not the name of a header; write names without values" in told
    assert "canary" not in told
    assert "x-team" not in told


def test_the_origin_null_needs_caller_keys() -> None:
    """Any web page can send it, from a sandboxed frame."""
    with pytest.raises(SettingsError, match=r"'null'.*POINTSMAN_CALLER_KEYS"):
        Settings.read(allowed_origins="null").check_exposure()
    keys = {"caller_keys": "a:b", "openrouter_api_key": "k"}
    Settings.read(allowed_origins="null", **keys).check_exposure()


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api/v1/responses/", "https://openrouter.ai/api/v1"),
        ("https://eu.openrouter.ai/models", "https://eu.openrouter.ai/api/v1"),
        ("https://openrouter.ai/chat", "https://openrouter.ai/api/v1"),
        ("http://gateway.example:8080/x/v1/messages", "http://gateway.example:8080/x/v1"),
        ("https://gateway.example/completions", "https://gateway.example"),
    ],
)
def test_an_upstream_that_names_an_endpoint_is_an_error_with_the_address_to_set(
    url: str, instead: str
) -> None:
    with pytest.raises(SettingsError, match=r"^--upstream: ") as caught:
        Settings.read(upstream_url=url)
    assert str(caught.value).endswith(f"set {instead}")
    assert Settings.read(upstream_url=instead).upstream_url == instead


def test_an_upstream_with_a_query_is_an_error_that_does_not_repeat_it() -> None:
    with pytest.raises(SettingsError, match="must not have a query") as caught:
        Settings.read(upstream_url="https://gateway.example/v1?key=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("file", ["receipts.db", "./receipts", "/var/lib/p/receipts.db"])
def test_a_ledger_may_be_given_as_a_file(file: str) -> None:
    assert Settings.read(ledger_url=file).ledger() == f"sqlite:///{Path(file)}"


def test_a_ledger_in_the_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Settings.read(ledger_url="~/r.db").ledger() == "sqlite:////home/me/r.db"


def test_the_users_own_settings_come_after_the_working_directorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "config" / "pointsman"
    own.mkdir(parents=True)
    (own / ".env").write_text("POINTSMAN_PORT=1111\nPOINTSMAN_HOST=127.0.0.2\n")
    assert (Settings.read().port, Settings.read().host) == (1111, "127.0.0.2")
    Path(".env").write_text("POINTSMAN_PORT=2222\n")
    assert (Settings.read().port, Settings.read().host) == (2222, "127.0.0.2")
    monkeypatch.setenv("POINTSMAN_PORT", "3333")
    assert Settings.read().port == 3333
    assert Settings.read(port=4444).port == 4444
    assert Settings.read().own_policies == own / "policies"


def test_a_user_without_a_home_has_no_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    settings = Settings.read(state=Path("state"))
    assert settings.own_policies is None


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "http://127.0.0.1:9000/hook",
        "http://localhost/hook",
        "http://[::1]:80/",
        "  https://ntfy.sh/mine\n",
        "",
    ],
)
def test_a_webhook_is_https_or_on_this_machine(url: str) -> None:
    found = Settings.read(notify_url=url).notify_url
    assert (found.get_secret_value() if found else "") == url.strip()
    assert "slack" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.secret.example/x",
        "http://127.0.0.1.secret.example/x",
        "ftp://127.0.0.1/secret",
        "secret",
        "https://",
        "https://user:secret@host/",
        "https://host:secret/",
        "https://host:99999/secret",
        "https://[::secret/",
        "https://host/se cret",
        "https://host/secr\u00e9t",
    ],
)
def test_t39_another_webhook_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^POINTSMAN_NOTIFY_URL: ") as caught:
        Settings.read(notify_url=url)
    assert "secr" not in str(caught.value)
    assert "se cret" not in str(caught.value)


def test_a_shared_secret_that_could_be_found_by_trying_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"POINTSMAN_SHARED_SECRET: it must have 32 characters"):
        Settings.read(shared_secret="too short, and a canary")
    assert "canary" not in str(Settings.read(shared_secret="canary" * 6))
    assert Settings.read(shared_secret=" ").shared_secret is None


def test_replicas_that_would_guess_differently_are_a_doubt() -> None:
    ledger = "postgresql+psycopg://pointsman@127.0.0.1/ledger"
    (doubt,) = Settings.read(guess_sessions=True, ledger_url=ledger).doubts()
    assert "POINTSMAN_SHARED_SECRET" in doubt
    assert Settings.read(ledger_url=ledger).doubts() == []
    assert Settings.read(guess_sessions=True).doubts() == []
    shared = Settings.read(guess_sessions=True, ledger_url=ledger, shared_secret="x" * 32)
    assert shared.doubts() == []
