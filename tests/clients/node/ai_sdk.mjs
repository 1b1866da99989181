// The Vercel AI SDK with a provider whose baseURL is Pointsman's. Prints what it saw as JSON.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { APICallError, Output, generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";

const [baseURL, id, kind] = process.argv.slice(2);
const apiKey = "sk-or-v1-callers";
const provider =
  kind === "openrouter"
    ? createOpenRouter({ baseURL, apiKey })
    : createOpenAICompatible({ name: "pointsman", baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const model = provider.chatModel ? provider.chatModel(id) : provider.chat(id);
const maxRetries = 0;
const seen = {};

const whole = await generateText({ model, prompt: "hi", maxRetries });
seen.whole = whole.text;
seen.receipt = whole.response.headers["x-pointsman-receipt"];

const stream = streamText({ model, prompt: "hi", maxRetries });
seen.streamed = "";
for await (const piece of stream.textStream) seen.streamed += piece;
seen.usage = await stream.usage;

const written = {};
const write = tool({
  description: "Write one file.",
  inputSchema: z.object({ path: z.string(), content: z.string() }),
  execute: async ({ path, content }) => {
    written[path] = content;
    return "written";
  },
});
const worked = await generateText({
  model,
  prompt: "write a.txt: hello",
  tools: { write },
  stopWhen: isStepCount(3),
  maxRetries,
});
seen.written = written;
seen.steps = worked.steps.length;

const { output } = await generateText({
  model,
  prompt: "where?",
  output: Output.object({ schema: z.object({ city: z.string(), sunny: z.boolean() }) }),
  maxRetries,
});
seen.structured = output;

try {
  // The OpenRouter provider sends its options under `openrouter`, the compatible one under its name.
  const wish = { provider: { quantizations: ["fp4"] } };
  await generateText({ model, prompt: "hi", providerOptions: { openrouter: wish, pointsman: wish }, maxRetries });
} catch (error) {
  const body = JSON.parse(error.responseBody);
  seen.refused = { known: APICallError.isInstance(error), status: error.statusCode, code: body.error.code };
}

console.log(JSON.stringify(seen));
