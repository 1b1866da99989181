"""LangChain's OpenAI package and the `llm` command line, each in an environment of its own."""

import json
from pathlib import Path

from tests.clients.conftest import FLOOR, Stand, Tell
from tests.clients.installed import HERE, program
from tests.clients.programs import output

MODEL = "qwen/qwen3-coder"


async def test_langchain(stand: Stand, tmp_path: Path, tell: Tell) -> None:
    python = program("langchain")
    script = HERE / "ask_langchain.py"
    out, _ = await output(
        *(python, "-P", script, f"{stand.url}/v1", MODEL),
        environment={"HOME": str(tmp_path)},
        cwd=tmp_path,
        within=90,
    )
    seen = json.loads(out)
    assert seen["whole"]
    assert seen["streamed"]
    assert seen["usage"]["output_tokens"] > 0
    assert seen["written"] == {"a.txt": "hello\n"}
    assert seen["done"].startswith("Done")
    assert seen["structured"] == {"city": "Lisbon", "sunny": True}
    assert seen["responses"]
    assert seen["embedded"] == 2
    assert seen["refused"] == "policy_conflict"

    refused, *receipts = await stand.proxy.receipts(8)
    assert refused["ending"] == "refused"
    assert {receipt["dialect"] for receipt in receipts} == {"chat", "responses", "embeddings"}
    assert {receipt["ending"] for receipt in receipts} == {"complete"}
    assert {receipt["verdict"] for receipt in receipts if receipt["dialect"] != "embeddings"} == {
        "kept"
    }
    for body in stand.bodies:
        assert body["provider"] == {"quantizations": FLOOR, "data_collection": "deny"}
    tell("langchain", receipts)


MODELS = """\
- model_id: coder
  model_name: {model}
  api_base: {url}/v1
  api_key_name: pointsman
  supports_tools: true
  supports_schema: true
"""
FUNCTION = """
def write(path: str, content: str) -> str:
    "Write one file."
    with open(path, "w") as file:
        file.write(content)
    return "written"
"""


async def test_the_llm_command_line(stand: Stand, tmp_path: Path, tell: Tell) -> None:
    llm = program("llm")
    settings = tmp_path / "llm"
    settings.mkdir()
    models = MODELS.format(model=MODEL, url=stand.url)
    (settings / "extra-openai-models.yaml").write_text(models, encoding="utf-8")

    async def ask(*arguments: str) -> str:
        out, _ = await output(
            *(str(llm), "-m", "coder", "--key", "sk-or-v1-callers", *arguments),
            environment={"HOME": str(tmp_path), "LLM_USER_PATH": str(settings)},
            cwd=tmp_path,
            within=60,
        )
        return out

    assert "simulated answer" in await ask("hi")
    assert "simulated answer" in await ask("--no-stream", "hi")
    structured = await ask("--schema", "city, sunny bool", "where?")
    assert json.loads(structured) == {"city": "Lisbon", "sunny": True}
    await ask("--functions", FUNCTION, "write a.txt: hello")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "hello\n"

    receipts = await stand.proxy.receipts(5)
    assert {receipt["verdict"] for receipt in receipts} == {"kept"}
    assert [receipt["streamed"] for receipt in receipts] == [True, True, True, False, True]
    tell("llm", receipts)
