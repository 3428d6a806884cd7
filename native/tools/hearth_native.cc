// hearth-native: the engine without Node, for cross-compiled runs (boards, qemu), for counting instructions, for tests.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "include/engine.h"
#include "include/quantize.h"
#include "tools/arguments.h"

namespace hearth::tools {
namespace {

constexpr char kUsage[] =
    "usage: hearth-native logits MODEL --tokens \"1 2 3\" --out FILE [-t THREADS] [--chunk N] [--kv TYPE]\n"
    "       hearth-native greedy MODEL --tokens \"1 2 3\" [-n TOKENS] [-t THREADS] [--chunk N] [--kv TYPE]\n"
    "       hearth-native bench MODEL [-p TOKENS] [-n TOKENS] [-d DEPTH] [-t THREADS] [--kv TYPE]\n"
    "       hearth-native synthetic SHAPE TYPE FILE\n"
    "       hearth-native quantize IN OUT TYPE [-t THREADS]\n"
    "       hearth-native isa\n"
    "--kv keeps keys and values as f16 or q8_0.\n"
    "HEARTH_ISA forces a kernel set; \"isa\" prints the one in use and all there are.\n"
    "HEARTH_READING forces how weights are read: \"streams:256\", \"memory:8192\".\n";

constexpr int64_t kMaxTokens = 1 << 20;
constexpr int64_t kMaxThreads = 256;
constexpr int32_t kBatchTokens = 512;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string forced_isa() { return from_environment("HEARTH_ISA"); }

struct Session {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Engine> engine;
  int32_t sequence = -1;
};

Status open_session(const Arguments& arguments, size_t context, Session* session) {
  if (arguments.positional().size() != 1) return {Code::OPTION_OUT_OF_RANGE, "Name one model file."};
  HEARTH_RETURN_IF_ERROR(Model::load(arguments.positional()[0], {}, &session->model));
  int64_t threads = 0;
  HEARTH_RETURN_IF_ERROR(arguments.number("-t", 0, kMaxThreads, &threads));
  EngineOptions options;
  options.threads = static_cast<int32_t>(threads);
  options.max_sequences = 1;
  options.kv_type = arguments.text("--kv", "f16");
  options.context_tokens = static_cast<int32_t>(context);
  options.max_batch_tokens = kBatchTokens;
  options.isa = forced_isa();
  options.reading = from_environment("HEARTH_READING");
  HEARTH_RETURN_IF_ERROR(Engine::create(session->model, options, &session->engine));
  SamplerOptions greedy;
  greedy.temperature = 0;
  return session->engine->open_sequence(greedy, &session->sequence);
}

// Feeds `tokens` in chunks; `each` sees every chunk's result.
Status feed(const Session& session, std::span<const int32_t> tokens, size_t chunk, bool sample_last, ChunkLogits logits,
            const std::function<Status(const StepResult&)>& each) {
  for (size_t at = 0; at < tokens.size(); at += chunk) {
    const size_t n = std::min(chunk, tokens.size() - at);
    StepPlan plan;
    plan.chunks.push_back({session.sequence, tokens.subspan(at, n), sample_last && at + n == tokens.size(), logits});
    StepResult result;
    HEARTH_RETURN_IF_ERROR(session.engine->step_and_wait(std::move(plan), &result));
    HEARTH_RETURN_IF_ERROR(each(result));
  }
  return {};
}

Status logits(const Arguments& arguments) {
  std::vector<int32_t> tokens;
  HEARTH_RETURN_IF_ERROR(arguments.tokens("--tokens", &tokens));
  int64_t chunk = kBatchTokens;
  HEARTH_RETURN_IF_ERROR(arguments.number("--chunk", 1, kBatchTokens, &chunk));
  const std::string path = arguments.text("--out", "");
  if (path.empty()) return {Code::OPTION_OUT_OF_RANGE, "Name a file with --out."};
  Session session;
  HEARTH_RETURN_IF_ERROR(open_session(arguments, tokens.size(), &session));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), std::fclose);
  if (!file) return {Code::FILE_WRITE_FAILED, "Cannot write to \"" + path + "\"."};
  const auto write = [&](const StepResult& result) -> Status {
    const std::vector<float>& rows = result.chunks[0].logits;
    if (std::fwrite(rows.data(), sizeof(float), rows.size(), file.get()) == rows.size() && std::fflush(file.get()) == 0)
      return {};
    return {Code::FILE_WRITE_FAILED, "Cannot write to \"" + path + "\"."};
  };
  return feed(session, tokens, chunk, false, ChunkLogits::ALL, write);
}

Status greedy(const Arguments& arguments) {
  std::vector<int32_t> tokens;
  HEARTH_RETURN_IF_ERROR(arguments.tokens("--tokens", &tokens));
  int64_t n = 32, chunk = kBatchTokens;
  HEARTH_RETURN_IF_ERROR(arguments.number("-n", 1, kMaxTokens, &n));
  HEARTH_RETURN_IF_ERROR(arguments.number("--chunk", 1, kBatchTokens, &chunk));
  Session session;
  HEARTH_RETURN_IF_ERROR(open_session(arguments, tokens.size() + n, &session));
  int32_t drawn = -1;
  const auto take = [&](const StepResult& result) {
    if (!result.chunks[0].tokens.empty()) drawn = result.chunks[0].tokens[0];
    return Status();
  };
  HEARTH_RETURN_IF_ERROR(feed(session, tokens, chunk, true, ChunkLogits::NONE, take));
  for (int64_t i = 0;;) {
    std::printf(i == 0 ? "%d" : " %d", drawn);
    if (++i == n) break;
    const int32_t next[] = {drawn};
    HEARTH_RETURN_IF_ERROR(feed(session, next, 1, true, ChunkLogits::NONE, take));
  }
  std::printf("\n");
  return {};
}

// Prefill and then decode, both behind `-d` tokens.
Status bench(const Arguments& arguments) {
  int64_t prefill = 512, decode = 64, depth = 0;
  HEARTH_RETURN_IF_ERROR(arguments.number("-p", 0, kMaxTokens, &prefill));
  HEARTH_RETURN_IF_ERROR(arguments.number("-n", 0, kMaxTokens, &decode));
  HEARTH_RETURN_IF_ERROR(arguments.number("-d", 0, kMaxTokens, &depth));
  Session session;
  HEARTH_RETURN_IF_ERROR(open_session(arguments, depth + prefill + decode, &session));
  double ms = 0;
  const auto add_time = [&](const StepResult& result) {
    ms += result.compute_ms;
    return Status();
  };
  // No two tokens in a row are alike: a router would choose the same experts for all of them.
  const auto n_vocab = static_cast<int64_t>(session.model->info().tokenizer.n_tokens);
  const auto tokens_from = [&](int64_t from, int64_t n) {
    std::vector<int32_t> tokens(n);
    for (int64_t i = 0; i < n; ++i) tokens[i] = static_cast<int32_t>((from + i) * 7919 % std::max<int64_t>(2, n_vocab));
    return tokens;
  };
  const std::vector<int32_t> before = tokens_from(1, depth), prompt = tokens_from(1 + depth, prefill);
  HEARTH_RETURN_IF_ERROR(feed(session, before, kBatchTokens, false, ChunkLogits::NONE, add_time));
  const double before_ms = ms;
  ms = 0;
  HEARTH_RETURN_IF_ERROR(feed(session, prompt, kBatchTokens, false, ChunkLogits::NONE, add_time));
  const double prefill_speed = ms > 0 ? prefill * 1000.0 / ms : 0;
  ms = 0;
  for (int64_t i = 0; i < decode; ++i) {
    const std::vector<int32_t> one = tokens_from(1 + depth + prefill + i, 1);
    HEARTH_RETURN_IF_ERROR(feed(session, one, 1, true, ChunkLogits::NONE, add_time));
  }
  const double decode_speed = ms > 0 ? decode * 1000.0 / ms : 0;
  std::printf(
      "{\"isa\": \"%s\", \"threads\": %d, \"before\": {\"tokens\": %lld, \"ms\": %.0f}, "
      "\"prefill\": {\"tokens\": %lld, \"tokensPerSecond\": %.2f}, "
      "\"decode\": {\"tokens\": %lld, \"tokensPerSecond\": %.2f}",
      session.engine->isa(), session.engine->options().threads, static_cast<long long>(depth), before_ms,
      static_cast<long long>(prefill), prefill_speed, static_cast<long long>(decode), decode_speed);
  if (const std::optional<WeightResidency> residency = session.engine->residency()) {
    std::printf(
        ", \"residency\": {\"keptBytes\": %llu, \"lockedBytes\": %llu, \"residentBytes\": %llu, \"streamedBytes\": "
        "%llu, "
        "\"ringBytes\": %llu, \"budgetBytes\": %llu, \"readBytes\": %llu, \"readingMs\": %.0f, \"waitedMs\": %.0f}",
        static_cast<unsigned long long>(residency->kept_bytes),
        static_cast<unsigned long long>(residency->locked_bytes),
        static_cast<unsigned long long>(residency->resident_bytes),
        static_cast<unsigned long long>(residency->streamed_bytes),
        static_cast<unsigned long long>(residency->ring_bytes),
        static_cast<unsigned long long>(residency->budget_bytes),
        static_cast<unsigned long long>(residency->read_bytes), residency->reading_ms, residency->waited_ms);
  }
  std::printf("}\n");
  return {};
}

Status synthetic(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() != 3) return {Code::OPTION_OUT_OF_RANGE, "Name a shape, a type and a file."};
  return write_synthetic_model(words[0], words[1], words[2]);
}

Status quantize(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() != 3) return {Code::OPTION_OUT_OF_RANGE, "Name a source file, the file to write and a type."};
  int64_t threads = 0;
  HEARTH_RETURN_IF_ERROR(arguments.number("-t", 0, kMaxThreads, &threads));
  QuantizeOptions options;
  options.type = words[2];
  options.threads = static_cast<int32_t>(threads);
  QuantizeReport report;
  HEARTH_RETURN_IF_ERROR(quantize_model(words[0], words[1], options, nullptr, &report));
  for (const QuantizedType& type : report.types) {
    std::printf("%s: %llu tensors, %llu bytes, error %.3g\n", type.type.c_str(),
                static_cast<unsigned long long>(type.tensors), static_cast<unsigned long long>(type.bytes),
                type.squared_norm > 0 ? type.squared_error / type.squared_norm : 0);
  }
  return {};
}

Status isa(const Arguments&) {
  std::string chosen;
  HEARTH_RETURN_IF_ERROR(select_isa(forced_isa(), &chosen));
  std::printf("%s\n", chosen.c_str());
  for (const std::string& name : compiled_isas()) std::printf("  %s\n", name.c_str());
  return {};
}

struct Command {
  const char* name;
  Status (*run)(const Arguments& arguments);
  std::vector<std::string> options;
};

const Command kCommands[] = {
    {"logits", logits, {"--tokens", "--out", "-t", "--chunk", "--kv"}},
    {"greedy", greedy, {"--tokens", "-n", "-t", "--chunk", "--kv"}},
    {"bench", bench, {"-p", "-n", "-d", "-t", "--kv"}},
    {"synthetic", synthetic, {}},
    {"quantize", quantize, {"-t"}},
    {"isa", isa, {}},
};

Status run(const Command& command, const std::vector<std::string>& argv) {
  Arguments arguments;
  HEARTH_RETURN_IF_ERROR(Arguments::parse(argv, command.options, &arguments));
  return command.run(arguments);
}

int main_with(int argc, char** argv) {
  constexpr int kWrongUsage = 2;
  for (const Command& command : kCommands) {
    if (argc < 2 || command.name != std::string(argv[1])) continue;
    const Status status = run(command, {argv + 2, argv + argc});
    if (status.ok()) return 0;
    std::fprintf(stderr, "%s: %s %s\n", code_name(status.code()), status.message().c_str(), code_advice(status.code()));
    return kWrongUsage;
  }
  std::fputs(kUsage, stderr);
  return kWrongUsage;
}

}  // namespace
}  // namespace hearth::tools

int main(int argc, char** argv) { return hearth::tools::main_with(argc, argv); }
