"""How each tool is set for Pointsman and recognised: docs/tools.md as a table. PURE."""

from collections.abc import Mapping
from typing import Any

from .tool import KEY_VARIABLE, Config, Launch, Tool

ADDRESS = "http://127.0.0.1:4477"
BASE_URL = f"{ADDRESS}/v1"

_OPENCODE: Mapping[str, Any] = {
    "model": "openrouter/$model",
    "small_model": "openrouter/$model",
    "provider": {
        "openrouter": {
            "options": {"baseURL": "$base", "apiKey": f"{{env:{KEY_VARIABLE}}}"},
            "models": {"$model": {}},
        }
    },
}
_OPENCODE_VALUES: Mapping[tuple[str, ...], Any] = {
    ("provider", "openrouter", "options", "baseURL"): "$base",
    ("provider", "openrouter", "options", "apiKey"): "$by_name",
    ("model",): "openrouter/$model",
    ("small_model",): "openrouter/$model",
}
_OPENCODE_MODELS: Mapping[tuple[str, ...], Any] = {
    ("provider", "openrouter", "models", "$model"): {}
}
_CLAUDE = {
    "ANTHROPIC_BASE_URL": "$address",
    "ANTHROPIC_AUTH_TOKEN": "$key",
    "ANTHROPIC_MODEL": "$model",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "$model",  # titles and the like
}
_CODEX_PROVIDER = (
    f'{{name="Pointsman", base_url="$base", wire_api="responses", env_key="{KEY_VARIABLE}"}}'
)
_PI_EXTENSION = (
    'export default (pi) => pi.registerProvider("openrouter", '
    f'{{baseUrl: "$base", apiKey: "{KEY_VARIABLE}", headers: {{"User-Agent": "pi"}}}});\n'
)
_CLINE = ("providers", "openrouter")
_CLINES_DATE = "2026-01-01T00:00:00.000Z"  # without one, it takes the file for broken

# What programs on the usual SDKs read: OpenAI's and Anthropic's, LiteLLM, LangChain, OpenRouter's.
ANY_PROGRAM: Mapping[str, str] = {
    "OPENAI_BASE_URL": "$base",
    "OPENAI_API_BASE": "$base",
    "OPENAI_API_KEY": "$key",
    "OPENAI_MODEL": "$model",
    "ANTHROPIC_BASE_URL": "$address",
    "ANTHROPIC_API_BASE": "$address",
    "ANTHROPIC_AUTH_TOKEN": "$key",
    "ANTHROPIC_API_KEY": "$key",
    "ANTHROPIC_MODEL": "$model",
    "OPENROUTER_BASE_URL": "$base",
    "OPENROUTER_API_BASE": "$base",
    "OPENROUTER_API_KEY": "$key",
}

TOOLS: Mapping[str, Tool] = {
    "openai-sdk": Tool(setting=f"OPENAI_BASE_URL={BASE_URL}", user_agent="*OpenAI/*"),
    "anthropic-sdk": Tool(setting=f"ANTHROPIC_BASE_URL={ADDRESS}", user_agent="*Anthropic/*"),
    "ai-sdk": Tool(
        setting=f'createOpenRouter or createOpenAICompatible: baseURL: "{BASE_URL}"',
        user_agent="ai*provider-utils/*",
    ),
    "langchain": Tool(setting=f'ChatOpenAI(base_url="{BASE_URL}", model=MODEL)'),
    "llm": Tool(
        setting=f"extra-openai-models.yaml: api_base: {BASE_URL}",
        launch=Launch(
            program="llm",
            install="pipx install llm",
            variables={
                "OPENAI_BASE_URL": "$base",
                "OPENAI_API_KEY": "$key",
                "LLM_MODEL": "pointsman $model",
                "LLM_USER_PATH": "$folder",
            },
            copy="extra-openai-models.yaml",
            links=True,
        ),
        config=Config(
            kind="yaml list",
            chosen=("$LLM_USER_PATH/extra-openai-models.yaml",),
            usual=("$APPLICATIONS/io.datasette.llm/extra-openai-models.yaml",),
            values={
                (): {
                    "model_id": "pointsman $model",
                    "model_name": "$model",
                    "api_base": "$base",
                    "api_key_name": "$variable",
                    "supports_tools": True,
                    "supports_schema": True,
                }
            },
            key_goes=f"llm keys set {KEY_VARIABLE}",
            needs_model=True,
            afterwards='llm -m "pointsman $model" PROMPT',
        ),
    ),
    "qwen-code": Tool(
        setting=f"OPENAI_BASE_URL={BASE_URL} OPENAI_API_KEY=any OPENAI_MODEL=MODEL",
        user_agent="QwenCode/*",
        names=("qwen",),
        launch=Launch(
            program="qwen",
            install="npm install -g @qwen-code/qwen-code",
            variables={
                "OPENAI_BASE_URL": "$base",
                "OPENAI_API_KEY": "$key",
                "OPENAI_MODEL": "$model",
            },
            arguments=(
                ("--auth-type", "openai"),
                ("--openai-base-url", "$base"),
                ("--model", "$model"),
            ),
        ),
        config=Config(
            kind="json",
            chosen=("$QWEN_HOME/settings.json",),
            usual=("$HOME/.qwen/settings.json",),
            values={
                ("security", "auth", "selectedType"): "openai",
                ("security", "auth", "baseUrl"): "$base",
                ("security", "auth", "apiKey"): "$any",
                ("model", "name"): "$model",
            },
            key_goes=f"export OPENAI_API_KEY=${KEY_VARIABLE}",
        ),
    ),
    "opencode": Tool(
        setting=f'opencode.json: provider.openrouter.options.baseURL = "{BASE_URL}"',
        user_agent="opencode/*",
        launch=Launch(
            program="opencode",
            install="npm install -g opencode-ai",
            variables={"OPENCODE_CONFIG_CONTENT": _OPENCODE, KEY_VARIABLE: "$key"},
        ),
        config=Config(
            kind="json",
            chosen=("$OPENCODE_CONFIG",),
            usual=(
                "$XDG_CONFIG_HOME/opencode/opencode.jsonc",
                "$XDG_CONFIG_HOME/opencode/opencode.json",
            ),
            values=_OPENCODE_VALUES,
            if_absent=_OPENCODE_MODELS,
            by_name=f"{{env:{KEY_VARIABLE}}}",
        ),
    ),
    "kilo": Tool(
        setting=f'kilo.json: provider.openrouter.options.baseURL = "{BASE_URL}"',
        user_agent="Kilo-Code/*",
        names=("kilocode", "kilo-code"),
        launch=Launch(
            program="kilo",
            install="npm install -g @kilocode/cli",
            variables={"KILO_CONFIG_CONTENT": _OPENCODE, KEY_VARIABLE: "$key"},
        ),
        config=Config(
            kind="json",
            chosen=("$KILO_CONFIG",),
            usual=("$XDG_CONFIG_HOME/kilo/kilo.jsonc", "$XDG_CONFIG_HOME/kilo/kilo.json"),
            values=_OPENCODE_VALUES,
            if_absent=_OPENCODE_MODELS,
            by_name=f"{{env:{KEY_VARIABLE}}}",
        ),
    ),
    "aider": Tool(
        setting=f"--openai-api-base {BASE_URL} --openai-api-key any --model openai/MODEL",
        launch=Launch(
            program="aider",
            install="pipx install aider-chat",
            variables={
                "AIDER_OPENAI_API_KEY": "$key",
                "OPENROUTER_API_BASE": "$base",  # for its own models of that kind
                "OPENROUTER_API_KEY": "$key",
            },
            arguments=(("--openai-api-base", "$base"), ("--model", "openai/$model")),
        ),
        config=Config(
            kind="yaml",
            usual=("$HOME/.aider.conf.yml",),
            values={
                ("openai-api-base",): "$base",
                ("openai-api-key",): "$any",
                ("model",): "openai/$model",
            },
            key_goes=f"export AIDER_OPENAI_API_KEY=${KEY_VARIABLE}",
        ),
    ),
    "codex": Tool(
        setting=f'config.toml, in model_providers: base_url = "{BASE_URL}", wire_api = "responses"',
        user_agent="codex_*",
        launch=Launch(
            program="codex",
            install="npm install -g @openai/codex",
            variables={KEY_VARIABLE: "$key"},
            arguments=(
                ("-c", 'model_provider="pointsman"'),
                (
                    "-c",
                    f"model_providers.pointsman={_CODEX_PROVIDER}",
                ),
                ("-c", "model=$toml_model"),
            ),
        ),
        config=Config(
            kind="toml",
            chosen=("$CODEX_HOME/config.toml",),
            usual=("$HOME/.codex/config.toml",),
            values={
                ("model",): "$model",
                ("model_provider",): "pointsman",
                ("model_providers", "pointsman", "name"): "Pointsman",
                ("model_providers", "pointsman", "base_url"): "$base",
                ("model_providers", "pointsman", "wire_api"): "responses",
                ("model_providers", "pointsman", "env_key"): "$variable",
            },
            by_name=KEY_VARIABLE,
        ),
    ),
    "pi": Tool(
        setting=f'models.json, in providers.openrouter: "baseUrl": "{BASE_URL}", '
        '"headers": {"User-Agent": "pi"}',
        user_agent="pi",
        launch=Launch(
            program="pi",
            install="npm install -g @mariozechner/pi-coding-agent",
            variables={KEY_VARIABLE: "$key"},
            arguments=(
                ("--extension", "$folder/pointsman.js"),
                ("--provider", "openrouter"),
                ("--model", "$model"),
            ),
            files={"pointsman.js": _PI_EXTENSION},
        ),
        config=Config(
            kind="json",
            chosen=("$PI_CODING_AGENT_DIR/models.json",),
            usual=("$HOME/.pi/agent/models.json",),
            values={
                ("providers", "openrouter", "baseUrl"): "$base",
                ("providers", "openrouter", "apiKey"): "$by_name",
                ("providers", "openrouter", "headers", "User-Agent"): "pi",
            },
            by_name=KEY_VARIABLE,
            afterwards="pi --provider openrouter --model $model",
        ),
    ),
    "claude-code": Tool(
        setting=f"ANTHROPIC_BASE_URL={ADDRESS} ANTHROPIC_AUTH_TOKEN=any ANTHROPIC_MODEL=MODEL",
        user_agent="claude-cli/*",
        names=("claude",),
        launch=Launch(
            program="claude",
            install="npm install -g @anthropic-ai/claude-code",
            variables=_CLAUDE,
            without=("ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"),
            arguments=(("--settings", "$folder/settings.json"),),  # over those of the user's `env`
            files={"settings.json": {"env": _CLAUDE}},
        ),
        config=Config(
            kind="json",
            chosen=("$CLAUDE_CONFIG_DIR/settings.json",),
            usual=("$HOME/.claude/settings.json",),
            values={
                ("env", "ANTHROPIC_BASE_URL"): "$address",
                ("env", "ANTHROPIC_AUTH_TOKEN"): "$any",
                ("env", "ANTHROPIC_MODEL"): "$model",
                ("env", "ANTHROPIC_DEFAULT_HAIKU_MODEL"): "$model",
            },
            key_goes=f"export ANTHROPIC_AUTH_TOKEN=${KEY_VARIABLE}",
        ),
    ),
    "cline": Tool(
        setting=f'providers.json, in providers.openrouter.settings: "baseUrl": "{BASE_URL}"',
        user_agent="ai-sdk/openai-compatible/*",
        launch=Launch(
            program="cline",
            install="npm install -g cline",
            variables={
                "CLINE_PROVIDER_SETTINGS_PATH": "$folder/providers.json",
                "CLINE_SESSION_BACKEND_MODE": "local",  # its background process has other settings
            },
            copy="providers.json",
        ),
        config=Config(
            kind="json",
            chosen=(
                "$CLINE_PROVIDER_SETTINGS_PATH",
                "$CLINE_DATA_DIR/settings/providers.json",
                "$CLINE_DIR/data/settings/providers.json",
            ),
            usual=("$HOME/.cline/data/settings/providers.json",),
            values={
                (*_CLINE, "settings", "provider"): "openrouter",
                (*_CLINE, "settings", "baseUrl"): "$base",
                (*_CLINE, "settings", "apiKey"): "$any",
                (*_CLINE, "settings", "model"): "$model",
                ("lastUsedProvider",): "openrouter",
            },
            if_absent={("version",): 1, (*_CLINE, "updatedAt"): _CLINES_DATE},
            whole=_CLINE,
            key_goes="cline auth, or cline --key",
        ),
    ),
    "goose": Tool(
        setting=f"GOOSE_PROVIDER=openrouter OPENROUTER_HOST={ADDRESS} GOOSE_MODEL=MODEL",
        launch=Launch(
            program="goose",
            variables={
                "GOOSE_PROVIDER": "openrouter",
                "OPENROUTER_HOST": "$address",
                "OPENROUTER_API_KEY": "$key",
                "GOOSE_MODEL": "$model",
            },
        ),
        config=Config(
            kind="yaml",
            usual=("$XDG_CONFIG_HOME/goose/config.yaml",),
            values={
                ("GOOSE_PROVIDER",): "openrouter",
                ("OPENROUTER_HOST",): "$address",
                ("GOOSE_MODEL",): "$model",
            },
            key_goes=f"export OPENROUTER_API_KEY=${KEY_VARIABLE}",
            afterwards="set OPENROUTER_API_KEY to any text, if it is not set",
        ),
    ),
    "curl": Tool(setting=f"curl {BASE_URL}/chat/completions", user_agent="curl/*"),
}
