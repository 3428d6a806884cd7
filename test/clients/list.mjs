/** The clients that are tried: where they come from (Debian: this machine), and the script that asks what their users ask. */

const aiSdk = { folder: "ai-sdk", packages: ["ai", "@ai-sdk/openai-compatible", "@ai-sdk/open-responses", "zod"] };
const langchainJs = { folder: "langchain", packages: ["@langchain/core", "@langchain/openai", "@langchain/ollama"] };
const langchain = { folder: "langchain", packages: ["langchain", "langchain-openai", "langchain-ollama"] };

/**
 * `script`: in npm/ or python/; `packages` are installed into `folder`, which two scripts of one client share; `package`: the one
 * whose version is reported, else the first.
 */
const table = [
  { registry: "Debian", name: "curl", script: "curl", packages: [] },
  { registry: "npm", name: "openai", script: "openai" },
  { registry: "npm", name: "ollama", script: "ollama" },
  { registry: "npm", name: "AI SDK, openai-compatible", script: "ai-sdk-openai-compatible", ...aiSdk },
  { registry: "npm", name: "AI SDK, open-responses", script: "ai-sdk-open-responses", ...aiSdk },
  {
    registry: "npm",
    name: "LangChain, openai",
    script: "langchain-openai",
    ...langchainJs,
    package: "@langchain/openai",
  },
  {
    registry: "npm",
    name: "LangChain, ollama",
    script: "langchain-ollama",
    ...langchainJs,
    package: "@langchain/ollama",
  },
  { registry: "PyPI", name: "openai", script: "check-openai" },
  { registry: "PyPI", name: "ollama", script: "check-ollama" },
  { registry: "PyPI", name: "LiteLLM, openai/", script: "check-litellm-openai", packages: ["litellm"] },
  { registry: "PyPI", name: "LiteLLM, ollama_chat/", script: "check-litellm-ollama", packages: ["litellm"] },
  {
    registry: "PyPI",
    name: "LangChain, openai",
    script: "check-langchain-openai",
    ...langchain,
    package: "langchain-openai",
  },
  {
    registry: "PyPI",
    name: "LangChain, ollama",
    script: "check-langchain-ollama",
    ...langchain,
    package: "langchain-ollama",
  },
  {
    registry: "PyPI",
    name: "pydantic-ai",
    script: "check-pydantic-ai",
    folder: "pydantic-ai",
    packages: ["pydantic-ai-slim[openai]"],
    package: "pydantic-ai-slim",
  },
  { registry: "PyPI", name: "instructor", script: "check-instructor" },
  { registry: "PyPI", name: "llm", script: "check-llm", packages: ["llm", "llm-ollama"] },
  { registry: "PyPI", name: "llm-comply", script: "check-llm-comply" },
  { registry: "PyPI", name: "aider", script: "check-aider", folder: "aider", packages: ["aider-chat"] },
  // Thousands of requests, whose answers have to come at once.
  { registry: "PyPI", name: "schemathesis", script: "check-schemathesis", models: ["spark"] },
];

export const clients = table.map((client) => {
  const packages = client.packages ?? [client.name];
  return {
    ...client,
    packages,
    folder: client.folder ?? packages[0] ?? client.name,
    package: client.package ?? packages[0],
  };
});
