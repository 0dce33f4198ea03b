// Light or dark: what the person chose, else what the system says. Each page that has a button with the id theme loads this.
const button = document.getElementById("theme");
const preferred = matchMedia("(prefers-color-scheme: dark)");
function paint() {
  const saved = localStorage.getItem("theme");
  const dark = saved ? saved === "dark" : preferred.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  button.setAttribute("aria-pressed", String(dark));
}
button.addEventListener("click", () => {
  localStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  paint();
});
preferred.addEventListener("change", paint);
paint();
