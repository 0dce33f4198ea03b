// The page. State lives in the URL: ?q= words, ?like= id, ?upload= key of a picture dropped in this tab, &region= part of
// that picture, &more= and &less= ids that refine the query, &mode=, filters by their names in the API, &show= id.

import "/ui/theme.js";

const $ = (id) => document.getElementById(id);
const PAGE = 36;
const DEBOUNCE_MS = 180;
const REFINEMENT = 0.25; // little, because pictures lie much nearer to each other than to words
const FACETS = { site: "sites", host: "hosts", mime: "types", license: "licences", color: "colours" };
const FILTERS = [...Object.keys(FACETS), "label", "orientation", "min_width", "published_from", "published_to"];
const number = new Intl.NumberFormat("en");
const uploads = new Map(); // key → {blob, name, preview}

let hits = [];
let cursor = null;
let total = 0;
let answer = null;
let shownKey = null;
let running = null;
let typing = 0;
let documents = null;

/* state */
function stateOf(url) {
  const p = new URL(url, location.href).searchParams;
  const filter = Object.fromEntries(FILTERS.filter((name) => p.get(name)).map((name) => [name, p.get(name)]));
  return {
    q: p.get("q") ?? "", like: p.get("like"), upload: p.get("upload"), region: p.get("region"),
    more: p.getAll("more"), less: p.getAll("less"), filter, mode: p.get("mode") ?? "vector", recency: p.get("recency"), show: p.get("show"),
  };
}
function urlOf(s) {
  const p = new URLSearchParams();
  if (s.q) p.set("q", s.q);
  if (s.like) p.set("like", s.like);
  if (s.upload) p.set("upload", s.upload);
  if (s.region) p.set("region", s.region);
  for (const id of s.more) p.append("more", id);
  for (const id of s.less) p.append("less", id);
  for (const [name, value] of Object.entries(s.filter)) p.set(name, value);
  if (s.q && s.mode !== "vector") p.set("mode", s.mode);
  if (s.recency) p.set("recency", s.recency);
  if (s.show) p.set("show", s.show);
  const text = p.toString();
  return text ? "/?" + text : "/";
}
const EMPTY = { q: "", like: null, upload: null, region: null, more: [], less: [], filter: {}, mode: "vector", recency: null, show: null };
const isHome = (s) => !s.q.trim() && !s.like && !s.upload;
const isRefined = (s) => s.more.length + s.less.length > 0;
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
async function load(s, next, signal) {
  if (isHome(s)) return ask("/v1/images?k=" + PAGE, {}, signal);
  const filter = { ...s.filter };
  if (filter.published_to) filter.published_to = dayAfter(filter.published_to);
  if (s.upload && !isRefined(s)) { // as it is: base64 would be a third larger
    const p = new URLSearchParams({ k: PAGE, explain: true, facets: Object.keys(FACETS).join(","), ...filter });
    if (next) p.set("cursor", next);
    if (s.region) p.set("region", s.region);
    if (s.recency) p.set("recency", s.recency);
    const form = new FormData();
    form.append("image", uploads.get(s.upload).blob, "picture");
    return ask("/v1/search?" + p, { method: "POST", body: form }, signal);
  }
  const query = s.upload ? { image: await dataUrl(uploads.get(s.upload).blob) } : s.like ? { id: s.like } : { text: s.q.trim() };
  if (s.region) query.region = s.region.split(",").map(Number);
  const body = { k: PAGE, explain: true, filter, facets: Object.keys(FACETS) };
  if (next) body.cursor = next;
  if (s.recency) body.recency = Number(s.recency);
  if (isRefined(s)) {
    body.queries = [query, ...s.more.map((id) => ({ id, weight: REFINEMENT })), ...s.less.map((id) => ({ id, weight: -REFINEMENT }))];
  } else {
    Object.assign(body, query);
    if (query.text) body.mode = s.mode;
  }
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return ask("/v1/search", options, signal);
}
/* the API's end of a time range is not included, a person's is */
function dayAfter(day) {
  const date = new Date(day + "T00:00:00Z");
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Problem("The picture cannot be read", "Drop it here again.", false));
    reader.readAsDataURL(blob);
  });
}

/* render */
async function render() {
  const s = stateOf(location.href);
  const home = isHome(s);
  document.body.classList.toggle("home", home);
  $("heading").setAttribute("aria-level", home ? "2" : "1"); // the start has another first heading
  if (document.activeElement !== $("q") || !$("q").value.trim() !== !s.q) $("q").value = s.q;
  $("modes").hidden = !s.q.trim() || isRefined(s);
  for (const radio of document.querySelectorAll("[name=mode]")) radio.checked = radio.value === s.mode;
  showPicture(s);
  document.title = s.q ? s.q + " · Lenstream" : "Lenstream";

  filters(s);
  refinements(s);
  const key = JSON.stringify([s.q.trim(), s.like, s.upload, s.region, s.more, s.less, s.filter, s.q ? s.mode : "", s.recency]);
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
  $("results").setAttribute("aria-busy", "true");
  try {
    const found = await load(s, null, mine.signal);
    answer = found;
    hits = found.hits;
    cursor = found.cursor ?? null;
    total = found.total;
    paint(home);
    filters(s);
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
      $("results").removeAttribute("aria-busy");
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
    else $("picture-image").removeAttribute("src");
    $("picture-image").hidden = !upload;
    $("picture-label").textContent = (s.region ? "part of " : "") + (upload?.name ?? "picture");
  } else if (s.like) {
    $("picture-image").hidden = false;
    $("picture-image").src = `/v1/images/${encodeURIComponent(s.like)}/thumbnail`;
    $("picture-label").textContent = s.region ? "like this part" : "like this";
  }
}

$("picture-image").addEventListener("error", () => { $("picture-image").hidden = true; }); // its name stays

/* filters: a row of choices from the facets of the answer, which count the hits of the search */
function filters(s) {
  $("filters").hidden = isHome(s);
  for (const [name, many] of Object.entries(FACETS)) {
    const select = $("filter-" + name);
    const chosen = s.filter[name];
    const values = answer?.facets?.fields[name] ?? [];
    const options = [new Option("All " + many, "")];
    if (chosen && !values.some((v) => v.value === chosen)) options.push(new Option(short(chosen), chosen));
    options.push(...values.map((v) => new Option(`${short(v.value)} (${number.format(v.count)})`, v.value)));
    select.replaceChildren(...options);
    select.value = chosen ?? "";
    select.hidden = !chosen && values.length < 2;
  }
  for (const name of ["label", "orientation", "min_width", "published_from", "published_to"]) $("filter-" + name).value = s.filter[name] ?? "";
  $("recency").value = s.recency ?? "";
  for (const node of document.querySelectorAll("#filters select, #filters input")) node.classList.toggle("set", Boolean(node.value));
  $("filters-clear").hidden = !Object.keys(s.filter).length;
}
const short = (value) => value.replace(/^https?:\/\//, "").replace(/^image\//, "").replace(/\/$/, "");
$("filters").addEventListener("change", (e) => {
  const name = e.target.id.replace("filter-", "");
  const s = stateOf(location.href);
  const value = e.target.value.trim();
  if (e.target.id === "recency") return go({ ...s, recency: value });
  const filter = { ...s.filter, [name]: value };
  if (!value) delete filter[name];
  go({ ...s, filter });
});
$("filters-clear").addEventListener("click", () => go({ ...stateOf(location.href), filter: {} }));

/* refine: pictures that the query leans toward or away from */
function refinements(s) {
  const chip = (id, list, sign, words) => {
    const node = document.createElement("button");
    node.type = "button";
    node.className = "refinement " + (list === "more" ? "toward" : "away");
    node.title = `${words}: take it back`;
    node.setAttribute("aria-label", `${words} than this picture: take it back`);
    const image = new Image();
    image.alt = "";
    image.src = `/v1/images/${encodeURIComponent(id)}/thumbnail`;
    const mark = document.createElement("span");
    mark.textContent = sign;
    node.append(image, mark);
    node.addEventListener("click", () => {
      const now = stateOf(location.href);
      go({ ...now, [list]: now[list].filter((other) => other !== id) });
    });
    return node;
  };
  $("refinements").replaceChildren(...s.more.map((id) => chip(id, "more", "+", "More like this")), ...s.less.map((id) => chip(id, "less", "−", "Less like this")));
}
const seen = new Map(); // id → what the picture is called, of those that refine
function refine(id, list) {
  const hit = hits.find((h) => h.id === id);
  if (hit) seen.set(id, nameOf(hit));
  const s = stateOf(location.href);
  const other = list === "more" ? "less" : "more";
  const mode = "vector"; // refinement is about looks
  go({ ...s, mode, show: null, [list]: [...s[list].filter((x) => x !== id), id], [other]: s[other].filter((x) => x !== id) });
}
function nameOf(hit) {
  const file = decodeURIComponent(hit.url.split("/").pop().split("?")[0].replace(/%(?![0-9a-f]{2})/gi, "%25"));
  return hit.alt || hit.caption || hit.title || file || hit.url; // a page's title says less of each of its pictures
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
  image.addEventListener("load", () => {
    image.classList.add("here");
    node.classList.remove("untold");
  });
  persist(image, hit.thumbnail);
  const label = document.createElement("span");
  label.className = "label";
  const text = document.createElement("b");
  text.textContent = name;
  label.append(text);
  node.append(image, label);
  if (hit.score != null) node.append(badge("score", Math.round(hit.score * 100)));
  if (hit.group_size > 1) node.append(badge("copies", hit.group_size));
  const item = document.createElement("div");
  item.setAttribute("role", "listitem");
  item.style.display = "contents";
  item.append(node);
  return item;
}
/* a busy server sends some away: they come again after a second, then two */
function persist(image, src) {
  let attempts = 0;
  image.addEventListener("error", () => {
    if (attempts++ < 3) setTimeout(() => { image.src = src; }, 1000 * attempts);
    image.parentElement?.classList.add("untold"); // its words are shown while the picture is not
  });
  image.src = src;
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
  $("heading").textContent = home ? "Newest" : s.q ? `“${s.q.trim()}”` : s.like ? "Similar pictures" : "Like your picture";
  if (isRefined(s)) $("heading").textContent += ", refined";
  $("heading").hidden = !hits.length;
  $("more").hidden = !cursor || home;
  $("empty").hidden = hits.length > 0;
  $("retry").hidden = true;
  if (!hits.length && answer) {
    $("empty-title").textContent = home ? "No pictures yet" : "Nothing found";
    $("empty-text").textContent = home
      ? "The index is empty. Start a crawl or index a folder, and pictures appear here as they come."
      : s.mode === "text" ? "No title, caption or alternative text holds these words, and no picture in which words were read. Try Looks or Both."
      : Object.keys(s.filter).length ? "No picture passes these filters. Clear them, or widen one." : "The index has no picture for this search.";
  }
  const nothing = hits.length > 0 && answer?.nothing_matches === true;
  $("note").hidden = !nothing;
  if (nothing) {
    const best = Math.floor(hits[0].score * 100), least = Math.max(best + 1, Math.ceil(answer.floor * 100));
    $("note").textContent = `Nothing here ${s.q ? "matches" : "resembles your picture"}. The best scores ${best} of 100, and for ${s.q ? "these words" : "a picture like yours"} it would take `
      + `${least} to be more than chance. These only come nearest.`;
  }
  status(home);
}
function status(home) {
  const parts = [];
  if (documents != null) parts.push(number.format(documents) + (documents === 1 ? " picture" : " pictures"));
  if (answer && !home) parts.push(`${number.format(hits.length)} of ${number.format(total)} shown`, `${answer.took_ms.toFixed(1)} ms`);
  $("status").textContent = parts.join(" · ");
}
function trouble(title, text, retry) {
  cursor = null;
  $("empty").hidden = false;
  $("heading").hidden = $("more").hidden = true;
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
/* what a picture is called, as one would search for it; a folder's pictures are called as their files: red-apple.jpg, but also IMG_2034.jpg */
function words(name) {
  const file = /^(.+)\.\w{3,4}$/.exec(name.trim().toLowerCase());
  if (!file) return name.trim().toLowerCase();
  const said = file[1].replace(/[-_\s]+/g, " ").trim();
  return /^[\p{L} ]+$/u.test(said) && !/^(img|dsc|image|photo|screenshot|untitled)\b/.test(said) ? said : "";
}
function chips() {
  if ($("chips").childElementCount) return;
  const names = [...new Set(hits.map((h) => words(h.alt || h.caption || h.title || "")).filter((n) => n.length > 2 && n.length <= 26))];
  $("chips").hidden = !names.length;
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
  if (s.show === "upload") return uploads.has(s.upload) ? fillUpload(uploads.get(s.upload), s) : go({ ...s, show: null }, true);
  const known = hits.find((h) => h.id === s.show);
  if (known) return fill(known);
  ask("/v1/images/" + encodeURIComponent(s.show), {}).then(
    (hit) => stateOf(location.href).show === hit.id && fill(hit),
    (e) => { go({ ...s, show: null }, true); $("note").hidden = false; $("note").textContent = e.message; });
}
$("details-image").addEventListener("error", () => $("stage").classList.add("missing"));
$("details-image").addEventListener("load", () => $("stage").classList.remove("missing"));
function fill(hit) {
  $("details-image").src = hit.thumbnail;
  $("details-image").alt = hit.alt || nameOf(hit);
  $("details-title").textContent = nameOf(hit);
  const alt = [...new Set([hit.alt, hit.caption, hit.title])].filter((t) => t && t !== nameOf(hit)).join(" · ");
  $("details-alt").textContent = alt;
  $("details-alt").hidden = !alt;
  link($("details-page"), hit.page_url);
  link($("details-original"), hit.url);
  $("details-history").hidden = false;
  $("details-history").href = "/status?explain=" + encodeURIComponent(hit.url);
  const s = stateOf(location.href);
  $("details-similar").hidden = false;
  $("details-similar").onclick = () => go({ like: hit.id, filter: s.filter });
  $("details-more").hidden = $("details-less").hidden = isHome(s) || s.like === hit.id;
  $("details-more").onclick = () => refine(hit.id, "more");
  $("details-less").onclick = () => refine(hit.id, "less");
  part({
    width: hit.width, height: hit.height, region: s.like === hit.id ? s.region : null,
    search: (region) => go({ like: hit.id, region, filter: s.filter }),
  });
  why(hit, s);
  lines(hit, s);
  const pairs = [];
  if (hit.score != null) pairs.push(["Score", meter(hit.score)]);
  if (hit.cosine != null) pairs.push(["Cosine", hit.cosine.toFixed(4)]);
  pairs.push(["Size", `${number.format(hit.width)} × ${number.format(hit.height)}` + (hit.frames > 1 ? `, ${hit.frames} frames` : "")]);
  pairs.push(["Type", hit.mime.replace("image/", "").toUpperCase()]);
  if (hit.color?.length) pairs.push(["Colours", colours(hit)]);
  pairs.push(["Host", hit.host]);
  if (hit.credit) pairs.push(["Credit", hit.credit]);
  if (hit.license) pairs.push(["Licence", licence(hit.license)]);
  if (hit.published) pairs.push(["Published", when(hit.published)]);
  pairs.push(["Indexed", when(hit.indexed)]);
  if (hit.group_size > 1) pairs.push(["Copies", String(hit.group?.size ?? hit.group_size)]);
  if (hit.group?.seen_on) pairs.push(["Seen on", `${hit.group.seen_on} pages`]);
  pairs.push(["Encoder", mono(hit.fingerprint)], ["Id", mono(hit.id)]);
  facts(pairs);
  if (!$("details").open) $("details").showModal();
}
function facts(pairs) {
  $("details-facts").replaceChildren(...pairs.flatMap(([name, value]) => {
    const dt = document.createElement("dt");
    dt.textContent = name;
    const dd = document.createElement("dd");
    dd.append(value);
    return [dt, dd];
  }));
}
const size = (bytes) => (bytes < 1e6 ? Math.ceil(bytes / 1024) + " KiB" : (bytes / 1048576).toFixed(1) + " MiB");
function fillUpload(upload, s) {
  const image = $("details-image");
  image.alt = "The picture you search with";
  image.src = upload.preview;
  $("details-title").textContent = upload.name;
  $("details-alt").hidden = false;
  $("details-alt").textContent = "Draw a box on the picture to search for a part of it.";
  for (const id of ["details-page", "details-original", "details-history", "details-similar", "details-more", "details-less"]) $(id).hidden = true;
  facts([["Type", upload.blob.type.replace("image/", "").toUpperCase()], ["File", size(upload.blob.size)]]);
  $("details-why").hidden = $("details-words").hidden = $("word").hidden = true;
  image.decode().catch(() => {}).then(() => part({
    width: image.naturalWidth, height: image.naturalHeight, region: s.region,
    search: (region) => go({ upload: s.upload, region, filter: s.filter }),
  }));
  if (!$("details").open) $("details").showModal();
}

/* words that stand in the picture: each shows where, and searches that part */
function lines(hit, s) {
  const regions = (hit.regions ?? []).filter((region) => region.text);
  $("word").hidden = true;
  $("details-words").hidden = !regions.length;
  $("details-words-list").replaceChildren(...regions.map((region) => {
    const line = document.createElement("button");
    line.type = "button";
    line.textContent = region.text;
    line.title = "Search this part of the picture";
    for (const event of ["pointerenter", "focus"]) line.addEventListener(event, () => place($("word"), region.box));
    for (const event of ["pointerleave", "blur"]) line.addEventListener(event, () => { $("word").hidden = true; });
    line.addEventListener("click", () => go({ like: hit.id, region: region.box.join(","), filter: s.filter }));
    const item = document.createElement("li");
    item.append(line);
    return item;
  }));
}
function place(node, [x, y, width, height]) {
  const picture = pictureRect();
  const stage = $("stage").getBoundingClientRect();
  const scale = picture.width / subject.width;
  node.style.left = picture.left - stage.left + x * scale + "px";
  node.style.top = picture.top - stage.top + y * scale + "px";
  node.style.width = width * scale + "px";
  node.style.height = height * scale + "px";
  node.hidden = false;
}

/* a part of the picture in the dialog: a box that is drawn with the pointer, or moved and sized with the arrow keys */
let subject = null; // {width, height, region, search}: the picture's true size in pixels and what to do with a part
let box = null; // [left, top, right, bottom] as fractions of the picture
const LEAST = 0.02;
const STEP = 0.02;
function part(of) {
  subject = of;
  box = null;
  if (of.region) {
    const [x, y, w, h] = of.region.split(",").map(Number);
    box = [x / of.width, y / of.height, Math.min(1, (x + w) / of.width), Math.min(1, (y + h) / of.height)];
  }
  showBox();
}
/* where the picture itself lies: it keeps its shape inside of its element */
function pictureRect() {
  const outer = $("details-image").getBoundingClientRect();
  const scale = Math.min(outer.width / subject.width, outer.height / subject.height);
  const width = subject.width * scale;
  const height = subject.height * scale;
  return { left: outer.left + (outer.width - width) / 2, top: outer.top + (outer.height - height) / 2, width, height };
}
function showBox() {
  const node = $("box");
  node.hidden = !box;
  $("part-search").hidden = !box;
  $("part-start").hidden = Boolean(box);
  if (!box || !subject?.width) return;
  const picture = pictureRect();
  const stage = $("stage").getBoundingClientRect();
  node.style.left = picture.left - stage.left + box[0] * picture.width + "px";
  node.style.top = picture.top - stage.top + box[1] * picture.height + "px";
  node.style.width = (box[2] - box[0]) * picture.width + "px";
  node.style.height = (box[3] - box[1]) * picture.height + "px";
}
new ResizeObserver(showBox).observe($("details-image"));
const unit = (value) => Math.min(1, Math.max(0, value));
let corner = null;
function pointAt(e) {
  const picture = pictureRect();
  return [unit((e.clientX - picture.left) / picture.width), unit((e.clientY - picture.top) / picture.height)];
}
$("stage").addEventListener("pointerdown", (e) => {
  if (!subject || e.button || (e.pointerType === "touch" && !box) || e.target.closest("button")) return; // a finger scrolls until a part is marked
  e.preventDefault();
  $("stage").setPointerCapture(e.pointerId);
  corner = pointAt(e);
});
$("stage").addEventListener("pointermove", (e) => {
  if (!corner) return;
  const [x, y] = pointAt(e);
  box = [Math.min(x, corner[0]), Math.min(y, corner[1]), Math.max(x, corner[0]), Math.max(y, corner[1])];
  showBox();
});
for (const end of ["pointerup", "pointercancel"]) {
  $("stage").addEventListener(end, () => {
    corner = null;
    if (box && (box[2] - box[0] < LEAST || box[3] - box[1] < LEAST)) box = null;
    showBox();
  });
}
$("part-start").addEventListener("click", () => {
  box = [0.25, 0.25, 0.75, 0.75];
  showBox();
  $("box").focus();
});
$("part-search").addEventListener("click", () => {
  const x = Math.floor(box[0] * subject.width);
  const y = Math.floor(box[1] * subject.height);
  const width = Math.max(1, Math.round(box[2] * subject.width) - x);
  const height = Math.max(1, Math.round(box[3] * subject.height) - y);
  subject.search([x, y, width, height].join(","));
});
$("box").addEventListener("keydown", (e) => {
  const dx = (e.key === "ArrowRight") - (e.key === "ArrowLeft");
  const dy = (e.key === "ArrowDown") - (e.key === "ArrowUp");
  if (e.key === "Enter") $("part-search").click();
  if (!dx && !dy) return;
  e.preventDefault();
  const [left, top, right, bottom] = box;
  if (e.shiftKey) {
    box = [left, top, Math.max(left + LEAST, unit(right + dx * STEP)), Math.max(top + LEAST, unit(bottom + dy * STEP))];
  } else {
    const x = Math.min(1 - right, Math.max(-left, dx * STEP));
    const y = Math.min(1 - bottom, Math.max(-top, dy * STEP));
    box = [left + x, top + y, right + x, bottom + y];
  }
  showBox();
});
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
function colours(hit) {
  const swatch = document.createElement("i");
  swatch.className = "swatch";
  swatch.style.background = hit.color_hex;
  const box = document.createElement("span");
  box.append(swatch, hit.color.join(", "));
  return box;
}
/* why a hit was found, in sentences */
function why(hit, s) {
  const reasons = [];
  const percent = (share) => Math.round(100 * share) + " %";
  const { picture, words, recency, parts } = hit.why ?? {};
  if (picture) reasons.push(`By its looks it is number ${number.format(picture.rank)}` + (words || recency ? `: ${percent(picture.share)} of its place.` : "."));
  const names = words?.fields?.map((field) => (field === "ocr" ? "words in the picture" : field));
  if (words) reasons.push(`By its words (${names?.join(", ") || "caption"}) it is number ${number.format(words.rank)}` + (picture || recency ? `: ${percent(words.share)} of its place.` : "."));
  if (recency) reasons.push(`By its time it is number ${number.format(recency.rank)}: ${percent(recency.share)} of its place.`);
  for (const part of parts ?? []) {
    reasons.push(`${called(part.query, s)}, weight ${part.weight}: cosine ${part.cosine.toFixed(3)}, ${part.share < 0 ? "takes away" : "adds"} ${Math.abs(part.share).toFixed(3)}.`);
  }
  if (hit.cosine != null && answer?.floor != null && hit.score < answer.floor) reasons.push(`Among so many pictures some reach its score by chance: it takes ${Math.round(answer.floor * 100)} to be sure that one fits these words.`);
  $("details-why").hidden = !reasons.length || isHome(s);
  $("details-why-list").replaceChildren(...reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
}
/* a part of a refined query, as a person chose it: not by its id */
function called(query, s) {
  const id = /^image ([0-9a-f]+)$/.exec(query)?.[1];
  if (!id) return query;
  const kind = s.more.includes(id) ? "More like" : s.less.includes(id) ? "Less like" : "Like";
  return `${kind} ${seen.get(id) ? `“${seen.get(id)}”` : "the picture " + id.slice(0, 6) + "…"}`;
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
  if (document.activeElement === document.body) tileNode?.focus({ preventScroll: true }); // the browser has not given it back
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
    go({ q: q.trim() ? q : "", mode: s.mode, filter: q.trim() ? s.filter : {}, recency: s.recency }, Boolean(s.q.trim()) && Boolean(q.trim())); // one history entry a search, not one a letter
  }, DEBOUNCE_MS);
});
$("search").addEventListener("submit", (e) => {
  e.preventDefault();
  clearTimeout(typing);
  const q = $("q").value.trim();
  const s = stateOf(location.href);
  if (q === s.q.trim()) return; // as it stands, with its refinements
  if (q) go({ q, mode: s.mode, filter: s.filter, recency: s.recency }, Boolean(s.q));
});
$("modes").addEventListener("change", (e) => go({ ...stateOf(location.href), mode: e.target.value }, true));
$("picture-show").addEventListener("click", () => {
  const s = stateOf(location.href);
  go({ ...s, show: s.upload ? "upload" : s.like });
});
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
  const key = Date.now().toString(36); // never used before: an address of before a reload must not show another picture
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
/* camera: a frame of it is a picture like any other; the stream ends with the dialog */
let stream = null;
$("camera").hidden = !navigator.mediaDevices?.getUserMedia; // browsers offer it on localhost and over TLS alone
$("camera").addEventListener("click", async () => {
  $("viewfinder-trouble").hidden = true;
  $("viewfinder-take").disabled = true;
  $("viewfinder").showModal();
  try {
    const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    if (!$("viewfinder").open) return opened.getTracks().forEach((track) => track.stop());
    stream = opened;
    $("viewfinder-video").srcObject = stream;
  } catch (e) {
    $("viewfinder-trouble").hidden = false;
    $("viewfinder-trouble").textContent = e.name === "NotAllowedError"
      ? "The camera is not allowed for this page. Allow it in the browser's address bar, or choose a file."
      : "No camera can be used (" + e.message + "). Choose a file instead.";
  }
});
$("viewfinder-video").addEventListener("playing", () => { $("viewfinder-take").disabled = false; });
$("viewfinder-take").addEventListener("click", () => {
  const video = $("viewfinder-video");
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    $("viewfinder").close();
    searchWith(blob, "camera picture");
  }, "image/jpeg", 0.9);
});
$("viewfinder-close").addEventListener("click", () => $("viewfinder").close());
$("viewfinder").addEventListener("close", () => {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $("viewfinder-video").srcObject = null;
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
const chooses = (node) => node.name === "mode" || Boolean(node.closest?.("#filters")); // arrows have a meaning there
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  const inField = e.target === $("q");
  if (e.key === "/" && !e.target.matches?.("input, select")) {
    e.preventDefault();
    $("q").focus();
    $("q").select();
  } else if (e.key === "ArrowDown" && !chooses(e.target)) {
    if (move(0, 1)) e.preventDefault();
  } else if (e.key === "ArrowUp" && !inField && !chooses(e.target)) {
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
