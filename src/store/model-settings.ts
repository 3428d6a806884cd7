/** Settings of a model that somebody named: they hold where a request says nothing else. A manifest contains them. */
import * as z from "zod";

/** The limit for a template, a system message, a licence. */
const longestText = 1_048_576;
const longText = z.string().max(longestText);

const parameter = z.union([z.number(), z.boolean(), z.string().max(1024), z.array(z.string().max(1024)).max(64)]);

export const modelSettingsSchema = z.object({
  system: longText.optional(),
  /** Jinja, in place of the file's. */
  template: longText.optional(),
  license: longText.optional(),
  /** By the names that Ollama's clients use: `temperature`, `num_predict`, `stop`. */
  parameters: z.record(z.string().max(64), parameter).optional(),
  /** Turns that every conversation begins with. */
  messages: z
    .array(z.object({ role: z.string().max(64), content: longText }))
    .max(256)
    .optional(),
});

export type ModelSettings = Readonly<z.infer<typeof modelSettingsSchema>>;
export type Parameters = NonNullable<ModelSettings["parameters"]>;

/** `over` wins; parameters are merged one by one. */
export function mergeSettings(under: ModelSettings, over: ModelSettings): ModelSettings {
  const parameters = { ...under.parameters, ...over.parameters };
  return { ...under, ...over, ...(Object.keys(parameters).length > 0 && { parameters }) };
}
