"use strict";

const MOST_ZOOM = 8;
const HANDLE_REACH = 24; // pixels to either side of the line that a finger takes for it
const FIRST_STEPS = 6; // pixels after which a finger's direction is clear

/** One photo: where its line stands, and which part of both pictures is seen, always in step. */
class Compare {
  zoom = 1;
  x = 0; // of the pictures' left upper corner, in percent of what is seen
  y = 0;
  pointers = new Map();
  drag = null;

  constructor(element) {
    this.element = element;
    this.sides = element.querySelector(".sides");
    this.position = element.querySelector(".position");
    this.buttons = Object.fromEntries(
      [...element.querySelectorAll("[data-do]")].map((button) => [button.dataset.do, button]),
    );
    this.position.addEventListener("input", () => this.place(this.position.valueAsNumber));
    element.addEventListener("keydown", (event) => this.press(event));
    this.sides.addEventListener("pointerdown", (event) => this.down(event));
    this.sides.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.sides.addEventListener(end, (event) => this.up(event));
    }
    this.sides.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.sides.addEventListener("dblclick", (event) => this.toggle(event));
    this.buttons.in.addEventListener("click", () => this.zoomTo(this.zoom * 1.5));
    this.buttons.out.addEventListener("click", () => this.zoomTo(this.zoom / 1.5));
    this.buttons.fit.addEventListener("click", () => this.zoomTo(1));
    this.buttons.full.addEventListener("click", () => this.fill());
    this.buttons.full.hidden = !document.fullscreenEnabled;
    this.place(50);
    this.show();
  }

  /** Move the line, in percent from the left. */
  place(percent) {
    const at = Math.min(100, Math.max(0, percent));
    this.at = at;
    this.position.value = at;
    this.position.setAttribute("aria-valuetext", `${Math.round(at)} % before`);
    this.element.style.setProperty("--at", `${at}%`);
  }

  /** Zoom about a point, given in percent of what is seen. */
  zoomTo(zoom, aboutX = 50, aboutY = 50) {
    const next = Math.min(MOST_ZOOM, Math.max(1, zoom));
    this.x = aboutX - ((aboutX - this.x) * next) / this.zoom;
    this.y = aboutY - ((aboutY - this.y) * next) / this.zoom;
    this.zoom = next;
    this.show();
  }

  pan(x, y) {
    this.x += x;
    this.y += y;
    this.show();
  }

  /** Bring zoom and place to the screen; the pictures always fill what is seen. */
  show() {
    const least = 100 * (1 - this.zoom);
    this.x = Math.min(0, Math.max(least, this.x));
    this.y = Math.min(0, Math.max(least, this.y));
    const { style, classList } = this.element;
    style.setProperty("--zoom", this.zoom);
    style.setProperty("--x", `${this.x}%`);
    style.setProperty("--y", `${this.y}%`);
    classList.toggle("zoomed", this.zoom > 1);
    this.buttons.fit.textContent = `${Math.round(this.zoom * 100)} %`;
    this.buttons.out.disabled = this.zoom === 1;
    this.buttons.in.disabled = this.zoom === MOST_ZOOM;
  }

  /** Where a pointer is, in percent of the picture that it is over. */
  over(event) {
    const side = [...this.sides.querySelectorAll(".side")].find((each) => {
      const box = each.getBoundingClientRect();
      return event.clientX <= box.right && event.clientY <= box.bottom;
    });
    const box = (side ?? this.sides).getBoundingClientRect();
    return {
      x: (100 * (event.clientX - box.left)) / box.width,
      y: (100 * (event.clientY - box.top)) / box.height,
      width: box.width,
      height: box.height,
    };
  }

  press(event) {
    const steps = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, 10], ArrowDown: [0, -10] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key in steps) this.pan(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * 1.5);
    else if (event.key === "-") this.zoomTo(this.zoom / 1.5);
    else if (event.key === "0") this.zoomTo(1);
    else return;
    event.preventDefault();
  }

  down(event) {
    if (event.button !== 0) return;
    this.sides.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size > 1) {
      this.drag = "pinch";
      return;
    }
    const place = this.over(event);
    const isNear = (Math.abs(place.x - this.at) * place.width) / 100 < HANDLE_REACH;
    const hasLine = view() === "slider";
    this.drag = hasLine && (this.zoom === 1 || isNear) ? "line" : "pan";
    this.sides.classList.toggle("dragging", this.drag === "pan");
    if (this.drag === "line" && event.pointerType === "touch" && this.zoom === 1) {
      this.drag = "undecided"; // the finger may be about to scroll the page
      this.begun = event;
    }
    if (this.drag === "line") this.place(place.x);
  }

  /** Tell from a finger's first steps whether it means the line or the page. */
  decide(event) {
    const across = Math.abs(event.clientX - this.begun.clientX);
    const along = Math.abs(event.clientY - this.begun.clientY);
    if (Math.max(across, along) > FIRST_STEPS) this.drag = across > along ? "line" : null;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const place = this.over(event);
    if (this.drag === "undecided") this.decide(event);
    if (this.drag === "line") this.place(place.x);
    if (this.drag === "pan") {
      this.pan(
        (100 * (event.clientX - before.clientX)) / place.width,
        (100 * (event.clientY - before.clientY)) / place.height,
      );
    }
    if (this.drag === "pinch") this.pinch(before, event);
    this.pointers.set(event.pointerId, event);
  }

  pinch(before, event) {
    const other = [...this.pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (!other) return;
    const distance = (each) => Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
    const middle = (each) => this.over({
      clientX: (each.clientX + other.clientX) / 2,
      clientY: (each.clientY + other.clientY) / 2,
    });
    const [from, to] = [middle(before), middle(event)];
    this.pan(to.x - from.x, to.y - from.y);
    this.zoomTo((this.zoom * distance(event)) / Math.max(1, distance(before)), to.x, to.y);
  }

  up(event) {
    const isTap = event.type === "pointerup" && this.pointers.has(event.pointerId);
    if (isTap && ["line", "undecided"].includes(this.drag)) this.place(this.over(event).x);
    this.pointers.delete(event.pointerId);
    this.drag = null;
    this.sides.classList.remove("dragging");
  }

  /** Zoom as maps do; without Ctrl, which a pinch on a touchpad sets too, the page scrolls. */
  wheel(event) {
    if (!event.ctrlKey && document.fullscreenElement !== this.element) return;
    event.preventDefault();
    const place = this.over(event);
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), place.x, place.y);
  }

  toggle(event) {
    const place = this.over(event);
    this.zoomTo(this.zoom > 1 ? 1 : 3, place.x, place.y);
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen();
  }
}

const gallery = document.querySelector(".gallery");
const cards = [...gallery.querySelectorAll(".card")];

function view() {
  return gallery.dataset.view;
}

/** Give a picture its bytes: those that the page holds, or a file beside the page. */
function load(image) {
  if (image.hasAttribute("src")) return;
  image.addEventListener("load", () => image.classList.add("shown"), { once: true });
  image.addEventListener("error", () => image.classList.add("broken"), { once: true });
  if (image.dataset.link) {
    image.src = image.dataset.link;
    return;
  }
  const text = document.getElementById(image.dataset.picture).textContent;
  image.src = URL.createObjectURL(new Blob([bytesOf(text)], { type: "image/webp" }));
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64); // of 2025: much faster
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function loadAll(within) {
  within.querySelectorAll("img").forEach(load);
}

/** What is not near the screen costs neither memory nor time. */
const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      nearby.unobserve(target);
      new Compare(target.querySelector(".compare"));
      loadAll(target);
    }
  },
  { rootMargin: "150% 0px" },
);
cards.forEach((card) => nearby.observe(card));
addEventListener("beforeprint", () => loadAll(gallery));

for (const choice of document.querySelectorAll("[name=view]")) {
  choice.addEventListener("change", () => {
    gallery.dataset.view = choice.value;
  });
}

const find = document.querySelector("[type=search]");
find?.addEventListener("input", () => {
  const wanted = find.value.trim().toLowerCase();
  for (const card of cards) card.hidden = !card.dataset.name.toLowerCase().includes(wanted);
  const count = cards.filter((card) => !card.hidden).length;
  document.querySelector(".found").value = wanted ? `${count} of ${cards.length}` : "";
});
