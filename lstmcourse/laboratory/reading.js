// What the laboratory of a sentence knows beside the values: the words, and what the network expects after each.
// Nothing here touches the page.

function newReading(cell, spec) {
  const weights = unpacked(spec.weights),
    { input, output, symbols, joiner } = spec,
    width = weights["embedding E"]?.shape[1] ?? symbols.length;
  const rows = (words) => {
    const data = new Float64Array(words.length * width),
      e = weights["embedding E"]?.data;
    words.forEach((k, t) =>
      e ? data.set(e.subarray(k * width, (k + 1) * width), t * width) : (data[t * width + k] = 1),
    );
    return data;
  };
  const begun = Float64Array.from(spec.values[input].data);
  const x = { shape: [begun.length, 1, width], data: rows(begun) };
  const store = newStore(cell, { ...spec, values: { ...weights, ...spec.values, [input]: x } });
  const first = { words: [...begun], values: spec.values, held: spec.held };
  store.spec = spec;
  store.words = first.words;
  store.answers = spec.answers ?? symbols;
  store.shownUnits = [...spec.shown];
  store.unit = store.shownUnits[0];

  // A gate or a state can be held; the sentence and the weights are not dragged.
  const target = store.target;
  store.target = (key) =>
    spec.params.includes(key) || key === input || (key.endsWith("@prev") && store.step === 0)
      ? null
      : target(key);

  // Now, and before: with what is held, and without.
  let alone = null;
  store.compute = () => {
    const held = store.held;
    if (!alone) {
      store.held = {};
      store.before = cell.run(store.given());
      store.expectedBefore = expected(store.before[output]);
      store.held = held;
      alone = true;
    }
    const changed = Object.keys(held).length > 0;
    store.found = changed ? cell.run(store.given()) : store.before;
    store.expected = changed ? expected(store.found[output]) : store.expectedBefore;
  };
  store.changed = () => store.found !== store.before;

  // The read-out: the probability of every answer behind every word.
  function expected(h) {
    const {
        shape: [n, k],
        data: v,
      } = weights["readout V"],
      d = weights["readout d"].data;
    return Array.from({ length: h.shape[0] }, (_, t) => {
      const z = d.slice();
      for (let i = 0; i < n; i++) {
        const a = h.data[t * n + i];
        for (let j = 0, at = i * k; j < k; j++) z[j] += a * v[at + j];
      }
      if (!spec.softmax) return z.map((a) => 1 / (1 + Math.exp(-a)));
      let most = -Infinity,
        total = 0;
      for (let j = 0; j < k; j++) most = Math.max(most, z[j]);
      for (let j = 0; j < k; j++) total += z[j] = Math.exp(z[j] - most);
      for (let j = 0; j < k; j++) z[j] /= total;
      return z;
    });
  }

  store.parse = (text) => parsed(text, spec);
  store.text = () => store.words.map((k) => symbols[k]).join(joiner);
  store.wordAt = (t) => visible(symbols[store.words[t]]);

  // Another sentence. What is held is let go, for it was held at words of the old one.
  store.readWords = (words, from) => {
    store.words = words;
    store.held = {};
    alone = null;
    store.step = words.length - 1;
    store.sequence(input, rows(words), from);
  };
  store.letGo = () => store.take({ values: { [input]: { data: store.words } }, held: {} });

  const take = store.take;
  store.take = ({ values, held }, from) => {
    const words = Array.from(values[input].data),
      again = words.join() === store.words.join();
    if (!again) store.step = words.length - 1;
    store.words = words;
    alone = null;
    take(
      {
        values: {
          ...weights,
          ...starts(),
          ...values,
          [input]: { shape: [words.length, 1, width], data: rows(words) },
        },
        held,
      },
      from,
    );
  };
  const starts = () => Object.fromEntries(spec.starts.map((name) => [name, store.values[name]]));
  store.told = () => ({
    values: { [input]: { shape: [store.words.length], data: [...store.words] }, ...store.plain(starts()) },
    held: store.plain(store.held),
  });
  store.reset = () => {
    store.shownUnits = [...spec.shown];
    store.unit = store.shownUnits[0];
    store.take({ values: first.values, held: first.held });
  };

  // How much each silenced unit moves what is expected: half the sum of all differences, at every word. By unit, by word.
  store.effects = () => {
    const { held } = store,
      n = store.units,
      found = [];
    for (let unit = 0; unit < n; unit++) {
      store.held = {
        [output]: { shape: [store.steps, 1, n], data: new Float64Array(store.steps * n).fill(NaN) },
      };
      for (let t = 0; t < store.steps; t++) store.held[output].data[t * n + unit] = 0;
      const now = expected(cell.run(store.given())[output]);
      found.push(
        now.map(
          (p, t) =>
            p.reduce((sum, v, k) => sum + Math.abs(v - store.expectedBefore[t][k]), 0) /
            (spec.softmax ? 2 : p.length),
        ),
      );
    }
    store.held = held;
    return found;
  };
  store.silent = (unit) =>
    store.words.every((_, t) => store.heldAt(output, t, unit) && store.read(output, { step: t, unit }) === 0);
  return store;
}
