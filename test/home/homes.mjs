/** Random homes of Home Assistant's demo devices: every name and area is of words that training never has. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { pause } from "./home-assistant.mjs";

const spark = path.join(import.meta.dirname, "..", "..", "models", "spark");

/** Held-out words of the generator: syllables that no name of the training has. */
function heldOutWords(seed, count) {
  const code =
    "import sys, json, words; rng = words.seeded(sys.argv[1], 0); print(json.dumps([words.made_up_word(rng, 'test') for _ in range(int(sys.argv[2]))]))";
  const { status, stdout, stderr } = spawnSync("python3", ["-c", code, seed, String(count)], {
    cwd: spark,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`models/spark/words.py: ${stderr}`);
  return [...new Set(JSON.parse(stdout))];
}

/** The demo's devices by rooms, and what they are called: `*` is a word of their own, `@` their room. */
const rooms = {
  kitchen: { "light.kitchen_lights": "@ Lights", "cover.kitchen_window": "@ Window", "fan.ceiling_fan": "* Fan" },
  bedroom: { "light.bed_light": "* Lamp", "climate.heatpump": "* Heating" },
  living: {
    "light.living_room_rgbww_lights": "@ Strip",
    "light.ceiling_lights": "* Lights",
    "cover.living_room_window": "@ Window",
    "climate.hvac": "* Thermostat",
    "fan.living_room_fan": "@ Fan",
  },
  hall: { "cover.hall_window": "* Window", "light.entrance_color_white_lights": "* Light" },
  office: { "light.office_rgbw_lights": "@ Lights" },
  garage: { "cover.garage_door": "@ Door", "switch.ac": "* Cooler" },
};
const upstairs = ["bedroom", "office"];
/** Without a room. */
const others = {
  "lock.kitchen_door": "* Door",
  "lock.front_door": "* Gate",
  "media_player.kitchen": "* Radio",
  "media_player.bedroom": "* Speaker",
  "media_player.living_room": "* TV",
  "switch.decorative_lights": "* Garland",
  "vacuum.demo_vacuum_0_ground_floor": "* Vacuum",
  "sensor.outside_temperature": "* Temperature",
  "todo.shopping_list": "* List",
  "input_boolean.first": "* Machine",
  "input_boolean.second": "* Mode",
  "scene.*": "* Mood",
  "weather.demo_weather_south": "* Weather",
};

/** {areas, names by entity id, script}: what the home's things are called. */
export function randomHome(seed) {
  const words = heldOutWords(seed, 60);
  const areas = Object.fromEntries(Object.keys(rooms).map((room) => [room, words.pop()]));
  const named = (form, area) => form.replace("@", () => area).replace("*", () => words.pop());
  const names = {};
  for (const [room, things] of Object.entries(rooms))
    for (const [id, form] of Object.entries(things)) names[id] = named(form, areas[room]);
  for (const [id, form] of Object.entries(others)) {
    const name = named(form, "");
    names[id.replace("*", () => name.toLowerCase().replace(" ", "_"))] = name;
  }
  return { areas, names, script: `${words.pop().toLowerCase()}_night` };
}

/** `more`: switches that are made beside the demo's devices. */
export function configurationOf({ names, script }, more = 0) {
  const customized = Object.entries(names).map(([id, name]) => `    ${id}:\n      friendly_name: ${name}`);
  const booleans = ["input_boolean.first", "input_boolean.second"].map(
    (id) => `  ${id.split(".")[1]}:\n    name: ${names[id]}`,
  );
  const extra = Array.from({ length: more }, (_, i) => `  extra_${i}:\n    name: Shelf Outlet ${i + 1}`);
  const mood = Object.entries(names).find(([id]) => id.startsWith("scene."))[1];
  return `homeassistant:
  name: Home
  latitude: 52.5
  longitude: 13.4
  elevation: 30
  unit_system: metric
  time_zone: Europe/Berlin
  country: DE
  currency: EUR
  language: en
  customize:
${customized.filter((line) => /^ {4}(lock|media_player)/.test(line)).join("\n")}
api:
websocket_api:
auth:
config:
conversation:
intent:
demo:
input_boolean:
${[...booleans, ...extra].join("\n")}
script:
  ${script}:
    description: Darkens one room.
    sequence:
      - action: light.turn_off
        target:
          entity_id: light.ceiling_lights
scene:
  - name: ${mood}
    entities:
      light.bed_light: "on"
`;
}

/** Names devices and areas, and exposes them and nothing else. The ids of all that is exposed. */
export async function furnish(ha, { areas, names, script }, more = 0) {
  const extra = Array.from({ length: more }, (_, i) => `input_boolean.extra_${i}`);
  const wanted = [...Object.keys(names), `script.${script}`, ...extra];
  await allThere(ha, wanted);
  const known = new Map((await ha.command("config/entity_registry/list")).map((one) => [one.entity_id, one]));
  const floors = {};
  for (const name of ["Ground floor", "Upper floor"])
    floors[name] = (await ha.command("config/floor_registry/create", { name })).floor_id;
  for (const [room, things] of Object.entries(rooms)) {
    const floor_id = floors[upstairs.includes(room) ? "Upper floor" : "Ground floor"];
    const { area_id } = await ha.command("config/area_registry/create", { name: areas[room], floor_id });
    for (const id of Object.keys(things)) await place(ha, known.get(id), { area_id });
  }
  for (const [id, name] of Object.entries(names))
    if (known.has(id) && !id.startsWith("input_boolean")) await place(ha, known.get(id), {}, name);
  const exposed = [...(await ha.states()).keys()];
  const assistants = ["conversation"];
  await ha.command("homeassistant/expose_entity", {
    assistants,
    entity_ids: exposed.filter((id) => !wanted.includes(id)),
    should_expose: false,
  });
  await ha.command("homeassistant/expose_entity", { assistants, entity_ids: wanted, should_expose: true });
  return wanted;
}

async function allThere(ha, wanted) {
  for (let waited = 0; waited < 120; waited++) {
    const states = await ha.states();
    if (wanted.every((id) => states.has(id))) return;
    await pause(1);
  }
  const states = await ha.states();
  throw new Error(
    `Home Assistant lacks ${wanted.filter((id) => !states.has(id)).join(", ")}: is its demo integration complete?`,
  );
}

/** A thing with a device has the device's name and area. */
async function place(ha, entity, area, name) {
  if (!entity) return;
  const { device_id, entity_id } = entity;
  if (device_id)
    await ha.command("config/device_registry/update", { device_id, ...area, ...(name && { name_by_user: name }) });
  else await ha.command("config/entity_registry/update", { entity_id, ...area, ...(name && { name }) });
}
