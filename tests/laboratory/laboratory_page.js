// What a page should not have: parts without a name, sliders that do not say their value, text and lines too faint.
() => {
  const all = (s) => [...document.querySelectorAll(s)],
    start = (e) => e.outerHTML.slice(0, 90);
  const named = (e) =>
    e.getAttribute("aria-label") ||
    e.textContent.trim() ||
    e.labels?.length ||
    e.getAttribute("aria-labelledby");
  const nameless = all('button, input, select, [role=slider], [role=button], [tabindex="0"], svg[role]');
  const unsaid = all("[role=slider]").filter(
    (e) => !e.getAttribute("aria-valuetext") || e.getAttribute("aria-valuenow") === null,
  );

  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (...colours) => {
    for (const colour of colours) {
      pen.fillStyle = colour; // what can be seen through lies over what was there
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => {
    const [r, g, b] = rgb(...[colour].flat()).map((v) =>
      v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const style = (e, what) => getComputedStyle(e)[what];
  const ground = style(document.querySelector(".lc-lab"), "backgroundColor");
  const module = document.querySelector(".module")
    ? style(document.querySelector(".module"), "fill")
    : ground;
  const faint = (s, what, behind, least) =>
    all(s)
      .filter((e) => e.textContent.trim() || what === "stroke")
      .filter((e) => ratio(style(e, what), behind) < least)
      .map(start);
  return {
    nameless: nameless.filter((e) => !named(e)).map(start),
    unsaid: unsaid.map(start),
    faint: [
      ...faint(".lc-lab :is(span, button, p, output, input, select, legend, summary)", "color", ground, 4.5),
      ...faint("[data-line] .w", "stroke", module, 3),
      ...faint(".lc-line", "stroke", ground, 3),
      ...faint(".n", "fill", module, 4.5),
      ...all(".lc-td")
        .filter((e) => {
          const behind = [
            ground,
            style(e, "backgroundColor"),
            e.querySelector("i") ? style(e.querySelector("i"), "backgroundColor") : "transparent",
          ];
          return e.textContent && ratio(style(e, "color"), behind) < 4.5;
        })
        .map(start),
    ],
    moving: all(".lc-lab *")
      .filter((e) => parseFloat(style(e, "transitionDuration")) > 0)
      .map(start),
  };
};
