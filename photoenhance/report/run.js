"use strict";

/** Charts: the pointer over one of them points at the same step in all. */
const spots = JSON.parse(document.getElementById("spots").textContent);
const charts = [...document.querySelectorAll(".chart")].map((element) => ({
  element,
  svg: element.querySelector("svg"),
  cursor: element.querySelector(".cursor"),
  spot: element.querySelector(".spot"),
  value: element.querySelector(".value"),
  last: element.querySelector(".value").textContent,
  points: spots[Number(element.dataset.chart)],
}));

function nearest(points, step) {
  return points.reduce((best, each) =>
    Math.abs(each[2] - step) < Math.abs(best[2] - step) ? each : best);
}

function point(step) {
  for (const chart of charts) {
    const [x, y, at, text] = nearest(chart.points, step);
    chart.element.classList.add("pointed");
    chart.cursor.setAttribute("d", `M${x} 12V156`);
    chart.spot.setAttribute("cx", x);
    chart.spot.setAttribute("cy", y);
    chart.value.value = `${text} at ${at.toLocaleString("en")}`;
  }
}

function leave() {
  for (const chart of charts) {
    chart.element.classList.remove("pointed");
    chart.value.value = chart.last;
  }
}

/** Which step lies below the pointer: the charts' own points tell where their steps lie. */
function stepAt(chart, event) {
  const box = chart.svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * chart.svg.viewBox.baseVal.width;
  const best = chart.points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
  return best[2];
}

for (const chart of charts) {
  chart.svg.addEventListener("pointermove", (event) => point(stepAt(chart, event)));
  chart.svg.addEventListener("pointerdown", (event) => point(stepAt(chart, event)));
  chart.svg.addEventListener("pointerleave", leave);
}

/** Samples: one at a time, each given its bytes when it is first seen. */
const frames = [...document.querySelectorAll(".over-time img")];
const when = document.querySelector(".when");

function load(image) {
  if (image.hasAttribute("src")) return;
  const text = document.getElementById(image.dataset.picture).textContent;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
}

const result = document.querySelector(".result");
if (result) load(result);

function show(number) {
  load(frames[number]);
  frames.forEach((image, each) => { image.hidden = each !== number; });
  const told = `${Number(frames[number].dataset.step).toLocaleString("en")} steps`;
  document.querySelector(".after").value = told;
  when.setAttribute("aria-valuetext", told);
}

if (when) {
  when.addEventListener("input", () => show(when.valueAsNumber));
  show(when.valueAsNumber);
  // The others follow when the page stands, so that moving through time does not stutter.
  setTimeout(() => frames.forEach(load), 300);
}
