/** The clients that are tried: where they come from (Debian: this machine), and the script that asks what their users ask. */

/** `package`: the one whose version is reported; `script`: in npm/ or python/. */
const npm = (name, script, ...packages) => ({
  registry: "npm",
  name,
  folder: name,
  package: packages[0],
  packages,
  script,
});
const pypi = (name, script, ...packages) => ({
  registry: "PyPI",
  name,
  folder: name,
  package: packages[0].replace(/\[.*/, ""),
  packages,
  script: `check-${script}`,
});

/** Two scripts of one client share its folder. */
const inFolder = (folder, client) => ({ ...client, folder });

const langchainJs = ["@langchain/core", "@langchain/openai", "@langchain/ollama"];
const aiSdk = ["ai", "@ai-sdk/openai-compatible", "@ai-sdk/open-responses", "zod"];
const langchain = ["langchain", "langchain-openai", "langchain-ollama"];
const version = (name, client) => ({ ...client, package: name });

export const clients = [
  { registry: "Debian", name: "curl", folder: "curl", script: "curl" },
  npm("openai", "openai", "openai"),
  npm("ollama", "ollama", "ollama"),
  inFolder("ai-sdk", version("ai", npm("AI SDK, openai-compatible", "ai-sdk-openai-compatible", ...aiSdk))),
  inFolder("ai-sdk", version("ai", npm("AI SDK, open-responses", "ai-sdk-open-responses", ...aiSdk))),
  inFolder("langchain", version("@langchain/openai", npm("LangChain, openai", "langchain-openai", ...langchainJs))),
  inFolder("langchain", version("@langchain/ollama", npm("LangChain, ollama", "langchain-ollama", ...langchainJs))),
  pypi("openai", "openai", "openai"),
  pypi("ollama", "ollama", "ollama"),
  inFolder("litellm", pypi("LiteLLM, openai/", "litellm-openai", "litellm")),
  inFolder("litellm", pypi("LiteLLM, ollama_chat/", "litellm-ollama", "litellm")),
  inFolder("langchain", version("langchain-openai", pypi("LangChain, openai", "langchain-openai", ...langchain))),
  inFolder("langchain", version("langchain-ollama", pypi("LangChain, ollama", "langchain-ollama", ...langchain))),
  pypi("pydantic-ai", "pydantic-ai", "pydantic-ai-slim[openai]"),
  pypi("instructor", "instructor", "instructor"),
  pypi("llm", "llm", "llm", "llm-ollama"),
  pypi("llm-comply", "llm-comply", "llm-comply"),
  pypi("aider", "aider", "aider-chat"),
  { ...pypi("schemathesis", "schemathesis", "schemathesis"), models: ["spark"] }, // whose answers come at once
];
