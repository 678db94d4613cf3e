// The page works without this; with it, it keeps itself up to date.
"use strict";

const POLL = 3000; // milliseconds between two looks at a page that may change
const MOST = 5000; // lines of a stage that stay in the page

// Put new elements in the place of old ones with the same id, but only those that differ, and
// leave the focus where it is.
function swap(next) {
  const old = document.getElementById(next.id);
  if (!old || old.outerHTML === next.outerHTML) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && (focused.id ? `#${CSS.escape(focused.id)}` : selector(focused));
  const open = [...old.querySelectorAll("details")].map((part) => part.open);
  old.replaceWith(next);
  next.querySelectorAll("details").forEach((part, at) => { part.open = open[at] ?? part.open; });
  if (place) next.querySelector(place)?.focus({ preventScroll: true });
}

function selector(element) {
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  return element.form ? `form[action="${CSS.escape(element.form.getAttribute("action"))}"] button` : "";
}

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// Parts of a page that may change by themselves: asked for anew while someone looks.
function keepFresh() {
  if (!document.querySelector("[data-live]")) return;
  let asking = false;
  const look = async () => {
    if (document.hidden || asking) return;
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) parse(await answer.text()).querySelectorAll("[data-live]").forEach(swap);
    } catch {
      // The server is away: the next look may find it.
    } finally {
      asking = false;
    }
  };
  setInterval(look, POLL);
  document.addEventListener("visibilitychange", look);
}

// The log and the picture of a run that is under way. The browser itself comes back after a lost
// connection, and says which event it had last.
function follow() {
  const run = document.querySelector("[data-stream]");
  if (!run) return;
  const source = new EventSource(run.dataset.stream);
  source.addEventListener("log", (event) => {
    const { stage, html } = JSON.parse(event.data);
    append(run, stage, html);
  });
  source.addEventListener("state", (event) => {
    const next = parse(event.data);
    document.title = next.getElementById("run-state").dataset.title;
    next.querySelectorAll(".bars .is-failed a").forEach((bar) => openOnce(bar.hash.slice(1)));
    next.querySelectorAll("[data-part]").forEach(swap);
  });
  source.addEventListener("end", () => source.close());
}

function append(run, stage, html) {
  const part = run.querySelector(`[data-stage="${CSS.escape(stage)}"]`);
  if (!part) return;
  if (part.hidden) openOnce(part.id);
  const lines = part.querySelector(".lines");
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  lines.insertAdjacentHTML("beforeend", html);
  while (lines.childElementCount > MOST) lines.firstElementChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
  const count = part.querySelector(".count");
  const added = html.split("\n").length - 1;
  const total = parseInt(count.textContent, 10) + added;
  count.textContent = `${total} line${total === 1 ? "" : "s"}`;
}

// The log of a stage that begins to print, or has failed, is opened once; what the reader closes
// stays closed.
const opened = new Set();
function openOnce(id) {
  const part = document.getElementById(id);
  if (!part || opened.has(id)) return;
  opened.add(id);
  show(part);
}

function show(part) {
  part.hidden = false;
  part.open = true;
}

// A link to a log opens it.
function reveal() {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part instanceof HTMLDetailsElement) {
    show(part);
    part.scrollIntoView({ block: "start" });
    const lines = part.querySelector(".lines");
    if (lines) lines.scrollTop = lines.scrollHeight;
  }
}

// "3 min ago" goes on; the exact time is said where the reader lives.
function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
  const [size, unit, small, smallUnit] = units.find(([length]) => seconds >= length);
  const rest = Math.floor((seconds % size) / small);
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${smallUnit}` : ""} ago`;
}

function tellTimes() {
  document.querySelectorAll("time[data-at]").forEach((element) => {
    const at = Number(element.dataset.at);
    element.textContent = ago(Math.max(0, Date.now() / 1000 - at));
    element.title = new Date(at * 1000).toLocaleString();
  });
}

keepFresh();
follow();
reveal();
window.addEventListener("hashchange", reveal);
setInterval(tellTimes, 20000);
