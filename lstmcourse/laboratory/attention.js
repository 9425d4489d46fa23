// Where a translator looks: a sentence that one types, what it writes of it, and the share of each word for each.

// What it knows. Nothing of this touches the page.
function newAttention({ encoder, decoder }, spec) {
  const weights = unpacked(spec.weights),
    store = observed({ spec, words: [...spec.words], row: -1, column: -1 });
  const part = (name) => Object.fromEntries(spec[name].map((own) => [own, weights[`${name}.${own}`]]));
  const encoding = part("encoder"),
    decoding = part("decoder");
  const vector = (name, k) => {
    const { shape, data } = weights[name];
    return data.subarray(k * shape[1], (k + 1) * shape[1]);
  };

  // The annotations of all words, laid out for as many as fit.
  function annotations() {
    const T = store.words.length,
      x = new Float64Array(T * spec.width);
    store.words.forEach((k, t) => x.set(vector("source.E", k), t * spec.width));
    const h = encoder({ params: encoding, [spec.reads]: { shape: [T, 1, spec.width], data: x } })[
      spec.annotated
    ];
    const wide = h.shape[2],
      data = new Float64Array(spec.longest * wide);
    data.set(h.data);
    return { shape: [1, spec.longest, wide], data };
  }

  // The likeliest word, again and again: the read-out reads the state, what is seen, and the word before.
  store.write = () => {
    const given = { params: decoding, [spec.annotations]: annotations() },
      V = weights["readout.V"],
      width = V.shape[1];
    if (spec.count) given[spec.count] = { shape: [1, 1], data: Float64Array.of(store.words.length) };
    store.written = [];
    store.shares = [];
    for (let symbol = 0; store.written.length < 2 * store.words.length + 10; ) {
      const y = vector("target.E", symbol),
        z = Float64Array.from(weights["readout.d"].data);
      const found = decoder({ ...given, [spec.follows]: { shape: [1, 1, y.length], data: y } });
      let row = 0;
      for (const values of [...spec.features.map((name) => found[name].data), y])
        for (const v of values)
          for (let k = 0, at = width * row++; k < width; k++) z[k] += v * V.data[at + k];
      symbol = z.indexOf(Math.max(...z));
      if (symbol === 0) break;
      store.written.push(symbol);
      store.shares.push(found[spec.shares].data.slice(0, store.words.length));
      given.state = Object.fromEntries(
        spec.states.map((name) => [name, { shape: found[name].shape.slice(1), data: found[name].data }]),
      );
    }
  };
  store.source = () => store.words.map((k) => visible(spec.symbols[k]));
  store.target = () => store.written.map((k) => visible(spec.targets[k]));
  store.text = () => store.words.map((k) => spec.symbols[k]).join(spec.joiner);

  store.read = (words, from) => {
    store.words = words;
    store.row = store.column = -1;
    store.write();
    store.changed(from);
  };
  store.told = () => ({ words: [...store.words] });
  store.take = (told, from) => store.read([...told.words], from);
  store.look = (row, column) => {
    if (row === store.row && column === store.column) return;
    store.row = row;
    store.column = column;
    store.repaint();
  };
  store.write();
  return store;
}

function makeAttention(root, store) {
  const { spec } = store,
    status = make("p", { class: "lc-say", role: "status" }),
    alt = make("p", { class: "lc-alt" }),
    said = make("p", { class: "lc-hint lc-looks" });
  const table = make("div", {
    class: "lc-words lc-map",
    role: "grid",
    "aria-label":
      "a row for each word that is written, a column for each that is read: the share of its look",
  });
  let chosen = [-1, -1],
    built = "",
    cells = [];

  // The sentence

  const typing = sentenceField("the sentence to translate", spec.examples, (text) => {
    const { words, bad } = parsed(text, spec);
    status.textContent = bad ? `${bad} The sentence in the map stays as it was.` : "";
    if (!bad && words.join() !== store.words.join()) store.read(words);
    return bad;
  });

  // The map: row and column -1 are the words themselves.

  function build() {
    built = `${store.words}|${store.written}`;
    const source = store.source(),
      target = store.target();
    const one = (r, c, role, text, more = "") =>
      make("div", { class: `lc-td ${more}`, role, tabindex: -1, "data-r": r, "data-c": c }, text);
    const row = (...parts) => make("div", { class: "lc-tr", role: "row" }, ...parts);
    const head = source.map((word, c) => one(-1, c, "columnheader", word, "lc-word"));
    cells = [head];
    const rows = target.map((word, r) => {
      const shares = source.map((_, c) => {
        const share = store.shares[r][c],
          cell = one(r, c, "gridcell", share < 0.005 ? "" : shown(share));
        cell.setAttribute("aria-label", `${word}, ${source[c]}: ${shown(share)}`);
        cell.style.setProperty("--lc-share", share.toFixed(3));
        return cell;
      });
      const name = one(r, -1, "rowheader", word, "lc-word");
      cells.push([name, ...shares]);
      return row(name, ...shares);
    });
    const widths = source.map((word) => `minmax(${Math.max(44, 8 * word.length + 10)}px, 1fr)`);
    const longest = Math.max(4, ...target.map((word) => word.length));
    table.style.setProperty("--lc-columns", `${9 * longest + 14}px ${widths.join(" ")}`);
    const corner = make("div", { class: "lc-th", role: "columnheader" }, "writes ↓ reads →");
    table.replaceChildren(
      make("div", { class: "lc-table", role: "rowgroup" }, row(corner, ...head), ...rows),
    );
    chosen = [-1, -1];
    cells[0][0].tabIndex = 0;
  }
  const at = (r, c) => (r < 0 ? cells[0][c] : cells[r + 1][c + 1]);

  // What one points at, or stands on: a word and its shares.

  const place = (el) => {
    const cell = el.closest?.(".lc-td");
    return cell && table.contains(cell) ? [+cell.dataset.r, +cell.dataset.c] : null;
  };
  table.addEventListener("pointerover", (e) => place(e.target) && store.look(...place(e.target)));
  table.addEventListener("pointerleave", () => store.look(...chosen));
  function go(r, c) {
    const last = [cells.length - 2, cells[0].length - 1];
    const to = [within(r, [-1, last[0]]), within(c, [-1, last[1]])];
    if (to[0] < 0 && to[1] < 0) return;
    for (const cell of table.querySelectorAll('[tabindex="0"]')) cell.tabIndex = -1;
    chosen = to;
    at(...to).tabIndex = 0;
    at(...to).focus();
    store.look(...to);
  }
  table.addEventListener("click", (e) => place(e.target) && go(...place(e.target)));
  table.addEventListener("focusin", (e) => {
    const here = place(e.target);
    if (here) store.look(...(chosen = here));
  });
  table.addEventListener("keydown", (e) => {
    const here = place(e.target);
    if (!here) return;
    const [r, c] = here,
      end = cells[0].length - 1;
    const to = {
      ArrowRight: [r, c + 1],
      ArrowLeft: [r, c - 1],
      ArrowDown: [r + 1, c],
      ArrowUp: [r - 1, c],
      Home: [r, 0],
      End: [r, end],
    }[e.key];
    if (to) go(...to);
    else if (e.key === "Enter" || e.key === " ") status.textContent = told(r, c);
    else return;
    e.preventDefault();
  });

  // In words: what a word that is written looks at, or where a word that is read is looked at.
  function told(r, c) {
    const source = store.source(),
      target = store.target(),
      byRow = r >= 0;
    if (!byRow && c < 0) return "";
    const shares = byRow ? [...store.shares[r]] : store.shares.map((row) => row[c]),
      names = byRow ? source : target;
    const top = shares
      .map((share, k) => [share, names[k]])
      .filter(([share]) => share >= 0.05)
      .sort((a, b) => b[0] - a[0])
      .map(([share, name]) => `${name} ${shown(share)}`);
    const list = top.join(", ") || "nothing, with a share of 0.05 or more";
    return byRow ? `“${target[r]}” looks at: ${list}.` : `“${source[c]}” is looked at by: ${list}.`;
  }

  const link = make("span", { class: "lc-link" }),
    top = titleBar(titled(spec.title), link, () => store.read([...spec.words]));
  settle(root, store, {
    parts: [top, typing.el, status, table, said, alt],
    link,
    back: () => {
      if (store.row < 0 && store.column < 0) return false;
      chosen = [-1, -1];
      store.look(...chosen);
      return true;
    },
    paint() {
      if (built !== `${store.words}|${store.written}`) build();
      const { row, column } = store;
      cells[0].forEach((cell, c) => {
        cell.style.setProperty("--lc-share", row < 0 ? 0 : store.shares[row][c].toFixed(3));
        cell.classList.toggle("lc-here", c === column);
      });
      cells.slice(1).forEach(([name, ...shares], r) => {
        name.style.setProperty("--lc-share", row < 0 && column >= 0 ? store.shares[r][column].toFixed(3) : 0);
        name.classList.toggle("lc-here", r === row);
        shares.forEach((cell, c) => cell.classList.toggle("lc-chosen", r === row && c === column));
      });
      said.textContent = told(row, column) || spec.hint;
      typing.show(store.text());
    },
    rest() {
      const lines = store.written.map((_, r) => told(r, -1));
      alt.textContent = `Translated: ${store.target().join(spec.joiner)}. ${lines.join(" ")}`;
    },
  });
  alt.id = `${root.dataset.key}-now`;
  table.setAttribute("aria-describedby", alt.id);
  store.flush();
}

const begin = (key, cells, spec) => enliven(key, () => newAttention(cells, spec), makeAttention);
