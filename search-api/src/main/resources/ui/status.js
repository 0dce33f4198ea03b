// The status page: /v1/status as pictures and tables, asked for again every five seconds while the page is seen.
import "/ui/theme.js";

const $ = (id) => document.getElementById(id);
const PERIOD_MS = 5000;
const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function node(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const none = (text) => node("p", { class: "soft" }, text);
const web = (url) => /^https?:\/\//i.test(url ?? "");
const address = (url) => (web(url) ? node("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url) : String(url ?? ""));

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (count >= 1024 && at < units.length - 1) { count /= 1024; at++; }
  return (at && count < 10 ? count.toFixed(1) : Math.round(count)) + " " + units[at];
}
function seconds(value) {
  if (value == null) return "–";
  if (value < 1) return Math.round(value * 1000) + " ms";
  if (value < 60) return value.toFixed(value < 10 ? 1 : 0) + " s";
  if (value < 3600) return Math.floor(value / 60) + " min " + Math.round(value % 60) + " s";
  if (value < 86400) return Math.floor(value / 3600) + " h " + Math.round((value % 3600) / 60) + " min";
  return Math.floor(value / 86400) + " d " + Math.round((value % 86400) / 3600) + " h";
}
function ago(iso) {
  const gone = (Date.now() - Date.parse(iso)) / 1000;
  return Number.isNaN(gone) ? "–" : gone < 1.5 ? "now" : seconds(gone) + " ago";
}
/* TRUNCATED_IMAGE → truncated image */
const words = (reason) => reason.toLowerCase().replaceAll("_", " ");

function table(caption, heads, rows, numeric) {
  const cell = (tag, value, column) => {
    const made = node(tag, numeric.includes(column) ? { class: "number" } : {}, value);
    if (tag === "th") made.scope = "col";
    return made;
  };
  return node("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    node("table", {},
      node("caption", { class: "hidden" }, caption),
      node("thead", {}, node("tr", {}, ...heads.map((head, i) => cell("th", head, i)))),
      node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map((value, i) => cell("td", value, i)))))));
}
function facts(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [node("dt", {}, name), node("dd", {}, value)]));
}
function meter(share, label) {
  const bar = node("i");
  bar.style.width = Math.round(share * 100) + "%";
  return node("span", { class: "share" }, node("span", { class: "meter", "aria-hidden": "true" }, bar), label ?? Math.round(share * 100) + " %");
}

/* the source with the most images speaks for all */
function median(s) {
  const rows = (s.freshness ?? []).filter((row) => row.stage === "discovered_to_searchable");
  return rows.sort((a, b) => b.images - a.images)[0]?.p50_seconds;
}

/* parts */
function glance(s) {
  const running = (s.jobs ?? []).filter((job) => job.state === "RUNNING");
  const pending = running.reduce((sum, job) => sum + (job.metrics.lenstream_visit_pending ?? 0), 0);
  const minutes = s.throughput?.images_per_minute ?? [];
  const lately = minutes.slice(-6, -1);
  const rate = lately.length ? lately.reduce((a, b) => a + b, 0) / lately.length : 0;
  const tiles = [
    [s.index ? compact.format(s.index.images) : "–", "images can be found"],
    [compact.format(rate), "images a minute, last five"],
    [running.length ? compact.format(pending) : "–", running.length ? "wait for their host" : "no crawl is running"],
    [median(s) != null ? seconds(median(s)) : "–", "from discovered to searchable, half of the images"],
    [s.rejections ? compact.format(s.rejections.images) : "–", "rejected"],
    [s.search.p99_seconds != null ? seconds(s.search.p99_seconds) : "–", "a search takes at most (99 %)"],
  ];
  $("numbers").replaceChildren(...tiles.map(([value, label]) => node("div", { class: "tile-number" }, node("b", {}, value), node("span", {}, label))));
}
function throughput(s) {
  const counts = s.throughput?.images_per_minute ?? [];
  const most = Math.max(1, ...counts);
  const total = counts.reduce((a, b) => a + b, 0);
  const width = 600;
  const height = 90;
  const step = width / Math.max(1, counts.length);
  const from = Date.parse(s.throughput?.from);
  const chart = node("svg:svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Images written in each of the last ${counts.length} minutes: ${number.format(total)} in all, at most ${number.format(most)} in one`,
  }, ...counts.map((count, i) => node("svg:rect", {
    x: i * step + 0.8, width: Math.max(0.5, step - 1.6), y: height - (count / most) * (height - 4) - (count ? 2 : 0.5), height: (count / most) * (height - 4) + (count ? 2 : 0.5), rx: 1.5,
  }, node("svg:title", {}, new Date(from + i * 60000).toLocaleTimeString([], { timeStyle: "short" }) + ": " + number.format(count)))));
  $("throughput").replaceChildren(chart, node("p", { class: "axis soft" },
    node("span", {}, "an hour ago"), node("span", {}, `${number.format(total)} images, at most ${number.format(most)} a minute`), node("span", {}, "now")));
}
const COUNTS = [
  ["lenstream_found", "found"], ["lenstream_visit_pending", "waiting"], ["lenstream_fetched", "fetched"], ["lenstream_unchanged", "unchanged"],
  ["lenstream_embedded", "embedded"], ["lenstream_images_written", "indexed"], ["lenstream_fetch_rejected", "refused by their site"], ["lenstream_embed_rejected", "no images, or broken"],
];
function jobs(s) {
  if (!s.jobs?.length) {
    $("jobs").replaceChildren(none("No job is running. Start one: ./lenstream crawl SEEDS.yaml --follow"));
    return;
  }
  $("jobs").replaceChildren(...s.jobs.map((job) => {
    const counts = COUNTS.filter(([name]) => job.metrics[name] != null)
      .map(([name, label]) => node("span", {}, node("b", {}, number.format(job.metrics[name])), " " + label));
    const check = job.checkpoints;
    const saved = check.last_at_millis < 0 ? "no checkpoint yet"
      : `checkpoint ${ago(new Date(check.last_at_millis).toISOString())}, took ${seconds(check.last_took_millis / 1000)}, ${bytes(Math.max(0, check.last_bytes))}`;
    const parts = [
      node("h3", {}, job.name, node("span", { class: "state " + job.state.toLowerCase() }, job.state.toLowerCase())),
      node("p", { class: "soft" }, `for ${seconds(job.running_seconds)}; ${saved}` + (check.failed ? `; ${number.format(check.failed)} failed` : "")),
      node("p", { class: "counts" }, ...counts),
      table("Stages of " + job.name, ["Stage", "Subtasks", "Busy", "Waits for the next"],
        job.stages.map((stage) => [stage.name.replaceAll(" -> ", " → "), String(stage.parallelism), meter(stage.busy), meter(stage.back_pressured)]), [1]),
    ];
    return node("article", { class: "job" }, ...parts);
  }));
}
/* where images become embeddings, and what that takes; the metrics of several subtasks come added up */
function embedding(s) {
  const jobs = (s.jobs ?? []).map((job) => job.metrics).filter((m) => m.lenstream_embed_in != null);
  if (!jobs.length) return facts($("embedding"), [["Images", "none now: no job is running"]]);
  const sum = (name) => jobs.reduce((all, m) => all + (m["lenstream_" + name] ?? 0), 0);
  const devices = sum("embed_on_device");
  const pairs = [["Runs on", devices ? "the GPU" : "the CPU"]];
  if (devices) {
    if (jobs.some((m) => m.lenstream_gpu_kernel_percent != null)) {
      pairs.push(["GPU busy", meter(Math.min(1, sum("gpu_kernel_percent") / devices / 100))]);
      pairs.push(["JPEG engines busy", meter(Math.min(1, sum("gpu_jpeg_engine_percent") / devices / 100))]);
    }
    pairs.push(["GPU memory", bytes(sum("gpu_allocated_bytes"))], ["Decoded by", `GPU ${number.format(sum("gpu_device_images"))}, CPU ${number.format(sum("gpu_host_images"))}`]);
    pairs.push(["Queue", number.format(sum("gpu_queue"))]);
    if (sum("gpu_batch_halvings")) pairs.push(["Batches halved", number.format(sum("gpu_batch_halvings"))]);
  }
  const images = sum("embedded");
  const each = (name) => seconds(sum(name) / 1e9 / images);
  if (images && sum("inference_nanos")) pairs.push(["An image takes", `${each("decode_nanos")} decode, ${each("preprocess_nanos")} preprocess, ${each("inference_nanos")} embed`]);
  if (sum("embed_batches")) pairs.push(["Batch", `${(sum("embed_in") / sum("embed_batches")).toFixed(1)} images on average`]);
  pairs.push(["Waiting", number.format(sum("embed_in_flight"))]);
  facts($("embedding"), pairs);
}
function freshness(s) {
  const rows = s.freshness ?? [];
  const whole = rows.filter((row) => row.stage.endsWith("_to_searchable") && row.stage !== "indexed_to_searchable");
  const parts = rows.filter((row) => !whole.includes(row));
  const show = (caption, list) => table(caption, ["Source", "What", "Images", "Half within", "90 %", "99 %"],
    list.map((row) => [row.source, row.meaning, number.format(row.images), seconds(row.p50_seconds), seconds(row.p90_seconds), seconds(row.p99_seconds)]), [2, 3, 4, 5]);
  const open = $("freshness").querySelector("details")?.open;
  $("freshness").replaceChildren(...(whole.length
    ? [show("Until an image can be found", whole), node("details", open ? { open: "" } : {}, node("summary", {}, node("span", { class: "reason" }, "Stage by stage")), show("Stage by stage", parts))]
    : [none("Nothing was indexed lately.")]));
}
function sites(s) {
  $("sites").replaceChildren(s.sites?.length
    ? table("Sites of the index", ["Site", "Images", "Newest"], s.sites.map((row) => [address(row.site), number.format(row.images), ago(row.newest_indexed)]), [1, 2])
    : none("The index is empty."));
}
/* what was wrong, without the address that stands above it */
const said = (example) => ((example.detail ?? "").startsWith(example.url + ": ") ? example.detail.slice(example.url.length + 2) : (example.detail ?? ""));
const opened = new Set(); // which reasons a person has unfolded: they stay so when the figures come again
function rejections(s) {
  const reasons = s.rejections?.reasons ?? [];
  if (!reasons.length) {
    $("rejections").replaceChildren(none("Nothing was rejected."));
    return;
  }
  const most = Math.max(...reasons.map((r) => r.images));
  $("rejections").replaceChildren(...reasons.map((r) => {
    const details = node("details", {},
      node("summary", {}, node("span", { class: "reason" }, words(r.reason)), meter(r.images / most, number.format(r.images))),
      node("ul", {}, ...r.examples.map((e) => node("li", {}, address(e.url), node("span", { class: "soft" }, said(e)), node("span", { class: "soft" }, `${words(e.stage ?? "")}, ${ago(e.observed)}`)))));
    details.open = opened.has(r.reason);
    details.addEventListener("toggle", () => (details.open ? opened.add(r.reason) : opened.delete(r.reason)));
    return details;
  }));
}
function index(s) {
  const i = s.index;
  facts($("index"), i ? [
    ["Name", node("span", { class: "mono" }, i.name)],
    ["Encoder", node("span", { class: "mono" }, s.fingerprint)],
    ["Health", node("span", { class: "state " + i.health }, i.health)],
    ["Images", number.format(i.images)],
    ["Size", bytes(i.bytes) + (i.images ? `, ${bytes(i.bytes / i.images)} an image` : "")],
    ["Thumbnails", bytes(i.thumbnail_bytes)],
    ["Engine", i.engine],
    ["Active shards", number.format(i.shards)],
  ] : [["Index", "does not answer"]]);
}
function alerts(s) {
  const a = s.alerts;
  if (!a?.alerts) {
    facts($("alerts"), [["Alerts", a ? "none is set" : "the index does not answer"]]);
    return;
  }
  facts($("alerts"), [
    ["Alerts", number.format(a.alerts)],
    ["Not of this encoder", number.format(a.stale)],
    ["Receiver gone", number.format(a.disabled)],
    ["Matches", number.format(a.matches)],
    ["Told", number.format(a.delivered)],
    ["On their way", number.format(a.pending)],
    ["Not taken by anyone", number.format(a.failed)],
  ]);
}
function search(s) {
  const r = s.search;
  facts($("search"), [
    ["Ready", r.ready ? "yes" : "no"],
    ["Up for", seconds(r.up_seconds)],
    ["Requests", number.format(r.requests)],
    ["Failed", number.format(r.failed)],
    ["Half take", seconds(r.p50_seconds)],
    ["99 % take", seconds(r.p99_seconds)],
    ["Texts from the cache", r.cache_hits + r.cache_misses ? Math.round((100 * r.cache_hits) / (r.cache_hits + r.cache_misses)) + " %" : "–"],
  ]);
}

/* explain: the ledger of one URL; ?explain=URL in the address opens it */
async function explain(url) {
  $("explain-url").value = url;
  history.replaceState(null, "", url ? "?explain=" + encodeURIComponent(url) : location.pathname);
  if (!url) return $("explanation").replaceChildren();
  let said;
  try {
    const response = await fetch("/v1/explain?url=" + encodeURIComponent(url));
    said = await response.json();
    if (!response.ok) throw new Error(said.detail ?? "The server answered " + response.status + ".");
  } catch (e) {
    return $("explanation").replaceChildren(node("p", { class: "note" }, e instanceof TypeError ? "The search server does not answer." : e.message));
  }
  const parts = [node("p", { class: "verdict" }, node("span", { class: "state " + said.verdict }, words(said.verdict)), said.sentence)];
  if (said.events.length) {
    parts.push(node("ol", { class: "timeline" }, ...said.events.map((event) => node("li", {},
      node("time", { datetime: event.at, title: event.at }, new Date(event.at).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" })),
      node("b", {}, event.what), node("span", {}, event.detail)))));
  }
  if (said.next_visit) parts.push(node("p", { class: "soft" }, "It is visited again " + new Date(said.next_visit).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) + "."));
  if (said.duplicates?.length) parts.push(node("p", { class: "soft" }, "The same content lies at "), node("ul", {}, ...said.duplicates.map((other) => node("li", {}, address(other)))));
  $("explanation").replaceChildren(...parts);
}
$("explain").addEventListener("submit", (e) => {
  e.preventDefault();
  explain($("explain-url").value.trim());
});

let timer = 0;
async function refresh() {
  clearTimeout(timer);
  try {
    const response = await fetch("/v1/status", { cache: "no-store" });
    const s = await response.json();
    if (!response.ok) throw new Error(s.detail ?? "The server answered " + response.status + ".");
    for (const part of [glance, throughput, jobs, embedding, freshness, sites, rejections, index, alerts, search]) part(s);
    $("updated").textContent = "updated " + new Date(s.at).toLocaleTimeString();
    say(s.problems);
  } catch (e) {
    say([e instanceof TypeError ? "The search server does not answer. Is it still running?" : e.message]);
  }
  if (!document.hidden) timer = setTimeout(refresh, PERIOD_MS);
}
function say(problems) {
  $("problems").hidden = !problems?.length;
  $("problems").textContent = (problems ?? []).join(" ");
}
document.addEventListener("visibilitychange", () => document.hidden || refresh());

const asked = new URL(location.href).searchParams.get("explain");
await Promise.all([refresh(), explain(asked ?? "")]);
if (asked) $("explain").closest("section").scrollIntoView(); // who comes with a question need not look for the answer
