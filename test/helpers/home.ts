/** A home as Home Assistant tells a model of it: the system message and the tools of its Assist API. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./shared.js";

export const spark = path.join(root, "models", "spark", "spark-q8_0.gguf");

export const homeInstructions = `You are a voice assistant for Home Assistant.
Answer questions about the world truthfully.
Answer in plain text. Keep it simple and to the point.
When controlling Home Assistant always call the intent tools. Use HassTurnOn to lock and HassTurnOff to unlock a lock. When controlling a device, prefer passing just name and domain. When controlling an area, prefer passing just area name and domain.
An overview of the areas and the devices in this smart home:
- names: Desk Lamp
  domain: light
  areas: Office
- names: Front Door
  domain: lock
- names: Kitchen Light
  domain: light
  areas: Kitchen
`;

export interface HomeTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Record<string, unknown>;
}

export function homeTools(): HomeTool[] {
  const known: Record<string, { function: HomeTool }> = JSON.parse(
    readFileSync(path.join(root, "models", "spark", "heldout", "tools.json"), "utf8"),
  );
  return Object.values(known)
    .map((tool) => tool.function)
    .filter(({ name }) => /^(Hass(Turn|Light|Climate|Media)|Get)/.test(name));
}

/** Home Assistant's answer to a call. */
export const actionDone = (name: string): string =>
  JSON.stringify({
    speech: {},
    response_type: "action_done",
    data: { success: [{ name, type: "entity", id: `light.${name.toLowerCase().replaceAll(" ", "_")}` }], failed: [] },
  });

/** Ten things to ask for, one after the other, each for one light. */
export const tenCommands: readonly (readonly [text: string, tool: string, name: string])[] = Array.from(
  { length: 10 },
  (_, i) => {
    const on = i % 2 === 0;
    const name = i % 4 < 2 ? "Kitchen Light" : "Desk Lamp";
    return [`Turn ${on ? "on" : "off"} the ${name.toLowerCase()}`, on ? "HassTurnOn" : "HassTurnOff", name];
  },
);
