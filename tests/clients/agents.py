"""How each coding agent is pointed at Pointsman and kept to itself: docs/tools.md as a table.

In `command`, `files` and `environment`, `$url`, `$key`, `$model`, `$task` and `$program` stand for
the test's values. Node programs are started by the Node that the tests found.
"""

from dataclasses import dataclass, field

MODEL = "qwen/qwen3-coder"

_OPENCODE = """{
  "model": "openrouter/$model", "small_model": "openrouter/$model",
  "autoupdate": false, "share": "disabled", "enabled_providers": ["openrouter"],
  "provider": {"openrouter": {"options": {"baseURL": "$url/v1", "apiKey": "$key"},
                              "models": {"$model": {}}}}
}"""
_CODEX = """
model = "$model"
model_provider = "pointsman"
check_for_update_on_startup = false
web_search = "disabled"
[analytics]
enabled = false
[features]
apps = false
plugins = false
remote_plugin = false
[model_providers.pointsman]
name = "Pointsman"
base_url = "$url/v1"
wire_api = "responses"
env_key = "POINTSMAN_KEY"
"""
_PI = """{"providers": {"openrouter": {"baseUrl": "$url/v1", "apiKey": "$key",
                              "headers": {"User-Agent": "pi"}}}}"""
_AIDER = (
    *("$program", "--openai-api-base", "$url/v1", "--openai-api-key", "$key"),
    *("--model", "openai/$model", "--edit-format", "whole", "--no-git"),
    *("--yes-always", "--no-analytics", "--no-check-update", "--no-show-model-warnings"),
    "--no-show-release-notes",
)
_CODEX_EXEC = (
    *("node", "$program", "exec", "--skip-git-repo-check"),
    "--dangerously-bypass-approvals-and-sandbox",
)
_PI_RUN = ("node", "$program", "--provider", "openrouter", "--model", "$model")
_CLAUDE = ("$program", "--permission-mode", "acceptEdits")


@dataclass(frozen=True)
class Agent:
    """One agent: what is set for it, and what its requests look like."""

    name: str
    dialect: str
    command: tuple[str, ...]
    resumed: tuple[str, ...]  # the same in the conversation of the run before
    named: bool  # whether its requests name their session
    tool: str | None  # the tool of its own that writes the file; None: it edits by text
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # below its home folder
    task_by_stdin: bool = False
    quiet: bool = True  # asks nobody but us, set up like this


AGENTS = (
    Agent(
        name="qwen-code",
        dialect="chat",
        command=("node", "$program", "--yolo", "-p", "$task"),
        resumed=("node", "$program", "--yolo", "--continue", "-p", "$task"),
        named=False,
        tool="write_file",
        environment={
            "OPENAI_BASE_URL": "$url/v1",
            "OPENAI_API_KEY": "$key",
            "OPENAI_MODEL": "$model",
        },
        files={".qwen/settings.json": '{"privacy": {"usageStatisticsEnabled": false}}'},
    ),
    Agent(
        name="opencode",
        dialect="chat",
        command=("$program", "run"),
        resumed=("$program", "run", "--continue"),
        named=True,
        tool="write",
        environment={
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
        },
        files={".config/opencode/opencode.json": _OPENCODE},
        task_by_stdin=True,  # as an argument it would be put in quotes
        quiet=False,  # it wants its plugin package from npm
    ),
    Agent(
        name="codex",
        dialect="responses",
        command=(*_CODEX_EXEC, "$task"),
        resumed=(*_CODEX_EXEC, "resume", "--last", "$task"),
        named=True,
        tool="exec_command",
        environment={"POINTSMAN_KEY": "$key"},
        files={".codex/config.toml": _CODEX},
    ),
    Agent(
        name="pi",
        dialect="chat",
        command=(*_PI_RUN, "-p", "$task"),
        resumed=(*_PI_RUN, "--continue", "-p", "$task"),
        named=False,  # since 1.6.0 at the latest it is; docs/sessions.md
        tool="write",
        environment={"PI_OFFLINE": "1"},
        files={".pi/agent/models.json": _PI},
    ),
    Agent(
        name="claude-code",
        dialect="messages",
        command=(*_CLAUDE, "-p", "$task"),
        resumed=(*_CLAUDE, "--continue", "-p", "$task"),
        named=True,
        tool="Write",
        environment={
            "ANTHROPIC_BASE_URL": "$url",
            "ANTHROPIC_AUTH_TOKEN": "$key",
            "ANTHROPIC_MODEL": "$model",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    ),
    Agent(
        name="aider",
        dialect="chat",
        command=(*_AIDER, "--message", "$task", "hello.txt"),
        resumed=(*_AIDER, "--restore-chat-history", "--message", "$task", "hello.txt"),
        named=False,
        tool=None,
        quiet=False,  # it wants LiteLLM's price list
    ),
)
