// Tiles, the pages that stay, and the ring through which the others come: what is read, in which order, and what a
// failing or changed file does.
#include "memory/residency.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "files.h"

namespace hearth {
namespace {

constexpr size_t kRowBytes = 100;
const std::atomic<bool> kGoOn{false};

// Matrices of `rows` rows each, one behind the other.
std::vector<MappedMatrix> matrices_at(const uint8_t* data, std::initializer_list<size_t> rows) {
  std::vector<MappedMatrix> matrices;
  for (const size_t n : rows) {
    matrices.push_back({data, kRowBytes, n});
    data += n * kRowBytes;
  }
  return matrices;
}

const uint8_t* const kAnywhere = reinterpret_cast<const uint8_t*>(uintptr_t{1} << 32);

TEST_CASE("tiles cover each matrix once, in whole multiples of the kernels' rows") {
  const auto matrices = matrices_at(kAnywhere, {16, 100, 1, 640});
  const Tiles tiles(matrices, 2500);
  for (const MappedMatrix& m : matrices) {
    const auto [begin, end] = tiles.find(m.data, m.rows, 0);
    size_t row = 0;
    for (size_t i = begin; i < end; ++i) {
      const Tile& tile = tiles.all()[i];
      CHECK(tile.first_row == row);
      CHECK(tile.data == m.data + row * kRowBytes);
      CHECK(tile.bytes == tile.rows * kRowBytes);
      CHECK(tile.bytes <= 2500 + Tiles::kRowMultiple * kRowBytes);
      if (i + 1 < end) CHECK(tile.rows % Tiles::kRowMultiple == 0);
      row += tile.rows;
    }
    CHECK(row == m.rows);
  }
  CHECK(tiles.find(kAnywhere + 1, 16, 0).end == 0);
  CHECK(tiles.find(kAnywhere, 17, 0).end == 0);
  CHECK(tiles.kept_bytes() == 757 * kRowBytes);
}

TEST_CASE("a matrix that a pass uses twice has tiles at both places") {
  std::vector<MappedMatrix> matrices = matrices_at(kAnywhere, {64, 64});
  matrices.push_back(matrices[0]);
  const Tiles tiles(matrices, 3200);
  CHECK(tiles.find(kAnywhere, 64, 0).begin == 0);
  CHECK(tiles.find(kAnywhere, 64, 2).begin == 4);
  CHECK(tiles.find(kAnywhere, 64, 5).begin == 0);
}

TEST_CASE("what is kept is within its bytes and spread evenly over the pass") {
  std::vector<MappedMatrix> matrices;
  for (size_t i = 0; i < 50; ++i) matrices.push_back({kAnywhere + i * 100'000, kRowBytes, 160 * (1 + i % 3)});
  for (const double share : {0.0, 0.1, 0.37, 0.5, 0.63, 0.9, 1.0}) {
    CAPTURE(share);
    Tiles tiles(matrices, 16 * kRowBytes);
    const uint64_t total = tiles.kept_bytes();
    const auto bytes = static_cast<uint64_t>(share * static_cast<double>(total));
    tiles.keep_at_most(bytes);
    CHECK(tiles.kept_bytes() <= bytes);
    CHECK(tiles.kept_bytes() + 16 * kRowBytes > bytes);
    CHECK(tiles.kept_bytes() + tiles.streamed_bytes() == total);
    // At no place of the pass is more than a tile too much or too little kept.
    uint64_t passed = 0, kept = 0;
    for (const Tile& tile : tiles.all()) {
      passed += tile.bytes;
      kept += tile.kept ? tile.bytes : 0;
      CHECK(std::abs(static_cast<double>(kept) - share * static_cast<double>(passed)) <= 16.0 * kRowBytes + 1);
    }
  }
}

TEST_CASE("small matrices are kept first, unless not even they have room") {
  Tiles tiles(matrices_at(kAnywhere, {16, 640, 16, 640}), 100 * kRowBytes);
  tiles.keep_at_most(40 * kRowBytes);
  CHECK(tiles.all()[0].kept);
  CHECK(tiles.kept_bytes() == 32 * kRowBytes);
  tiles.keep_at_most(20 * kRowBytes);
  CHECK(tiles.kept_bytes() <= 20 * kRowBytes);
}

// A file of numbers, and it as the parts of a model: a header without tensors is enough.
class Numbers {
 public:
  explicit Numbers(size_t size, const char* folder = "/tmp") {
    path_ = std::string(folder) + "/hearth-residency-test-XXXXXX";
    fd_ = mkstemp(path_.data());
    REQUIRE(fd_ >= 0);
    std::vector<uint8_t> bytes = {'G', 'G', 'U', 'F', 3, 0, 0, 0};
    bytes.resize(size);
    for (size_t i = kHeader; i < size; ++i) bytes[i] = at(i);
    REQUIRE(write(fd_, bytes.data(), size) == static_cast<ssize_t>(size));
    REQUIRE(ModelParts::open(path_, true, &parts).ok());
  }
  ~Numbers() {
    parts.reset();
    close(fd_);
    unlink(path_.c_str());
  }
  static uint8_t at(size_t i) { return static_cast<uint8_t>(i * 7 + i / 251); }
  static constexpr size_t kHeader = 24;

  const uint8_t* data() const { return parts->files()[0]->bytes().data(); }
  int fd() const { return fd_; }

  // Whether `bytes` are those that stand at `mapped`.
  bool equal(const uint8_t* bytes, const uint8_t* mapped, size_t n) const {
    const auto offset = static_cast<size_t>(mapped - data());
    for (size_t i = 0; i < n; ++i) {
      if (bytes[i] != at(offset + i)) return false;
    }
    return true;
  }

  std::unique_ptr<ModelParts> parts;

 private:
  std::string path_;
  int fd_ = -1;
};

constexpr size_t kSize = 1'000'000;

std::unique_ptr<Residency> reside(const Numbers& file, uint64_t weight_bytes, bool lock = true) {
  const auto matrices = matrices_at(file.data() + 1000, {1000, 48, 3000, 16, 2500});
  std::unique_ptr<Residency> residency;
  REQUIRE(Residency::create(*file.parts, matrices, {},
                            {.weight_bytes = weight_bytes,
                             .kept_bytes = {},
                             .kept_expert_bytes = {},
                             .least_tile_bytes = 8000,
                             .keep = {.lock_bytes = lock ? UINT64_MAX : 0, .spare = {}}},
                            &residency)
              .ok());
  return residency;
}

// Goes through the tiles from `first` to `last` as a pass does, and compares their bytes.
Status pass(const Numbers& file, Residency& residency, size_t first = 0, size_t last = SIZE_MAX) {
  residency.begin_pass();
  const std::vector<Tile>& tiles = residency.tiles().all();
  for (size_t i = first; i < std::min(last, tiles.size()); ++i) {
    if (tiles[i].kept) {
      HEARTH_RETURN_IF_ERROR(residency.wait_kept(i, kGoOn));
      CHECK(file.equal(tiles[i].data, tiles[i].data, tiles[i].bytes));
      continue;
    }
    const uint8_t* data = nullptr;
    HEARTH_RETURN_IF_ERROR(residency.take(i, kGoOn, &data));
    CHECK(file.equal(data, tiles[i].data, tiles[i].bytes));
    for (const uint8_t* more = nullptr; i + 1 < tiles.size() && !tiles[i + 1].kept;) {
      more = residency.take_ready(i + 1);
      if (more == nullptr) break;
      ++i;
      CHECK(file.equal(more, tiles[i].data, tiles[i].bytes));
    }
    residency.release();
  }
  return {};
}

TEST_CASE("each pass gets the bytes of every tile, however many stay and wherever it begins and ends") {
  for (const char* folder : {"/tmp", "/dev/shm"}) {
    CAPTURE(folder);
    const Numbers file(kSize, folder);
    for (const uint64_t weight_bytes : {uint64_t{0}, uint64_t{400'000}, uint64_t{2} << 20}) {
      CAPTURE(weight_bytes);
      const auto residency = reside(file, weight_bytes);
      for (int round = 0; round < 3; ++round) CHECK(pass(file, *residency).ok());
      CHECK(pass(file, *residency, 0, 5).ok());
      CHECK(pass(file, *residency, 30).ok());
      CHECK(pass(file, *residency, 31).ok());
      CHECK(pass(file, *residency).ok());
      const ResidencyCounts counts = residency->counts();
      CHECK(counts.kept_bytes + counts.streamed_bytes == 6564 * kRowBytes);
      if (weight_bytes == 0) CHECK(counts.kept_bytes == 0);
      if (weight_bytes > kSize) CHECK(counts.streamed_bytes == 0);
      CHECK(counts.stream.bytes_read >= 4 * counts.streamed_bytes);
    }
  }
}

TEST_CASE("streamed tiles do not come into the page cache, and kept ones do" * doctest::test_suite("page cache")) {
  for (const bool lock : {true, false}) {
    const Numbers file(kSize);
    REQUIRE(fsync(file.fd()) == 0);
    file.parts->files()[0]->drop_cached(0, kSize);  // what writing it left, in pieces larger than these tiles
    const auto residency = reside(file, 400'000, lock);
    REQUIRE(pass(file, *residency).ok());
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    for (const Tile& tile : residency->tiles().all()) {
      const uint8_t* middle = tile.data + tile.bytes / 2;
      middle -= reinterpret_cast<uintptr_t>(middle) % page;
      if (middle < tile.data || middle + page > tile.data + tile.bytes) continue;
      unsigned char present = 0;
      REQUIRE(mincore(const_cast<uint8_t*>(middle), page, &present) == 0);
      CHECK((present & 1) == (tile.kept ? 1 : 0));
    }
    CHECK(residency->counts().resident_bytes >= residency->counts().kept_bytes);
    if (!lock) CHECK(residency->counts().locked_bytes == 0);
  }
}

TEST_CASE("kept tiles that the kernel took are read again, whole, when a pass comes to them" *
          doctest::test_suite("page cache")) {
  const Numbers file(kSize);
  REQUIRE(fsync(file.fd()) == 0);
  const auto residency = reside(file, 2 << 20, false);
  REQUIRE(pass(file, *residency).ok());
  file.parts->files()[0]->drop_cached(0, kSize);
  const std::vector<Tile>& tiles = residency->tiles().all();
  const Tile& tile = tiles[tiles.size() / 2];
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const uint8_t* inner = tile.data + (page - reinterpret_cast<uintptr_t>(tile.data) % page);
  unsigned char present = 1;
  REQUIRE(mincore(const_cast<uint8_t*>(inner), page, &present) == 0);
  CHECK((present & 1) == 0);
  REQUIRE(residency->wait_kept(tiles.size() / 2, kGoOn).ok());
  for (int i = 0; i < 200 && (present & 1) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(mincore(const_cast<uint8_t*>(inner), page, &present) == 0);
  }
  CHECK((present & 1) == 1);
}

TEST_CASE("locks are let go of when others run short of memory, and taken again when there is enough") {
  const Numbers file(kSize);
  std::atomic<uint64_t> spare{0};
  const auto matrices = matrices_at(file.data() + 1000, {1000, 48, 3000, 16, 2500});
  std::unique_ptr<Residency> residency;
  const ResidencyOptions options{
      .weight_bytes = 0,
      .kept_bytes = 400'000,
      .kept_expert_bytes = {},
      .least_tile_bytes = 8000,
      .keep = {.lock_bytes = UINT64_MAX, .spare = [&spare] { return spare.load(); }},
  };
  REQUIRE(Residency::create(*file.parts, matrices, {}, options, &residency).ok());
  REQUIRE(pass(file, *residency).ok());
  const auto settles = [&](bool locked) {
    for (int i = 0; i < 200; ++i) {
      if ((residency->counts().locked_bytes >= residency->counts().kept_bytes) == locked) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  };
  CHECK(settles(false));
  CHECK(residency->counts().locked_bytes == 0);
  CHECK(pass(file, *residency).ok());
  spare = uint64_t{1} << 30;
  CHECK(settles(true));
  spare = 0;
  CHECK(settles(false));
}

TEST_CASE("a file that was cut short fails the pass that needs what is gone, and the next one works when it is back") {
  const Numbers file(kSize);
  const auto residency = reside(file, 0);
  REQUIRE(pass(file, *residency).ok());
  REQUIRE(ftruncate(file.fd(), 300'000) == 0);
  Status status;
  for (int round = 0; round < 3; ++round) {  // what was read ahead may serve the first
    status = pass(file, *residency);
  }
  CHECK(status.code() == Code::FILE_READ_FAILED);
  CHECK(status.message().find("ends before") != std::string::npos);
  std::vector<uint8_t> back(kSize - 300'000);
  for (size_t i = 0; i < back.size(); ++i) back[i] = Numbers::at(300'000 + i);
  REQUIRE(pwrite(file.fd(), back.data(), back.size(), 300'000) == static_cast<ssize_t>(back.size()));
  REQUIRE(fsync(file.fd()) == 0);
  status = pass(file, *residency);  // what failed ahead of its use may fail this one
  CHECK((status.ok() || status.code() == Code::FILE_READ_FAILED));
  CHECK(pass(file, *residency).ok());
}

TEST_CASE("a pass that is stopped while it waits ends, and so does the reader") {
  const Numbers file(kSize);
  const auto residency = reside(file, 0);
  const std::atomic<bool> stop{true};
  const uint8_t* data = nullptr;
  Status status;
  for (size_t i = 0; i < residency->tiles().all().size() && status.ok();
       ++i) {  // those that are there come all the same
    status = residency->take(i, stop, &data);
  }
  CHECK(status.code() == Code::STOPPED);
  CHECK(pass(file, *residency).ok());
}

}  // namespace
}  // namespace hearth
