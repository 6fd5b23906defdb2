// @ts-check
// The bar below the picture: buttons, scrub bar with a tick per level, speed, caption. Builds elements, decides nothing.

import { button, element } from "./dom.js";

const ICONS = {
  play: "M7 4v16l13-8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  fit: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  full: "M3 3h7v2H6.4l4 4L9 10.400l-4-4V10H3zM14 3h7v7h-2V6.400l-4 4L13.600 9l4-4H14zM9 13.600l1.400 1.400-4 4H10v2H3v-7h2v3.600zM15 13.600l4 4V14h2v7h-7v-2h3.600l-4-4z",
  save: "M11 3h2v9l3.500-3.500L18 10l-6 6-6-6 1.500-1.500L11 12zM4 18h16v2H4z",
};
/** Doublings of the magnification per second. */
const SPEEDS = [0.25, 0.5, 1, 2, 4];

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** @param {keyof typeof ICONS} name @param {string} label */
const iconButton = (name, label) => button({ title: label, "aria-label": label }, icon(name));

export class ViewerControls {
  constructor() {
    this.play = iconButton("play", "Play (Space)");
    this.slider = element("input", { type: "range", min: 0, max: 0, step: "any", "aria-label": "Zoom" });
    this.slider.value = "0";
    this.ticks = element("div", { class: "zoomstack-ticks", "aria-hidden": "true" });
    this.speed = element("select", { title: "Doublings per second", "aria-label": "Speed, in doublings per second" });
    for (const speed of SPEEDS) this.speed.append(element("option", { value: speed }, `${speed}×`));
    this.speed.value = "1";
    this.fit = iconButton("fit", "Show the widest view (0)");
    this.full = iconButton("full", "Full screen (F)");
    this.full.hidden = !document.fullscreenEnabled;
    this.save = iconButton("save", "Save as one HTML page");
    this.save.hidden = true;
    this.caption = element("div", { class: "zoomstack-caption" });
    const track = element("div", { class: "zoomstack-track" }, this.slider, this.ticks);
    this.bar = element("div", { class: "zoomstack-bar" }, this.play, track, this.speed, this.fit, this.full, this.save);
    this.enable(false);
  }

  /** @param {boolean} on */
  enable(on) {
    for (const control of [this.play, this.slider, this.speed, this.fit, this.full, this.save]) control.disabled = !on;
  }

  /** @param {boolean} playing */
  showPlaying(playing) {
    this.play.replaceChildren(icon(playing ? "pause" : "play"));
    this.play.title = playing ? "Pause (Space)" : "Play (Space)";
    this.play.setAttribute("aria-label", this.play.title);
    this.play.setAttribute("aria-pressed", String(playing));
  }

  /** A tick per level. @param {number[]} places of the levels on the scrub bar, the last one at its end
   * @param {string[]} labels */
  showLevels(places, labels) {
    const end = places[places.length - 1];
    this.slider.max = String(end);
    this.ticks.replaceChildren(
      ...places.map((place, i) => {
        const tick = element("span", { title: labels[i], "data-level": i });
        tick.style.left = `${(end ? place / end : 0) * 100}%`;
        return tick;
      }),
    );
  }

  /** @param {number} place on the scrub bar @param {string} text */
  showPlace(place, text) {
    this.slider.value = String(place);
    if (this.caption.textContent === text) return;
    this.slider.setAttribute("aria-valuetext", text);
    this.caption.textContent = text;
    this.caption.title = text;
  }
}
