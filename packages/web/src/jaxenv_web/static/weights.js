// Weights from text: float16, or int8 with a scale for each column.
const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const fromHalf = text => Float32Array.from(new Uint16Array(bytesOf(text).buffer), h => {
  const e = h >> 10 & 31, m = h & 1023, s = h >> 15 ? -1 : 1;
  return e === 0 ? s * m * 2 ** -24 : e === 31 ? (m ? NaN : s * Infinity) : s * (1 + m / 1024) * 2 ** (e - 15);
});
const fromBytes = (text, scales) => Float32Array.from(new Int8Array(bytesOf(text).buffer), (x, i) => x * scales[i % scales.length]);
