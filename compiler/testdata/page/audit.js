// What a page about a site must hold, as seen by the browser that shows it. The value is the list of faults.
(() => {
  const faults = [];
  const where = (e) => `<${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.className && e.className.baseVal === undefined ? "." + e.className : ""}> ${(e.textContent || "").trim().slice(0, 30)}`;

  // Width: only what says so may scroll sideways.
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, pre") && e.getBoundingClientRect().right > innerWidth + 0.5);
    faults.push(`${root.scrollWidth} pixels wide where there are ${innerWidth}: ${wide.slice(0, 3).map(where).join("; ")}`);
  }

  // Contrast of each piece of text with what it stands on (WCAG 2.2, 1.4.3: 4.5 to 1).
  const rgb = (s) => { const m = s.match(/[\d.]+/g) || []; return { c: m.slice(0, 3).map(Number), a: m.length > 3 ? Number(m[3]) : s === "none" ? 0 : 1 }; };
  const light = ({ c }) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const below = (e) => {
    for (let at = e; at; at = at.parentElement) {
      if (at instanceof SVGElement) {
        const box = at.tagName === "g" && at.querySelector(":scope > rect, :scope > circle");
        if (box) return rgb(getComputedStyle(box).fill);
        continue;
      }
      const bg = rgb(getComputedStyle(at).backgroundColor);
      if (bg.a > 0) return bg;
    }
    return { c: [255, 255, 255], a: 1 };
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (seen.has(e) || !n.data.trim() || ["STYLE", "TITLE", "title", "desc"].includes(e.tagName) || !e.checkVisibility()) continue;
    seen.add(e);
    const style = getComputedStyle(e);
    const r = ratio(rgb(e instanceof SVGElement ? style.fill : style.color), below(e));
    if (r < 4.5) faults.push(`contrast ${r.toFixed(2)}: ${where(e)}`);
    if (parseFloat(style.fontSize) < (e instanceof SVGElement ? 9 : 11)) faults.push(`text of ${style.fontSize}: ${where(e)}`);
  }

  // The picture: text inside its box, whatever fonts there are.
  for (const g of document.querySelectorAll("svg g")) {
    const box = g.querySelector(":scope > rect");
    if (!box) continue;
    const right = box.x.baseVal.value + box.width.baseVal.value;
    for (const t of g.querySelectorAll(":scope > text")) {
      const b = t.getBBox();
      if (b.x < box.x.baseVal.value || b.x + b.width > right) faults.push(`over its box: ${t.textContent}`);
    }
  }

  // Names, for those who hear the page.
  const named = (e) => (e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("")).trim();
  for (const e of document.querySelectorAll("nav, section, svg, [role=region], [role=img]")) if (!named(e)) faults.push(`no name: ${where(e)}`);
  for (const e of document.querySelectorAll("svg")) if (!e.querySelector(":scope > title")?.textContent || !e.querySelector(":scope > desc")?.textContent) faults.push(`no title or text: ${where(e)}`);
  for (const e of document.querySelectorAll("table")) if (!e.caption?.textContent && !named(e.parentElement)) faults.push(`no caption: ${where(e)}`);
  for (const e of document.querySelectorAll("th")) if (!e.closest(".chapter") && !e.scope && e.closest("section")?.id !== "runbook") faults.push(`no scope: ${where(e)}`);
  for (const e of document.querySelectorAll("a, summary")) if (!e.textContent.trim()) faults.push(`nothing to read: ${e.outerHTML}`);
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  if (!root.lang || !document.title) faults.push("no language, or no title");
  if (document.querySelectorAll("main, header, footer, nav").length !== 4) faults.push("not one of each landmark");

  // Whatever scrolls can be reached by keyboard, and nothing jumps the order.
  for (const e of document.querySelectorAll(".scroll, pre")) if (e.scrollWidth > e.clientWidth && e.tabIndex !== 0) faults.push(`scrolls, but not by keyboard: ${where(e)}`);
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) faults.push(`jumps the order: ${where(e)}`);
  if (performance.getEntriesByType("resource").length > 0) faults.push("it fetched something");
  return faults;
})()
