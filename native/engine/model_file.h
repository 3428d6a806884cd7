// Facts of a model file's header, also of a model that this engine cannot run.
#pragma once

#include "gguf/gguf.h"
#include "include/engine.h"

namespace hearth {

// Everything but the size of the file, which a header does not tell.
void describe_header(const GgufFile& header, ModelFileInfo* info);

}  // namespace hearth
