"""Maps providers' display names to slugs, and authors to the providers that are their own.

A catalog's own rows take precedence; this list is the fallback. It was taken from OpenRouter's
SDK 1.3.84 (2026-10-27) and from listings, and follows no rule: Google is `google-vertex`.
It is code, since a pure room opens no file.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

NO_MORE: Mapping[str, str] = MappingProxyType({})

SLUGS = {
    "ai21": "ai21",
    "aionlabs": "aion-labs",
    "akashml": "akashml",
    "alibaba": "alibaba",
    "amazon bedrock": "amazon-bedrock",
    "amazon nova": "amazon-nova",
    "ambient": "ambient",
    "anthropic": "anthropic",
    "arcee ai": "arcee-ai",
    "assemblyai": "assemblyai",
    "atlascloud": "atlas-cloud",
    "avian": "avian",
    "azure": "azure",
    "baidu": "baidu",
    "baseten": "baseten",
    "black forest labs": "black-forest-labs",
    "byteplus": "byteplus",
    "cerebras": "cerebras",
    "chutes": "chutes",
    "cirrascale": "cirrascale",
    "clarifai": "clarifai",
    "cloudflare": "cloudflare",
    "cohere": "cohere",
    "coreweave": "coreweave",
    "cosine": "cosine",
    "crucible": "crucible",
    "crusoe": "crusoe",
    "darkbloom": "darkbloom",
    "databricks": "databricks",
    "decart": "decart",
    "deepgram": "deepgram",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "dekallm": "dekallm",
    "digitalocean": "digitalocean",
    "elevenlabs": "elevenlabs",
    "fakeprovider": "fake-provider",
    "featherless": "featherless",
    "fireworks": "fireworks",
    "fish audio": "fish-audio",
    "friendli": "friendli",
    "gmicloud": "gmicloud",
    "google": "google-vertex",
    "google ai studio": "google-ai-studio",
    "groq": "groq",
    "heygen": "heygen",
    "inception": "inception",
    "inceptron": "inceptron",
    "inferact vllm": "inferact-vllm",
    "inferencenet": "inference-net",
    "infermatic": "infermatic",
    "inflection": "inflection",
    "io net": "io-net",
    "ionstream": "ionstream",
    "krea": "krea",
    "liquid": "liquid",
    "makora": "makora",
    "mara": "mara",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "modal": "modal",
    "modelrun": "modelrun",
    "modular": "modular",
    "moonshot ai": "moonshotai",
    "morph": "morph",
    "near ai": "near-ai",
    "nebius": "nebius",
    "nex agi": "nex-agi",
    "nextbit": "nextbit",
    "novita": "novita",
    "nvidia": "nvidia",
    "ollama": "ollama",
    "openai": "openai",
    "openinference": "open-inference",
    "parasail": "parasail",
    "paretoalpha": "pareto-alpha",
    "perceptron": "perceptron",
    "perplexity": "perplexity",
    "phala": "phala",
    "poolside": "poolside",
    "primeintellect": "primeintellect",
    "quiver": "quiver",
    "recraft": "recraft",
    "recursive": "recursive",
    "reka": "reka",
    "relace": "relace",
    "respan": "respan",
    "runway": "runway",
    "sail research": "sail-research",
    "sakana ai": "sakana-ai",
    "sambanova": "sambanova",
    "scaledown": "scaledown",
    "seed": "seed",
    "siliconflow": "siliconflow",
    "sourceful": "sourceful",
    "stealth": "stealth",
    "stepfun": "stepfun",
    "streamlake": "streamlake",
    "switchpoint": "switchpoint",
    "tencent": "tencent",
    "tenstorrent": "tenstorrent",
    "thinking machines": "thinkingmachines",
    "together": "together",
    "typesafe": "typesafe",
    "unbiased": "unbiased",
    "upstage": "upstage",
    "venice": "venice",
    "wafer": "wafer",
    "wandb": "wandb",
    "xai": "xai",
    "xiaomi": "xiaomi",
    "z.ai": "z-ai",
}


def is_known(display_name: str) -> bool:
    """Whether the slug of this provider is on the list, and not a guess."""
    return display_name.strip().lower() in SLUGS


def slug_of(display_name: str) -> str:
    """The slug of a provider; for a name not on the list, a slug made from the name."""
    name = display_name.strip().lower()
    return SLUGS.get(name) or re.sub(r"[^a-z0-9]+", "-", name).strip("-")


# The providers through which a model author serves its own models, where the slugs differ. From
# listings and OpenRouter's SDK 1.3.84 (2026-10-27).
_OWN = {
    "amazon": ("amazon-bedrock", "amazon-nova"),
    "bytedance": ("byteplus", "seed"),
    "bytedance-seed": ("byteplus", "seed"),
    "google": ("google-ai-studio", "google-vertex"),
    "meta-llama": ("meta",),
    "microsoft": ("azure",),
    "mistralai": ("mistral",),
    "qwen": ("alibaba",),
    "stepfun-ai": ("stepfun",),
}


def is_own(author: str, provider: str) -> bool:
    """Whether a provider is the author's own: `x-ai` serves as `xai`, `google` as two."""
    same = author.replace("-", "") == provider.replace("-", "")
    return same or provider in _OWN.get(author, ())


def as_slug(entry: str, more: Mapping[str, str] = NO_MORE) -> str:
    """An entry of `only`, `order` or `ignore` as a slug, where it is a provider's display name.

    `more` has slugs by display name (lower case) from a listing, and takes precedence over the
    shipped list. Any other entry is returned unchanged.
    """
    name = entry.strip().lower()
    return more.get(name) or SLUGS.get(name) or entry
