// What generated code needs beside JavaScript's own arithmetic.
const f = Math.fround;
const {abs, acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, ceil, clz32, cos, cosh, exp, expm1, floor, imul, log, log1p, max, min, pow, sign, sin, sinh, sqrt, tan, tanh, trunc} = Math;
const words = new Int32Array(1), floats = new Float32Array(words.buffer);
const bitsOf = x => { floats[0] = x; return words[0]; };
const floatOf = x => { words[0] = x; return floats[0]; };
const div = (a, b) => b === 0 ? -1 : a / b;
const rem = (a, b) => b === 0 ? a : a % b;
const shiftLeft = (x, by, bits) => by >>> 0 < bits ? x << by : 0;
const shiftRight = (x, by, bits) => by >>> 0 < bits ? x >>> by : 0;
const shiftSigned = (x, by, bits) => x >> (by >>> 0 < bits ? by : bits - 1);
const toInteger = (x, low, high) => x > low ? x < high ? trunc(x) : high : x <= low ? low : 0;
const roundFromZero = x => x < 0 ? -floor(0.5 - x) : floor(x + 0.5);
const roundToEven = x => { const y = Math.round(x); return y - x === 0.5 && y % 2 !== 0 ? y - 1 : y; };
const countBits = x => { let n = 0; for (x |= 0; x !== 0; x &= x - 1) n++; return n; };
const power = (x, n) => {
  let product = 1;
  for (let left = abs(n), factor = x; left; left >>= 1, factor = f(factor * factor)) if (left & 1) product = f(product * factor);
  return n < 0 ? f(1 / product) : product;
};
const integerPower = (x, n) => { let product = 1; for (; n; n >>= 1, x = imul(x, x)) if (n & 1) product = imul(product, x); return product; };
// The inverse of the error function: M. Giles, "Approximating the erfinv function" (2012), in single precision.
const erfInv = x => {
  let w = f(-f(log1p(f(-x * x))));
  const near = w < 5;
  w = near ? f(w - 2.5) : f(f(sqrt(w)) - 3);
  const p = (near
    ? [2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 2.1858087e-4, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941]
    : [-2.00214257e-4, 1.00950558e-4, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682]
  ).reduce((sum, c) => f(f(c) + f(sum * w)));
  return abs(x) === 1 ? x * Infinity : f(p * x);
};
// A block of threefry-2x32 (Salmon et al. 2011): the counter (a, b) under the key (k0, k1).
const threefry = (k0, k1, a, b) => {
  const keys = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA], turns = [13, 15, 26, 6, 17, 29, 16, 24];
  a = a + k0 | 0; b = b + k1 | 0;
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 4; j++) {
      const turn = turns[4 * (i & 1) + j];
      a = a + b | 0;
      b = (b << turn | b >>> 32 - turn) ^ a;
    }
    a = a + keys[(i + 1) % 3] | 0; b = b + keys[(i + 2) % 3] + i + 1 | 0;
  }
  return [a >>> 0, b >>> 0];
};
// The product of a row with a matrix of `size` columns, added up in double precision; rows for zeros are skipped.
const dense = (row, matrix, size) => {
  const sums = new Float64Array(size);
  for (let k = 0; k < row.length; k++) {
    const x = +row[k];
    if (x !== 0) for (let j = 0, at = k * size; j < size; j++) sums[j] += x * matrix[at++];
  }
  return Float32Array.from(sums);
};
// Elements of an array at equal distances.
const strided = (array, first, step, count) => Array.from({length: count}, (_, i) => array[first + i * step]);
