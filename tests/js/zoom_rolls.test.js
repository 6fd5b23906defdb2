// The roll in the explorer: the numbers of the Python side, and hands on a turned picture.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as math from "../../js/zoom_math.js";
import * as moves from "../../js/zoom_moves.js";
import * as rolls from "../../js/zoom_roll.js";
import * as trees from "../../js/zoom_tree.js";
import * as turns from "../../js/zoom_turns.js";
import { close, laidOut } from "./compared.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/zoom_rolls.json", import.meta.url), "utf8"));
const middle = [0.5, 0.5];
const chain = { height: 512, width: 512, factors: [2, 2, 2, 2], foci: Array(4).fill([0.45, 0.6]), roll: 40 };
const ring = { height: 256, width: 256, factors: [2, 3, 4], foci: [[0.3, 0.4], middle, [0.8, 0.2]], parents: [2, 0, 1], roll: -50 };
const tree = { height: 256, width: 256, factors: [4, 4, 4, 2], foci: [[0.25, 0.5], [0.75, 0.5], middle, middle], parents: [null, 0, 0, 1, 2], roll: 60 };
const size = { width: 600, height: 400 };
const aspect = 1.5;

/** The point of level 0 (of the view's round) that is at a place of the turned view. */
function pointAt(line, view, atX, atY) {
  const [width, height] = math.viewSize(line, view.zoom, aspect);
  const [x, y] = math.uprightAt(line, view.zoom, atX, atY, aspect);
  const point = [view.x + (x - 0.5) * width, view.y + (y - 0.5) * height];
  return math.toLevel(line, point, math.levelOf(line, view.zoom), line.first);
}

/** How far what a turned view shows reaches beyond the lowest level of it, in pixels. */
function sticksOut(line, view) {
  const [{ rect }] = math.layoutLevels(line, view, size.width, size.height);
  const [wide, tall] = rolls.turnedSize(size.width, size.height, math.angleAt(line, view.zoom, aspect));
  const [across, down] = [(wide - size.width) / 2, (tall - size.height) / 2];
  const right = size.width + across - rect.left - rect.width;
  return Math.max(rect.left + across, rect.top + down, right, size.height + down - rect.top - rect.height);
}

test("turned levels lie as in the video, at the same angle", () => {
  let [compared, onPath] = [0, 0];
  for (const { journey, frames, ...geometry } of vectors) {
    for (const { zoom, height, width, angle, placements } of frames) {
      const i = Math.floor(zoom);
      const isInward = (place) => journey[place + 1] !== undefined && trees.parentOf(geometry, journey[place + 1]) === journey[place];
      const inward = isInward(i) || journey[i + 1] === undefined;
      const wider = zoom === i || inward ? journey[i] : journey[i + 1];
      const deeper = zoom === i ? wider : inward ? journey[i + 1] : journey[i];
      const line = trees.lineThrough(geometry, deeper);
      const level = line.first + trees.pathTo(geometry, wider).length - 1 + (line.round && i >= line.round ? line.round : 0);
      const part = zoom === i ? 0 : inward ? zoom - i : 1 - (zoom - i);
      const where = `${JSON.stringify(journey)} at ${zoom}`;
      close(math.angleAt(line, level + part, width / height), angle, `angle of ${where}`);
      const [{ rect, level: lowest }] = placements;
      const base = line.levels.lastIndexOf(lowest, level);
      const at = [(width / 2 - rect.left) / rect.width, (height / 2 - rect.top) / rect.height];
      const [x, y] = math.toLevel(line, at, base, level);
      const view = { zoom: level + part, x, y };
      close(laidOut(line, view, width, height), placements, where, 1e-6);
      compared++;
      if (![i, i + 1].every(isInward)) continue;
      const through = trees.lineThrough(geometry, journey[i + 2]);
      close(math.pathView(through, level + part, width / height), view, `path of ${where}`, 1e-6);
      onPath++;
    }
  }
  assert.ok(compared > 40 && onPath > 15, `${compared}, ${onPath}`);
});

test("without a roll nothing turns", () => {
  const line = trees.lineThrough({ ...chain, roll: 0 }, 0);
  assert.equal(math.angleAt(line, 2.4, aspect), 0);
  assert.deepEqual(math.uprightAt(line, 2.4, 0.2, 0.9, aspect), [0.2, 0.9]);
});

test("zooming keeps the point under the pointer, at any angle", () => {
  for (const geometry of [chain, ring, tree]) {
    const line = trees.lineThrough(geometry, 1);
    for (const [atX, atY] of [[0.5, 0.5], [0.4, 0.55], [0.6, 0.3]]) {
      for (const step of [0.7, 0.4, -0.3, -0.5]) {
        const view = math.pathView(line, line.first + 1.3, aspect);
        const next = moves.zoomedAt(line, view, math.magnified(line, view.zoom, step), atX, atY, size);
        assert.ok(Math.abs(next.zoom - view.zoom) > 0.1);
        assert.ok(Math.abs(math.angleAt(line, next.zoom, aspect) - math.angleAt(line, view.zoom, aspect)) > 0.1);
        const [before, after] = [view, next].map((shown) => pointAt(line, shown, atX, atY));
        close(after, before, `${geometry.factors} ${atX} ${step}`, 1e-6);
      }
    }
  }
});

test("what is dragged stays under the pointer, at any angle", () => {
  const line = trees.lineThrough(chain, 0);
  const view = math.pathView(line, 2.3, aspect);
  assert.ok(math.angleAt(line, 2.3, aspect) > 0.5);
  for (const [right, down] of [[0.1, 0], [0, -0.12], [-0.07, 0.05]]) {
    const moved = moves.panned(line, view, right, down, size);
    close(pointAt(line, moved, 0.5 - right, 0.5 - down), pointAt(line, view, 0.5, 0.5), `${right}, ${down}`, 1e-6);
  }
});

test("a place and a way are turned alike, and back again", () => {
  for (const angle of [0.3, 2, -4]) {
    const [x, y] = rolls.upright(0.8, 0.35, angle, aspect);
    close(rolls.upright(x, y, -angle, aspect), [0.8, 0.35], "back");
    close(rolls.along(0.3, -0.15, angle, aspect), [x - 0.5, y - 0.5], "way");
  }
  // a quarter turn to the right: what is on the right of the screen was at the top
  close(rolls.upright(1, 0.5, Math.PI / 2, 1), [0.5, 0], "quarter");
});

test("no view shows what is beyond the widest level, wherever it is moved", () => {
  for (const geometry of [chain, tree, { ...chain, roll: 300, foci: Array(4).fill([0, 1]) }]) {
    const line = trees.lineThrough(geometry, 1);
    for (let zoom = 0; zoom <= line.factors.length; zoom += 0.13) {
      assert.ok(sticksOut(line, math.pathView(line, zoom, aspect)) < 1e-6, `${zoom}`);
      for (const [right, down] of [[2, 0], [-2, 1], [0, -3]]) {
        const moved = moves.panned(line, math.pathView(line, zoom, aspect), right, down, size);
        assert.ok(sticksOut(line, moved) < 1e-5, `${zoom}: ${right}, ${down}`);
      }
    }
  }
});

test("a ring looks the same a round later", () => {
  const line = trees.lineThrough(ring, 0);
  const here = math.angleAt(line, line.first + 0.4, aspect);
  const there = math.angleAt(line, line.first + line.round + 0.4, aspect);
  const turned = (there - here) / (2 * Math.PI);
  close(turned, Math.round(turned), "whole turns");
  assert.equal(Math.sign(turned), -1);
});

test("branches are found under the pointer where the picture is turned", () => {
  const line = trees.lineThrough(tree, 1);
  const view = { zoom: 0.5, x: 0.5, y: 0.5 };
  const angle = math.angleAt(line, view.zoom, aspect);
  // where the other branch is on the turned screen
  const [width, height] = math.viewSize(line, view.zoom, aspect);
  const [x, y] = rolls.upright(0.5 + 0.25 / width, 0.5, -angle, aspect);
  assert.ok(Math.abs(y - 0.5) > 0.02 && height > 0);
  assert.equal(turns.towards({ line, view }, x, y, size).line.levels[1], 2);
  assert.equal(turns.towards({ line, view }, 1 - x, 1 - y, size).line.levels[1], 1);
});

test("a sway begins and ends in its middle", () => {
  const motion = { roll: 0, drift: 0.05, drift_seconds: 10 };
  close(rolls.swayAt(motion, 0), [0, 0], "begin");
  close(rolls.swayAt(motion, 10000), [0, 0], "end");
  close(rolls.swayAt(motion, 2500), [0.05, 0], "right");
});
