/** The 54 commands that a random home gets, by its names, and what has to be so after each. */

const is =
  (...states) =>
  ({ state }) =>
    states.includes(state);
const on = is("on");
const off = is("off");
const about =
  (key, wanted, tolerance = 0) =>
  ({ attributes }) =>
    Math.abs(attributes[key] - wanted) <= tolerance;
const bright = (percent) => (state) => on(state) && about("brightness", percent * 2.55, 4)(state);
const items =
  (more) =>
  ({ state }, before) =>
    Number(state) === Number(before.state) + more;
const green = ({ attributes: { rgb_color: color } }) => color?.[1] > color?.[0] && color?.[1] > color?.[2];

const [kitchen, bed, strip, ceiling] = [
  "light.kitchen_lights",
  "light.bed_light",
  "light.living_room_rgbww_lights",
  "light.ceiling_lights",
];
const [office, entrance, fan, pump] = [
  "light.office_rgbw_lights",
  "light.entrance_color_white_lights",
  "fan.ceiling_fan",
  "climate.heatpump",
];
const [garage, hall, living, list] = [
  "cover.garage_door",
  "cover.hall_window",
  "cover.living_room_window",
  "todo.shopping_list",
];
const [door, gate, vacuum] = ["lock.kitchen_door", "lock.front_door", "vacuum.demo_vacuum_0_ground_floor"];
const [radio, speaker, tv] = ["media_player.kitchen", "media_player.bedroom", "media_player.living_room"];
const lights = (...ids) => ids.map((id) => ["light.turn_on", id]);
const opened = is("open", "opening");
const closed = is("closed", "closing");

/**
 * A command has what is said (`follows`: in the conversation before), the services that come before it, what must hold of each
 * thing that may change, and the words of which the answer has one.
 */
export function commandsOf({ areas, names, script }) {
  const called = Object.fromEntries(Object.entries(names).map(([id, name]) => [id, `the ${name.toLowerCase()}`]));
  const say = (text, want = {}, before = [], words = null, follows = false) => ({
    text: text[0].toUpperCase() + text.slice(1),
    want,
    before,
    words,
    follows,
  });
  const volume = ["media_player.volume_set", radio, { volume_level: 0.45 }];
  const warm = ["climate.set_temperature", pump, { temperature: 18 }];
  return [
    say(`turn ${called[kitchen]} on`, { [kitchen]: on }, [["light.turn_off", kitchen]]),
    say(`${called[bed]} off, please`, { [bed]: off }, lights(bed)),
    say(`could I have ${called["input_boolean.first"]} on?`, { "input_boolean.first": on }, [
      ["input_boolean.turn_off", "input_boolean.first"],
    ]),
    say(`put ${called["switch.decorative_lights"]} on`, { "switch.decorative_lights": on }, [
      ["switch.turn_off", "switch.decorative_lights"],
    ]),
    say(`turn off ${called["switch.ac"]}`, { "switch.ac": off }, [["switch.turn_on", "switch.ac"]]),
    say(`${called[fan]} on please`, { [fan]: on }, [["fan.turn_off", fan]]),
    say(`turn off all lights in the ${areas.living}`, { [strip]: off, [ceiling]: off }, lights(strip, ceiling)),
    say(`lights off in the ${areas.office}`, { [office]: off }, lights(office)),
    say(`nobody is in the ${areas.hall}, turn the lights off there`, { [entrance]: off }, lights(entrance)),
    say(
      "all lights on the ground floor off",
      { [kitchen]: off, [strip]: off, [ceiling]: off, [entrance]: off },
      lights(kitchen, strip, ceiling, entrance),
    ),
    say(`set ${called[kitchen]} to 25 percent`, { [kitchen]: bright(25) }, lights(kitchen)),
    say(`${called[bed]} at 65 percent`, { [bed]: bright(65) }, [["light.turn_off", bed]]),
    say(`make ${called[strip]} green`, { [strip]: green }, [["light.turn_on", strip, { rgb_color: [255, 0, 0] }]]),
    say(`lights in the ${areas.office} at 100 percent`, { [office]: bright(100) }, [["light.turn_off", office]]),
    say(`set ${called[pump]} to 21 degrees`, { [pump]: about("temperature", 21) }, [warm]),
    say(`20 degrees in the ${areas.living}, please`, { "climate.hvac": about("temperature", 20) }, [
      ["climate.set_temperature", "climate.hvac", { temperature: 24 }],
    ]),
    say(`close ${called[garage]}`, { [garage]: closed }, [["cover.open_cover", garage]]),
    say(`open ${called[garage]}`, { [garage]: opened }, [["cover.close_cover", garage]]),
    say(`${called[hall]} to 30 percent`, { [hall]: is("open", "opening", "closing") }),
    say(`lock ${called[door]}`, { [door]: is("locked", "locking") }, [["lock.unlock", door]]),
    say(`unlock ${called[gate]}`, { [gate]: is("unlocked", "unlocking") }, [["lock.lock", gate]]),
    say(`${called[fan]} at 70 percent`, { [fan]: about("percentage", 70, 20) }, [["fan.turn_off", fan]]),
    say(`send ${called[vacuum]} back to its base`, { [vacuum]: is("returning", "docked") }, [["vacuum.start", vacuum]]),
    say(`start ${called[vacuum]}`, { [vacuum]: is("cleaning") }, [["vacuum.stop", vacuum]]),
    say(`volume of ${called[radio]} to 45 percent`, { [radio]: about("volume_level", 0.45, 0.02) }, [
      ["media_player.volume_set", radio, { volume_level: 0.9 }],
    ]),
    say(`pause ${called[speaker]}`, { [speaker]: is("paused") }, [["media_player.media_play", speaker]]),
    say(`mute ${called[tv]}`, { [tv]: ({ attributes }) => attributes.is_volume_muted === true }, [
      ["media_player.media_play", tv],
    ]),
    say(`put bread on ${called[list]}`, { [list]: items(1) }),
    say(`add apples and butter to ${called[list]}`, { [list]: items(2) }),
    say(`what is on ${called[list]}?`, {}, [], ["bread"]),
    say(`check bread off ${called[list]}`, { [list]: items(-1) }),
    say(`run ${script.replace("_", " ")}`, { [ceiling]: off }, lights(ceiling)),
    say(`${called["input_boolean.second"]} off`, { "input_boolean.second": off }, [
      ["input_boolean.turn_on", "input_boolean.second"],
    ]),
    say(`is ${called[door]} locked?`, {}, [["lock.lock", door]], ["locked", "yes"]),
    say(`is ${called[bed]} on?`, {}, [["light.turn_off", bed]], ["off", "no"]),
    say(`what does ${called["sensor.outside_temperature"]} show?`, {}, [], ["15"]),
    say(`how loud is ${called[radio]}?`, {}, [volume], ["45"]),
    say(`what is ${called[pump]} set to?`, {}, [warm], ["18"]),
    say(`are there lights in the ${areas.office}?`, {}, [], ["yes", areas.office]),
    say("what day is it today?", {}, [], ["20"]),
    say(`lock ${called[gate]} and close ${called[garage]}`, { [gate]: is("locked", "locking"), [garage]: closed }, [
      ["lock.unlock", gate],
      ["cover.open_cover", garage],
    ]),
    say(`${called[kitchen]} off and ${called[office]} on`, { [kitchen]: off, [office]: on }, [
      ["light.turn_on", kitchen],
      ["light.turn_off", office],
    ]),
    say("turn on the hot air balloon", {}, [], ["not"]),
    say("open the drawbridge", {}, [], ["not"]),
    say("set a timer for ten minutes", {}, [], ["not", "timer"]),
    say("hello"),
    say("thank you, that was all"),
    say("how are you today?"),
    say(`is ${called[hall]} open?`, {}, [], ["open", "closed", "yes", "no"]),
    say(`turn ${called[entrance]} on`, { [entrance]: on }, [["light.turn_off", entrance]]),
    say("make it 15 percent", { [entrance]: bright(15) }, [], null, true),
    say("and off again", { [entrance]: off }, [], null, true),
    say(`open ${called[living]}`, { [living]: opened }, [["cover.close_cover", living]]),
    say("no, close it", { [living]: closed }, [], null, true),
  ];
}
