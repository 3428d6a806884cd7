/** The AI SDK with its provider for servers of the Open Responses protocol. */
import { createOpenResponses } from "@ai-sdk/open-responses";
import { checkLanguageModel } from "./ai-sdk-checks.mjs";
import { url } from "./checks.mjs";

await checkLanguageModel(createOpenResponses({ name: "hearth", url: `${url}/v1/responses` }));
