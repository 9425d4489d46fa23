// A number that one takes in hand: dragged up and down, or across.

function draggable(el, { read, range, write, across = false }) {
  el.style.touchAction = "none";
  el.style.cursor = across ? "ew-resize" : "ns-resize";
  el.addEventListener("pointerdown", (e) => {
    if (e.button) return;
    const [low, high] = range(),
      begun = [e.clientX, e.clientY],
      from = read();
    let moved = false;
    el.setPointerCapture(e.pointerId);
    const move = (m) => {
      const way = across ? m.clientX - begun[0] : begun[1] - m.clientY;
      if (!moved && Math.abs(way) < 3) return;
      moved = true;
      write(hundredths(within(from + (way * (high - low)) / 240, [low, high])));
    };
    el.addEventListener("pointermove", move);
    const end = () => {
      el.removeEventListener("pointermove", move);
      if (moved)
        el.addEventListener("click", (c) => c.stopImmediatePropagation(), { once: true, capture: true });
    };
    el.addEventListener("lostpointercapture", end, { once: true });
  });
}

// The same for the keyboard and for those who cannot see it: a slider. What is returned brings its text up to date.
function movable(el, { label, read, range, write, free = null, across = false }) {
  draggable(el, { read, range, write, across });
  el.setAttribute("role", "slider");
  el.addEventListener("keydown", (e) => {
    const [low, high] = range(),
      grid = e.shiftKey ? 0.01 : (high - low) / 40;
    const up = {
      ArrowUp: grid,
      ArrowDown: -grid,
      PageUp: 5 * grid,
      PageDown: -5 * grid,
      ...(across && { ArrowRight: grid, ArrowLeft: -grid }),
    }[e.key];
    if (up) write(hundredths(within(read() + up, [low, high])));
    else if ((e.key === "Delete" || e.key === "Backspace") && free) free();
    else return;
    e.preventDefault();
  });
  let told = "";
  return () => {
    const [low, high] = range(),
      v = read(),
      text = label(),
      all = `${text} ${v} ${low} ${high}`;
    if (all === told) return;
    told = all;
    put(el, "aria-valuemin", Math.min(low, v));
    put(el, "aria-valuemax", Math.max(high, v));
    put(el, "aria-valuenow", hundredths(v));
    put(el, "aria-label", text);
    put(el, "aria-valuetext", `${text}: ${shown(v)}`);
  };
}
