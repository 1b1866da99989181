"""How each tool is pointed at Pointsman, and how its requests are known."""

from collections.abc import Mapping
from dataclasses import dataclass

BASE_URL = "http://127.0.0.1:4477/v1"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what to set in it, and the user agent pattern of its requests where it has one."""

    setting: str
    user_agent: str | None = None


TOOLS: Mapping[str, Tool] = {
    "openai-sdk": Tool(f"OPENAI_BASE_URL={BASE_URL}", "OpenAI/*"),
    "qwen-code": Tool(f"OPENAI_BASE_URL={BASE_URL} OPENAI_API_KEY=any", "QwenCode/*"),
    "opencode": Tool(
        f'opencode.json: provider.openrouter.options.baseURL = "{BASE_URL}"', "opencode/*"
    ),
    "aider": Tool(f"--openai-api-base {BASE_URL} --model openai/MODEL"),
    "codex": Tool(
        f'config.toml, in model_providers: base_url = "{BASE_URL}", wire_api = "responses"',
        "codex_cli_rs/*",
    ),
    "claude-code": Tool(
        "ANTHROPIC_BASE_URL=http://127.0.0.1:4477 ANTHROPIC_AUTH_TOKEN=any", "claude-cli/*"
    ),
    "curl": Tool(f"curl {BASE_URL}/chat/completions", "curl/*"),
}
