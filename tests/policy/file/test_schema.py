"""Every key of a policy file: what it takes, and what is said of anything else."""

from typing import Any

import pytest

from app.policy.file.parse import read_book
from app.policy.file.schema import (
    _INSIDE,
    ALIAS_KEYS,
    FILE_KEYS,
    PROVIDER_KEYS,
    RULE_KEYS,
    WISH_KEYS,
)
from tests.policy.good_values import GOOD
from tests.policy.mistakes import in_rule, mistakes
from tests.policy.sending import book_of

OPENROUTERS = {
    *("only", "order", "ignore", "allow_fallbacks", "require_parameters", "data_collection"),
    *("zdr", "enforce_distillable_text", "quantizations", "max_price", "sort"),
    *("preferred_min_throughput", "preferred_max_latency", "options"),
}
WISHES = {
    *OPENROUTERS,
    "pin",
    "quantization_floor",
    "unknown_quantization",
    "score_floor",
    "audited",
}
OURS = {
    *("name", "models", "callers", "user_agents", "merge", "set", "strip", "refuse"),
    *("headers", "strip_headers", "notify"),
    *("affinity", "on_violation", "presets", "router_metadata", "routes"),
    *("first_token", "stall", "total", "max_request_usd"),
    *("first_token", "stall", "total"),
    "budget",
}


def test_all_of_openrouters_fields_and_ours_are_keys_and_nothing_else_is() -> None:
    assert set(PROVIDER_KEYS) == OPENROUTERS
    assert set(RULE_KEYS) == WISHES | OURS
    assert set(FILE_KEYS) == {"version", "ladder", "rules", "aliases"}
    assert set(ALIAS_KEYS) == {"model", "rule", "preferences"}
    assert set(WISH_KEYS) == WISHES


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in GOOD for value in GOOD[key]])
def test_a_good_value_is_taken(key: str, value: Any) -> None:
    book_of({key: value})


def test_every_key_has_an_example_of_what_it_takes() -> None:
    assert GOOD.keys() == RULE_KEYS.keys()


BAD: list[tuple[str, str, str]] = [
    # what is written, where, what is said
    ("quantization_floor: fp9", "quantization_floor",
     '"fp9" is not a quantization; did you mean fp8?'),
    ("quantization_floor: 8", "quantization_floor",
     "8 is not a quantization label; quote it if you mean the word"),
    ("quantization_floor: FP8", "quantization_floor",
     '"FP8" is not a quantization label; did you mean fp8?'),
    ("quantization_floor: zzz", "quantization_floor",
     '"zzz" is not a quantization; use one of int4, fp4, mxfp4,'),
    ("quantization_floor: unknown", "quantization_floor",
     "`unknown` has no rank; use `unknown_quantization: allow` or `deny`"),
    ("score_floor: 0.6", "score_floor",
     "0.6 is not a mapping; write it as {gpqa_diamond: 0.6}"),
    ("score_floor: {max_age: 45d}", "score_floor",
     "it names no benchmark; add one, such as `gpqa_diamond: 0.6`"),
    ("score_floor: {gpqa-diamond: 0.6}", "score_floor.gpqa-diamond",
     '"gpqa-diamond" is not a benchmark; did you mean gpqa_diamond?'),
    ("score_floor: {_: 0.6}", "score_floor._",
     '"_" is not a benchmark; use lower case and underscores'),
    ("score_floor: {gpqa_diamond: 60}", "score_floor.gpqa_diamond",
     "60 is above 1; an accuracy is a share from 0 to 1; did you mean 0.6?"),
    ("score_floor: {gpqa_diamond: 600}", "score_floor.gpqa_diamond",
     "600 is above 1; an accuracy is a share from 0 to 1"),
    ("score_floor: {gpqa_diamond: 0.6, max_age: 45}", "score_floor.max_age",
     "45 is not an age; for days, write 45d"),
    ("score_floor: {gpqa_diamond: 0.6, max_age: 45h}", "score_floor.max_age",
     '"45h" is not an age; write days or weeks, such as 45d or 6w'),
    ("score_floor: {gpqa_diamond: 0.6, unscored: no}", "score_floor.unscored",
     "use one of: deny, allow"),
    ("score_floor: {gpqa_diamond: 0.6, unscord: 0.5}", "score_floor.unscord",
     "unknown key `unscord`; did you mean unscored?"),
    ("audited: same", "audited",
     '"same" is not a mapping; its keys are verdict, max_age, unaudited'),
    ("audited: {max_age: 30d}", "audited", "`verdict` is missing; write `verdict: same`"),
    ("audited: {verdict: sane}", "audited.verdict",
     '"sane" is not a verdict that can be required; did you mean same?'),
    ("audited: {verdict: different}", "audited.verdict",
     '"different" is not a verdict that can be required; did you mean not_different?'),
    ("audited: {verdict: same, max_age: 30}", "audited.max_age",
     "30 is not an age; for days, write 30d"),
    ("audited: {verdict: same, unaudited: maybe}", "audited.unaudited",
     '"maybe" is not valid here; use one of: deny, allow'),
    ("quantizations: [fp8, bf61]", "quantizations",
     '"bf61" is not a quantization; did you mean bf16?'),
    ("quantizations: fp8", "quantizations", '"fp8" is not a list; write [fp8]'),
    ("only: {a: 1}", "only", "a mapping is not a list"),
    ("only: []", "only", "the list is empty; add an entry, or remove the key"),
    ("only: [a, b, a]", "only[0]", '"a" is listed twice'),
    ("only: [DeepInfra]", "only[0]",
     "slugs are lower case without spaces: did you mean deepinfra?"),
    ("only: [Google AI Studio]", "only[0]", "did you mean google-ai-studio?"),
    ("only: [Moonshot AI]", "only[0]", "did you mean moonshotai?"),
    ("only: [no]", "only[0]",
     "no (which YAML reads as false) is not a provider slug or tag; quote it if you mean"),
    ("only: [[a]]", "only[0]", "a list is not a provider slug or tag"),
    ("zdr: 'true'", "zdr", '"true" is not a boolean; write true or false'),
    ("zdr: 1", "zdr", "1 is not a boolean; write true or false"),
    ("allow_fallbacks:", "allow_fallbacks", "an empty value is not a boolean; write true or false"),
    ("data_collection: denied", "data_collection",
     '"denied" is not a data policy; did you mean deny?'),
    ("data_collection: no", "data_collection",
     "no (which YAML reads as false) is not a data policy; use one of: allow, deny"),
    ("merge: tight", "merge", '"tight" is not a merge mode; did you mean tighten?'),
    ("merge: zzz", "merge", '"zzz" is not a merge mode; use one of: tighten, replace, fill'),
    ("notify: [broke]", "notify[0]", '"broke" is not an event of a rule; did you mean broken?'),
    ("notify: broken", "notify", '"broken" is not a list; write [broken]'),
    ("notify: never", "notify", '"never" is not a list of events or `off`; use one of: off'),
    ("notify: on", "notify", "on (which YAML reads as true) is not a list of events or `off`"),
    ("notify: []", "notify", "the list is empty; add an entry, or remove the key"),
    ("sort: speed", "sort", '"speed" is not a sort order'),
    ("sort: {partition: none}", "sort", "`by` is missing; write `by: price`"),
    ("sort: {by: price, partition: all}", "sort.partition", '"all" is not a partition'),
    ("max_price: {prompt: 0.0000005}", "max_price.prompt",
     "5e-07 looks like USD per token; max_price is USD per million tokens: 0.5"),
    ("max_price: {prompt: 2e-6}", "max_price.prompt", "2e-06 looks like USD per token"),
    ("max_price: {prompt: '0.5'}", "max_price.prompt",
     '"0.5" is not a number; write it in USD per million tokens, without quotes'),
    ("max_price: {prompt: -1}", "max_price.prompt",
     "-1 is below zero; write 0 or more, in USD per million tokens"),
    ("max_price: {prompt: 1e-40}", "max_price.prompt",
     '"1e-40" is too large or too small; write it in USD per million tokens'),
    ("preferred_min_throughput: 1e300", "preferred_min_throughput",
     '"1e300" is too large or too small; write it in tokens per second'),
    ("max_price: {prompts: 1}", "max_price.prompts",
     "unknown key `prompts`; did you mean prompt?"),
    ("max_price: {input_cache_read: 1}", "max_price.input_cache_read",
     "unknown key `input_cache_read`; the known keys are prompt, completion, request, image, audi"),
    ("max_price: 1", "max_price", "1 is not a mapping; its keys are prompt, completion, request, "),
    ("first_token: 30", "first_token", "30 is not a duration; for seconds, write 30s"),
    ("stall: 90d", "stall", '"90d" is not a duration; use e.g. 500ms, 30s, 15m or 1h'),
    ("stall: 0s", "stall", '"0s" is not a duration; use e.g.'),
    ("total: 1.5h", "total", '"1.5h" is not a duration; use e.g.'),
    ("total: '30'", "total", '"30" is not a duration; use e.g.'),
    ("total: {a: 1}", "total", "a mapping is not a duration; use e.g."),
    ("clamp: true", "clamp", "unknown key `clamp`; it is a part of another key: write `max_req"),
    ("per: day", "per", "unknown key `per`; it is a part of another key: write `budget: {usd:"),
    ("audited: same", "audited",
     "is not a mapping; its keys are verdict, max_age, unaudited, such as {verdict: same}"),
    ("audited: {verdict: same, max_age: 1y}", "audited.max_age",
     '"1y" is not an age; write days or weeks, such as 45d or 6w'),
    ("budget: 5", "budget", "5 is not a budget; write it as {usd: 5, per: day}"),
    ("budget: daily", "budget", '"daily" is not a budget; write it as {usd: 5, per: day}'),
    ("budget: {usd: 5}", "budget", "`per` is missing; write `per: day`"),
    ("budget: {usd: 0, per: day}", "budget.usd", "0 would refuse every request; write an amount"),
    ("budget: {usd: 1e-9, per: day}", "budget.usd", "1e-09 would refuse every request"),
    ("budget: {usd: 1e7, per: day}", "budget.usd", "1e+07 is more than can be counted; write at"),
    ("budget: {usd: five, per: day}", "budget.usd", '"five" is not a number; write it in USD'),
    ("budget: {usd: 5, per: year}", "budget.per", '"year" is not a window; use one of: hour, day'),
    ("budget: {usd: 5, per: day, by: user}", "budget.by", '"user" is not valid here; use one of'),
    ("budget: {usd: 5, per: session, by: caller}", "budget",
     "`per: session` is counted for each session; remove `by: caller`, or choose another `per`"),
    ("budget: [{usd: 5, per: day}, {usd: 6, per: day, by: rule}]", "budget[1]",
     "another entry has the same `per` and `by`, and only the lower one can hold; remove one"),
    ("budget: [{usd: 5, per: day}, {usd: 5, per: month}]", "budget[0]",
     "5 per day can't be reached, since 5 per month holds too; lower it, or remove it"),
    ("preferred_max_latency: 3000", "preferred_max_latency",
     "3000 looks like milliseconds; latency is in seconds: 3"),
    ("preferred_max_latency: {p50: 500}", "preferred_max_latency.p50",
     "500 looks like milliseconds; latency is in seconds: 0.5"),
    ("max_price: {prompt: 0.00009}", "max_price.prompt", "9e-05 looks like USD per token"),
    ("provider: {only: [a]}", "provider",
     "unknown key `provider`; write its fields into the rule itself"),
    ("extra_body: {provider: {only: [a]}}", "extra_body",
     "unknown key `extra_body`; it is an argument of the OpenAI SDK; write the fields of its prov"),
    ("preferred_max_latency: {p95: 1}", "preferred_max_latency.p95",
     "unknown key `p95`; did you mean p99?"),
    ("preferred_min_throughput: fast", "preferred_min_throughput",
     '"fast" is not a number; write it in tokens per second, without quotes'),
    ("options: {OpenAI: {}}", "options.OpenAI", '"OpenAI" is not a provider slug or tag'),
    ("options: {}", "options", "the mapping is empty; add an entry, or remove the key"),
    ("options: [a]", "options", "a list is not a mapping"),
    ("set: {user: .inf}", "set.user", ".inf is not a number that JSON can carry"),
    ("set: {User: x}", "set.User", '"User" is not a request field; did you mean user?'),
    ("strip: [my-field]", "strip[0]", '"my-field" is not a request field'),
    ("callers: ['me ']", "callers[0]", ("\"me \" is not a caller's name; use single spaces, and "
        "none")),
    ("user_agents: ['[a]']", "user_agents[0]", "the only wildcards are * and ?"),
    ("headers: {'x foo': a}", "headers.x foo", "write it without a colon, a blank or a wildcard"),
    ("headers: {'x-*': a}", "headers.x-*", '"x-*" is not a header\'s name; write it without'),
    ("headers: {x-foo: 1}", "headers.x-foo",
     "1 is not a pattern for a header's value; quote it if you mean the word"),
    ("headers: {x-foo: '[a]'}", "headers.x-foo", "the only wildcards are * and ?"),
    ("headers: {x-foo: ' a'}", "headers.x-foo", "use ASCII without blanks around it"),
    ("headers: {x-foo: ''}", "headers.x-foo", '"" is not a pattern for a header\'s value'),
    ("headers: {Authorization: 'Bearer *'}", "headers",
     "can't contain `Authorization`: it holds a credential, which no policy may contain; match "),
    *((f"headers: {{{name}: '*'}}", "headers", f"`headers` can't contain `{name}`")
      for name in ("x-api-key", "cookie", "proxy-authorization", "X-Team-Token")),
    ("headers: {x-foo: a, X-Foo: b}", "headers", "`x-foo` is given twice, since case makes no di"),
    ("strip_headers: [x-foo, X-Foo]", "strip_headers", "`x-foo` is given twice, since case makes"),
    ("strip_headers: ['*']", "strip_headers[0]", "write a name as x-foo, or the beginning of name"),
    ("strip_headers: [x-api-key]", "strip_headers",
     "`strip_headers` can't contain `x-api-key`: it may hold the key for OpenRouter, which OPENRO"),
    ("strip_headers: ['Content-*']", "strip_headers",
     "can't contain `Content-*`: it covers `content-type`, and OpenRouter reads the body by it"),
    ("on_violation: off", "on_violation", "off (which YAML reads as false) is not valid here; use"),
    ("unknown_quantization: denny", "unknown_quantization", "did you mean deny?"),
    ("quantisation_floor: fp8", "quantisation_floor",
     "unknown key `quantisation_floor`; did you mean quantization_floor?"),
    ("quantization: fp8", "quantization",
     "unknown key `quantization`; did you mean quantizations?"),
    ("service_tier: flex", "service_tier",
     "unknown key `service_tier`; it is a request field; write `set: {service_tier: ...}`"),
    ("preset: mine", "preset", "unknown key `preset`; did you mean presets?"),
    ("zzz: 1", "zzz", "unknown key `zzz`; the known keys are name, models, callers, user_agents, "),
]  # fmt: skip


@pytest.mark.parametrize(("written", "where", "said"), BAD, ids=[each[0] for each in BAD])
def test_a_mistake_names_file_line_key_and_the_way_out(written: str, where: str, said: str) -> None:
    (mistake,) = in_rule(written)
    assert mistake.startswith(f"p.yaml:5: rules[0].{where}: ")
    assert said in mistake


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("qwen3", '"qwen3" is not a model pattern; a model slug has the form author/model; did yo'),
        ("Qwen3", '"Qwen3" is not a model pattern; a model slug has the form author/model; did yo'),
        ("Qwen/Qwen3", "did you mean qwen/qwen3?"),
        ("qwen/[ab]*", "the only wildcards are * and ?"),
        ("qwen/{a,b}", "the only wildcards are * and ?"),
        ("qwen/qwen3:free:online", '"qwen/qwen3:free:online" is not a model pattern; a model slug'),
        ("qwen/qwen 3", '"qwen/qwen 3" is not a model pattern; a model slug has the form author/m'),
        ("a/" + "b" * 255, "is not a model pattern"),
    ],
)
def test_a_pattern_that_could_fit_no_model_says_how_one_looks(pattern: str, said: str) -> None:
    rules = f"version: 1\nrules:\n- name: mine\n  models: ['{pattern}']"
    (mistake,) = mistakes(rules)
    assert mistake.startswith("p.yaml:4: rules[0].models[0]: ")
    assert said in mistake


@pytest.mark.parametrize("whole", sorted(set(_INSIDE.values())))
def test_the_example_of_a_key_that_is_part_of_another_can_be_used(whole: str) -> None:
    rule = f"version: 1\nrules:\n  - name: a\n    models: ['*']\n    {whole}\n"
    (read,) = read_book({"a.yaml": rule}).rules
    assert any(key.partition(".")[0] == whole.partition(":")[0] for key in read.clauses)
