// Weights from text: float16, or levels at equal distances with a scale for each column.
const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const fromHalf = text => Float32Array.from(new Uint16Array(bytesOf(text).buffer), h => {
  const e = h >> 10 & 31, m = h & 1023, s = h >> 15 ? -1 : 1;
  return e === 0 ? s * m * 2 ** -24 : e === 31 ? (m ? NaN : s * Infinity) : s * (1 + m / 1024) * 2 ** (e - 15);
});
// 92 characters, all that are printable but three, are digits: one for a weight of 91 levels, three for five weights of 15.
const digit = c => c - 32 - (c > 34) - (c > 60) - (c > 92);
const fromLevels = (text, levels, scales) => {
  let digits;
  if (levels === 255) digits = bytesOf(text);
  else {
    digits = Array.from(text, c => digit(c.charCodeAt(0)));
    if (levels === 15) {
      const fives = [];
      for (let i = 0; i < digits.length; i += 3) {
        const n = 8464 * digits[i] + 92 * digits[i + 1] + digits[i + 2];
        fives.push(n / 50625 | 0, (n / 3375 | 0) % 15, (n / 225 | 0) % 15, (n / 15 | 0) % 15, n % 15);
      }
      digits = fives;
    }
  }
  return Float32Array.from(digits, (x, i) => (x - (levels >> 1)) * scales[i % scales.length]);
};
