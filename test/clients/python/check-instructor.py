"""instructor: classes out of answers, by tools, by JSON and by a schema."""

import instructor
import openai

from checks import *
from city import City

client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
wish = [{"role": "user", "content": SCENARIO["wish"]}]
settings = {"model": MODEL, "messages": wish, "temperature": 0, "max_tokens": MAX_TOKENS, "max_retries": 1}


for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA):

    @check(f"a class by {mode.name}")
    def _():
        answer = instructor.from_openai(client, mode=mode).create(response_model=City, **settings)
        assert answer.city

    @check(f"a class in parts by {mode.name}")
    def _():
        parts = list(instructor.from_openai(client, mode=mode).create_partial(response_model=City, **settings))
        assert parts[-1].city and isinstance(parts[-1].inhabitants, int)


@check("an unknown model")
def _():
    other = {**settings, "model": UNKNOWN_MODEL}
    assert_unknown_model(refused(lambda: instructor.from_openai(client).create(response_model=City, **other)))
