// How the explorer's view moves: along the path by default, anywhere by hand, never into blur; and what is seen then.
// Everything is tried on drawn stacks: other factors and foci at every step, large and small levels, wide and tall views.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as math from "../../js/zoom_math.js";
import * as moves from "../../js/zoom_moves.js";

const NOTCH = 0.3; // ln of the magnification by a notch of a mouse wheel, about

/** Numbers from 0 to 1 that are the same in every run. */
function drawer(seed) {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function* cases(count = 60) {
  for (let seed = 0; seed < count; seed++) {
    const draw = drawer(seed);
    for (let i = 0; i < 5; i++) draw();
    const steps = 1 + Math.floor(draw() * 9);
    const side = [64, 96, 512, 1024, 2048][Math.floor(draw() * 5)];
    const geometry = {
      height: side,
      width: Math.round(side * (0.6 + draw())),
      factors: Array.from({ length: steps }, () => (seed % 4 === 0 ? 2 : 1.2 + 4 * draw() ** 2)),
      foci: Array.from({ length: steps }, () => (seed % 4 === 0 ? [0.5, 0.5] : [draw(), draw()])),
    };
    const size = { width: 150 + Math.round(1200 * draw()), height: 120 + Math.round(800 * draw()) };
    yield { seed, draw, geometry, size, aspect: size.width / size.height };
  }
}

const seen = (geometry, view, { width, height }) =>
  math.seenOf(math.layoutLevels(geometry, view, width, height), width, height);

const turned = (geometry, view, amount) => math.magnified(geometry, view.zoom, amount);

test("the wheel leads from the widest view to the deepest along the path, and back", () => {
  for (const { seed, draw, geometry, size, aspect } of cases()) {
    const lowest = math.lowestZoom(geometry, aspect);
    let view = math.pathView(geometry, lowest, aspect);
    for (const way of [1, -1]) {
      for (let turn = 0; turn < 120; turn++) {
        view = moves.alongPath(geometry, view, turned(geometry, view, way * NOTCH * (0.3 + draw())), size);
        const away = math.awayFromPath(geometry, view, aspect);
        if (view.zoom <= geometry.factors.length) assert.ok(Math.max(...away.map(Math.abs)) < 1e-6, `${seed}: ${away}`);
      }
      if (way > 0) assert.equal(math.levelOf(geometry, view.zoom), geometry.factors.length, `${seed}`);
    }
    assert.ok(Math.abs(view.zoom - lowest) < 1e-9, `${seed}`);
  }
});

/** Views after moves by hand, one move after the other. */
const wandering = (tried, times) => [...moved(tried, times)].map(({ view }) => view);

function* moved({ draw, geometry, size, aspect }, times = 60) {
  let view = math.pathView(geometry, math.lowestZoom(geometry, aspect), aspect);
  for (let move = 0; move < times; move++) {
    const [before, amount] = [view, NOTCH * (draw() * 6 - 1.5)];
    if (draw() < 0.35) view = moves.panned(geometry, view, draw() * 2 - 1, draw() * 2 - 1, size);
    else view = moves.zoomedAt(geometry, view, turned(geometry, view, amount), draw(), draw(), size);
    yield { before, view, inwards: view.zoom > before.zoom };
  }
}

test("whatever is done by hand, what is seen off the path keeps its pixels small", () => {
  let off = 0;
  for (const tried of cases()) {
    const { geometry, size, aspect, seed } = tried;
    const most = moves.largestScale(geometry, size) * (1 + 1e-6);
    for (const { before, view, inwards } of moved(tried)) {
      if (!moves.isOffPath(geometry, view, aspect)) continue;
      off++;
      const { scale } = seen(geometry, view, size);
      if (inwards) assert.ok(scale <= most, `${seed}: ${scale} pixels per pixel after a zoom, ${most} are allowed`);
      const here = Math.max(most, seen(geometry, before, size).scale * (1 + 1e-6));
      if (view.zoom === before.zoom) assert.ok(scale <= here, `${seed}: ${scale} pixels per pixel, ${here} are allowed`);
    }
  }
  assert.ok(off > 1000, `${off} views were off the path`);
});

test("zooming out leads back to the path and to the widest view", () => {
  for (const tried of cases()) {
    const { geometry, size, aspect } = tried;
    let [view] = wandering(tried).slice(-1);
    for (let turn = 0; turn < 200; turn++) view = moves.alongPath(geometry, view, turned(geometry, view, -NOTCH), size);
    const whole = math.pathView(geometry, math.lowestZoom(geometry, aspect), aspect);
    for (const key of ["zoom", "x", "y"]) assert.ok(Math.abs(view[key] - whole[key]) < 1e-6, `${tried.seed}: ${key}`);
  }
});

test("zooming in along the path ends on it, wherever it began", () => {
  for (const tried of cases()) {
    const { geometry, size, aspect } = tried;
    let [view] = wandering(tried, 12).slice(-1);
    while (view.zoom < geometry.factors.length) {
      const before = math.awayFromPath(geometry, view, aspect).map(Math.abs);
      view = moves.alongPath(geometry, view, turned(geometry, view, NOTCH), size);
      const after = math.awayFromPath(geometry, view, aspect).map(Math.abs);
      if (view.zoom >= moves.highestZoom(geometry, size)) break;
      for (const axis of [0, 1]) assert.ok(after[axis] <= before[axis] + 1e-9, `${tried.seed}`);
    }
    assert.equal(math.levelOf(geometry, view.zoom), geometry.factors.length);
  }
});

test("twenty times in or out along the path, and nearly nothing is left of the way from it", () => {
  let tried = 0;
  for (const { seed, draw, geometry, size, aspect } of cases()) {
    for (const way of [1, -1]) {
      const start = geometry.factors.length * (way > 0 ? 0.2 : 0.9);
      const view = moves.besidePath(geometry, start, [draw() - 0.5, draw() - 0.5], size);
      const zoom = turned(geometry, view, way * Math.log(20));
      if (zoom < 0 || zoom > geometry.factors.length) continue;
      tried++;
      const before = math.awayFromPath(geometry, view, aspect).map(Math.abs);
      const after = math.awayFromPath(geometry, moves.alongPath(geometry, view, zoom, size), aspect).map(Math.abs);
      for (const axis of [0, 1]) assert.ok(after[axis] <= 0.02 * before[axis] + 1e-9, `${seed}: ${before}, ${after}`);
    }
  }
  assert.ok(tried > 20, `${tried}`);
});

test("by hand the point under the pointer stays there, as long as there is room and detail", () => {
  let stayed = 0;
  for (const { draw, geometry, size, aspect } of cases()) {
    const view = math.pathView(geometry, draw() * geometry.factors.length, aspect);
    const [atX, atY] = [draw(), draw()];
    const wanted = turned(geometry, view, 0.2);
    const moved = moves.zoomedAt(geometry, view, wanted, atX, atY, size);
    if (moved.zoom !== wanted) continue;
    stayed++;
    const [from, to] = [view, moved].map((at) => {
      const [width, height] = math.viewSize(geometry, at.zoom, aspect);
      const point = [at.x + (atX - 0.5) * width, at.y + (atY - 0.5) * height];
      return math.toLevel(geometry, point, math.levelOf(geometry, at.zoom), math.levelOf(geometry, view.zoom));
    });
    for (const axis of [0, 1]) assert.ok(Math.abs(from[axis] - to[axis]) < 1e-9);
  }
  assert.ok(stayed > 20, `${stayed}`);
});

test("however the view is moved, levels cover it", () => {
  for (const tried of cases()) {
    const { geometry, size } = tried;
    for (const view of wandering(tried)) {
      const [{ rect }] = math.layoutLevels(geometry, view, size.width, size.height);
      if (view.zoom < 0) continue;
      const error = 1e-4 * Math.max(size.width, size.height);
      assert.ok(rect.left <= error && rect.left + rect.width >= size.width - error, `${tried.seed}`);
      assert.ok(rect.top <= error && rect.top + rect.height >= size.height - error, `${tried.seed}`);
    }
  }
});

test("the level that is told fills more of the picture than any other", () => {
  for (const tried of cases(30)) {
    const { geometry, size, draw, aspect } = tried;
    const path = math.pathView(geometry, draw() * geometry.factors.length, aspect);
    for (const view of [path, ...wandering(tried, 15)]) {
      const placements = math.layoutLevels(geometry, view, size.width, size.height);
      const share = new Map();
      for (let x = 0.5; x < 60; x++) {
        for (let y = 0.5; y < 60; y++) {
          let left = 1;
          for (const { level, rect, opacity } of [...placements].reverse()) {
            const [right, down] = [(x / 60) * size.width - rect.left, (y / 60) * size.height - rect.top];
            if (right < 0 || down < 0 || right > rect.width || down > rect.height) continue;
            share.set(level, (share.get(level) ?? 0) + left * opacity);
            left *= 1 - opacity;
          }
        }
      }
      const most = Math.max(...share.values());
      const told = math.seenOf(placements, size.width, size.height).level;
      assert.ok((share.get(told) ?? 0) >= 0.93 * most, `${tried.seed}: level ${told} of ${[...share]}`);
    }
  }
});

test("where a level fills the view, it is the one that is told", () => {
  let told = 0;
  for (const { geometry, size, aspect, seed } of cases()) {
    const cut = (aspect * geometry.height) / geometry.width;
    if (cut < 0.6 || cut > 1.7) continue; // so little of a level that the next one fills most of it
    for (let level = 0; level <= geometry.factors.length; level++) {
      if ((geometry.factors[level] ?? 2) < 1.9) continue;
      assert.equal(seen(geometry, math.pathView(geometry, level, aspect), size).level, level, `${seed}`);
      told++;
    }
  }
  assert.ok(told > 30, `${told}`);
});

test("views on the path are allowed as they are", () => {
  for (const { geometry, size, aspect } of cases()) {
    for (let zoom = math.lowestZoom(geometry, aspect); zoom <= geometry.factors.length; zoom += 0.11) {
      const view = math.pathView(geometry, zoom, aspect);
      const allowed = moves.limited(geometry, view, size);
      for (const key of ["zoom", "x", "y"]) assert.ok(Math.abs(view[key] - allowed[key]) < 1e-9, `${key} at ${zoom}`);
    }
  }
});

test("a very deep stack can be moved in anywhere", () => {
  const geometry = { height: 64, width: 64, factors: Array(200).fill(4), foci: Array(200).fill([0.31, 0.77]) };
  const size = { width: 400, height: 300 };
  for (const zoom of [0, 99.5, 200]) {
    const view = moves.panned(geometry, math.pathView(geometry, zoom, 4 / 3), 0.2, -0.1, size);
    const out = moves.alongPath(geometry, view, zoom - 3, size);
    for (const value of [view.x, view.y, out.x, out.y, out.zoom]) assert.ok(Number.isFinite(value));
  }
});
