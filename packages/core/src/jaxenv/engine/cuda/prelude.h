/* What generated kernels build on. NVRTC compiles it for a GPU; a C compiler for the host, where tests run the same text. */
#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INLINE static __device__ __forceinline__
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define KERNEL_2(threads) extern "C" __global__ void __launch_bounds__(threads, 2) /* with room for two blocks at once */
#define THREAD ((int32_t)(blockIdx.x * blockDim.x + threadIdx.x))
#define ALIGNED(bytes) __align__(bytes)
#define SHARED __shared__
#define THREAD_IN_BLOCK ((int32_t)threadIdx.x)
#define BLOCK_NUMBER ((int32_t)blockIdx.x)
#define SHARED_MEMORY(type, name) extern __shared__ __align__(16) type name[]
#define LANE ((int32_t)(threadIdx.x % 32))
#define WARP (THREAD / 32)
#define WARP_IN_BLOCK ((int32_t)(threadIdx.x / 32))
#define SYNC_WARP __syncwarp()
#define SYNC_BLOCK __syncthreads()
#define SHUFFLE(x, lane) __shfl_sync(0xffffffffu, x, lane)
#define SHUFFLE_XOR(x, mask) __shfl_xor_sync(0xffffffffu, x, mask)
#define ANY(x) __any_sync(0xffffffffu, x)
#define BALLOT(x) __ballot_sync(0xffffffffu, x)
#define LOWEST_BIT(x) (__ffs(x) - 1)
#define UNROLL _Pragma("unroll")
#define UNROLL_2 _Pragma("unroll 2")
#define UNROLL_4 _Pragma("unroll 4")
#define UNROLL_8 _Pragma("unroll 8")
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fc00000)
#else
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#define INLINE static inline
#define KERNEL(threads) static void
#define KERNEL_2(threads) static void
static int32_t THREAD;
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
#define __restrict__ restrict
#define __expf expf
#define __fdividef(a, b) ((a) / (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define UNROLL
#define UNROLL_2
#define UNROLL_4
#define UNROLL_8
#define LOWEST_BIT(x) __builtin_ctz(x)
#ifdef BLOCK
/* The threads of a block take turns on the host: each runs until it has to wait for the others of its warp, or of the block. */
#include <string.h>
#include <ucontext.h>
#define SHARED static
#define SHARED_MEMORY(type, name) static ALIGNED(16) type name[SHARED_BYTES / sizeof(type) + 1]
#define LANE (TURN % 32)
#define THREAD_IN_BLOCK TURN
#define WARP_IN_BLOCK (TURN / 32)
#define WARP (BLOCK_NUMBER * (BLOCK / 32) + WARP_IN_BLOCK)
static int32_t TURN, BLOCK_NUMBER;
static ucontext_t CONTEXTS[BLOCK], CALLER_CONTEXT;
static char EXCHANGED[BLOCK][8];
static void give_turn(int32_t next) {
  const int32_t mine = TURN;
  TURN = next;
  swapcontext(&CONTEXTS[mine], &CONTEXTS[next]);
}
static void sync_warp(void) { give_turn(TURN - LANE + (LANE + 1) % 32); }
static void sync_block(void) { give_turn((TURN + 1) % BLOCK); }
static void exchange(void* x, int32_t size, int32_t from) {
  memcpy(EXCHANGED[TURN], x, size);
  sync_warp();
  memcpy(x, EXCHANGED[TURN - LANE + (from & 31)], size);
  sync_warp();
}
#define SYNC_WARP sync_warp()
#define SYNC_BLOCK sync_block()
#define SHUFFLE(x, lane) ({ __typeof__(x) y_ = (x); exchange(&y_, sizeof(y_), lane); y_; })
#define SHUFFLE_XOR(x, mask) SHUFFLE(x, LANE ^ (mask))
static inline int32_t any_lane(int32_t x) {
  for (int32_t mask = 16; mask; mask /= 2) { const int32_t y = SHUFFLE_XOR(x, mask); x |= y; }
  return x;
}
#define ANY(x) any_lane(x)
#define BALLOT(x) any_lane((uint32_t)((x) != 0) << LANE)
#endif
#define __int_as_float(x) bits_to_f32(x)
INLINE float rsqrtf(float x) { return 1.0f / sqrtf(x); }
INLINE double rsqrt(double x) { return 1.0 / sqrt(x); }
INLINE int32_t __popc(uint32_t x) { return __builtin_popcount(x); }
INLINE int32_t __popcll(uint64_t x) { return __builtin_popcountll(x); }
INLINE int32_t __clz(uint32_t x) { return x ? __builtin_clz(x) : 32; }
INLINE int32_t __clzll(uint64_t x) { return x ? __builtin_clzll(x) : 64; }
INLINE int32_t __float2int_rz(float x) { return x != x ? 0 : x >= 2147483648.0f ? INT32_MAX : x < -2147483648.0f ? INT32_MIN : (int32_t)x; }
INLINE uint32_t __float2uint_rz(float x) { return !(x > 0.0f) ? 0 : x >= 4294967296.0f ? UINT32_MAX : (uint32_t)x; }
INLINE int32_t __double2int_rz(double x) { return x != x ? 0 : x >= 2147483648.0 ? INT32_MAX : x < -2147483648.0 ? INT32_MIN : (int32_t)x; }
INLINE uint32_t __double2uint_rz(double x) { return !(x > 0.0) ? 0 : x >= 4294967296.0 ? UINT32_MAX : (uint32_t)x; }
INLINE int64_t __double2ll_rz(double x) { return x != x ? 0 : x >= 9223372036854775808.0 ? INT64_MAX : x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x; }
#endif

/* Vectors, by which a thread stores several neighbours at once. */
typedef struct ALIGNED(8) { uint32_t words[2]; } words2;
typedef struct ALIGNED(16) { uint32_t words[4]; } words4;
typedef struct ALIGNED(8) { float floats[2]; } floats2;
typedef struct ALIGNED(16) { float floats[4]; } floats4;

INLINE uint32_t f32_to_bits(float x) { union { float f; uint32_t u; } v; v.f = x; return v.u; }
INLINE float bits_to_f32(uint32_t x) { union { float f; uint32_t u; } v; v.u = x; return v.f; }
INLINE uint64_t f64_to_bits(double x) { union { double f; uint64_t u; } v; v.f = x; return v.u; }
INLINE double bits_to_f64(uint64_t x) { union { double f; uint64_t u; } v; v.u = x; return v.f; }

/* The nearest number with 10 bits of mantissa, and a byte as a float; instructions of GPUs for both take four times as long. */
INLINE float tf32(float x) { return bits_to_f32((f32_to_bits(x) + 0x1000u) & ~0x1FFFu); }
INLINE float byte_to_f32(uint8_t x) { return bits_to_f32(0x4B000000u | x) - 8388608.0f; }

/* A product of matrices by the threads of a warp on tensor cores: d[16][8] += a[16][8] b[8][8], of which only the first 10 bits of
   mantissas count. With g = LANE / 4 and t = LANE % 4 a thread holds
     a: [g][t], [g + 8][t], [g][t + 4], [g + 8][t + 4];  b: [t][g], [t + 4][g];  d: [g][2t], [g][2t + 1], [g + 8][2t], [g + 8][2t + 1]. */
#ifdef __CUDACC_RTC__
INLINE void multiply_tiles(float* d, const float* a, const float* b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(f32_to_bits(a[0])), "r"(f32_to_bits(a[1])), "r"(f32_to_bits(a[2])), "r"(f32_to_bits(a[3])),
        "r"(f32_to_bits(b[0])), "r"(f32_to_bits(b[1])));
}
#elif defined(BLOCK)
static float TILES[BLOCK][6];
static void multiply_tiles(float* d, const float* a, const float* b) {
  memcpy(TILES[TURN], a, 16);
  memcpy(TILES[TURN] + 4, b, 8);
  sync_warp();
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t row = LANE / 4 + 8 * (i / 2), column = 2 * (LANE % 4) + i % 2;
    for (int32_t k = 0; k < 8; ++k) {
      d[i] += TILES[TURN - LANE + row % 8 * 4 + k % 4][row / 8 + 2 * (k / 4)] * TILES[TURN - LANE + column * 4 + k % 4][4 + k / 4];
    }
  }
  sync_warp();
}
#endif

#ifdef SHUFFLE_XOR
/* The sum of what the threads of a warp have, in each of them. */
INLINE float sum_of_warp(float x) {
  UNROLL
  for (int32_t mask = 16; mask; mask /= 2) { const float y = SHUFFLE_XOR(x, mask); x += y; }
  return x;
}
#endif

/* The larger and the smaller of two numbers, NaN if either is. */
INLINE float max_f32(float a, float b) { return a > b || a != a ? a : b; }
INLINE float min_f32(float a, float b) { return a < b || a != a ? a : b; }
INLINE double max_f64(double a, double b) { return a > b || a != a ? a : b; }
INLINE double min_f64(double a, double b) { return a < b || a != a ? a : b; }

/* max(x, 0). For compute capability 9.0, ptxas 12.9 and 13.0 make one instruction, VIMNMX.RELU, of max(min(x, c), 0), and where the
   result is compared with c, as an action is with the last one, a predicate of that instruction that is true for smaller numbers,
   too. So this is written in bits, which ptxas leaves as they are. */
INLINE int32_t at_least_0(int32_t x) {
#ifdef __CUDACC_RTC__
  int32_t y;
  asm("{ .reg .s32 m; shr.s32 m, %1, 31; not.b32 m, m; and.b32 %0, %1, m; }" : "=r"(y) : "r"(x));
  return y;
#else
  return x > 0 ? x : 0;
#endif
}
INLINE int32_t from_0_to(int32_t high, int32_t x) { x = at_least_0(x); return x < high ? x : high; }

/* Division of integers as XLA defines it: by zero it gives -1 and the number itself. */
INLINE int32_t div_i32(int32_t a, int32_t b) { return b == 0 ? -1 : b == -1 ? (int32_t)(0u - (uint32_t)a) : a / b; }
INLINE int32_t rem_i32(int32_t a, int32_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
INLINE int64_t div_i64(int64_t a, int64_t b) { return b == 0 ? -1 : b == -1 ? (int64_t)(0ull - (uint64_t)a) : a / b; }
INLINE int64_t rem_i64(int64_t a, int64_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
INLINE uint32_t div_u32(uint32_t a, uint32_t b) { return b == 0 ? ~0u : a / b; }
INLINE uint32_t rem_u32(uint32_t a, uint32_t b) { return b == 0 ? a : a % b; }
INLINE uint64_t div_u64(uint64_t a, uint64_t b) { return b == 0 ? ~0ull : a / b; }
INLINE uint64_t rem_u64(uint64_t a, uint64_t b) { return b == 0 ? a : a % b; }

/* The inverse of the error function (Giles 2012), float32. */
INLINE float erf_inv_f32(float x) {
  float w = -log1pf(-x * x), p;
  if (w < 5.0f) {
    w -= 2.5f;
    p = 2.81022636e-08f;
    p = 3.43273939e-07f + p * w; p = -3.5233877e-06f + p * w; p = -4.39150654e-06f + p * w; p = 0.00021858087f + p * w;
    p = -0.00125372503f + p * w; p = -0.00417768164f + p * w; p = 0.246640727f + p * w; p = 1.50140941f + p * w;
  } else {
    w = sqrtf(w) - 3.0f;
    p = -0.000200214257f;
    p = 0.000100950558f + p * w; p = 0.00134934322f + p * w; p = -0.00367342844f + p * w; p = 0.00573950773f + p * w;
    p = -0.0076224613f + p * w; p = 0.00943887047f + p * w; p = 1.00167406f + p * w; p = 2.83297682f + p * w;
  }
  return fabsf(x) == 1.0f ? x * INFINITY : p * x;
}

/* The hyperbolic tangent to 4e-7 of its value, without branches. */
INLINE float tanh_of_many(float x) {
  const float a = fabsf(x), s = x * x;
  const float far = 1.0f - __fdividef(2.0f, 1.0f + __expf(2.0f * a));
  const float near = a + a * s * (-0.333333333f + s * (0.133333333f + s * (-0.0539682540f + s * 0.0218694885f)));
  return copysignf(a < 0.3f ? near : far, x);
}

/* A block of threefry-2x32 (Salmon et al. 2011): the counter (a, b) under the key (k0, k1). */
INLINE void threefry2x32(uint32_t k0, uint32_t k1, uint32_t a, uint32_t b, uint32_t* left, uint32_t* right) {
  const uint32_t k2 = k0 ^ k1 ^ 0x1BD11BDAu;
#define ROUND(r) a += b; b = (b << r) | (b >> (32 - r)); b ^= a;
#define EVEN ROUND(13) ROUND(15) ROUND(26) ROUND(6)
#define ODD ROUND(17) ROUND(29) ROUND(16) ROUND(24)
  a += k0; b += k1;
  EVEN a += k1; b += k2 + 1u;
  ODD a += k2; b += k0 + 2u;
  EVEN a += k0; b += k1 + 3u;
  ODD a += k1; b += k2 + 4u;
  EVEN a += k2; b += k0 + 5u;
  *left = a; *right = b;
}
