// Weights that come as text. `weights.py` is the other end.

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Three bytes and a half for a number: sign and fraction, and the place of its exponent among the common ones.
function singles({ fractions, places, common, others }) {
  const low = bytesOf(fractions),
    high = bytesOf(places),
    rest = bytesOf(others).values(),
    bits = new Uint32Array(low.length / 3);
  for (let k = 0, at = 0; k < bits.length; k++, at += 3) {
    const exponent = common[(high[k >> 1] >> (4 * (k & 1))) & 15] ?? rest.next().value,
      top = low[at + 2];
    bits[k] = ((top & 128) << 24) | (exponent << 23) | ((top & 127) << 16) | (low[at + 1] << 8) | low[at];
  }
  return new Float32Array(bits.buffer);
}

// Arrays by name: one piece of text, cut up by their shapes.
function unpacked({ shapes, doubles, ...text }) {
  const all = doubles === undefined ? singles(text) : new Float64Array(bytesOf(doubles).buffer),
    found = {};
  let at = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    found[name] = { shape, data: Float64Array.from(all.subarray(at, at + count(shape))) };
    at += count(shape);
  }
  return found;
}
