"""LangChain with nothing changed but `base_url`. Prints what it saw as one JSON object."""

import json
import sys
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage  # type: ignore[import-not-found]
from langchain_core.tools import tool  # type: ignore[import-not-found]
from langchain_openai import ChatOpenAI, OpenAIEmbeddings  # type: ignore[import-not-found]
from openai import PermissionDeniedError

base_url, model = sys.argv[1:]
chosen = {"base_url": base_url, "model": model, "api_key": "sk-or-v1-callers", "max_retries": 0}
chat = ChatOpenAI(**chosen)
seen: dict[str, Any] = {}

seen["whole"] = chat.invoke("hi").content

pieces = list(chat.stream("hi", stream_usage=True))
seen["streamed"] = "".join(piece.content for piece in pieces)
(seen["usage"],) = [piece.usage_metadata for piece in pieces if piece.usage_metadata]

written: dict[str, str] = {}


def write(path: str, content: str) -> str:
    """Write one file."""
    written[path] = content
    return "written"


writing = tool(write)
asked = HumanMessage("write a.txt: hello")
helped = chat.bind_tools([writing])
calling = helped.invoke([asked])
(call,) = calling.tool_calls
result = ToolMessage(writing.invoke(call["args"]), tool_call_id=call["id"])
seen["done"] = helped.invoke([asked, calling, result]).content
seen["written"] = written

place = {
    "title": "Place",
    "type": "object",
    "properties": {"city": {"type": "string"}, "sunny": {"type": "boolean"}},
    "required": ["city", "sunny"],
    "additionalProperties": False,
}
seen["structured"] = chat.with_structured_output(place, method="json_schema").invoke("where?")

seen["responses"] = ChatOpenAI(**chosen, use_responses_api=True).invoke("hi").text

embeddings = OpenAIEmbeddings(
    **{**chosen, "model": "qwen/qwen3-embedding-8b"}, check_embedding_ctx_length=False
)
seen["embedded"] = len(embeddings.embed_documents(["one", "two"]))

try:
    chat.invoke("hi", extra_body={"provider": {"quantizations": ["fp4"]}})
except PermissionDeniedError as refused:
    seen["refused"] = refused.code

print(json.dumps(seen))  # noqa: T201
