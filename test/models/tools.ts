/** Five tools of a home, and orders that each need one of them. */
const tool = (name: string, description: string, properties: object, required: readonly string[]) => ({
  type: "function",
  function: { name, description, parameters: { type: "object", properties, required } },
});
const text = (description: string) => ({ type: "string", description });

export const tools = [
  tool("get_weather", "Get the weather of a city", { city: text("Name of the city"), days: { type: "integer" } }, [
    "city",
  ]),
  tool(
    "set_timer",
    "Set a kitchen timer",
    { minutes: { type: "integer", minimum: 1 }, label: text("What it is for") },
    ["minutes"],
  ),
  tool("turn_on", "Turn a device on", { device: text("Name of the device") }, ["device"]),
  tool("turn_off", "Turn a device off", { device: text("Name of the device") }, ["device"]),
  tool("play_music", "Play music", { artist: text("Who plays"), volume: { type: "number", minimum: 0, maximum: 1 } }, [
    "artist",
  ]),
];

const ordersOf: Readonly<Record<string, readonly string[]>> = {
  get_weather: [
    "What is the weather in Paris?",
    "Tell me the weather in Tokyo.",
    "Get the weather of Oslo.",
    "How is the weather in Rome today?",
    "Check the weather in Cairo for 3 days.",
    "What's the weather like in Lima?",
  ],
  set_timer: [
    "Set a timer for 5 minutes.",
    "Set a timer of 10 minutes for the eggs.",
    "Start a 3 minute timer.",
    "Set a kitchen timer for 45 minutes.",
    "I need a timer for 8 minutes for the tea.",
    "Please set a timer for 1 minute.",
  ],
  turn_on: [
    "Turn on the kitchen light.",
    "Turn on the fan.",
    "Please turn on the heater.",
    "Turn the television on.",
    "Turn on the coffee machine.",
    "Turn on the lamp in the hall.",
  ],
  turn_off: [
    "Turn off the kitchen light.",
    "Turn off the fan.",
    "Please turn off the heater.",
    "Turn the television off.",
    "Turn off the coffee machine.",
    "Turn off the lamp in the hall.",
  ],
  play_music: [
    "Play music by Mozart.",
    "Play some music by The Beatles.",
    "Play music by Nina Simone.",
    "Play Bach music.",
    "Please play music by Miles Davis.",
    "Play music by ABBA at half volume.",
  ],
};

/** `tool`: the one that the order is about. */
export const orders: readonly { readonly tool: string; readonly text: string }[] = Object.entries(ordersOf).flatMap(
  ([name, sentences]) => sentences.map((sentence) => ({ tool: name, text: sentence })),
);
