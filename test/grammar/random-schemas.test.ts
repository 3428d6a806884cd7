import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { HearthError } from "../../src/base/errors.js";
import { Random } from "../helpers/random.js";
import { RandomSchemas } from "./random-schema.js";
import { loadSpark, Speaker, schemaGrammar } from "./spark.js";

const schemasToTry = 300;

test(`${schemasToTry} random schemas: what Spark says at temperature 1.5 validates`, async (t) => {
  const model = await loadSpark();
  const speaker = await Speaker.open(
    t,
    model,
    "<|im_start|>user\nTell me of the kitchen as JSON<|im_end|>\n<|im_start|>assistant\n",
  );
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  const schemas = new RandomSchemas(new Random(20261123));
  let finished = 0;
  let impossible = 0;
  for (let n = 0; n < schemasToTry; n++) {
    const schema = schemas.document();
    let gbnf: string;
    try {
      gbnf = schemaGrammar(schema);
    } catch (error) {
      assert.ok(error instanceof HearthError && error.code === "SCHEMA_UNSUPPORTED", String(error));
      impossible++;
      continue;
    }
    const grammar = await model.compileGrammar(gbnf);
    const answer = await speaker.say(grammar, n, 600);
    if (!answer.finished) {
      assert.equal(grammar.match(answer.text), "beginning");
      continue;
    }
    finished++;
    const validate = ajv.compile(schema);
    assert.ok(
      validate(JSON.parse(answer.text)),
      `${JSON.stringify(schema)}\n${answer.text}\n${ajv.errorsText(validate.errors)}`,
    );
  }
  t.diagnostic(`${finished} answers finished, ${impossible} schemas that nothing matches`);
  assert.ok(finished >= schemasToTry * 0.6);
});
