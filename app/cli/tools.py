"""How each tool is configured for Pointsman and recognised: docs/tools.md in short."""

from collections.abc import Mapping
from dataclasses import dataclass

ADDRESS = "http://127.0.0.1:4477"
BASE_URL = f"{ADDRESS}/v1"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: the settings to change in it, and the user agent pattern of its requests.

    The user agent of a tool without a pattern names only the SDK that the tool uses.
    """

    setting: str
    user_agent: str | None = None


TOOLS: Mapping[str, Tool] = {
    "openai-sdk": Tool(f"OPENAI_BASE_URL={BASE_URL}", "*OpenAI/*"),
    "anthropic-sdk": Tool(f"ANTHROPIC_BASE_URL={ADDRESS}", "*Anthropic/*"),
    "ai-sdk": Tool(
        f'createOpenRouter or createOpenAICompatible: baseURL: "{BASE_URL}"', "ai*provider-utils/*"
    ),
    "langchain": Tool(f'ChatOpenAI(base_url="{BASE_URL}", model=MODEL)'),
    "llm": Tool(f"extra-openai-models.yaml: api_base: {BASE_URL}"),
    "qwen-code": Tool(
        f"OPENAI_BASE_URL={BASE_URL} OPENAI_API_KEY=any OPENAI_MODEL=MODEL", "QwenCode/*"
    ),
    "opencode": Tool(
        f'opencode.json: provider.openrouter.options.baseURL = "{BASE_URL}"', "opencode/*"
    ),
    "aider": Tool(f"--openai-api-base {BASE_URL} --openai-api-key any --model openai/MODEL"),
    "codex": Tool(
        f'config.toml, in model_providers: base_url = "{BASE_URL}", wire_api = "responses"',
        "codex_*",
    ),
    "pi": Tool(
        f'models.json, in providers.openrouter: "baseUrl": "{BASE_URL}", '
        '"headers": {"User-Agent": "pi"}',
        "pi",
    ),
    "claude-code": Tool(
        f"ANTHROPIC_BASE_URL={ADDRESS} ANTHROPIC_AUTH_TOKEN=any ANTHROPIC_MODEL=MODEL",
        "claude-cli/*",
    ),
    "curl": Tool(f"curl {BASE_URL}/chat/completions", "curl/*"),
}
