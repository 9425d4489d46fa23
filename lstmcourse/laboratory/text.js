// Symbols and text. Nothing here touches the page.

// How many letters must change to make one word of another.
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++)
      next.push(Math.min(row[k] + 1, next[k - 1] + 1, row[k - 1] + (a[i - 1] !== b[k - 1])));
    row = next;
  }
  return row[b.length];
}

// Text to symbols; what is wrong with it, in a sentence.
function parsed(text, { symbols, joiner, unknown, longest }) {
  const parts = joiner
      ? text
          .toLowerCase()
          .replace(/([.,;:!?])/g, " $1 ")
          .split(/\s+/)
          .filter(Boolean)
      : [...text],
    of = joiner ? "words" : "symbols";
  const exact = joiner ? text.split(/\s+/).filter(Boolean) : parts,
    index = new Map(symbols.map((s, k) => [s, k]));
  const use = exact.every((p) => index.has(p)) ? exact : parts;
  if (!use.length) return { bad: `There is nothing to read: type at least one ${of.slice(0, -1)}.` };
  if (use.length > longest) return { bad: `${use.length} ${of} are too many: at most ${longest} fit here.` };
  const strange = [...new Set(use.filter((p) => !index.has(p)))];
  if (strange.length && unknown === null) {
    const near = symbols
      .filter((s) => s.length > 1 || !joiner)
      .sort((a, b) => distance(a, strange[0]) - distance(b, strange[0]))
      .slice(0, 3);
    const more = strange.length > 1 ? ` (and ${strange.length - 1} more that it does not know)` : "";
    return {
      bad: `The network has never seen “${strange[0]}”${more}: it knows ${symbols.length} ${of}, ${near.map((s) => `“${s}”`).join(", ")} among them.`,
    };
  }
  return { words: use.map((p) => index.get(p) ?? unknown) };
}

// A symbol that one can see.
const visible = (symbol) => ({ " ": "␣", "\n": "⏎", "\t": "⇥" })[symbol] ?? symbol;
