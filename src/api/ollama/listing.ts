/** Describes a model for Ollama's clients, in lists and on its own. Pure. */
import type { LoadedEntry, ModelEntry, ModelFileEntry } from "../../service/model-library.js";

export function summary({ name: plain, modifiedAt, digest, file, base }: ModelEntry) {
  const name = withTag(plain);
  return {
    name,
    model: name,
    modified_at: new Date(modifiedAt).toISOString(),
    size: file?.bytes ?? 0,
    digest,
    details: family(file, base),
  };
}

/** Ollama's clients expect a tag, and take `latest` for none. */
function withTag(name: string): string {
  return name.includes(":") ? name : `${name}:latest`;
}

function family(file: ModelFileEntry | null, base: string | null) {
  const { architecture = "", parameters = 0, type = "" } = file ?? {};
  return {
    parent_model: base === null ? "" : withTag(base),
    format: "gguf",
    family: architecture,
    families: [architecture],
    parameter_size: parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${(parameters / 1e6).toFixed(1)}M`,
    quantization_level: type,
  };
}

/** A model that stays for ever goes at the end of time: clients want a date. */
export function residence({ expiresAt, contextTokens }: LoadedEntry) {
  const end = expiresAt === null ? "9999-12-31T23:59:59Z" : new Date(expiresAt).toISOString();
  return { expires_at: end, size_vram: 0, context_length: contextTokens };
}

export function details(entry: ModelEntry) {
  const { modifiedAt, file, base, settings } = entry;
  const template = settings.template ?? file?.chatTemplate ?? "";
  return {
    license: settings.license ?? "",
    modelfile: modelfile(entry),
    parameters: parameterLines(entry).join("\n"),
    template,
    ...(settings.system !== undefined && { system: settings.system }),
    ...(settings.messages && { messages: settings.messages }),
    details: family(file, base),
    model_info: file ? modelInfo(file) : {},
    capabilities: [
      "completion",
      ...(template.includes("tools") ? ["tools"] : []),
      ...(/reasoning_content|<think>/.test(template) ? ["thinking"] : []),
    ],
    modified_at: new Date(modifiedAt).toISOString(),
  };
}

/** One line for each value, as in a Modelfile. */
function parameterLines({ settings: { parameters = {} } }: ModelEntry): string[] {
  return Object.entries(parameters).flatMap(([key, value]) =>
    [value].flat().map((each) => `${key.padEnd(30)} ${typeof each === "string" ? JSON.stringify(each) : each}`),
  );
}

function modelfile(entry: ModelEntry): string {
  const { name, base, settings } = entry;
  const { template, system, messages = [] } = settings;
  return [
    `FROM ${base ?? name}`,
    ...(template === undefined ? [] : [`TEMPLATE """${template}"""`]),
    ...(system === undefined ? [] : [`SYSTEM """${system}"""`]),
    ...parameterLines(entry).map((line) => `PARAMETER ${line.replace(/ +/, " ")}`),
    ...messages.map(({ role, content }) => `MESSAGE ${role} """${content}"""`),
    "",
  ].join("\n");
}

function modelInfo({ architecture, parameters, contextTrained, embedding, layers }: ModelFileEntry) {
  return {
    "general.architecture": architecture,
    "general.parameter_count": parameters,
    [`${architecture}.context_length`]: contextTrained,
    [`${architecture}.embedding_length`]: embedding,
    [`${architecture}.block_count`]: layers,
  };
}
