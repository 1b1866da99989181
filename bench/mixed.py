"""A mixed workload for the verdicts: policies, and requests that get unusual answers.

Everything is drawn from one seed, so a request is identified by its number. Its unusual
properties are listed in its `features`, which the report counts.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import PolicyFileError
from app.policy.file.parse import read_book
from bench.odd_models import (
    BARE,
    CLOSED,
    FAMILIES,
    LATEST,
    MOVED,
    NEWEST,
    OFFERED,
    PRICED,
    TIERS,
    UNLABELLED,
    catalog,
)

Rule = dict[str, Any]

POLICIES = 400
# A rule for a model under its own name, which also applies to its other names.
OF_NEWEST: Rule = {"name": "newest", "models": [NEWEST], "quantizations": ["bf16"]}


@dataclass(frozen=True)
class Ask:
    """One request: its content, the router's behaviour, and the policy's promises for it."""

    number: int
    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()  # all that apply to it
    closed: frozenset[str] = frozenset()  # those of them for a model with unpublished weights
    features: tuple[str, ...] = ()


class Mix:
    """The workload of one seed."""

    def __init__(self, seed: int, *, moved: bool = False) -> None:
        self._dice = random.Random(seed)
        self.catalog = catalog()
        odd = (TIERS, FAMILIES, BARE, UNLABELLED, PRICED)
        self._models = (*OFFERED, *odd, *odd, *([MOVED] * 4 if moved else ()))
        self._rows = {each["id"]: each["endpoints"] for each in self.catalog}
        self._policies = [self._policy(number) for number in range(POLICIES)]

    def policy_file(self) -> str:
        rules = [rule for _, rule in self._policies]
        aliases = {
            f"a{number}": {"model": name, "rule": rule["name"]}
            for number, (name, rule) in enumerate(self._policies)
        }
        return json.dumps({"version": 1, "rules": [*rules, OF_NEWEST], "aliases": aliases})

    def asks(self, count: int) -> list[Ask]:
        return [self._ask(number) for number in range(count)]

    # --- policies --------------------------------------------------------------------------

    def _policy(self, number: int) -> tuple[str, Rule]:
        """A model, and a rule for an alias of it; redrawn until the rule is consistent."""
        while True:
            name = self._dice.choice(self._models)
            rule = {"name": f"p{number}", **self._wishes(name), **self._ours()}
            try:
                aliases = {"a": {"model": name, "rule": rule["name"]}}
                read_book({"p": json.dumps({"version": 1, "rules": [rule], "aliases": aliases})})
            except PolicyFileError:
                continue
            return name, rule

    def _wishes(self, name: str) -> Rule:
        wishes = self._names(name) | self._caps()
        roll = self._dice.random()
        if roll < (0.8 if name == UNLABELLED else 0.4):
            wishes["quantization_floor"] = self._dice.choice(["fp4", "fp8", "fp8", "bf16"])
            if self._dice.random() < 0.2:
                wishes["unknown_quantization"] = self._dice.choice(["allow", "deny"])
        elif roll < 0.6:
            wishes["quantizations"] = self._labels(name)
        return wishes or {"sort": "throughput"}

    def _ours(self) -> Rule:
        """A policy's fields other than its preferences."""
        dice, ours = self._dice, {}
        roll = dice.random()
        if roll < 0.06:
            ours["set"] = {"plugins": [{"id": "web"}]}
        elif roll < 0.12:
            ours["set"] = {"service_tier": dice.choice(["priority", "flex"])}
        elif roll < 0.18:
            ours["strip"] = ["plugins"]
        if dice.random() < 0.25:
            ours["on_violation"] = dice.choice(["block", "block_unproven"])
        if dice.random() < 0.1:
            ours["router_metadata"] = False
        return ours

    def _names(self, name: str, *, display: bool = False) -> Rule:
        """At most one list of hosts to use, and optionally a host to exclude."""
        dice, rows = self._dice, self._rows[name]
        slugs = sorted({row["tag"].partition("/")[0] for row in rows})
        entries = slugs + sorted({row["tag"] for row in rows})
        if display:
            entries = sorted({row["provider_name"] for row in rows})
        some = dice.sample(entries, k=min(len(entries), dice.randint(1, 4)))
        roll, names = dice.random(), {}
        if roll < 0.25:
            names["only"] = some
        elif roll < 0.5:
            names |= {"order": some, "allow_fallbacks": False}
        elif roll < 0.58:
            names["order"] = some
        elif roll < 0.64 and not display:
            names["pin"] = some
        if dice.random() < (0.6 if name == TIERS else 0.25):
            names["ignore"] = [dice.choice(entries if display else slugs)]
        return names

    def _labels(self, name: str) -> list[str]:
        labels = sorted({row.get("quantization") or "unknown" for row in self._rows[name]})
        family = self._dice.choice([["fp8"], ["fp4"], ["fp4", "fp8"]])
        sample = self._dice.sample(labels, k=self._dice.randint(1, len(labels)))
        return family if name == FAMILIES or self._dice.random() < 0.3 else sample

    def _caps(self) -> Rule:
        if self._dice.random() >= 0.2:
            return {}
        key = self._dice.choice(["prompt", "completion"])
        return {"max_price": {key: self._dice.choice([0.35, 0.5, 0.8, 1, 1.3, 2, 2.5, 16])}}

    # --- requests --------------------------------------------------------------------------

    def _ask(self, number: int) -> Ask:
        dice, features = self._dice, []
        names, provider, rules = self._asked_for(features)
        path = dice.choice(["chat/completions"] * 3 + ["responses", "messages", "completions"])
        stream = dice.random() < 0.5
        features += [path, "streamed" if stream else "whole"]
        hello = f"hi {number}"
        body: dict[str, Any] = {"model": names[0], "user": f"ask-{number}", "max_tokens": 16}
        body |= {"stream": True} if stream else {}
        body |= {"input": hello} if path == "responses" else {}
        body |= {"prompt": hello} if path == "completions" else {}
        if path in {"chat/completions", "messages"}:
            body["messages"] = [{"role": "user", "content": hello}]
        if len(names) > 1:
            body["models"] = names[1:]
            features.append("several models")
        if provider:
            body["provider"] = provider
        self._odd_fields(body, path, features)
        if TIERS in features and dice.random() < 0.5:
            body["service_tier"] = dice.choice(["priority", "flex"])
            features.append("tier asked for")
        switches = self._switches(names, provider, rules, features)
        headers = {}
        if not rules and dice.random() < 0.7:
            headers["x-openrouter-metadata"] = "enabled"
        elif not rules or any(rule.get("router_metadata") is False for rule in rules):
            features.append("no metadata")
        for rule in rules:
            features += [key for key in ("set", "strip", "on_violation", "pin") if key in rule]
            features += ["rule: order alone"] if rule.get("allow_fallbacks") is False else []
            features += ["rule: ignore"] if "ignore" in rule else []
            features += ["floor"] if "quantization_floor" in rule else []
        if provider.get("allow_fallbacks") is False:
            features.append("caller: order alone")
        closed = frozenset(
            rule["name"] for name, rule in self._policies if rule in rules and name in CLOSED
        )
        distinct = tuple(dict.fromkeys(features))
        return Ask(number, path, body, headers, switches, rules, closed, distinct)

    def _asked_for(self, features: list[str]) -> tuple[list[str], dict[str, Any], tuple[Rule, ...]]:
        """The requested models, the caller's own preferences, and the rules that apply."""
        dice = self._dice
        if dice.random() < 0.04:
            features.append("other names")
            return [dice.choice([NEWEST, LATEST, f"{NEWEST}-20261001"])], {}, (OF_NEWEST,)
        ruled = dice.random() < 0.65
        if ruled:
            alias = dice.randrange(POLICIES)
            real, rule = self._policies[alias]
            names, rules = [f"a{alias}"], (rule,)
        else:
            real = dice.choice(self._models)
            names, rules = [real], ()
        provider: dict[str, Any] = {}
        if not ruled or dice.random() < 0.15:
            display = dice.random() < 0.25
            provider = self._names(real, display=display) | self._caps()
            provider.pop("pin", None)
            if dice.random() < 0.4:
                provider["quantizations"] = self._labels(real)
            features.append("caller's object" if not ruled else "caller's object and a rule")
            named = any(provider.get(key) for key in ("only", "order", "ignore"))
            features += ["display names"] if display and named else []
        if dice.random() < 0.12:
            if ruled and dice.random() < 0.5:
                other = dice.randrange(POLICIES)
                names.append(f"a{other}")
                rules = (*rules, self._policies[other][1])
            else:
                names.append(dice.choice(OFFERED))
        features += [real] if real.startswith("acme/") else []
        return names, provider, rules

    def _odd_fields(self, body: dict[str, Any], path: str, features: list[str]) -> None:
        dice = self._dice
        roll = dice.random()
        if roll < 0.04:
            body["tools"] = [{"type": dice.choice(["openrouter:web_search", "web_search"])}]
            features.append("server tools")
        elif roll < 0.08:
            body["plugins"] = [{"id": "web"}]
            features.append("server tools")
        elif roll < 0.16:
            body["service_tier"] = dice.choice(["priority", "flex", "ultrafast", "default"])
            features.append("tier asked for")
        elif roll < 0.18 and path == "messages":
            body["speed"] = "fast"
            features.append("tier asked for")
        elif roll < 0.22 and "/" in body["model"]:
            body["model"] += dice.choice([":nitro", ":floor", ":online"])
            features.append("suffix")

    def _switches(
        self,
        names: list[str],
        provider: Mapping[str, Any],
        rules: tuple[Rule, ...],
        features: list[str],
    ) -> dict[str, Any]:
        """The router's behaviour: correct in two cases of five, else unusual."""
        dice, flipped = self._dice, {}
        tags = self._tags(names)
        oddities = {
            "disobeys": (0.2, lambda: {"disobey": True}),
            "hosts fail": (0.6 if len(names) > 1 else 0.15, lambda: self._failures(names)),
            "own keys": (
                0.35 if self._strict(provider, rules) else 0.05,
                lambda: {
                    "byok": [dice.choice([*tags, *(tag.partition("/")[0] for tag in tags)])],
                    "byok_field": dice.choice(["both", "both", "metadata", "neither"]),
                },
            ),
            "error in 200": (
                0.06,
                lambda: {
                    "error_in_200": dice.choice(
                        ["body", "text", "failed", "event", "response_error"]
                    )
                },
            ),
            "error after tokens": (
                0.03,
                lambda: {"stream_error": dice.choice(["documented", "live", "nested"])},
            ),
            "empty answer": (
                0.03,
                lambda: {"empty": dice.choice(["network_error", "reasoning_only"])},
            ),
            "provider not named": (0.1, lambda: {"provider_field": "missing"}),
            "families expand": (0.5, lambda: {"families_expand": True}),
            "display names match": (0.5, lambda: {"display_names_match": True}),
            "evidence moved": (
                0.2,
                lambda: {
                    "metadata_frame": dice.choice(["first", "own"]),
                    "usage_chunk": dice.choice("abc"),
                },
            ),
        }
        for feature, (likely, flip) in oddities.items():
            if dice.random() < likely:
                flipped |= flip()
                features.append(feature)
        return flipped

    def _failures(self, names: list[str]) -> dict[str, Any]:
        """Failing hosts: some, or all of the first model if there is another; how attempts show."""
        dice = self._dice
        tags = self._tags(names[:1] if len(names) > 1 and dice.random() < 0.7 else names)
        some = len(tags) if len(names) > 1 else max(1, len(tags) * dice.choice([1, 2]) // 3)
        return {
            "fail": {tag: dice.choice([429, 503]) for tag in dice.sample(tags, k=some)},
            "attempts_name": dice.choice(["permaslug", "permaslug", "id", "nothing"]),
            "errors_name": dice.choice(["permaslug", "id", "nothing"]),
        }

    def _tags(self, names: list[str]) -> list[str]:
        return sorted({row["tag"] for name in names for row in self._rows[self._real(name)]})

    def _strict(self, provider: Mapping[str, Any], rules: tuple[Rule, ...]) -> bool:
        return any(each.get("allow_fallbacks") is False for each in (provider, *rules))

    def _real(self, name: str) -> str:
        """The model that a name refers to."""
        if name in {LATEST, f"{NEWEST}-20261001"}:
            return NEWEST
        return name if "/" in name else self._policies[int(name[1:])][0]
