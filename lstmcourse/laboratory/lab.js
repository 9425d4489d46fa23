// One laboratory in a page: the picture, what a value is, through time, and every weight. Made from the still picture.

function makeLab(root, store) {
  const { spec } = store;
  const scroll = make("div", { class: "lc-scroll", html: stillOf(root) });
  const svg = scroll.querySelector("svg");
  svg.style.minWidth = `${Math.max(Math.min(520, svg.width.baseVal.value), 0.75 * svg.width.baseVal.value)}px`; // or figures get too small

  const alt = make("p", { class: "lc-alt" }),
    status = make("p", { class: "lc-say", role: "status" }),
    link = make("span", { class: "lc-link" });
  const said = make("div", { class: "lc-explain" });
  const time = make("div", { class: "lc-time" }),
    all = make("div", { class: "lc-controls" });
  const title = make("span", { class: "lc-title", html: spec.title }),
    units = make("span", { class: "lc-units", role: "group", "aria-label": "unit in view" }, "unit ");
  if (store.units > 1) {
    const buttons = Array.from({ length: store.units }, (_, u) =>
      pushButton(`${u + 1}`, () => store.look({ unit: u })),
    );
    units.append(...buttons);
    store.onPaint(() => buttons.forEach((b, u) => b.setAttribute("aria-pressed", u === store.unit)));
  }
  const reset = () => {
    timeline.clear();
    store.reset();
    say("All is as it was at the start.");
  };
  const top = titleBar(title, link, reset, ...(store.units > 1 ? [units] : []));
  const say = (text) => (status.textContent = text);

  // What is explained: what one points at or has the focus on, else what one has chosen.
  let chosen = null,
    pointed = null,
    later = 0;
  const look = () => {
    explain.show(pointed ?? chosen);
    picture.mark(pointed ?? chosen);
  };
  const hover = (key) => {
    clearTimeout(later);
    pointed = key;
    look();
  };
  const leave = () => {
    clearTimeout(later);
    later = setTimeout(() => ((pointed = null), look()), 150);
  };
  const choose = (key, aloud) => {
    chosen = pointed = key;
    look();
    if (aloud) say(explain.text());
  };

  const explain = explainView(said, store);
  const picture = pictureView(svg, store, { hover, leave, choose });
  const timeline = timelineView(time, store, { hover, choose, say });
  const controls = controlsView(all, store, say);
  said.addEventListener("pointerenter", () => clearTimeout(later));
  time.addEventListener("pointerleave", leave);

  const details = make(
    "details",
    { open: spec.open, ontoggle: () => controls.paint() },
    make("summary", {}, "weights, biases, starts"),
    all,
  );
  const heading = make("summary", {}, "challenges"),
    tasks = make("div", {});
  const challenges = challengesView(tasks, heading, store, { cell: store.cell, say });
  alt.id = `${svg.querySelector("title").id}-now`;
  svg.setAttribute("aria-describedby", alt.id);
  settle(root, store, {
    parts: [top, scroll, said, time, status, details, make("details", {}, heading, tasks), alt],
    link,
    back: () => {
      if (chosen === null) return false;
      chosen = pointed = null;
      look();
      return true;
    },
    paint() {
      picture.paint();
      explain.paint();
      timeline.paint();
      if (details.open) controls.paint();
    },
    rest() {
      timeline.say();
      challenges.rest();
      const parts = spec.rows.map(({ key }) => `${spec.words[key].said} ${shown(store.read(key))}`);
      alt.textContent = `Step ${store.step + 1} of ${store.steps}: ${parts.join(", ")}.`;
    },
  });
  explain.show(null);
  look();
  store.flush();
}

const begin = (key, cell, spec) => enliven(key, () => newStore(cell, spec), makeLab);
