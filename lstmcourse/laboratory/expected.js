// What the network expects after the word in view: the likeliest answers, before and now.

function expectedView(box, store) {
  const { spec } = store,
    MOST = 8;
  const title = make("p", { class: "lc-after" }),
    list = make("div", { class: "lc-answers", role: "table", "aria-label": "what is expected next" });
  const key = make(
    "p",
    { class: "lc-hint lc-key" },
    make("i", { class: "lc-was" }),
    "before ",
    make("i", { class: "lc-is" }),
    "now",
  );
  box.append(title, list, key);
  let shownAt = "";
  const lines = Array.from({ length: MOST }, () => {
    const word = make("span", { role: "rowheader" }),
      was = make("i", { class: "lc-was" }),
      is = make("i", { class: "lc-is" }),
      told = make("span", { role: "cell" });
    const el = make(
      "div",
      { role: "row", class: "lc-answer" },
      word,
      make("span", { class: "lc-bars", "aria-hidden": "true" }, was, is),
      told,
    );
    return { el, word, was, is, told };
  });
  list.append(...lines.map((l) => l.el));

  // The likeliest before, and what has become likely; the order is that of before, so that nothing jumps in one's hand.
  function chosen(p, q) {
    const top = (a, n) => {
      const found = [];
      for (let k = 0; k < a.length; k++) {
        if (found.length === n && a[k] <= a[found[n - 1]]) continue;
        let at = Math.min(found.length, n - 1);
        for (; at > 0 && a[found[at - 1]] < a[k]; at--) found[at] = found[at - 1];
        found[at] = k;
      }
      return found;
    };
    const first = top(q, MOST - 3),
      more = top(p, MOST).filter((k) => !first.includes(k));
    return [...first, ...more].slice(0, Math.min(MOST, q.length)).sort((i, j) => q[j] - q[i]);
  }
  const stretch = (bar, share) => put(bar, "style", `width:${(100 * share).toFixed(1)}%`);
  function paint() {
    const p = store.expected[store.step],
      q = store.expectedBefore[store.step],
      changed = store.changed();
    const at = `${store.step} ${store.words.join()}`;
    if (at !== shownAt) {
      const from = Math.max(0, store.step - 3),
        words = store.words.slice(from, store.step).map((_, k) => store.wordAt(from + k));
      title.replaceChildren(
        `After ${from ? "… " : ""}${words.join(spec.joiner)}${words.length ? spec.joiner || "" : ""}`,
        make("strong", {}, store.wordAt(store.step)),
        spec.answers ? " it says" : " it expects",
      );
      shownAt = at;
    }
    const answers = chosen(p, q);
    lines.forEach((l, k) => {
      l.el.hidden = k >= answers.length;
      if (l.el.hidden) return;
      const a = answers[k];
      write(l.word, visible(store.answers[a]));
      l.el.classList.toggle("lc-next", !spec.answers && store.words[store.step + 1] === a);
      stretch(l.was, q[a]);
      stretch(l.is, p[a]);
      l.was.hidden = !changed;
      write(l.told, changed ? `${shown(q[a])} → ${shown(p[a])}` : shown(q[a]));
    });
    key.hidden = !changed;
  }
  return {
    paint,
    text() {
      const p = store.expected[store.step],
        q = store.expectedBefore[store.step];
      return chosen(p, q)
        .slice(0, 4)
        .map(
          (k) =>
            `${visible(store.answers[k])} ${store.changed() ? `${shown(q[k])}, now ` : ""}${shown(p[k])}`,
        )
        .join("; ");
    },
  };
}
