// All units: what can be read off each, what is lost without it, and what it does at the word in view. Sorted by one of these.

function unitsView(box, store, { silence }) {
  const { spec } = store,
    HERE = "here",
    UNIT = "unit",
    columns = Object.keys(spec.probes),
    body = make("tbody");
  const about = {
    "loss without it":
      "rise of the loss in nats a word when the unit is silenced, on sentences of the test split",
    [HERE]:
      "how much of the probability of what comes next moves when the unit is silenced, at the word in view",
  };
  const told = (what) =>
    about[what] ??
    `share of the words of test sentences at which one threshold on the unit's state tells the ${what}; 0.5 is chance`;
  let by = columns[0] ?? HERE,
    effects = null,
    order = "";
  const heads = [UNIT, ...columns, HERE].map((what) => {
    const text = what === UNIT ? "unit" : what === HERE ? "effect here" : what;
    const sorted = () => ((by = what), sort());
    const button = pushButton(text, sorted, { title: what === UNIT ? "its number" : told(what) });
    return { what, th: make("th", { scope: "col" }, button) };
  });
  const rows = Array.from({ length: store.units }, (_, unit) => {
    const view = make("input", {
      type: "checkbox",
      "aria-label": `show unit ${unit}`,
      onchange: () => show(unit, view.checked),
    });
    const quiet = pushButton("silence", () => silence(unit), { "aria-label": `silence unit ${unit}` });
    const cells = Object.fromEntries(
      [...columns, HERE].map((what) => [what, make("td", { class: "lc-meter" }, make("i"), make("span"))]),
    );
    const tr = make(
      "tr",
      {},
      make("th", { scope: "row" }, make("label", {}, view, ` ${unit}`)),
      ...Object.values(cells),
      make("td", {}, quiet),
    );
    for (const what of columns) fill(cells[what], spec.probes[what][unit], what);
    return { unit, view, quiet, cells, tr };
  });
  function fill(td, v, what) {
    const plain = !(what in signed) && what !== HERE,
      most = plain ? 1 : what === HERE ? 1 : Math.max(0.01, ...spec.probes[what]);
    td.firstChild.style.setProperty("--lc-share", within(plain ? 2 * v - 1 : v / most, [0, 1]).toFixed(2));
    write(td.lastChild, what in signed ? signedNumber(v) : shown(v));
  }
  function show(unit, on) {
    store.shownUnits = on ? [...store.shownUnits, unit] : store.shownUnits.filter((u) => u !== unit);
    store.look(on ? { unit } : {});
  }
  const value = (unit, what) =>
    what === UNIT
      ? -unit
      : what === HERE
        ? effects
          ? effects[unit][store.step]
          : 0
        : spec.probes[what][unit];
  function sort() {
    for (const { what, th } of heads)
      th.setAttribute("aria-sort", what === by ? (what === UNIT ? "ascending" : "descending") : "none");
    const sorted = [...rows].sort((a, b) => value(b.unit, by) - value(a.unit, by) || a.unit - b.unit),
      now = sorted.map((r) => r.unit).join();
    if (now !== order && !body.contains(document.activeElement))
      body.replaceChildren(...sorted.map((r) => r.tr)), (order = now);
  }
  const scroll = make(
    "div",
    { class: "lc-units-scroll", tabindex: 0, role: "region", "aria-label": "all units" },
    make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((h) => h.th), make("td"))), body),
  );
  box.append(scroll);
  let of = null;
  return {
    paint() {
      for (const { unit, view, quiet } of rows) {
        view.checked = store.shownUnits.includes(unit);
        put(quiet, "aria-pressed", store.silent(unit));
      }
      if (of !== store.words.join()) effects = null;
    },
    // The effects take a pass for each unit: they wait until the hand rests.
    rest() {
      if (!effects) {
        effects = store.effects();
        of = store.words.join();
      }
      for (const { unit, cells } of rows) fill(cells[HERE], effects[unit][store.step], HERE);
      sort();
    },
  };
}
