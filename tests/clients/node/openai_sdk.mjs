// The OpenAI SDK for Node with nothing changed but baseURL. Prints what it saw as one JSON object.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "sk-or-v1-callers", maxRetries: 0 });
const messages = [{ role: "user", content: "hi" }];
const seen = {};

const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
seen.whole = data.choices[0].message.content;
seen.receipt = response.headers.get("x-pointsman-receipt");

const stream = await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
seen.streamed = "";
for await (const chunk of stream) {
  seen.streamed += chunk.choices[0]?.delta?.content ?? "";
  seen.usage = chunk.usage ?? seen.usage;
}

const tools = [
  {
    type: "function",
    function: {
      name: "read_file",
      parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
    },
  },
];
const called = client.chat.completions.stream({ model, messages, tools, tool_choice: "required" });
seen.tool = (await called.finalChatCompletion()).choices[0].message.tool_calls[0].function;

const place = {
  type: "object",
  properties: { city: { type: "string" }, sunny: { type: "boolean" } },
  required: ["city", "sunny"],
  additionalProperties: false,
};
const parsed = await client.chat.completions.parse({
  model,
  messages,
  response_format: { type: "json_schema", json_schema: { name: "place", schema: place, strict: true } },
});
seen.structured = parsed.choices[0].message.parsed;

const response2 = await client.responses.create({ model, input: "hi" });
seen.responses = response2.output_text;

seen.models = [];
for await (const each of await client.models.list()) seen.models.push(each.id);

try {
  await client.chat.completions.create({ model, messages, provider: { quantizations: ["fp4"] } });
} catch (error) {
  seen.refused = { status: error.status, code: error.code, kind: error.constructor.name };
}

const given_up = await client.chat.completions.create({ model, messages, stream: true });
for await (const _ of given_up) break;

console.log(JSON.stringify(seen));
