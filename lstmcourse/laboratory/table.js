// A sentence as a table: a word a column; below it how likely it was, and for each unit in view a row for each value.

function tableView(box, store, { choose, marked, span, silence }) {
  const { spec } = store;
  const WORD = "word",
    LIKELY = "likely", // the first two rows; all others are a unit's
    HIGH = 100; // of a bar, in parts of its lane
  const table = box.appendChild(make("div", { class: "lc-table", role: "rowgroup" }));
  let lines = [],
    edges = [],
    built = "",
    outlined = "",
    chosen = { key: null, unit: store.unit },
    here = null;

  // What is drawn, anew when the words or the units in view are others.

  const signature = () => [store.words.join(), store.shownUnits.join()].join("|");

  function build() {
    built = signature();
    edges = [0];
    for (const t of store.words.keys()) edges.push(edges[t] + Math.max(44, 8 * store.wordAt(t).length + 10));
    lines = [
      line(WORD, null, make("span", {}, "reads")),
      line(
        LIKELY,
        null,
        make("span", { title: "the probability that the network gave to the next word" }, "p(next word)"),
      ),
    ];
    const parts = lines.map((l) => l.el);
    for (const unit of store.shownUnits) {
      parts.push(head(unit));
      for (const row of spec.rows) {
        const l = line(row.key, unit, make("span", { class: "lc-math", html: nameOf(row.key) }), row);
        lines.push(l);
        parts.push(l.el);
      }
    }
    lines.forEach((l, r) => l.cells.forEach((c) => (c.dataset.r = r)));
    const widths = edges.slice(1).map((edge, t) => edge - edges[t]);
    box.style.setProperty("--lc-columns", `78px ${widths.map((w) => `minmax(${w}px, ${w}fr)`).join(" ")}`);
    table.replaceChildren(...parts);
    here = null;
    outlined = "";
  }

  const nameOf = (key) => spec.words[key].left ?? spec.words[key].whole;

  function line(key, unit, name, row = null) {
    const labelled = key === WORD ? "columnheader" : "gridcell";
    const cells = store.words.map((_, t) => {
      const cell = make("div", {
        class: `lc-td ${key === WORD ? "lc-word" : "lc-lane"}`,
        role: labelled,
        tabindex: -1,
        "data-t": t,
      });
      cell.textContent = key === WORD ? store.wordAt(t) : " ";
      return cell;
    });
    const el = make(
      "div",
      { class: "lc-tr", role: "row", style: row ? `--lc-hue:var(--lc-${row.hue})` : null },
      make("div", { class: "lc-th", role: "rowheader" }, name),
      ...cells,
    );
    if (row) (el.dataset.unit = unit), (el.dataset.row = key);
    if (key === WORD) return { key, unit, row, cells, el };
    const bars = svgTag("path", { class: "lc-bars-now" }),
      ticks = svgTag("path", { class: "lc-bars-before" });
    const viewBox = `0 0 ${edges.at(-1)} ${HIGH}`;
    el.append(
      svgTag(
        "svg",
        { class: "lc-profile", viewBox, preserveAspectRatio: "none", "aria-hidden": "true" },
        bars,
        ticks,
      ),
    );
    const nodes = cells.map((cell) => cell.firstChild);
    return { key, unit, row, cells, el, nodes, bars, ticks, values: [], texts: [], held: false };
  }

  function head(unit) {
    const told = Object.entries(spec.probes).map(
      ([what, all]) => `${what} ${what in signed ? signedNumber(all[unit]) : shown(all[unit])}`,
    );
    const quiet = pushButton("silence", () => silence(unit), { "aria-label": `silence unit ${unit}` });
    const hidden = () => ((store.shownUnits = store.shownUnits.filter((u) => u !== unit)), store.look({}));
    const hide = pushButton("×", hidden, { "aria-label": `hide unit ${unit}` });
    const el = make(
      "div",
      { class: "lc-tr lc-unit", role: "row" },
      make(
        "div",
        { class: "lc-sticky", role: "rowheader" },
        make("strong", {}, `unit ${unit}`),
        make("span", { class: "lc-told" }, told.join(" · ")),
        quiet,
        hide,
      ),
    );
    el.paint = () => {
      put(quiet, "aria-pressed", store.silent(unit));
    };
    return el;
  }

  // What is written: only where it changes.

  function paint() {
    if (signature() !== built) build();
    const changed = store.changed(),
      likely = (p) =>
        store.words.map((_, t) => (spec.answers || t + 1 >= store.steps ? NaN : p[t][store.words[t + 1]]));
    for (const l of lines) {
      if (l.key === WORD) continue;
      const values = l.row ? store.series(l.key, l.unit) : likely(store.expected);
      let before = values;
      if (changed) before = l.row ? store.series(l.key, l.unit, "before") : likely(store.expectedBefore);
      paintNumbers(l, values);
      paintBars(l, values, before);
      if (l.row && !l.row.only) paintHeld(l);
    }
    for (const el of table.children) el.paint?.();
    stand();
    const s = span(),
      outline = s ? `${s.name} ${s.unit} ${s.first} ${s.last}` : "";
    if (outline === outlined) return;
    outlined = outline;
    for (const l of lines)
      l.cells.forEach((cell, t) =>
        cell.classList.toggle(
          "lc-marked",
          Boolean(s) && l.unit === s.unit && l.key === s.name && t >= s.first && t <= s.last,
        ),
      );
  }
  function paintNumbers(l, values) {
    for (let t = 0; t < values.length; t++) {
      if (Object.is(values[t], l.values[t])) continue;
      const text = Number.isNaN(values[t]) ? " " : shown(values[t]);
      if (text !== l.texts[t]) l.nodes[t].nodeValue = l.texts[t] = text;
    }
    l.values = values;
  }
  function paintBars(l, values, before) {
    const [low, high] = l.row ? (l.row.range ?? bounds(values, before)) : [0, 1],
      at = (v) => Math.round((HIGH * (high - Math.max(low, Math.min(high, v)))) / (high - low)),
      zero = at(0);
    let bars = "",
      ticks = "";
    for (let t = 0; t < values.length; t++) {
      const v = values[t],
        end = at(v),
        from = edges[t] + 1,
        to = edges[t + 1] - 2;
      if (Number.isNaN(v)) continue;
      if (end !== zero) bars += `M${from} ${zero}V${end}H${to}V${zero}z`;
      if (v !== before[t]) ticks += `M${from} ${at(before[t])}H${to}`;
    }
    put(l.bars, "d", bars);
    put(l.ticks, "d", ticks);
  }
  function paintHeld(l) {
    const held = l.key in store.held;
    if (held || l.held)
      l.cells.forEach((cell, t) => cell.classList.toggle("lc-held", store.heldAt(l.key, t, l.unit)));
    l.held = held;
  }
  function bounds(...all) {
    let most = 1;
    for (const values of all)
      for (const v of values) if (Number.isFinite(v)) most = Math.max(most, Math.abs(v));
    return [-most, most];
  }

  // Where one stands: a column and, in it, a cell.

  function stand() {
    const r = Math.max(
      0,
      lines.findIndex(
        (l) => l.key === (chosen.key ?? WORD) && (l.unit ?? null) === (l.row ? chosen.unit : null),
      ),
    );
    const now = `${r} ${store.step}`;
    if (now === here) return;
    here = now;
    const cell = lines[0].cells[store.step],
      left = cell.offsetLeft - 84,
      right = cell.offsetLeft + cell.offsetWidth + 30;
    if (box.scrollLeft > left) box.scrollLeft = left;
    else if (box.scrollLeft + box.clientWidth < right) box.scrollLeft = right - box.clientWidth;
    lines.forEach((l, k) =>
      l.cells.forEach((cell, t) => {
        cell.classList.toggle("lc-here", t === store.step);
        cell.classList.toggle("lc-chosen", t === store.step && k === r && l.row !== null);
        cell.tabIndex = t === store.step && k === r ? 0 : -1;
      }),
    );
  }
  function go(r, t, { focus = true, aloud = false } = {}) {
    const l = lines[r];
    chosen = { key: l.row || l.key === LIKELY ? l.key : null, unit: l.unit ?? store.unit };
    store.look({ step: t, unit: chosen.unit });
    store.flush();
    choose(l.row ? l.key : null, aloud);
    if (focus) lines[r].cells[store.step].focus({ preventScroll: false });
  }
  const place = (el) => {
    const cell = el.closest?.(".lc-td");
    return cell && box.contains(cell) ? [+cell.dataset.r, +cell.dataset.t, cell] : null;
  };

  // Hands.

  box.addEventListener("keydown", (e) => {
    const at = place(e.target);
    if (!at) return;
    const [r, t] = at,
      l = lines[r],
      movable = l.row && !l.row.only,
      put = (v) => store.hold(l.key, t, t, v, l.unit);
    const to = {
      ArrowRight: [r, t + 1],
      ArrowLeft: [r, t - 1],
      ArrowDown: [r + 1, t],
      ArrowUp: [r - 1, t],
      Home: [r, 0],
      End: [r, store.steps - 1],
    }[e.key];
    if (to) go(within(to[0], [0, lines.length - 1]), within(to[1], [0, store.steps - 1]));
    else if (e.key === "Enter" || e.key === " ") go(r, t, { aloud: true });
    else if (movable) {
      const [low, high] = spec.ranges[l.key],
        grid = (high - low) / 40;
      const by = { "+": grid, "=": grid, "-": -grid, "−": -grid, PageUp: 5 * grid, PageDown: -5 * grid }[
        e.key
      ];
      if (by) put(hundredths(within(store.read(l.key, { step: t, unit: l.unit }) + by, [low, high])));
      else if (e.key === "1" || e.key === "0") put(+e.key);
      else if (e.key === "Delete" || e.key === "Backspace") put(NaN);
      else return;
    } else return;
    e.preventDefault();
  });

  // A pointer that goes up or down moves the number; one that goes along marks a span. A finger scrolls, until it has chosen.
  box.addEventListener("pointerdown", (e) => {
    const at = place(e.target);
    if (!at || e.button) return;
    const [r, t, cell] = at,
      l = lines[r],
      ready = e.pointerType !== "touch" || cell.classList.contains("lc-chosen");
    go(r, t);
    e.preventDefault();
    if (!l.row || l.row.only || !ready) return;
    const [low, high] = spec.ranges[l.key],
      from = store.read(l.key),
      x = e.clientX,
      y = e.clientY,
      { left, width } = cell.getBoundingClientRect();
    let way = null;
    cell.setPointerCapture(e.pointerId);
    const move = (m) => {
      const [dx, dy] = [m.clientX - x, y - m.clientY];
      way ??= Math.max(Math.abs(dx), Math.abs(dy)) < 5 ? null : Math.abs(dx) > Math.abs(dy) ? "along" : "up";
      if (way === "up")
        store.hold(l.key, t, t, hundredths(within(from + (dy * (high - low)) / 200, [low, high])), l.unit);
      if (way === "along") {
        const other = within(t + Math.floor((m.clientX - left) / width), [0, store.steps - 1]);
        marked({ name: l.key, unit: l.unit, first: Math.min(t, other), last: Math.max(t, other) });
      }
    };
    cell.addEventListener("pointermove", move);
    cell.addEventListener("lostpointercapture", () => cell.removeEventListener("pointermove", move), {
      once: true,
    });
  });

  return {
    paint,
    back() {
      if (chosen.key === null) return false;
      chosen = { key: null, unit: store.unit };
      here = null;
      choose(null);
      store.look({});
      return true;
    },
  };
}

const signed = { "loss without it": true };
const signedNumber = (v) => (v >= 0.005 ? "+" : "") + shown(v);
