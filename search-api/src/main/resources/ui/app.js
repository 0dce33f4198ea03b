// The page. State lives in the URL: ?q= words, ?like= id, ?upload= number of a picture dropped in this tab, &mode=, &show= id.

const $ = (id) => document.getElementById(id);
const PAGE = 36;
const DEBOUNCE_MS = 180;
const WEAK_SCORE = 0.12;
const number = new Intl.NumberFormat("en");
const uploads = new Map(); // number → {blob, name, preview}

let hits = [];
let cursor = null;
let total = 0;
let answer = null;
let shownKey = null;
let running = null;
let typing = 0;
let documents = null;

/* theme */
const preferred = matchMedia("(prefers-color-scheme: dark)");
function paintTheme() {
  const saved = localStorage.getItem("theme");
  const dark = saved ? saved === "dark" : preferred.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}
$("theme").addEventListener("click", () => {
  localStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  paintTheme();
});
preferred.addEventListener("change", paintTheme);
paintTheme();

/* state */
function stateOf(url) {
  const p = new URL(url, location.href).searchParams;
  return { q: p.get("q") ?? "", like: p.get("like"), upload: p.get("upload"), mode: p.get("mode") ?? "vector", show: p.get("show") };
}
function urlOf(s) {
  const p = new URLSearchParams();
  if (s.q) p.set("q", s.q);
  if (s.like) p.set("like", s.like);
  if (s.upload) p.set("upload", s.upload);
  if (s.q && s.mode !== "vector") p.set("mode", s.mode);
  if (s.show) p.set("show", s.show);
  const text = p.toString();
  return text ? "/?" + text : "/";
}
const EMPTY = { q: "", like: null, upload: null, mode: "vector", show: null };
function go(change, replace) {
  const url = urlOf({ ...EMPTY, ...change });
  if (url === location.pathname + location.search) return render();
  history[replace ? "replaceState" : "pushState"]({ inside: true }, "", url);
  render();
}
addEventListener("popstate", render);

/* requests */
class Problem extends Error {
  constructor(title, detail, retry) { super(detail); this.title = title; this.retry = retry; }
}
async function ask(path, options, signal) {
  let response;
  try {
    response = await fetch(path, { ...options, signal });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Problem("No connection", "The search server does not answer. Is it still running?", true);
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Problem(problem.title ?? "Something went wrong", problem.detail ?? "The server answered " + response.status + ".", response.status >= 429);
}
function load(s, next, signal) {
  const p = new URLSearchParams({ k: PAGE });
  if (next) p.set("cursor", next);
  if (s.upload) {
    const form = new FormData();
    form.append("image", uploads.get(s.upload).blob, "picture");
    return ask("/v1/search?" + p, { method: "POST", body: form }, signal);
  }
  if (s.like) return ask(`/v1/images/${encodeURIComponent(s.like)}/similar?` + p, {}, signal);
  if (s.q.trim()) {
    p.set("q", s.q.trim());
    if (s.mode !== "vector") p.set("mode", s.mode);
    return ask("/v1/search?" + p, {}, signal);
  }
  return ask("/v1/images?k=" + PAGE, {}, signal);
}

/* render */
async function render() {
  const s = stateOf(location.href);
  const home = !s.q.trim() && !s.like && !s.upload;
  document.body.classList.toggle("home", home);
  if (document.activeElement !== $("q") || !$("q").value.trim() !== !s.q) $("q").value = s.q;
  $("modes").hidden = !s.q.trim();
  for (const radio of document.querySelectorAll("[name=mode]")) radio.checked = radio.value === s.mode;
  showPicture(s);
  document.title = s.q ? s.q + " · Lenstream" : "Lenstream";

  const key = JSON.stringify([s.q.trim(), s.like, s.upload, s.q ? s.mode : ""]);
  if (key !== shownKey) await search(s, key, home);
  details(s);
}
async function search(s, key, home) {
  running?.abort();
  const mine = (running = new AbortController());
  shownKey = key;
  if (s.upload && !uploads.has(s.upload)) {
    hits = [];
    paint(home);
    return trouble("That picture is gone", "A picture you searched with stays in its tab only. Drop it here again.", false);
  }
  if (hits.length) $("results").classList.add("stale");
  else ghosts();
  $("search").classList.add("busy");
  try {
    const found = await load(s, null, mine.signal);
    answer = found;
    hits = found.hits;
    cursor = found.cursor ?? null;
    total = found.total;
    paint(home);
    if (home) chips();
  } catch (e) {
    if (e.name === "AbortError") return;
    hits = [];
    answer = null;
    paint(home);
    trouble(e.title ?? "Something went wrong", e.message, e.retry);
  } finally {
    if (running === mine) {
      $("results").classList.remove("stale");
      $("search").classList.remove("busy");
    }
  }
}
function showPicture(s) {
  const by = s.upload ?? s.like;
  $("picture").hidden = !by;
  $("q").placeholder = by ? "" : "Describe a picture";
  if (s.upload) {
    const upload = uploads.get(s.upload);
    if (upload) $("picture-image").src = upload.preview;
    $("picture-label").textContent = upload?.name ?? "picture";
  } else if (s.like) {
    $("picture-image").src = `/v1/images/${encodeURIComponent(s.like)}/thumbnail`;
    $("picture-label").textContent = "like this";
  }
}
function nameOf(hit) {
  const file = decodeURIComponent(hit.url.split("/").pop().split("?")[0].replace(/%(?![0-9a-f]{2})/gi, "%25"));
  return hit.title || hit.alt || hit.caption || file || hit.url;
}
function tile(hit, position) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "tile";
  node.dataset.id = hit.id;
  node.dataset.ratio = Math.min(3.6, Math.max(0.5, hit.width / hit.height || 1)).toFixed(3);
  const name = nameOf(hit);
  node.setAttribute("aria-label", name + (hit.score == null ? "" : `, score ${Math.round(hit.score * 100)} of 100`) + `, picture ${position + 1}`);
  const image = new Image();
  image.alt = "";
  image.decoding = "async";
  if (position > 24) image.loading = "lazy";
  image.addEventListener("load", () => image.classList.add("here"));
  image.src = hit.thumbnail;
  const label = document.createElement("span");
  label.className = "label";
  const text = document.createElement("b");
  text.textContent = name;
  label.append(text);
  node.append(image, label);
  if (hit.score != null) node.append(badge("score", Math.round(hit.score * 100)));
  if (hit.group_size > 1) node.append(badge("copies", `${hit.group_size} copies`));
  const item = document.createElement("div");
  item.setAttribute("role", "listitem");
  item.style.display = "contents";
  item.append(node);
  return item;
}
function badge(kind, text) {
  const node = document.createElement("span");
  node.className = kind;
  node.textContent = text;
  return node;
}
/* rows of one height that fill the width, each picture whole */
function justify() {
  const grid = $("results");
  const style = getComputedStyle(document.documentElement);
  const wanted = parseFloat(style.getPropertyValue("--row"));
  const gap = parseFloat(style.getPropertyValue("--gap"));
  const width = grid.clientWidth;
  let row = [];
  let ratios = 0;
  const lay = (height) => {
    for (const node of row) {
      node.style.height = height.toFixed(2) + "px";
      node.style.width = (height * node.dataset.ratio).toFixed(2) + "px";
    }
    row = [];
    ratios = 0;
  };
  for (const node of grid.querySelectorAll(".tile")) {
    row.push(node);
    ratios += Number(node.dataset.ratio);
    const height = (width - 0.5 - gap * (row.length - 1)) / ratios;
    if (height <= wanted * 1.12) lay(height);
  }
  if (row.length) lay(Math.min(wanted, (width - gap * (row.length - 1)) / ratios));
}
new ResizeObserver(justify).observe($("results"));
function ghosts() {
  const widths = [1.5, 1, 0.75, 1.3, 1.6, 0.8, 1.2, 1, 1.5, 0.75, 1.33, 1.1];
  $("results").replaceChildren(...widths.map((ratio) => {
    const node = document.createElement("div");
    node.className = "tile ghost";
    node.dataset.ratio = ratio;
    return node;
  }));
  justify();
  $("empty").hidden = $("more").hidden = $("note").hidden = true;
}
function paint(home, from = 0) {
  const tiles = hits.slice(from).map((hit, i) => tile(hit, from + i));
  if (from) $("results").append(...tiles);
  else $("results").replaceChildren(...tiles);
  justify();
  const s = stateOf(location.href);
  $("heading").textContent = home ? "Newest" : s.q ? `“${s.q.trim()}”` : s.like ? "More like this" : "Like your picture";
  $("heading").hidden = !hits.length;
  $("more").hidden = !cursor || home;
  $("empty").hidden = hits.length > 0;
  $("retry").hidden = true;
  if (!hits.length && answer) {
    $("empty-title").textContent = home ? "No pictures yet" : "Nothing found";
    $("empty-text").textContent = home
      ? "The index is empty. Start a crawl or index a folder, and pictures appear here as they come."
      : s.mode === "text" ? "No title, caption or alternative text holds these words. Try Looks or Both." : "The index has no picture for this search.";
  }
  const weak = s.q && s.mode === "vector" && hits.length && hits[0].score < WEAK_SCORE;
  $("note").hidden = !weak;
  if (weak) $("note").textContent = "No picture fits these words well. These come nearest.";
  status(home);
}
function status(home) {
  const parts = [];
  if (documents != null) parts.push(number.format(documents) + (documents === 1 ? " picture" : " pictures"));
  if (answer && !home) parts.push(`${number.format(hits.length)} of ${number.format(total)} shown`, `${answer.took_ms.toFixed(1)} ms`);
  $("status").textContent = parts.join(" · ");
}
function trouble(title, text, retry) {
  $("empty").hidden = false;
  $("heading").hidden = true;
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
  $("retry").hidden = !retry;
  if (retry) waitUntilReady();
}
let waiting = 0;
function waitUntilReady() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    if ($("retry").hidden) return;
    (await health()) ? again() : waitUntilReady();
  }, 2000);
}
function again() { shownKey = null; render(); }
$("retry").addEventListener("click", again);
async function health() {
  try {
    documents = (await ask("/health/ready", {})).documents;
    status(document.body.classList.contains("home"));
    return true;
  } catch {
    return false;
  }
}

/* examples: short titles of pictures that are really there */
function chips() {
  if ($("chips").childElementCount) return;
  const names = [...new Set(hits.map((h) => (h.title || h.alt || "").trim().toLowerCase()).filter((n) => n.length > 2 && n.length <= 26 && !/\.\w{3,4}$/.test(n)))];
  for (let i = names.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [names[i], names[j]] = [names[j], names[i]];
  }
  $("chips").replaceChildren(...names.slice(0, 6).map((name) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = name;
    chip.addEventListener("click", () => { $("q").value = name; go({ q: name }); });
    return chip;
  }));
}

/* details */
function details(s) {
  const dialog = $("details");
  if (!s.show) return dialog.open && dialog.close();
  const known = hits.find((h) => h.id === s.show);
  if (known) return fill(known);
  ask("/v1/images/" + encodeURIComponent(s.show), {}).then(
    (hit) => stateOf(location.href).show === hit.id && fill(hit),
    (e) => { go({ ...s, show: null }, true); $("note").hidden = false; $("note").textContent = e.message; });
}
function fill(hit) {
  $("details-image").src = hit.thumbnail;
  $("details-image").alt = hit.alt || nameOf(hit);
  $("details-title").textContent = nameOf(hit);
  const alt = [hit.alt, hit.caption].filter((t) => t && t !== nameOf(hit)).join(" · ");
  $("details-alt").textContent = alt;
  $("details-alt").hidden = !alt;
  link($("details-page"), hit.page_url);
  link($("details-original"), hit.url);
  $("details-similar").onclick = () => go({ like: hit.id });
  const facts = [];
  if (hit.score != null) facts.push(["Score", meter(hit.score)]);
  if (hit.cosine != null) facts.push(["Cosine", hit.cosine.toFixed(4)]);
  facts.push(["Size", `${number.format(hit.width)} × ${number.format(hit.height)}` + (hit.frames > 1 ? `, ${hit.frames} frames` : "")]);
  facts.push(["Type", hit.mime.replace("image/", "").toUpperCase()]);
  facts.push(["Host", hit.host]);
  if (hit.credit) facts.push(["Credit", hit.credit]);
  if (hit.license) facts.push(["Licence", licence(hit.license)]);
  if (hit.published) facts.push(["Published", when(hit.published)]);
  facts.push(["Indexed", when(hit.indexed)]);
  if (hit.group_size > 1) facts.push(["Copies", String(hit.group_size)]);
  facts.push(["Encoder", mono(hit.fingerprint)], ["Id", mono(hit.id)]);
  $("details-facts").replaceChildren(...facts.flatMap(([name, value]) => {
    const dt = document.createElement("dt");
    dt.textContent = name;
    const dd = document.createElement("dd");
    dd.append(value);
    return [dt, dd];
  }));
  if (!$("details").open) $("details").showModal();
}
const web = (url) => /^https?:\/\//i.test(url ?? "");
function link(node, url) {
  node.hidden = !web(url);
  if (web(url)) node.href = url; else node.removeAttribute("href");
}
function licence(text) {
  if (!web(text)) return text;
  const a = document.createElement("a");
  a.href = text;
  a.target = "_blank";
  a.rel = "noopener noreferrer nofollow license";
  a.textContent = text.replace(/^https?:\/\//, "");
  return a;
}
function meter(score) {
  const box = document.createElement("span");
  const track = document.createElement("span");
  track.className = "meter";
  const fillBar = document.createElement("i");
  fillBar.style.width = Math.round(score * 100) + "%";
  track.append(fillBar);
  box.append(track, Math.round(score * 100) + " of 100");
  return box;
}
function mono(text) {
  const node = document.createElement("span");
  node.className = "mono";
  node.textContent = text;
  return node;
}
const when = (iso) => new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
function closeDetails() {
  const s = stateOf(location.href);
  if (!s.show) return;
  if (history.state?.inside) history.back();
  else go({ ...s, show: null }, true);
}
$("details-close").addEventListener("click", closeDetails);
$("details").addEventListener("cancel", (e) => { e.preventDefault(); closeDetails(); });
$("details").addEventListener("click", (e) => { if (e.target === $("details")) closeDetails(); });
$("details").addEventListener("close", () => {
  const tileNode = document.querySelector(`.tile[data-id="${CSS.escape(lastShown ?? "")}"]`);
  tileNode?.focus({ preventScroll: true });
});
let lastShown = null;
$("results").addEventListener("click", (e) => {
  const node = e.target.closest(".tile[data-id]");
  if (!node) return;
  lastShown = node.dataset.id;
  go({ ...stateOf(location.href), show: node.dataset.id });
});

/* paging */
$("more").addEventListener("click", async () => {
  const key = shownKey;
  const from = hits.length;
  $("more").disabled = true;
  try {
    const page = await load(stateOf(location.href), cursor);
    if (key !== shownKey) return;
    hits = hits.concat(page.hits);
    cursor = page.cursor ?? null;
    answer = page;
    paint(false, from);
    document.querySelectorAll(".tile")[from]?.focus({ preventScroll: true });
  } catch (e) {
    $("note").hidden = false;
    $("note").textContent = e.message;
  } finally {
    $("more").disabled = false;
  }
});

/* words */
$("q").addEventListener("input", () => {
  clearTimeout(typing);
  const s = stateOf(location.href);
  typing = setTimeout(() => {
    const q = $("q").value;
    if (!q.trim() && (s.like || s.upload)) return;
    go({ q: q.trim() ? q : "", mode: s.mode }, Boolean(s.q.trim()) && Boolean(q.trim())); // one history entry a search, not one a letter
  }, DEBOUNCE_MS);
});
$("search").addEventListener("submit", (e) => {
  e.preventDefault();
  clearTimeout(typing);
  const q = $("q").value.trim();
  if (q) go({ q, mode: stateOf(location.href).mode }, Boolean(stateOf(location.href).q));
});
$("modes").addEventListener("change", (e) => go({ q: stateOf(location.href).q, mode: e.target.value }, true));
$("picture-clear").addEventListener("click", () => { go({}); $("q").focus(); });
$("brand").addEventListener("click", (e) => {
  if (e.metaKey || e.ctrlKey || e.shiftKey) return;
  e.preventDefault();
  $("q").value = "";
  go({});
});

/* pictures */
function searchWith(blob, name) {
  if (!blob.type.startsWith("image/")) {
    $("note").hidden = false;
    $("note").textContent = "That is not a picture. JPEG, PNG, WebP, GIF and AVIF work.";
    return;
  }
  const key = String(uploads.size + 1);
  uploads.set(key, { blob, name, preview: URL.createObjectURL(blob) });
  $("q").value = "";
  go({ upload: key });
}
$("upload").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  if (file) searchWith(file, file.name);
  $("file").value = "";
});
addEventListener("paste", (e) => {
  const file = [...(e.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
  if (file) { e.preventDefault(); searchWith(file, "pasted picture"); }
});
let depth = 0;
const carriesFile = (e) => e.dataTransfer?.types?.includes("Files");
addEventListener("dragenter", (e) => { if (carriesFile(e)) { depth++; $("drop").classList.add("on"); } });
addEventListener("dragleave", (e) => { if (carriesFile(e) && --depth <= 0) { depth = 0; $("drop").classList.remove("on"); } });
addEventListener("dragover", (e) => { if (carriesFile(e)) e.preventDefault(); });
addEventListener("drop", (e) => {
  if (!carriesFile(e)) return;
  e.preventDefault();
  depth = 0;
  $("drop").classList.remove("on");
  const [file] = e.dataTransfer.files;
  if (file) searchWith(file, file.name);
});

/* keyboard */
function move(dx, dy) {
  const tiles = [...document.querySelectorAll(".tile[data-id]")];
  if (!tiles.length) return false;
  const at = tiles.indexOf(document.activeElement);
  let next = at < 0 ? tiles[0] : null;
  if (at >= 0 && dx) next = tiles[at + dx] ?? tiles[at];
  if (at >= 0 && dy) {
    const here = tiles[at].getBoundingClientRect();
    const middle = here.left + here.width / 2;
    const rows = tiles.map((t) => [t, t.getBoundingClientRect()]).filter(([, r]) => (dy > 0 ? r.top > here.top + 4 : r.top < here.top - 4));
    if (!rows.length) {
      if (dy < 0) $("q").focus();
      return true;
    }
    const top = dy > 0 ? Math.min(...rows.map(([, r]) => r.top)) : Math.max(...rows.map(([, r]) => r.top));
    next = rows.filter(([, r]) => Math.abs(r.top - top) < 4)
      .sort((a, b) => Math.abs(a[1].left + a[1].width / 2 - middle) - Math.abs(b[1].left + b[1].width / 2 - middle))[0][0];
  }
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return true;
}
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || $("details").open) return;
  const inField = e.target === $("q");
  if (e.key === "/" && !inField) {
    e.preventDefault();
    $("q").focus();
    $("q").select();
  } else if (e.key === "ArrowDown" && e.target.name !== "mode") {
    if (move(0, 1)) e.preventDefault();
  } else if (e.key === "ArrowUp" && !inField && e.target.name !== "mode") {
    if (move(0, -1)) e.preventDefault();
  } else if ((e.key === "ArrowRight" || e.key === "ArrowLeft") && e.target.classList?.contains("tile")) {
    if (move(e.key === "ArrowRight" ? 1 : -1, 0)) e.preventDefault();
  } else if (e.key === "Escape") {
    clearTimeout(typing);
    if (!inField) $("q").focus();
    else if ($("q").value || location.search) { $("q").value = ""; go({}); }
  }
});

health();
setInterval(() => document.hidden || health(), 10000);
render();
