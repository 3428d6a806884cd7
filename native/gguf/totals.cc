#include "gguf/totals.h"

#include <array>

namespace hearth {

TensorTotals total_tensors(const GgufFile& file) {
  TensorTotals totals;
  std::array<uint64_t, HEARTH_TYPE_COUNT> bytes_of_type{};
  for (const GgufTensor& tensor : file.tensors()) {
    totals.n_elements += tensor.n_elements;
    totals.bytes += tensor.data.size();
    bytes_of_type[tensor.type] += tensor.data.size();
  }
  if (file.tensors().empty()) return totals;
  size_t most = 0;
  for (size_t type = 0; type < bytes_of_type.size(); ++type) {
    if (bytes_of_type[type] > bytes_of_type[most]) most = type;
  }
  totals.main_type = type_name(static_cast<uint32_t>(most));
  return totals;
}

bool is_of_experts(const GgufTensor& tensor) { return tensor.name.find("_exps") != std::string_view::npos; }

}  // namespace hearth
