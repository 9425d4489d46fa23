// Challenges: what the weights have to do, on inputs of their own; the worst error now, and the number that passes.

// The worst error of the best read-out, a straight line that is not too steep: over every number of the states.
function worst(found, states, { wanted, steepest }) {
  const asked = wanted.flatMap((row, t) => row.map((w, b) => [t, b, w])).filter(([, , w]) => w !== null),
    n = asked.length;
  const mean = (a) => a.reduce((s, v) => s + v, 0) / n,
    target = asked.map(([, , w]) => w),
    middle = mean(target);
  let least = Infinity;
  for (const state of states) {
    const { shape, data } = found[state],
      size = count(shape.slice(2));
    for (let k = 0; k < size; k++) {
      const v = asked.map(([t, b]) => data[(t * shape[1] + b) * size + k]),
        m = mean(v),
        off = v.map((a) => a - m);
      const spread = off.reduce((s, a) => s + a * a, 0),
        along = off.reduce((s, a, i) => s + a * target[i], 0);
      const slope = spread ? within(along / spread, [-steepest, steepest]) : 0;
      const error = Math.max(...off.map((a, i) => Math.abs(slope * a + middle - target[i])));
      if (error < least) least = error;
    }
  }
  return least;
}

const repeated = ({ shape: [, ...tail], data }, B) => ({
  shape: [B, ...tail],
  data: Float64Array.from({ length: B * data.length }, (_, i) => data[i % data.length]),
});

// What a module is given for the inputs of a challenge: nothing is held.
function challenged(store, { x }) {
  const { spec, values } = store,
    T = x.length,
    B = x[0].length,
    given = { params: {}, state: {} };
  for (const name of spec.params) given.params[name] = values[name];
  for (const name of spec.starts) given.state[name] = repeated(values[name], B);
  spec.inputs.forEach((name, k) => {
    const tail = values[name].shape.slice(2),
      n = count(tail);
    given[name] = {
      shape: [T, B, ...tail],
      data: Float64Array.from({ length: T * B * n }, (_, i) => (k ? 0 : x.flat()[Math.floor(i / n)])),
    };
  });
  for (const [name, shape] of Object.entries(spec.holdable)) {
    const whole = [T, B, ...shape];
    given[`free:${name}`] = { shape: whole, data: new Float64Array(count(whole)).fill(1) };
    given[`hold:${name}`] = { shape: whole, data: new Float64Array(count(whole)) };
  }
  if (!spec.inputs.length && !Object.keys(spec.holdable).length)
    Object.assign(given, { steps: T, batch_size: B });
  return given;
}

const verdicts = (store, cell) =>
  store.spec.challenges.map((c) => worst(cell.run(challenged(store, c)), store.spec.states, c));

function challengesView(box, summary, store, { cell, say }) {
  const { challenges, inputs } = store.spec,
    list = make("ol", { class: "lc-challenges" }),
    done = new Set();
  const rows = challenges.map((c) => {
    let next = 0;
    const mark = make("span", { class: "lc-mark" }),
      told = make("span", { class: "lc-told" });
    const show = make(
      "button",
      {
        type: "button",
        "aria-label": `an input of: ${c.title}`,
        onclick: () => {
          store.sequence(
            inputs[0],
            c.x.map((row) => row[next]),
          );
          say(`One input of “${c.title}”. Wanted: ${c.about}.`);
          next = (next + 1) % c.x[0].length;
        },
      },
      "show one",
    );
    list.append(
      make(
        "li",
        {},
        mark,
        make("span", {}, make("strong", {}, `${c.title}:`), ` ${c.about}`),
        told,
        ...(inputs.length ? [show] : []),
      ),
    );
    return { mark, told };
  });
  box.append(
    make(
      "p",
      { class: "lc-hint" },
      "Move weights, biases and starts until one number of the states tells what is wanted, read out by a straight line. What is held does not count.",
    ),
    list,
  );
  return {
    rest() {
      const errors = verdicts(store, cell),
        solved = errors.filter((e, k) => e < challenges[k].passes).length;
      errors.forEach((error, k) => {
        const { title, passes } = challenges[k],
          now = error < passes;
        rows[k].mark.textContent = now ? "✓" : "○";
        rows[k].mark.parentNode.classList.toggle("lc-solved", now);
        rows[k].told.textContent =
          `${now ? "solved: " : ""}worst error ${shown(error)}, passes below ${passes}`;
        if (now && !done.has(k)) say(`Solved: ${title}.`);
        if (now) done.add(k);
        else done.delete(k);
      });
      summary.textContent = `challenges: ${solved} of ${challenges.length} solved`;
    },
  };
}
