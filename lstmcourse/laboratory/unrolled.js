// Cells side by side in a page: time forwards and the gradient back, the forget bias, and the numbers as a table.

function makeXray(root, store) {
  const { spec } = store,
    { steps, cells } = spec,
    [lowest, highest] = spec.bias;
  const scroll = make("div", { class: "lc-scroll", html: stillOf(root) }),
    svg = scroll.querySelector("svg");
  svg.style.cssText = `width:100%;height:auto;min-width:${Math.round(0.7 * svg.width.baseVal.value)}px`;
  const picture = chainView(svg, store);

  const alt = make("p", { class: "lc-alt" }),
    status = make("p", { class: "lc-say", role: "status" }),
    link = make("span", { class: "lc-link" });
  const say = (text) => (status.textContent = text);

  // Where one is

  const slider = make("input", {
    type: "range",
    min: 0,
    max: store.last,
    step: 1,
    "aria-label": "unroll, then backward",
  });
  const play = make("button", {
      type: "button",
      class: "lc-play",
      onclick: () => (timer ? stop() : start()),
    }),
    now = make("output", { class: "lc-now" });
  let timer = 0;
  function start() {
    if (store.at === store.last) store.go(0);
    timer = setInterval(() => (store.at < store.last ? store.go(store.at + 1) : stop()), 400);
    store.point(null);
    paint();
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    paint();
  }
  slider.addEventListener("input", () => store.go(slider.valueAsNumber));
  const where = () => {
    const t = store.arrived();
    if (!store.at) return "each cell a loop";
    if (t > steps) return `unrolled: step ${store.at} of ${steps}`;
    return `gradient back at ${t ? `step ${t}` : "the start"}`;
  };

  // The forget bias

  const biased = store.bias() !== null;
  const bias = make("input", {
    type: "range",
    min: lowest,
    max: highest,
    step: 0.1,
    "aria-label": "forget bias",
  });
  const number = make("input", { type: "number", step: 0.1, "aria-label": "forget bias, as a number" });
  bias.addEventListener("input", () => store.setBias(bias.valueAsNumber));
  number.addEventListener("input", () => {
    const fits = Number.isFinite(number.valueAsNumber);
    number.setAttribute("aria-invalid", !fits);
    say(fits ? "" : `A number is needed; the forget bias stays at ${shown(store.bias())}.`);
    if (fits) store.setBias(number.valueAsNumber);
  });
  number.addEventListener("blur", () => (number.setAttribute("aria-invalid", false), store.flush()));
  const whose = make("span", { class: "lc-whose" });
  cells.forEach(({ name }, k) => {
    const own = Object.entries(spec.keeps).filter(([key]) => key.startsWith(`${name}.`));
    whose.append(`${k ? "; " : ""}${name}: ${own.length ? "" : "has none"}`);
    own.forEach(([key, sign], n) => {
      const [, before, below] = key.slice(name.length + 1).match(/(.*)b_(.)$/);
      whose.append(
        `${n ? ", " : ""}${sign < 0 ? "−" : ""}${before}`,
        make("i", {}, "b"),
        make("sub", {}, below),
      );
    });
  });

  // The numbers

  const unit = make(
    "select",
    { "aria-label": "unit in view" },
    make("option", { value: "" }, "sizes over all units"),
    ...Array.from({ length: spec.units }, (_, u) => make("option", { value: u }, `unit ${u + 1}`)),
  );
  unit.addEventListener("change", () => store.look(unit.value === "" ? null : +unit.value));
  const derivative = (s, t, about) =>
    [steps, t].flatMap((when, k) => [k ? "/∂" : "∂", make("i", {}, about.said[s]), make("sub", {}, when)]);
  const heads = ["", "the whole", "along the belt", "through matrices"];
  const lines = cells.flatMap((about, k) =>
    Object.keys(about.states).map((s) => {
      const name = make("th", { scope: "row" }),
        numbers = PARTS.map(() => make("td"));
      return { k, s, about, name, numbers, el: make("tr", {}, name, ...numbers) };
    }),
  );
  const kinds = ["", "total", "belt", "through"];
  const table = make(
    "table",
    { class: "lc-numbers" },
    make("caption", {}),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ...heads.map((text, c) =>
          c
            ? make("th", { scope: "col" }, make("i", { class: `lc-part lc-${kinds[c]}` }), ` ${text}`)
            : make("td"),
        ),
      ),
    ),
    make("tbody", {}, ...lines.map((line) => line.el)),
  );
  const plus = () =>
    store.unit === null ? " These are sizes of matrices: the matrices add up, their sizes need not." : "";

  const reset = make(
    "button",
    {
      type: "button",
      class: "lc-reset",
      onclick: () => (stop(), store.go(0), store.take(spec), say("All is as it was at the start.")),
    },
    "reset",
  );
  const top = make(
    "div",
    { class: "lc-top" },
    make("span", { class: "lc-title" }, spec.title),
    link,
    ...(spec.units > 1 ? [unit] : []),
    reset,
  );
  const time = make("div", { class: "lc-run" }, play, slider, now);
  const control = make("div", { class: "lc-run" }, make("span", {}, "forget bias"), bias, number, whose);

  // In a narrow window the picture goes along.
  let shownAt = -1;
  function follow() {
    if (shownAt === store.at) return;
    shownAt = store.at;
    const wide = scroll.scrollWidth,
      x =
        (picture.middle(store.arrived() <= steps ? store.arrived() : store.at) / svg.viewBox.baseVal.width) *
        wide;
    if (wide > scroll.clientWidth) scroll.scrollLeft = x - scroll.clientWidth / 2;
  }

  function paint() {
    picture.paint();
    follow();
    turn(slider, store.at);
    put(slider, "aria-valuetext", where());
    write(now, where());
    write(play, timer ? "❚❚ stop" : "▶ play");
    put(play, "aria-label", timer ? "stop" : "play");
    if (timer && !root.isConnected) stop();
    if (biased) {
      const v = store.bias();
      turn(bias, v);
      put(bias, "aria-valuetext", `forget bias ${shown(v)}`);
      if (document.activeElement !== number) turn(number, hundredths(v));
    }
    turn(unit, store.unit ?? "");
    const t = store.place(),
      here = store.arrived() <= steps;
    write(
      table.caption,
      here
        ? `What the last step still feels of ${t ? `step ${t}` : "the start"}.${plus()}`
        : "What the last step still feels of the others: first the gradient has to come back.",
    );
    for (const { k, s, about, name, numbers } of lines) {
      if (name.dataset.t !== String(here ? t : "t")) {
        name.dataset.t = here ? t : "t";
        name.replaceChildren(`${about.name} `, ...derivative(s, name.dataset.t, about));
      }
      const left = here ? store.left(k, s, t) : null;
      numbers.forEach((td, c) => write(td, left ? small(left[c]) : ""));
    }
  }
  settle(root, store, {
    parts: [
      top,
      make("p", { class: "lc-hint" }, spec.hint),
      time,
      ...(biased ? [control] : []),
      scroll,
      status,
      table,
      alt,
    ],
    link,
    back: () => timer !== 0 && (stop(), true),
    paint,
    rest() {
      const left = lines.map(({ k, s, about }) => {
        const [whole, belt, through] = store.left(k, s, store.place()).map(small);
        return `${about.name}, ${about.said[s]}: ${whole}, of it ${belt} along the belt and ${through} through matrices`;
      });
      const told = store.arrived() <= steps ? ` ${table.caption.textContent} ${left.join("; ")}.` : "";
      alt.textContent = `${where()}.${told}`;
    },
  });
  alt.id = `${root.dataset.key}-now`;
  svg.setAttribute("aria-describedby", alt.id);
  store.flush();
}

const begin = (key, programs, spec) => enliven(key, () => newXray(programs, spec), makeXray);
