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

  const now = make("output", { class: "lc-now" });
  const slider = rangeSlider("unroll, then backward", { min: 0, max: store.last, step: 1 }, (at) =>
    store.go(at),
  );
  const play = player({
    at: () => store.at,
    last: () => store.last,
    go: (at) => store.go(at),
    every: 400,
    words: ["▶ play", "❚❚ stop"],
    begun: () => store.point(null),
    changed: () => paint(),
  });
  const where = () => {
    const t = store.arrived();
    if (!store.at) return "each cell a loop";
    if (t > steps) return `unrolled: step ${store.at} of ${steps}`;
    return `gradient back at ${t ? `step ${t}` : "the start"}`;
  };

  // The forget bias

  const biased = store.bias() !== null;
  const turned = (v) => store.setBias(v);
  const bias = rangeSlider("forget bias", { min: lowest, max: highest, step: 0.1 }, turned);
  const number = numberField("forget bias", {
    ...{ step: 0.1, write: turned, say, rest: store.flush },
    read: () => store.bias(),
  });
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

  const reset = () => {
    play.stop();
    store.go(0);
    store.take(spec);
    say("All is as it was at the start.");
  };
  const top = titleBar(titled(spec.title), link, reset, ...(spec.units > 1 ? [unit] : []));
  const time = make("div", { class: "lc-run" }, play.el, slider, now);
  const control = make("div", { class: "lc-run" }, make("span", {}, "forget bias"), bias, number.el, whose);

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
    play.paint(root.isConnected);
    if (biased) {
      const v = store.bias();
      turn(bias, v);
      put(bias, "aria-valuetext", `forget bias ${shown(v)}`);
      number.show(hundredths(v));
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
    back: () => play.running() && (play.stop(), true),
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
