// The laboratory of a sentence in a page: the words, the units at each, what is expected, and what one holds.

function makeSentence(root, store) {
  const { spec } = store,
    of = spec.joiner ? "words" : "symbols";
  const status = make("p", { class: "lc-say", role: "status" }),
    link = make("span", { class: "lc-link" }),
    alt = make("p", { class: "lc-alt" });
  const table = make("div", {
    class: "lc-words",
    role: "grid",
    "aria-label": "the sentence, and the units in view at each word",
  });
  const said = make("div", { class: "lc-explain" }),
    next = make("div", { class: "lc-expected" }),
    all = make("div", {});
  const say = (text) => (status.textContent = text);
  let span = null;

  // The sentence

  const typing = sentenceField(
    `the sentence, ${of} that the network knows`,
    spec.examples,
    (text, mended) => {
      const { words, bad } = store.parse(text);
      if (bad) say(`${bad} The sentence in the table stays as it was.`);
      else if (mended) say("");
      if (bad || words.join() === store.words.join()) return bad;
      const held = store.changed();
      span = null;
      store.readWords(words);
      say(held ? "What was held has been let go: it was held at other words." : "");
    },
  );

  // What is held

  const silence = (unit) => {
    const off = store.silent(unit);
    store.hold(spec.output, 0, store.steps - 1, off ? NaN : 0, unit);
    say(off ? `Unit ${unit} speaks again.` : `Unit ${unit} is silenced: nothing reads it, at any word.`);
  };
  const whose = make("select", { "aria-label": "of which units" });
  const known = {
    one: () => [store.unit],
    shown: () => store.shownUnits,
    all: () => Array.from({ length: store.units }, (_, u) => u),
  };
  const names = spec.rows.filter((r) => !r.only).map((r) => r.key);
  const holding = holdView(store, {
    say,
    names,
    gate: (name) => spec.rows.find((r) => r.key === name)?.gate,
    marked: (s) => (span = { ...s, unit: s.unit ?? store.unit }),
    whose: () => ({
      units: known[whose.value](),
      of:
        whose.value === "one"
          ? ` of unit ${store.unit}`
          : whose.value === "all"
            ? " of all units"
            : " of the units in view",
    }),
  });
  holding.el.firstChild.nextSibling.after(make("span", {}, "of"), whose);
  whose.append(
    ...["one", "shown", "all"].map((v) =>
      make("option", { value: v }, { one: "unit", shown: "the units in view", all: "all units" }[v]),
    ),
  );
  const go = pushButton("let all go", () => {
    span = null;
    store.letGo();
    say("Nothing is held any more.");
  });
  holding.el.append(go);

  const choose = (key, aloud) => {
    explain.show(key);
    if (
      key &&
      names.includes(key) &&
      !(
        span &&
        span.name === key &&
        span.unit === store.unit &&
        store.step >= span.first &&
        store.step <= span.last
      )
    ) {
      span = null;
      holding.aim(key, store.step, store.step);
    }
    if (aloud) say(key ? explain.text() : `After ${store.wordAt(store.step)}: ${expected.text()}.`);
  };
  const explain = explainView(said, store);
  const view = tableView(table, store, {
    choose,
    silence,
    span: () => span,
    marked: (s) => ((span = s), holding.aim(s.name, s.first, s.last), store.look({})),
  });
  const expected = expectedView(next, store);
  const units = unitsView(all, store, { silence });

  const top = titleBar(titled(spec.title), link, () => {
    span = null;
    store.reset();
    say("All is as it was at the start.");
  });
  const details = make(
    "details",
    { open: true, ontoggle: () => details.open && units.rest() },
    make("summary", {}, `all ${store.units} units`),
    all,
  );
  settle(root, store, {
    parts: [
      top,
      typing.el,
      status,
      make("div", { class: "lc-two" }, table, next),
      holding.el,
      said,
      details,
      alt,
    ],
    link,
    back: view.back,
    paint() {
      view.paint();
      expected.paint();
      explain.paint();
      holding.paint();
      units.paint();
      write(whose.options[0], `unit ${store.unit}`);
      put(go, "aria-disabled", !store.changed());
      typing.show(store.text());
    },
    rest() {
      if (details.open) units.rest();
      alt.textContent = `The sentence is: ${store.text()}. After ${of.slice(0, -1)} ${store.step + 1}, ${store.wordAt(store.step)}: ${expected.text()}.`;
    },
  });
  alt.id = `${root.dataset.key}-now`;
  table.setAttribute("aria-describedby", alt.id);
  explain.show(null);
  store.flush();
}

const begin = (key, cell, spec) => enliven(key, () => newReading(cell, spec), makeSentence);
