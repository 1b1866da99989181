// One client with nothing changed but baseURL, whose requests are refused: one whole, one streamed.
// Prints what it raised for each as a JSON list.
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { RetryError, generateText, streamText } from "ai";
import OpenAI from "openai";

const [url, model, name] = process.argv.slice(2);
const apiKey = "sk-or-v1-callers";
const baseURL = `${url}/v1`;
const messages = [{ role: "user", content: "hi" }];

const vercel = (chosen) => async (stream) => {
  if (!stream) return generateText({ model: chosen(), prompt: "hi" });
  let failed;
  const answer = streamText({ model: chosen(), prompt: "hi", onError: ({ error }) => (failed = error) });
  for await (const _ of answer.textStream);
  if (failed) throw failed;
};
const read = async (answer, stream) => {
  if (stream) for await (const _ of answer);
};
const clients = {
  chat: async (stream) =>
    read(await new OpenAI({ baseURL, apiKey }).chat.completions.create({ model, messages, stream }), stream),
  responses: async (stream) =>
    read(await new OpenAI({ baseURL, apiKey }).responses.create({ model, input: "hi", stream }), stream),
  messages: async (stream) =>
    read(
      await new Anthropic({ baseURL: url, apiKey }).messages.create({ model, max_tokens: 10, messages, stream }),
      stream,
    ),
  openrouter: vercel(() => createOpenRouter({ baseURL, apiKey }).chat(model)),
  compatible: vercel(() => createOpenAICompatible({ name: "pointsman", baseURL, apiKey }).chatModel(model)),
};

const seen = [];
for (const stream of [false, true]) {
  try {
    await clients[name](stream);
    seen.push({ status: 200 });
  } catch (error) {
    const last = RetryError.isInstance(error) ? error.lastError : error;
    seen.push({ status: last.status ?? last.statusCode, message: error.message });
  }
}
console.log(JSON.stringify(seen));
