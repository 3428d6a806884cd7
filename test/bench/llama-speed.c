// How fast llama.cpp reads a prompt and writes an answer, by its own library: llama_decode alone, with nothing drawn and no
// binding between. Usage: llama-speed MODEL PROMPT_TOKENS NEW_TOKENS THREADS BACKENDS [no-repack], where BACKENDS is the folder of
// its kernels' libraries, of which it takes the best for this CPU, and no-repack leaves the weights where they are mapped, as its
// own --no-repack does. Prints {"prefill": ..., "decode": ...} in tokens a second.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-backend.h"
#include "llama.h"

enum { WARM_TOKENS = 8, BATCH = 512 };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void errors_only(enum ggml_log_level level, const char* text, void* user) {
  (void)user;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

// Seconds for `count` tokens behind what the context holds, `step` at a time. Which tokens does not matter.
static double run(struct llama_context* context, int vocabulary, int count, int step) {
  llama_token tokens[BATCH];
  const double began = seconds();
  for (int done = 0; done < count; done += step) {
    const int n = count - done < step ? count - done : step;
    for (int i = 0; i < n; ++i) tokens[i] = (done + i) * 7919 % vocabulary;
    if (llama_decode(context, llama_batch_get_one(tokens, n)) != 0) {
      fprintf(stderr, "llama_decode failed after %d tokens\n", done);
      exit(1);
    }
    llama_synchronize(context);
  }
  return seconds() - began;
}

static void forget(struct llama_context* context) { llama_memory_clear(llama_get_memory(context), true); }

int main(int argc, char** argv) {
  const bool is_no_repack = argc == 7 && strcmp(argv[6], "no-repack") == 0;
  if (argc != 6 && !is_no_repack) {
    fprintf(stderr, "usage: %s MODEL PROMPT_TOKENS NEW_TOKENS THREADS BACKENDS [no-repack]\n", argv[0]);
    return 2;
  }
  const int prompt = atoi(argv[2]), answer = atoi(argv[3]), threads = atoi(argv[4]);
  llama_log_set(errors_only, NULL);
  ggml_backend_load_all_from_path(argv[5]);
  llama_backend_init();
  struct llama_model_params model_params = llama_model_default_params();
  model_params.use_extra_bufts = !is_no_repack;
  struct llama_model* model = llama_model_load_from_file(argv[1], model_params);
  if (model == NULL) return 1;
  struct llama_context_params params = llama_context_default_params();
  params.n_ctx = (uint32_t)(prompt + answer + WARM_TOKENS);
  params.n_batch = BATCH;
  params.n_ubatch = BATCH;
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.no_perf = true;
  struct llama_context* context = llama_init_from_model(model, params);
  if (context == NULL) return 1;
  const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));

  run(context, vocabulary, WARM_TOKENS, WARM_TOKENS);  // reads the weights, and brings them into the form that it works with
  run(context, vocabulary, WARM_TOKENS / 2, 1);
  forget(context);
  const double prefill = prompt / run(context, vocabulary, prompt, BATCH);
  forget(context);
  const double decode = answer / run(context, vocabulary, answer, 1);
  printf("{\"prefill\": %.3f, \"decode\": %.3f}\n", prefill, decode);
  return 0;
}
