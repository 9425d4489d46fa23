// Holding an equation from a step to another: which one, from where to where, and at what.

// `marked` hears of the span that stands in the fields; `whose` gives the units that are meant, and their name.
function holdView(store, { say, marked, gate, names = Object.keys(store.spec.holdable), whose = null }) {
  const { spec } = store;
  const which = make(
    "select",
    { "aria-label": "equation to hold" },
    ...names.map((name) => make("option", { value: name }, spec.words[name].said)),
  );
  const whole = (label) => make("input", { type: "number", min: 1, step: 1, "aria-label": label });
  const first = whole("from step"),
    last = whole("to step"),
    at = make("input", { type: "number", step: 0.1, value: 0, "aria-label": "at the value" });
  first.value = 1;
  last.value = store.steps;
  const span = () => [first, last].map((i) => Math.round(i.valueAsNumber) - 1);
  const apply = (value) => {
    const [a, b] = span();
    if (!(a >= 0 && b >= a && b < store.steps))
      return say(
        `Steps go from 1 to ${store.steps}: from ${first.value || "nothing"} to ${last.value || "nothing"} is no span of them.`,
      );
    if (value === undefined) return say(`A number is needed to hold ${which.value} at.`);
    const { units, of } = whose?.() ?? { units: [store.unit], of: "" };
    for (const unit of units) store.hold(which.value, a, b, value, unit);
    mark(which.value, a, b);
    const said = `${spec.words[which.value].said}${of}`,
      steps = `from step ${a + 1} to ${b + 1}`;
    say(Number.isNaN(value) ? `${said} is free ${steps}.` : `${said} is held at ${shown(value)} ${steps}.`);
  };
  const button = (text, act, title) => pushButton(text, act, { title });
  const gates = [button("open", () => apply(1), "hold at 1"), button("shut", () => apply(0), "hold at 0")];
  const or = make("span", { class: "lc-at" }, "or at");
  const el = make(
    "div",
    { class: "lc-hold", role: "group", "aria-label": "hold an equation over a span of steps" },
    make("span", {}, "Hold"),
    which,
    make("span", {}, "from"),
    first,
    make("span", {}, "to"),
    last,
    ...gates,
    or,
    at,
    button(
      "hold",
      () => apply(Number.isFinite(at.valueAsNumber) ? at.valueAsNumber : undefined),
      "hold at this number",
    ),
    button("let go", () => apply(NaN), "let the equation say it again"),
  );
  function aim(name, a, b) {
    which.value = name;
    first.value = a + 1;
    last.value = b + 1;
  }
  function mark(name, a, b) {
    marked({ name, first: a, last: b });
    aim(name, a, b);
    store.look({});
  }
  for (const i of [which, first, last])
    i.addEventListener("change", () => {
      const [a, b] = span();
      if (a >= 0 && b >= a && b < store.steps) mark(which.value, a, b);
    });
  const paint = () => {
    for (const b of gates) b.hidden = !gate(which.value);
    write(or, gate(which.value) ? "or at" : "at");
  };
  return { el, aim, mark, paint };
}
