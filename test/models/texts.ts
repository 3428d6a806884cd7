/**
 * Texts whose tokens are compared: each has something that tokenizers cut in ways of their own. None has "</s>", which is a token of
 * text in Gemma 3's own tokenizer and here, and a mark in llama.cpp.
 */
export const texts: readonly string[] = [
  "Hello, world!",
  " leading and trailing spaces  ",
  "Two  spaces,   three, and a tab\there.\n\nAn empty line.\r\nAnother kind of line.",
  "    def f(x):\n        return x ** 2  # a square\n",
  "1 12 123 1234 12345 3.14159 1,000,000 0xFF 1e-9",
  "It's we'll they'd I'M DON'T o'clock",
  "Grüße aus Köln, naïve café, Ångström, İstanbul",
  "Привет, как дела? Γειά σου Κόσμε. שלום עולם. مرحبا بالعالم",
  "你好,世界。今天天气怎么样?こんにちは世界。안녕하세요 세계",
  "Emoji: 😀 👨‍👩‍👧‍👦 🇩🇪 ✌🏽 and e\u0301 combined with é",
  '{"name": "HassTurnOn", "arguments": {"area": "Küche", "brightness": 40}}',
  "<div class='a'>&amp; <b>bold</b></div> https://example.org/a?b=c&d=%20",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "----------------====================________________................",
  "\u00a0\u2003\u200b\ufeffodd white space\u2028and separators",
  "snake_case camelCase SCREAMING_CASE kebab-case $price @user #tag C++ C#",
];
