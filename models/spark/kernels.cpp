// The parts of a training step that PyTorch on a CPU spends most time on, each as one pass over memory: attention with RoPE,
// RMSNorm with its residual, SwiGLU, cross-entropy. Activations are `real` [n_tokens, width], sums float32. Called through
// ctypes by model.py; knows nothing of layers or optimizers.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

using bf16 = uint16_t;
typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));

static inline float wide(bf16 x) {
  uint32_t u = uint32_t(x) << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}

static inline bf16 narrow(float f) {  // round to nearest even; no NaN comes here
  uint32_t u;
  memcpy(&u, &f, 4);
  return bf16((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

// e^x to some 1e-6, clamped to float's normal range: a form that the compiler turns into vector code, as it does not with expf.
static inline float fast_exp(float x) {
  float t = x * 1.44269504f;
  t = t < -126.f ? -126.f : t > 126.f ? 126.f : t;
  float n = rintf(t), f = (t - n) * 0.69314718f;
  float p = 1 + f * (1 + f * (0.5f + f * (0.16666667f + f * (0.041666668f + f * (0.0083333338f + f * 0.0013888889f)))));
  uint32_t u = uint32_t(int32_t(n) + 127) << 23;
  float power;
  memcpy(&power, &u, 4);
  return p * power;
}

constexpr int Q = 32;  // query rows a block of the backward pass: their dK and dV are added up in registers before memory
constexpr int D = 64;  // head_dim; the kernels below are written for it
#ifdef __AMX_BF16__
constexpr int R = 16;  // rows of the micro-kernel: those of a tile, so that R x 64 sums are four of the eight tiles
#else
constexpr int R = 4;   // rows of the micro-kernel: R x 64 sums fill half of the vector registers
#endif

// The type that is stored and multiplied: bfloat16 where the processor has products of bfloat16 pairs, else float32. A `unit` holds U
// numbers that are neighbours along a product's inner dimension, the first in the low half.
#ifdef __AVX512BF16__
using real = bf16;
using unit = uint32_t;
constexpr int U = 2;
static inline real stored(float f) { return narrow(f); }
static inline unit join(bf16 a, bf16 b) { return unit(a) | unit(b) << 16; }
static inline void put_two(unit* row, int i, float a, float b) { row[i / 2] = join(narrow(a), narrow(b)); }
#else
using real = float;
using unit = float;
constexpr int U = 1;
static inline float wide(real x) { return x; }
static inline real stored(float f) { return f; }
static inline void put_two(unit* row, int i, float a, float b) { row[i] = a, row[i + 1] = b; }
#endif
typedef unit u16 __attribute__((vector_size(64), aligned(4), may_alias));

static inline v16 dot(v16 sum, unit a, u16 b) {
#ifdef __AVX512BF16__
  return (v16)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(int(a)), (__m512bh)b);
#else
  return sum + a * b;
#endif
}

#ifdef __AMX_BF16__
// Each thread has tiles of 16 rows of 64 bytes in the processor: R x 32 numbers of A, 16 units x 16 columns of B, R x 16 sums.
// To have them a process asks the kernel once; oneDNN, which multiplies here too, sets a shape of its own.
struct Tiles {
  Tiles() {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl
    static const bool asked = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    struct { uint8_t palette = 1, start = 0, reserved[14] = {}; uint16_t bytes[16] = {}; uint8_t rows[16] = {}; } shape;
    for (int i = 0; asked && i < 8; ++i) shape.bytes[i] = 64, shape.rows[i] = 16;
    _tile_loadconfig(&shape);
  }
  ~Tiles() { _tile_release(); }
};

// C[R, 64] (+)= A[R, K] * B[K, 64], K in units along the inner dimension, a multiple of 16; `ar`, `ldb` and `ldc` lie between rows.
static inline void multiply(int K, const unit* A, size_t ar, const unit* B, size_t ldb, float* C, size_t ldc, bool add) {
  if (add) {
    _tile_loadd(4, C, ldc * 4);
    _tile_loadd(5, C + 16, ldc * 4);
    _tile_loadd(6, C + 32, ldc * 4);
    _tile_loadd(7, C + 48, ldc * 4);
  } else {
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
  }
  for (int k = 0; k < K; k += 16) {
    const unit* b = B + k * ldb;
    _tile_loadd(0, A + k, ar * 4);
    _tile_loadd(1, b, ldb * 4);
    _tile_dpbf16ps(4, 0, 1);
    _tile_loadd(2, b + 16, ldb * 4);
    _tile_dpbf16ps(5, 0, 2);
    _tile_loadd(1, b + 32, ldb * 4);
    _tile_dpbf16ps(6, 0, 1);
    _tile_loadd(2, b + 48, ldb * 4);
    _tile_dpbf16ps(7, 0, 2);
  }
  _tile_stored(4, C, ldc * 4);
  _tile_stored(5, C + 16, ldc * 4);
  _tile_stored(6, C + 32, ldc * 4);
  _tile_stored(7, C + 48, ldc * 4);
}
#else
struct Tiles {
  Tiles() {}  // so that one that is not used brings no warning
};

// C[R, 64] (+)= A[R, K] * B[K, 64], K in units along the inner dimension; `ar`, `ldb` and `ldc` lie between rows.
static inline void multiply(int K, const unit* A, size_t ar, const unit* B, size_t ldb, float* C, size_t ldc, bool add) {
  v16 c[R][4];
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < 4; ++j) c[r][j] = add ? *(const v16*)(C + r * ldc + j * 16) : v16{};
  for (int k = 0; k < K; ++k) {
    const u16* b = (const u16*)(B + k * ldb);
    u16 b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    for (int r = 0; r < R; ++r) {
      unit a = A[r * ar + k];
      c[r][0] = dot(c[r][0], a, b0);
      c[r][1] = dot(c[r][1], a, b1);
      c[r][2] = dot(c[r][2], a, b2);
      c[r][3] = dot(c[r][3], a, b3);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < 4; ++j) *(v16*)(C + r * ldc + j * 16) = c[r][j];
}
#endif

using Units = std::vector<unit>;

// One head of one sequence: rows padded by zeros to a multiple of 64, as units along the head's dimensions ("rows", [padded, D / U]),
// the same turned ("columns", [D / U, padded]), or as units along the tokens ("tokens", [padded / U, D]).
struct Head {
  int T, padded;
  Units q, k, v;

  void load(const real* qkv, int length, int width, int head, const float* rope) {
    T = length;
    padded = (T + 63) / 64 * 64;
    for (Units* x : {&q, &k, &v}) x->assign(size_t(padded) * D / U, 0);
    for (int t = 0; t < T; ++t) {
      const real* row = qkv + size_t(t) * 3 * width + head * D;
      rotate(row, rope + t * D, &q[t * D / U], 0.125f);  // 1 / sqrt(64) once, here
      rotate(row + width, rope + t * D, &k[t * D / U], 1.f);
      memcpy(&v[t * D / U], row + 2 * width, D * sizeof(real));
    }
  }
  // RoPE on neighbouring pairs, as llama.cpp's llama architecture has it. rope: 32 cosines, then 32 sines.
  static void rotate(const real* x, const float* rope, unit* out, float scale) {
    for (int i = 0; i < D / 2; ++i) {
      float a = wide(x[2 * i]) * scale, b = wide(x[2 * i + 1]) * scale, c = rope[i], s = rope[D / 2 + i];
      put_two(out, 2 * i, a * c - b * s, a * s + b * c);
    }
  }
  void columns(const Units& rows, Units& out) const {
    out.resize(rows.size());
    for (int t = 0; t < padded; t += 16)
      for (int i = 0; i < D / U; ++i)
        for (int u = 0; u < 16; ++u) out[size_t(i) * padded + t + u] = rows[size_t(t + u) * D / U + i];
  }
  void tokens(const Units& rows, Units& out) const {
#ifdef __AVX512BF16__
    out.resize(rows.size());
    const bf16* x = (const bf16*)rows.data();
    for (int t = 0; t < padded; t += 2)
      for (int d = 0; d < D; ++d) out[size_t(t) / 2 * D + d] = join(x[size_t(t) * D + d], x[size_t(t + 1) * D + d]);
#else
    out = rows;
#endif
  }
  // Sums of Q queries [Q, padded] turned, as units along the queries [n, Q / U], for the first n tokens.
  void queries(const float* x, int n, unit* out) const {
    for (int j = 0; j < n; j += 16) {
      unit square[Q / U][16];
      for (int r = 0; r < Q; r += U)
        for (int u = 0; u < 16; ++u) {
          const float* from = x + size_t(r) * padded + j + u;
#ifdef __AVX512BF16__
          square[r / U][u] = join(narrow(from[0]), narrow(from[padded]));
#else
          square[r / U][u] = from[0];
#endif
        }
      for (int u = 0; u < 16; ++u)
        for (int r = 0; r < Q / U; ++r) out[(j + u) * Q / U + r] = square[r][u];
    }
  }
};

extern "C" {

// How many bytes an activation has: 2 for bfloat16, 4 for float32.
int real_size() { return sizeof(real); }


// qkv [n_tokens, 3 * width] -> out [n_tokens, width], lse [n_head, n_tokens]. Sequences are starts[i] .. starts[i + 1].
void attention_forward(const real* qkv, real* out, float* lse, const int* starts, int n_seq, int n_head, const float* rope, int n_tokens) {
  int width = n_head * D;
#pragma omp parallel
  {
    Head h;
    Units kc, vt, p;
    std::vector<float> s;
    Tiles tiles;
#pragma omp for schedule(dynamic)
    for (int job = 0; job < n_seq * n_head; ++job) {
      int first = starts[job / n_head], head = job % n_head;
      h.load(qkv + size_t(first) * 3 * width, starts[job / n_head + 1] - first, width, head, rope);
      h.columns(h.k, kc), h.tokens(h.v, vt);
      s.resize(size_t(R) * h.padded), p.resize(size_t(R) * h.padded / U);
      for (int i = 0; i < h.T; i += R) {
        int n = (i + R + 63) / 64 * 64;
        for (int c = 0; c < n; c += 64) multiply(D / U, &h.q[i * D / U], D / U, &kc[c], h.padded, &s[c], h.padded, false);
        float scale[R];
        for (int r = 0; r < R; ++r) {
          float* row = &s[size_t(r) * h.padded];
          real* to = (real*)&p[size_t(r) * h.padded / U];
          int last = i + r, used = last + 1;
          float top = -1e30f, sum = 0;
          for (int j = 0; j < used; ++j) top = row[j] > top ? row[j] : top;
          for (int j = 0; j < used; ++j) {
            float e = fast_exp(row[j] - top);
            sum += e;
            to[j] = stored(e);
          }
          for (int j = used; j < n; ++j) to[j] = 0;
          scale[r] = 1 / sum;
          if (last < h.T) lse[size_t(head) * n_tokens + first + last] = top + logf(sum);
        }
        float o[R * D];
        multiply(n / U, p.data(), h.padded / U, vt.data(), D, o, D, false);
        for (int r = 0; r < R && i + r < h.T; ++r)
          for (int d = 0; d < D; ++d) out[(size_t(first) + i + r) * width + head * D + d] = stored(o[r * D + d] * scale[r]);
      }
    }
  }
}

// dout [n_tokens, width] -> dqkv [n_tokens, 3 * width], by recomputing the probabilities from lse.
void attention_backward(const real* qkv, const real* out, const real* dout, const float* lse, real* dqkv, const int* starts, int n_seq, int n_head,
                        const float* rope, int n_tokens) {
  int width = n_head * D;
#pragma omp parallel
  {
    Head h;
    Units kc, vc, kt, qt, go, gt, ds_rows, ds_units, p_units;
    std::vector<float> p, ds, dq, dk, dv;
    Tiles tiles;
#pragma omp for schedule(dynamic)
    for (int job = 0; job < n_seq * n_head; ++job) {
      int first = starts[job / n_head], head = job % n_head;
      h.load(qkv + size_t(first) * 3 * width, starts[job / n_head + 1] - first, width, head, rope);
      size_t all = size_t(h.padded) * D, block = size_t(Q) * h.padded;
      go.assign(all / U, 0);
      for (int t = 0; t < h.T; ++t) memcpy(&go[t * D / U], dout + (size_t(first) + t) * width + head * D, D * sizeof(real));
      h.columns(h.k, kc), h.columns(h.v, vc), h.tokens(h.k, kt), h.tokens(h.q, qt), h.tokens(go, gt);
      p.resize(block), ds.resize(block), ds_rows.resize(block / U), ds_units.resize(block / U), p_units.resize(block / U);
      dq.resize(all), dk.assign(all, 0.f), dv.assign(all, 0.f);
      for (int i = 0; i < h.T; i += Q) {
        int n = (i + Q + 63) / 64 * 64;
        for (int r = 0; r < Q; r += R)
          for (int c = 0; c < n; c += 64) {
            multiply(D / U, &h.q[(i + r) * D / U], D / U, &kc[c], h.padded, &p[size_t(r) * h.padded + c], h.padded, false);
            multiply(D / U, &go[(i + r) * D / U], D / U, &vc[c], h.padded, &ds[size_t(r) * h.padded + c], h.padded, false);
          }
        for (int r = 0; r < Q; ++r) {
          float *pr = &p[size_t(r) * h.padded], *sr = &ds[size_t(r) * h.padded];
          real* to = (real*)&ds_rows[size_t(r) * h.padded / U];
          int t = i + r, used = t < h.T ? t + 1 : 0;
          float delta = 0, l = used ? lse[size_t(head) * n_tokens + first + t] : 0;
          const real *g = dout + (size_t(first) + t) * width + head * D, *o = out + (size_t(first) + t) * width + head * D;
          if (used)
            for (int d = 0; d < D; ++d) delta += wide(g[d]) * wide(o[d]);
          for (int j = 0; j < used; ++j) {
            pr[j] = fast_exp(pr[j] - l);
            sr[j] = pr[j] * (sr[j] - delta);
          }
          for (int j = used; j < n; ++j) pr[j] = sr[j] = 0;
          for (int j = 0; j < n; ++j) to[j] = stored(sr[j]);
        }
        h.queries(ds.data(), n, ds_units.data());
        h.queries(p.data(), n, p_units.data());
        for (int r = 0; r < Q; r += R) multiply(n / U, &ds_rows[size_t(r) * h.padded / U], h.padded / U, kt.data(), D, &dq[(i + r) * D], D, false);
        for (int j = 0; j < n; j += R) {
          multiply(Q / U, &ds_units[j * Q / U], Q / U, &qt[i / U * D], D, &dk[j * D], D, true);
          multiply(Q / U, &p_units[j * Q / U], Q / U, &gt[i / U * D], D, &dv[j * D], D, true);
        }
      }
      for (int t = 0; t < h.T; ++t) {
        real* row = dqkv + (size_t(first) + t) * 3 * width + head * D;
        const float* turn = rope + t * D;
        for (int i = 0; i < D / 2; ++i) {  // the transposed rotation
          float c = turn[i], s = turn[D / 2 + i];
          float a = dq[t * D + 2 * i] * 0.125f, b = dq[t * D + 2 * i + 1] * 0.125f, e = dk[t * D + 2 * i], f = dk[t * D + 2 * i + 1];
          row[2 * i] = stored(a * c + b * s), row[2 * i + 1] = stored(b * c - a * s);
          row[width + 2 * i] = stored(e * c + f * s), row[width + 2 * i + 1] = stored(f * c - e * s);
        }
        for (int d = 0; d < D; ++d) row[2 * width + d] = stored(dv[t * D + d]);
      }
    }
  }
}

// sum = h + delta (delta may be null); y = sum * inv * w. [n, width]; inv [n].
void norm_forward(const float* h, const real* delta, const float* w, float* sum, real* y, float* inv, int n, int width) {
#pragma omp parallel for schedule(static)
  for (int t = 0; t < n; ++t) {
    const float* x = h + size_t(t) * width;
    float* s = sum + size_t(t) * width;
    float square = 0;
    if (delta)
      for (int i = 0; i < width; ++i) s[i] = x[i] + wide(delta[size_t(t) * width + i]);
    else
      for (int i = 0; i < width; ++i) s[i] = x[i];
    for (int i = 0; i < width; ++i) square += s[i] * s[i];
    float f = inv[t] = 1 / sqrtf(square / width + 1e-5f);
    for (int i = 0; i < width; ++i) y[size_t(t) * width + i] = stored(s[i] * f * w[i]);
  }
}

// Adds the norm's gradient to dh (the residual's), writes dh also as activations, and adds up dw.
void norm_backward(const float* sum, const float* inv, const float* w, const real* dy, float* dh, real* dh_narrow, float* dw, int n, int width) {
#pragma omp parallel
  {
    std::vector<float> mine(width, 0.f);
#pragma omp for schedule(static)
    for (int t = 0; t < n; ++t) {
      const float* s = sum + size_t(t) * width;
      const real* g = dy + size_t(t) * width;
      float f = inv[t], dot = 0;
      for (int i = 0; i < width; ++i) {
        float x = s[i] * f, gi = wide(g[i]);
        mine[i] += gi * x;
        dot += gi * w[i] * x;
      }
      dot /= width;
      float* d = dh + size_t(t) * width;
      for (int i = 0; i < width; ++i) d[i] += f * (wide(g[i]) * w[i] - s[i] * f * dot);
      for (int i = 0; i < width; ++i) dh_narrow[size_t(t) * width + i] = stored(d[i]);
    }
#pragma omp critical
    for (int i = 0; i < width; ++i) dw[i] += mine[i];
  }
}

// gate_up [n, 2 * width] (gate first) -> y [n, width] = silu(gate) * up.
void swiglu_forward(const real* gate_up, real* y, int n, int width) {
#pragma omp parallel for schedule(static)
  for (int t = 0; t < n; ++t) {
    const real *g = gate_up + size_t(t) * 2 * width, *u = g + width;
    real* o = y + size_t(t) * width;
    for (int i = 0; i < width; ++i) {
      float x = wide(g[i]);
      o[i] = stored(x / (1 + fast_exp(-x)) * wide(u[i]));
    }
  }
}

void swiglu_backward(const real* gate_up, const real* dy, real* dgate_up, int n, int width) {
#pragma omp parallel for schedule(static)
  for (int t = 0; t < n; ++t) {
    const real *g = gate_up + size_t(t) * 2 * width, *u = g + width, *d = dy + size_t(t) * width;
    real *dg = dgate_up + size_t(t) * 2 * width, *du = dg + width;
    for (int i = 0; i < width; ++i) {
      float x = wide(g[i]), e = wide(d[i]), sig = 1 / (1 + fast_exp(-x));
      dg[i] = stored(e * wide(u[i]) * sig * (1 + x * (1 - sig)));
      du[i] = stored(e * x * sig);
    }
  }
}

// logits [n, vocab] become the gradient of the weighted losses; losses [n] are without weights. right [n] gets 1 where the target is the largest. A target
// below 0 is padding: no loss, no gradient.
void cross_entropy(real* logits, const int* targets, const float* weights, float* losses, float* right, int n, int vocab) {
#pragma omp parallel for schedule(static)
  for (int t = 0; t < n; ++t) {
    real* row = logits + size_t(t) * vocab;
    static thread_local std::vector<float> e;
    e.resize(vocab);
    if (targets[t] < 0) {
      memset(row, 0, size_t(vocab) * sizeof(real));
      losses[t] = right[t] = 0;
      continue;
    }
    float top = -1e30f, sum = 0;
    for (int i = 0; i < vocab; ++i) e[i] = wide(row[i]);
    for (int i = 0; i < vocab; ++i) top = e[i] > top ? e[i] : top;
    float aim = e[targets[t]];
    right[t] = aim >= top;
    for (int i = 0; i < vocab; ++i) { e[i] = fast_exp(e[i] - top); sum += e[i]; }
    losses[t] = logf(sum) + top - aim;
    float scale = weights[t], f = scale / sum;
    for (int i = 0; i < vocab; ++i) row[i] = stored(e[i] * f);
    row[targets[t]] = stored(e[targets[t]] * f - scale);
  }
}
}
