// Arithmetic on arrays: what a cell's program in JavaScript calls. A module takes from here what it needs.
//
// An array is { shape, data }, its data a Float64Array in rows; a number stands for an array without axes.
// Axes are counted from the right, shapes meet as they do in NumPy, and nothing that was given is written to.

function array(shape, data) {
  return { shape, data: data ?? zeros(size(shape)) };
}

// Small arrays are cut from a common piece of memory: to ask for each alone takes longer than to fill it.
function zeros(n) {
  if (n > 512) return new Float64Array(n);
  if (!(zeros.left >= n)) {
    zeros.piece = new Float64Array(8192);
    zeros.left = 8192;
  }
  zeros.left -= n;
  return new Float64Array(zeros.piece.buffer, 8 * zeros.left, n);
}

// Arrays by name for the caller, each in memory of its own.
function handed(arrays) {
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    if (data.buffer.byteLength !== data.byteLength) arrays[name] = array(shape, data.slice());
  }
  return arrays;
}

function size(shape) {
  let n = 1;
  for (let k = 0; k < shape.length; k++) n *= shape[k];
  return n;
}

function lift(a) {
  return typeof a === "number" ? array([], Float64Array.of(a)) : a;
}

function same(p, q) {
  let k = p.length === q.length ? p.length : -1;
  while (k > 0 && p[k - 1] === q[k - 1]) k--;
  return k === 0;
}

// The shape in which arrays of two shapes meet.
function meet(p, q) {
  if (same(p, q)) return p;
  const [long, short] = p.length < q.length ? [q, p] : [p, q], shape = [...long];
  for (let k = short.length, at = long.length; k > 0; ) {
    const m = long[--at], n = short[--k];
    if (m === 1) shape[at] = n;
    else if (n !== 1 && n !== m) throw new RangeError(`shapes (${p}) and (${q}) do not fit`);
  }
  return shape;
}

// An array repeated to a shape: one that it is the end of, or that it fits with where it has 1.
function spread(a, shape) {
  a = lift(a);
  if (same(a.shape, shape)) return a;
  const out = array(meet(a.shape, shape)), rank = out.shape.length, steps = [];
  for (let k = 1, step = 1; k <= rank; k++) {
    const n = a.shape[a.shape.length - k] ?? 1;
    steps.unshift(n === 1 ? 0 : step);
    step *= n;
  }
  const index = new Array(rank).fill(0);
  for (let i = 0, from = 0; i < out.data.length; i++) {
    out.data[i] = a.data[from];
    for (let k = rank - 1; k >= 0; k--) {
      from += steps[k];
      if (++index[k] < out.shape[k]) break;
      from -= steps[k] * out.shape[k];
      index[k] = 0;
    }
  }
  return out;
}

// Whether an array can be read again and again to fill a shape: it is the shape's end.
function ends(a, shape) {
  const rank = a.shape.length - a.shape.findIndex((n) => n !== 1);
  return a.data.length === 1 || same(a.shape.slice(-rank), shape.slice(-rank));
}

// An array's numbers, to be read again and again until they fill a shape.
function repeats(a, shape) {
  return (same(a.shape, shape) || ends(a, shape) ? a : spread(a, shape)).data;
}

// Two arrays brought to where they meet, and an empty one for the result.
function pair(a, b) {
  a = lift(a);
  b = lift(b);
  const shape = meet(a.shape, b.shape);
  return [array(shape), repeats(a, shape), repeats(b, shape)];
}

function where(condition, a, b) {
  [condition, a, b] = [lift(condition), lift(a), lift(b)];
  const shape = meet(meet(condition.shape, a.shape), b.shape);
  if (same(a.shape, shape) && !condition.data.includes(0)) return a; // nothing is held: most often so
  const out = array(shape), z = out.data;
  const c = spread(condition, shape).data, x = spread(a, shape).data, y = spread(b, shape).data;
  for (let i = 0; i < z.length; i++) z[i] = c[i] ? x[i] : y[i];
  return out;
}

// Rows (..., n) times a matrix (n, m), on top of what stands in out, (..., m). Most of a symbol's row is zeros.
function addDot(out, a, w) {
  const m = w.shape[1], x = a.data, y = w.data, z = out.data;
  for (let at = 0, to = 0; to < z.length; to += m) {
    for (let from = 0; from < y.length; from += m) {
      const s = x[at++];
      if (s !== 0) for (let j = 0; j < m; j++) z[to + j] += s * y[from + j];
    }
  }
  return out;
}

// Rows (..., n) times a matrix (n, m).
function dot(a, w) {
  return addDot(array([...a.shape.slice(0, -1), w.shape[1]]), a, w);
}

// A layer: operands, each times the matrix behind it, and a bias if one is left, added up.
function affine(a, w, ...more) {
  let out = dot(a, w);
  for (let k = 0; k + 1 < more.length; k += 2) {
    const fits = same(more[k].shape.slice(0, -1), out.shape.slice(0, -1));
    out = fits ? addDot(out, more[k], more[k + 1]) : add(out, dot(more[k], more[k + 1]));
  }
  return more.length % 2 ? add(out, more.at(-1)) : out;
}

// (..., n, k) times (..., k, m): a product for each leading index.
function matmul(a, b) {
  const [n, k] = a.shape.slice(-2), m = b.shape.at(-1), lead = meet(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const x = spread(a, [...lead, n, k]).data, y = spread(b, [...lead, k, m]).data, out = array([...lead, n, m]);
  for (let l = 0; l < size(lead); l++) {
    for (let i = 0; i < n; i++) {
      for (let r = 0; r < k; r++) {
        const s = x[(l * n + i) * k + r];
        for (let j = 0; j < m; j++) out.data[(l * n + i) * m + j] += s * y[(l * k + r) * m + j];
      }
    }
  }
  return out;
}

// The sum of the outer products of rows (..., n) and (..., m): (n, m).
function outer(a, b) {
  const n = a.shape.at(-1), m = b.shape.at(-1), lead = meet(a.shape.slice(0, -1), b.shape.slice(0, -1));
  const x = spread(a, [...lead, n]).data, y = spread(b, [...lead, m]).data, out = array([n, m]);
  for (let r = 0; r < size(lead); r++) {
    for (let i = 0; i < n; i++) {
      const s = x[r * n + i];
      for (let j = 0; j < m; j++) out.data[i * m + j] += s * y[r * m + j];
    }
  }
  return out;
}

// The sum over all but the last axes.
function total(a, rank) {
  a = lift(a);
  const out = array(a.shape.slice(a.shape.length - rank)), n = out.data.length;
  for (let i = 0; i < a.data.length; i++) out.data[i % n] += a.data[i];
  return out;
}

// How many elements an array has before, along and behind an axis, and which axis that is from the left.
function around(a, axis) {
  const k = a.shape.length + axis;
  return [size(a.shape.slice(0, k)), a.shape[k], size(a.shape.slice(k + 1)), k];
}

// An axis taken together: f(read, n) for each place, read(j) being the j-th of the n elements there.
function reduce(a, axis, f) {
  const [before, n, behind, at] = around(a, axis), out = array(a.shape.filter((_, k) => k !== at));
  for (let i = 0; i < before; i++) {
    for (let k = 0; k < behind; k++) out.data[i * behind + k] = f((j) => a.data[(i * n + j) * behind + k], n);
  }
  return out;
}

function sum(a, axis) {
  return reduce(a, axis, (read, n) => {
    let s = 0;
    for (let j = 0; j < n; j++) s += read(j);
    return s;
  });
}

function logsumexp(a, axis) {
  return reduce(a, axis, (read, n) => {
    let high = -Infinity, s = 0;
    for (let j = 0; j < n; j++) high = Math.max(high, read(j));
    for (let j = 0; j < n; j++) s += Math.exp(read(j) - high);
    return high + Math.log(s);
  });
}

function softmax(a, axis) {
  const high = reduce(a, axis, (read, n) => {
    let most = -Infinity;
    for (let j = 0; j < n; j++) most = Math.max(most, read(j));
    return most;
  });
  const e = exp(sub(a, expand(high, axis)));
  return div(e, expand(sum(e, axis), axis));
}

function slice(a, start, stop, axis) {
  const [before, n, behind, at] = around(a, axis), m = stop - start;
  const out = array(a.shape.map((s, k) => (k === at ? m : s)));
  for (let i = 0; i < before; i++) {
    out.data.set(a.data.subarray((i * n + start) * behind, (i * n + stop) * behind), i * m * behind);
  }
  return out;
}

// Zeros, `long` on the axis, with a from `start` on.
function pad(a, start, long, axis) {
  const [before, n, behind, at] = around(a, axis), out = array(a.shape.map((s, k) => (k === at ? long : s)));
  for (let i = 0; i < before; i++) {
    out.data.set(a.data.subarray(i * n * behind, (i + 1) * n * behind), (i * long + start) * behind);
  }
  return out;
}

function concat(parts, axis) {
  const bare = (a) => a.shape.toSpliced(axis, 1), common = parts.map(bare).reduce(meet);
  const wide = parts.map((a) => spread(a, common.toSpliced(common.length + 1 + axis, 0, a.shape.at(axis))));
  const long = wide.reduce((n, a) => n + a.shape.at(axis), 0);
  let out = 0, start = 0;
  for (const a of wide) {
    out = add(out, pad(a, start, long, axis));
    start += a.shape.at(axis);
  }
  return out;
}

function expand(a, axis) {
  a = lift(a);
  return array(a.shape.toSpliced(a.shape.length + 1 + axis, 0, 1), a.data);
}

function reshape(a, rank, shape) {
  return array([...a.shape.slice(0, a.shape.length - rank), ...shape], a.data);
}

// The last two axes exchanged.
function swap(a) {
  const [n, m] = a.shape.slice(-2), lead = a.shape.slice(0, -2), out = array([...lead, m, n]);
  for (let l = 0; l < size(lead); l++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) out.data[(l * m + j) * n + i] = a.data[(l * n + i) * m + j];
    }
  }
  return out;
}

// Through time: an array (T, B, ...) as a list of steps, and back.

function steps(a) {
  const [T, ...shape] = a.shape, n = size(shape);
  return Array.from({ length: T }, (_, t) => array(shape, a.data.subarray(t * n, (t + 1) * n)));
}

function stack(list, T, shape) {
  const n = size(shape), z = new Float64Array(T * n);
  for (let t = 0, at = 0; t < T; t++) {
    const x = spread(list[t], shape).data;
    for (let i = 0; i < n; i++) z[at++] = x[i];
  }
  return array([T, ...shape], z);
}

// The clock at every step; numbers are exact up to 2^53.
function ticks(name, first, T) {
  if (!Number.isInteger(first) || first < 0 || first + T > 2 ** 53) {
    throw new RangeError(`state ${name} is ${first}: the clock is a whole number from 0, with its ${T} steps at most 2^53`);
  }
  return Array.from({ length: T }, (_, t) => array([1, 1], Float64Array.of(first + t)));
}

// The gradient that reaches a start which the cell makes itself: none where the caller gave the state.
function own(given, state, gradient) {
  return given.state?.[state] === undefined ? gradient : array(gradient.shape);
}

// What was given, seen to fit the cell.

function extent(cell, given) {
  const known = { ...cell.sequences, ...cell.statics };
  const rest = ["params", "state", "lengths", "steps", "batch_size", "tables"];
  for (const name of Object.keys(given)) {
    if (!(name in known) && !rest.includes(name)) {
      throw new TypeError(`${cell.name} has no input '${name}'; it has ${Object.keys(known).join(", ") || "none"}`);
    }
  }
  for (const name of Object.keys(given.state ?? {})) {
    if (!(name in cell.states) && name !== cell.clock) {
      throw new TypeError(`${cell.name} has no state '${name}'; it has ${Object.keys(cell.states).join(", ")}`);
    }
  }
  for (const name of Object.keys(known)) {
    if (given[name] === undefined) throw new TypeError(`${cell.name} needs its input '${name}'`);
  }
  const timed = Object.keys(cell.sequences)[0], still = Object.keys(cell.statics)[0];
  const begun = Object.keys(given.state ?? {}).find((name) => name in cell.states);
  const T = timed ? given[timed].shape?.[0] : given.steps;
  const B = timed ? given[timed].shape?.[1]
    : still ? given[still].shape?.[0] : begun ? given.state[begun].shape?.[0] : (given.batch_size ?? 1);
  if (!Number.isInteger(T) || !Number.isInteger(B) || T < 0 || B < 1) {
    throw new RangeError(`${cell.name}: ${timed ? `'${timed}' needs shape (T, B, ...)` : "steps and batch_size are whole numbers"}`);
  }
  fit("params.", given.params, cell.params, []);
  fit("", given, cell.sequences, [T, B]);
  fit("", given, cell.statics, [B]);
  fit("state.", given.state ?? {}, cell.states, [B], true);
  const ended = (t, b) => t >= given.lengths?.[b]; // padding may hold anything
  finite("", given, cell.sequences, ended);
  finite("", given, cell.statics);
  finite("state.", given.state ?? {}, cell.states);
  return { T, B };
}

// Each array by its name has the shape that it should have, and holds as many numbers.
function fit(prefix, arrays, shapes, lead, optional = false) {
  for (const [name, tail] of Object.entries(shapes)) {
    const a = arrays?.[name], shape = [...lead, ...tail];
    if (a === undefined && optional) continue;
    if (!a?.shape || !(a.data instanceof Float64Array)) {
      throw new TypeError(`${prefix}${name} must be { shape: [${shape}], data: Float64Array }`);
    }
    if (!same(a.shape, shape) || a.data.length !== size(shape)) {
      throw new RangeError(`${prefix}${name} has shape (${a.shape}) and ${a.data.length} numbers; it needs (${shape})`);
    }
  }
}

// Each array by its name holds no NaN and no infinity, but where an index (t, b, ...) is excused.
function finite(prefix, arrays, known, excused = () => false) {
  for (const name of Object.keys(known)) {
    const { data = [], shape } = arrays[name] ?? {};
    for (let i = 0; i < data.length; i++) {
      if (Number.isFinite(data[i])) continue;
      const at = shape.map((n, k) => Math.floor(i / size(shape.slice(k + 1))) % n);
      if (excused(...at)) continue;
      throw new RangeError(`${prefix}${name} is ${data[i]} at (${at}); every number must be finite; lengths marks padding`);
    }
  }
}

function upstream(cell, given, grads, final) {
  const { T, B } = extent(cell, given);
  for (const [what, arrays, known] of [["grads", grads, cell.outputs], ["final", final, cell.states]]) {
    for (const name of Object.keys(arrays)) {
      if (!(name in known)) {
        throw new TypeError(`${what}: ${cell.name} has no '${name}'; it has ${Object.keys(known).join(", ")}`);
      }
    }
  }
  fit("grads.", grads, cell.outputs, [T, B], true);
  fit("final.", final, cell.states, [B], true);
  finite("grads.", grads, cell.outputs);
  finite("final.", final, cell.states);
}

// Sequences that end before the others: each is run by itself, as long as it is.

function alone(cell, given, b, T) {
  const part = { params: given.params, steps: T, batch_size: 1, state: {} };
  for (const name of Object.keys(cell.sequences)) part[name] = sequence(given[name], b, T);
  for (const name of Object.keys(cell.statics)) part[name] = row(given[name], b);
  for (const [name, a] of Object.entries(given.state ?? {})) part.state[name] = name === cell.clock ? a : row(a, b);
  return part;
}

// Sequence b of an array (T, B, ...), up to a step.
function sequence(a, b, T) {
  const out = array([T, 1, ...a.shape.slice(2)]), n = size(a.shape.slice(2)), B = a.shape[1];
  for (let t = 0; t < T; t++) out.data.set(a.data.subarray((t * B + b) * n, (t * B + b + 1) * n), t * n);
  return out;
}

// Row b of an array (B, ...).
function row(a, b) {
  const n = size(a.shape.slice(1));
  return array([1, ...a.shape.slice(1)], a.data.subarray(b * n, (b + 1) * n));
}

// Put sequence b, (t, 1, ...), where it belongs among all, (T, B, ...), from a step on.
function put(out, a, b, first = 0) {
  const n = size(out.shape.slice(2)), B = out.shape[1];
  for (let t = 0; t < a.shape[0]; t++) {
    out.data.set(a.data.subarray(t * n, (t + 1) * n), ((first + t) * B + b) * n);
  }
}

function lengthsOf(cell, given) {
  const { T, B } = extent(cell, given), lengths = Array.from(given.lengths);
  if (lengths.length !== B || lengths.some((n) => !Number.isInteger(n) || n < 0 || n > T)) {
    throw new RangeError(`lengths needs ${B} whole numbers from 0 to ${T}; got ${lengths}`);
  }
  return { T, B, lengths };
}

// What stays past the end of a sequence: a state as it was left, (1, ...); one read backwards has not begun.
function left(cell, name, run) {
  const values = run.values[name];
  const at = cell.reverse.includes(name) || !values.shape[0] ? run.first[name] : steps(values).at(-1);
  return spread(at, [1, ...cell.states[name]]);
}

function runToEnds(cell, given, whole) {
  const { T, B, lengths } = lengthsOf(cell, given), result = {};
  lengths.forEach((n, b) => {
    const run = whole(alone(cell, given, b, n));
    for (const [name, a] of Object.entries(run.values)) {
      result[name] ??= array([T, B, ...a.shape.slice(2)]);
      put(result[name], a, b);
      const stays = cell.stays[name];
      if (!stays) continue;
      const last = concat(stays.states.map((s) => left(cell, s, run)), stays.axis);
      for (let t = n; t < T; t++) put(result[name], array([1, ...last.shape], last.data), b, t);
    }
  });
  return result;
}

function backwardToEnds(cell, given, grads, final, whole) {
  const { T, B, lengths } = lengthsOf(cell, given), result = {};
  lengths.forEach((n, b) => {
    const ends = {}, past = {}, until = {};
    for (const [name, a] of Object.entries(final)) ends[name] = row(a, b);
    for (const [name, g] of Object.entries(grads)) {
      const rows = steps(sequence(g, b, T));
      until[name] = sequence(g, b, n);
      let start = 0;
      for (const s of cell.stays[name]?.states ?? []) {
        const { axis } = cell.stays[name], width = cell.states[s].at(axis), to = cell.reverse.includes(s) ? past : ends;
        for (const g of rows.slice(n)) to[s] = add(to[s] ?? 0, slice(g, start, start + width, axis));
        start += width;
      }
    }
    const found = whole(alone(cell, given, b, n), until, ends, past);
    for (const [name, a] of Object.entries(found)) {
      if (name in cell.params) result[name] = add(result[name] ?? 0, a);
      else if (name in cell.sequences) put((result[name] ??= array([T, B, ...a.shape.slice(2)])), a, b);
      else (result[name] ??= array([B, ...a.shape.slice(1)])).data.set(a.data, b * a.data.length);
    }
  });
  return result;
}
