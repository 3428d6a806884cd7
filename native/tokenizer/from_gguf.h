// Reads the vocabulary's keys of a GGUF file. The only part of the tokenizer that knows the format.
#pragma once

#include "gguf/gguf.h"
#include "include/status.h"
#include "tokenizer/vocabulary_data.h"

namespace hearth {

// The views in `data` point into the mapped file. A missing key leaves its member empty.
// TOKENIZER_BAD_VOCABULARY: a key has the wrong type or a value out of range; the message names it.
Status read_vocabulary(const GgufFile& file, VocabularyData* data);

}  // namespace hearth
