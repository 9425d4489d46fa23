// What a value is: its equation, then the same with the numbers in it. Weights and inputs can be moved right there.

function explainView(box, store) {
  const { spec } = store;
  const MOST = 6;
  let key = null,
    filled = [],
    shape = "";

  const left = (k) => spec.words[k].left ?? "";

  // Numbers in place of names. A product with a matrix is a sum over its rows.
  function fill(el, row = null) {
    for (const child of [...el.children]) {
      if (child.classList.contains("lc-dot")) product(child, row);
      else if (child.dataset.v) one(child, row);
      else fill(child, row);
    }
    return el;
  }
  function product(el, row) {
    const names = [...el.querySelectorAll("[data-v]")].map((v) => v.dataset.v);
    const matrix = names
      .map((k) => spec.tables[k] ?? store.values[k])
      .find((a, i) => a?.shape.length === 2 && !spec.starts.includes(names[i]));
    const rows = matrix ? matrix.shape[0] : 1;
    if (rows > MOST) return; // too many to be written out: the names stay
    if (rows < 2) return void fill(el, matrix ? 0 : row);
    const parts = Array.from({ length: rows }, (_, k) => fill(el.cloneNode(true), k));
    el.replaceChildren(...parts.flatMap((part, k) => (k ? [" + ", part] : [part])));
  }
  function one(el, row) {
    const k = el.dataset.v,
      number = make("span", { class: "lc-number", "data-key": k });
    const read = () => store.read(k, { row }),
      name = el.textContent,
      bare = opens(el);
    const text = () =>
      read() === undefined ? name : read() < 0 && !bare ? `(${shown(read())})` : shown(read());
    const to = store.target(k);
    let update = () => {};
    if (to && to.kind !== "hold") {
      number.tabIndex = 0;
      number.classList.add("lc-moves");
      const said = spec.words[k]?.said ?? k;
      update = movable(number, {
        label: () => (row !== null && store.units > 1 ? `${said}, row ${row + 1}` : said),
        read,
        range: () => store.range(k),
        write: (v) => store.move(k, v, { row: row ?? 0 }),
        across: true,
      });
    }
    el.replaceWith(number);
    filled.push(() => {
      write(number, text());
      update();
    });
  }

  // Whether a number with a sign can stand here without brackets: behind a bracket or a comma, or in the beginning.
  function opens(el) {
    if (el.nextSibling?.nodeName === "SUP") return false;
    while (!el.previousSibling && el.parentNode?.matches?.("span")) el = el.parentNode;
    return !el.previousSibling || /[(,]\s*$/.test(el.previousSibling.textContent);
  }

  function build() {
    filled = [];
    shape = signature();
    const word = key && spec.words[key];
    if (!word) {
      box.replaceChildren(make("p", { class: "lc-hint", html: spec.hint }));
      return;
    }
    const result = () => shown(store.read(key));
    const last = make("span", { class: "lc-result" });
    filled.push(() => write(last, result()));
    const name = left(key);
    if (!word.whole) {
      box.replaceChildren(
        row(make("span", { html: name }), " = ", last),
        make("p", { class: "lc-hint", html: about() }),
      );
      return;
    }
    const to = store.target(key),
      held = to?.kind === "hold" && store.heldAt(to.name, to.step);
    const rows = [
      row(...(name ? [make("span", { html: name }), " = "] : []), make("span", { html: word.whole })),
    ];
    rows.push(row("= ", fill(make("span", { html: word.whole }))));
    const short = fill(make("span", { html: word.last }));
    if (word.last !== word.whole) rows.push(row("= ", short, " = ", last));
    else rows.at(-1).append(" = ", last);
    if (held) {
      const own = make("span", { class: "lc-number" });
      filled.push(() => write(own, shown(store.read(`own:${key}`))));
      last.remove();
      rows.at(-1).append(own);
      rows.push(row(make("b", {}, "held at "), last, make("span", {}, ", whatever its equation gives")));
    }
    if (word.home) rows.push(make("p", { class: "lc-hint", html: `a part of ${left(word.home)}` }));
    box.replaceChildren(...rows);
  }
  const row = (...parts) => make("div", { class: "lc-row" }, ...parts);

  function about() {
    if (spec.inputs.includes(key))
      return "The input at this step. Drag it up and down, or draw the sequence below.";
    if (key.endsWith("@prev"))
      return store.step
        ? "The state as the step before left it; moved, it is held there."
        : "The state before the first step.";
    if (key === spec.clock) return "The number of the step, counted from 0.";
    return "";
  }

  // What the words depend on, beside the numbers.
  const signature = () =>
    [
      key,
      store.unit,
      store.step === 0,
      key &&
        store.target(key)?.kind === "hold" &&
        store.heldAt(store.target(key).name, store.target(key).step),
    ].join();

  return {
    get key() {
      return key;
    },
    show(k) {
      if (k === key) return;
      key = k in spec.words ? k : null;
      build();
      this.paint();
    },
    paint() {
      if (signature() !== shape) build();
      for (const f of filled) f();
    },
    text: () => box.innerText,
  };
}
