// What a laboratory knows: the values, what is held, the step and the unit in view, and what the cell makes of them.
// Nothing here touches the page. The arithmetic is the cell's own module, which Python printed.

// Where a unit's element is: on axes as long as there are units at its number, on others at 0.
function placeOf(shape, unit, units) {
  return shape.reduce((at, n) => at * n + (n === units ? unit : 0), 0);
}

function newStore(cell, spec) {
  const { units } = spec;
  const store = {
    cell,
    spec,
    units,
    values: copied(spec.values),
    held: copied(spec.held),
    found: {},
    steps: spec.steps,
    step: spec.step,
    unit: 0,
  };

  // What is free at every step needs no new numbers.
  const all = {};
  const filled = (n, v) => (all[`${n} ${v}`] ??= new Float64Array(n).fill(v));

  // What a module is given: a held equation is not free where it has a number.
  store.given = () => {
    const { values, held, steps } = store,
      given = { params: {}, state: {}, steps, batch_size: 1 };
    for (const name of spec.params) given.params[name] = values[name];
    for (const name of spec.starts) given.state[name] = values[name];
    for (const name of spec.inputs) given[name] = values[name];
    for (const [name, shape] of Object.entries(spec.holdable)) {
      const whole = [steps, 1, ...shape],
        a = held[name]?.data,
        n = count(whole);
      const free = a ? new Float64Array(n) : filled(n, 1),
        hold = a ? new Float64Array(n) : filled(n, 0);
      for (let k = 0; a && k < n; k++)
        if (Number.isNaN(a[k])) free[k] = 1;
        else hold[k] = a[k];
      given[`free:${name}`] = { shape: whole, data: free };
      given[`hold:${name}`] = { shape: whole, data: hold };
    }
    if (spec.inputs.length || Object.keys(spec.holdable).length) delete given.steps, delete given.batch_size;
    return given;
  };

  store.compute = () => (store.found = cell.run(store.given()));

  // What is read is never older than what was moved.
  let stale = true;
  store.fresh = () => {
    if (!stale) return;
    stale = false;
    store.compute();
  };

  // The element of a value that is in view: of a unit, at a step; in a product with a matrix also of a row.
  store.read = (key, { step = store.step, unit = store.unit, row = null } = {}) => {
    const still = spec.tables[key] ?? (spec.params.includes(key) ? store.values[key] : null);
    if (still) {
      const { shape, data } = still;
      return data[
        row !== null && shape.length === 2
          ? row * shape[1] + (shape[1] === 1 ? 0 : unit)
          : placeOf(shape, unit, units)
      ];
    }
    if (key === spec.clock) return step;
    store.fresh();
    const a = spec.inputs.includes(key) ? store.values[key] : store.found[key];
    if (!a) return undefined;
    const shape = a.shape.slice(2),
      at = row !== null && shape.length === 1 ? (shape[0] === 1 ? 0 : row) : placeOf(shape, unit, units);
    return a.data[step * count(shape) + at];
  };

  // The same at every step.
  store.series = (key, unit = store.unit, which = "found") => {
    store.fresh();
    const a = store[which][key],
      shape = a.shape.slice(2),
      n = count(shape),
      at = placeOf(shape, unit, units);
    const found = new Array(store.steps);
    for (let t = 0; t < store.steps; t++) found[t] = a.data[t * n + at];
    return found;
  };

  // Whether a value can be moved where it is in view, and by what name it then goes: a state before the step is its
  // start, or the equation that gave it a step earlier.
  store.target = (key) => {
    if (spec.params.includes(key)) return { kind: "param", name: key };
    if (spec.inputs.includes(key)) return { kind: "input", name: key, step: store.step };
    const state = key.endsWith("@prev") ? key.slice(0, -5) : null;
    if (state !== null && store.step === 0)
      return spec.starts.includes(state) ? { kind: "start", name: state } : null;
    const name = state === null ? key : spec.after[state],
      step = store.step - (state !== null);
    return name in spec.holdable ? { kind: "hold", name, step } : null;
  };

  store.range = (key) => spec.ranges[key.endsWith("@prev") ? spec.after[key.slice(0, -5)] : key] ?? [-4, 4];

  store.move = (key, value, { unit = store.unit, row = 0 } = {}) => {
    const to = store.target(key);
    if (!to || !Number.isFinite(value)) return;
    if (to.kind === "hold") return store.hold(to.name, to.step, to.step, value, unit);
    const a = store.values[to.name],
      shape = to.kind === "param" ? a.shape : a.shape.slice(to.kind === "input" ? 2 : 1);
    const at =
      to.kind === "param" && shape.length === 2
        ? row * shape[1] + (shape[1] === 1 ? 0 : unit)
        : placeOf(shape, unit, units);
    store.put(to.name, (to.step ?? 0) * count(shape) + at, value);
  };

  store.put = (name, at, value, from) => {
    if (!Number.isFinite(value) || store.values[name].data[at] === value) return;
    store.values[name].data[at] = value;
    changed(from);
  };

  // Hold an equation at a number from a step to another; free it where the number is NaN.
  store.hold = (name, first, last, value, unit = store.unit, from) => {
    const shape = spec.holdable[name],
      n = count(shape);
    const a = (store.held[name] ??= {
      shape: [store.steps, 1, ...shape],
      data: new Float64Array(store.steps * n).fill(NaN),
    });
    for (let t = Math.max(0, first); t <= Math.min(last, store.steps - 1); t++)
      a.data[t * n + placeOf(shape, unit, units)] = value;
    if (a.data.every(Number.isNaN)) delete store.held[name];
    changed(from);
  };

  store.heldAt = (name, step = store.step, unit = store.unit) => {
    const a = store.held[name],
      shape = spec.holdable[name];
    return a !== undefined && !Number.isNaN(a.data[step * count(shape) + placeOf(shape, unit, units)]);
  };

  // Another input: as many steps as it has; what is held past them is let go.
  store.sequence = (name, numbers, from) => {
    const steps = numbers.length / count(store.values[name].shape.slice(1)),
      longer = (a, fill) => {
        const n = count(a.shape.slice(1)),
          data = new Float64Array(steps * n).fill(fill);
        data.set(a.data.subarray(0, steps * n));
        return { shape: [steps, ...a.shape.slice(1)], data };
      };
    for (const other of spec.inputs) store.values[other] = longer(store.values[other], 0);
    for (const held of Object.keys(store.held)) store.held[held] = longer(store.held[held], NaN);
    store.values[name].data = Float64Array.from(numbers);
    store.steps = steps;
    store.step = Math.min(store.step, steps - 1);
    changed(from);
  };

  store.look = ({ step = store.step, unit = store.unit }) => {
    store.step = Math.max(0, Math.min(store.steps - 1, step));
    store.unit = unit;
    repaint();
  };

  store.reset = () => store.take({ values: spec.values, held: spec.held });

  // All at once, as Python hands it over.
  store.take = ({ values, held }, from) => {
    store.values = copied(values);
    store.held = copied(held);
    if (spec.inputs.length) store.steps = store.values[spec.inputs[0]].shape[0];
    store.step = Math.min(store.step, store.steps - 1);
    changed(from);
  };

  const plain = (arrays) =>
    Object.fromEntries(
      Object.entries(arrays).map(([k, a]) => [
        k,
        { shape: a.shape, data: Array.from(a.data, (v) => (Number.isNaN(v) ? null : v)) },
      ]),
    );
  store.plain = plain;
  store.told = () => ({ values: plain(store.values), held: plain(store.held) });

  const { changed: tell, repaint } = observed(store, () => store.fresh());
  function changed(from) {
    stale = true;
    tell(from);
  }
  return store;
}
