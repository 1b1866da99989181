"""Let each host answer the prompts, and keep the answers in a file: all that needs the model.

python -m bench.audit_real.generate --to answers.json [--prompts 50] [--answers 2] [--seed 1]
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from app.audit.prompts import DIGEST, draw
from bench.audit_real.answering import answers
from bench.audit_real.hosts import HOSTS, found_model, load

NOISES = (0.025, 0.1, 0.3)  # of the gap between the two highest logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--answers", type=int, default=2, help="of each host; the reference: twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="tags of hosts; the default is all")
    asked = parser.parse_args()
    prompts = draw(asked.seed, asked.prompts)
    model, engine_of = load(found_model())
    kept = {"pool": DIGEST, "seed": asked.seed, "noises": NOISES, "hosts": {}}
    reference, *_ = HOSTS
    tokens = [model.tokenizer.chat(prompt, reference.system) for prompt in prompts]
    rng = np.random.default_rng(asked.seed)
    greedy = answers(engine_of(reference), model.tokenizer, tokens, [(0.0, 0.0)], rng)
    said = [row[0].ids for row in greedy]
    for host in HOSTS:
        if asked.only and host.tag not in asked.only:
            continue
        began = time.perf_counter()
        rng = np.random.default_rng([asked.seed, HOSTS.index(host)])
        engine = engine_of(host)
        tokens = [model.tokenizer.chat(prompt, host.system) for prompt in prompts]
        each = asked.answers * (2 if host is reference else 1)
        wanted = [(noise, host.temperature) for noise in NOISES for _ in range(each)]
        rows = answers(engine, model.tokenizer, tokens, wanted, rng)
        changed = [
            one != other
            for prompt, ids in zip(tokens, said, strict=True)
            for one, other in zip(engine.greedy(prompt, ids), ids, strict=True)
        ]
        kept["hosts"][host.tag] = {
            "f": sum(changed) / len(changed),
            "prompt_tokens": [len(prompt) for prompt in tokens],
            "answers": {
                str(noise): [
                    [(one.text, len(one.ids)) for one in row[at * each : (at + 1) * each]]
                    for row in rows
                ]
                for at, noise in enumerate(NOISES)
            },
        }
        asked.to.write_text(json.dumps(kept, ensure_ascii=False))
        f = kept["hosts"][host.tag]["f"]
        print(f"{host.tag}: f {f:.1%}, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
