import { missing, shared } from "../../helpers/shared.js";

const stories = "models/stories260K.gguf";

export const skip = missing(stories);

export const model = shared(stories);
