// The X-ray: cells, what they are run with, and how each state of the past reaches the last one. Nothing of this
// touches the page.

const PARTS = ["total", "belt", "through"];

// The derivative of a cell's states after each step with respect to those before it: n rows of n for each step. A row
// is the gradient of one element; all rows of all steps are one batch, but where a clock ticks, those of one step.
function derivatives(program, about, given, before, steps) {
  const states = Object.entries(about.states).map(([name, shape]) => [name, shape, count(shape)]),
    n = states.reduce((sum, [, , wide]) => sum + wide, 0),
    found = Array.from({ length: steps }, () => new Float64Array(n * n)),
    each = about.clock === null ? steps : 1;
  for (let first = 0; first < steps; first += each) {
    const rows = each * n,
      final = {},
      one = { params: given.params, state: {}, steps: 1, batch_size: rows };
    const repeated = (data, wide) => {
      const out = new Float64Array(rows * wide);
      for (let r = 0; r < rows; r++) {
        const from = (first + Math.floor(r / n)) * wide;
        out.set(data.subarray(from, from + wide), r * wide);
      }
      return out;
    };
    let at = 0;
    for (const [name, shape, wide] of states) {
      final[name] = { shape: [rows, ...shape], data: new Float64Array(rows * wide) };
      for (let r = 0; r < rows; r++)
        if (r % n >= at && r % n < at + wide) final[name].data[r * wide + (r % n) - at] = 1;
      one.state[name] = { shape: [rows, ...shape], data: repeated(before[name], wide) };
      at += wide;
    }
    if (about.clock !== null) one.state[about.clock] = about.offset + first;
    if (about.reads) {
      const { shape, data } = given[about.reads],
        tail = shape.slice(2);
      one[about.reads] = { shape: [1, rows, ...tail], data: repeated(data, count(tail)) };
    }
    const back = program.backward(one, {}, final);
    at = 0;
    for (const [name, , wide] of states) {
      const { data } = back[`${name}0`];
      for (let r = 0; r < rows; r++)
        found[first + Math.floor(r / n)].set(data.subarray(r * wide, (r + 1) * wide), (r % n) * n + at);
      at += wide;
    }
  }
  return found;
}

// sum += a b, all n by n.
function addProduct(sum, a, b, n) {
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const v = a[i * n + k];
      for (let j = 0; j < n; j++) sum[i * n + j] += v * b[k * n + j];
    }
}

// The derivative of the last states with respect to those after each step, 0 to T: the whole, what met no matrix, and
// what met one. Each by itself, so that their sum says something.
function seenThrough(programs, about, given, { values, first }, steps) {
  const before = {};
  for (const [name, shape] of Object.entries(about.states)) {
    const wide = count(shape);
    before[name] = new Float64Array(steps * wide);
    before[name].set(first[name].data);
    before[name].set(values[name].data.subarray(0, (steps - 1) * wide), wide);
  }
  const [whole, level, matrices] = PARTS.map((part) =>
    derivatives(programs[part], about, given, before, steps),
  );
  const n = Math.sqrt(whole[0].length),
    seen = Object.fromEntries(
      PARTS.map((part) => [part, Array.from({ length: steps + 1 }, () => new Float64Array(n * n))]),
    );
  for (let k = 0; k < n; k++) seen.total[steps][k * n + k] = seen.belt[steps][k * n + k] = 1;
  for (let t = steps - 1; t >= 0; t--) {
    addProduct(seen.total[t], seen.total[t + 1], whole[t], n);
    addProduct(seen.belt[t], seen.belt[t + 1], level[t], n);
    addProduct(seen.through[t], seen.through[t + 1], whole[t], n);
    addProduct(seen.through[t], seen.belt[t + 1], matrices[t], n);
  }
  return { n, ...seen };
}

const PATIENCE = 6; // milliseconds that an X-ray may take while one drags; what takes longer waits for the hand to rest

function newXray(programs, spec) {
  const { steps, cells } = spec;
  let stale = true,
    unseen = true,
    took = 0,
    later = 0;
  const store = {
    spec,
    values: copied(spec.values),
    unit: spec.unit,
    at: 0, // 0: the loops; up to T: as many copies; then T + 1 places, from the last back to the start
    pointed: null,
    runs: [],
    seen: [],
  };
  store.last = 2 * steps + 1;
  store.copies = () => Math.min(store.at, steps);
  store.arrived = () => store.last - Math.max(store.at, steps); // T + 1: the gradient is not on its way
  store.place = () => store.pointed ?? Math.min(store.arrived(), steps);

  const own = (about, names) =>
    Object.fromEntries(names.map((name) => [name, store.values[`${about.name}.${name}`]]));
  const given = (about) => ({
    params: own(about, about.params),
    state: { ...own(about, about.starts), ...(about.clock !== null && { [about.clock]: about.offset }) },
    ...(about.reads ? { [about.reads]: store.values.x } : { steps, batch_size: 1 }),
  });
  const program = (about, part) => programs[`${about.name} ${part}`];

  store.compute = () => {
    stale = false;
    unseen = true;
    store.runs = cells.map((about) => program(about, "total").whole(given(about)));
  };
  store.see = () => {
    if (stale) store.compute();
    if (!unseen) return;
    const start = performance.now();
    unseen = false;
    store.seen = cells.map((about, k) => {
      const three = Object.fromEntries(PARTS.map((part) => [part, program(about, part)]));
      return seenThrough(three, about, given(about), store.runs[k], steps);
    });
    took = performance.now() - start;
  };

  // What is left of a state in itself after t steps: of the unit in view, or how large the matrix is.
  store.left = (k, state, t) => {
    const { n } = store.seen[k],
      shapes = Object.entries(cells[k].states),
      names = shapes.map(([name]) => name),
      wide = count(cells[k].states[state]);
    const from = shapes.slice(0, names.indexOf(state)).reduce((sum, [, shape]) => sum + count(shape), 0);
    return PARTS.map((part) => {
      const a = store.seen[k][part][t];
      if (store.unit !== null) return a[(from + Math.min(store.unit, wide - 1)) * (n + 1)];
      let sum = 0;
      for (let i = 0; i < wide; i++) for (let j = 0; j < wide; j++) sum += a[(from + i) * n + from + j] ** 2;
      return Math.sqrt(sum / wide);
    });
  };
  // The state itself; of all units, how large it is.
  store.state = (k, state, t) => {
    const wide = count(cells[k].states[state]),
      { values, first } = store.runs[k];
    const a = t ? values[state].data.subarray((t - 1) * wide, t * wide) : first[state].data.subarray(0, wide);
    return store.unit !== null
      ? a[Math.min(store.unit, wide - 1)]
      : Math.sqrt(a.reduce((sum, v) => sum + v * v, 0) / wide);
  };
  store.inputs = () => store.values.x.data;

  // The mean of what all cells have of it; null if none has.
  store.bias = () => {
    const found = Object.entries(spec.keeps).flatMap(([name, sign]) =>
      Array.from(store.values[name].data, (v) => sign * v),
    );
    return found.length ? found.reduce((sum, v) => sum + v, 0) / found.length : null;
  };
  store.setBias = (v) => {
    if (!Number.isFinite(v)) return;
    for (const [name, sign] of Object.entries(spec.keeps)) store.values[name].data.fill(sign * v || 0);
    changed();
  };
  store.setInput = (t, v) => {
    if (!Number.isFinite(v)) return;
    store.values.x.data[t - 1] = v;
    changed();
  };
  store.go = (at) => {
    store.at = Math.max(0, Math.min(store.last, at));
    store.pointed = null;
    repaint();
  };
  store.point = (t) => {
    if (t === store.pointed) return;
    store.pointed = t;
    repaint();
  };
  store.look = (unit) => {
    store.unit = unit;
    repaint();
  };
  store.told = () => ({
    values: Object.fromEntries(
      Object.entries(store.values).map(([name, { shape, data }]) => [
        name,
        { shape, data: Array.from(data) },
      ]),
    ),
  });
  store.take = ({ values }, from) => {
    store.values = copied(values);
    changed(from);
  };
  const { changed: tell, repaint } = observed(store, ready);
  function changed(from) {
    stale = true;
    tell(from);
  }
  function ready() {
    if (stale) store.compute();
    clearTimeout(later);
    if (unseen && took > PATIENCE && store.seen.length) {
      later = setTimeout(() => {
        store.see();
        repaint();
      }, 150);
    } else store.see();
    store.busy = unseen;
  }
  return store;
}
