// Trees and rings in the explorer: what is drawn of them, and how a view turns into branches and goes round.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as math from "../../js/zoom_math.js";
import * as moves from "../../js/zoom_moves.js";
import * as trees from "../../js/zoom_tree.js";
import { Tour } from "../../js/zoom_tour.js";
import * as turns from "../../js/zoom_turns.js";
import { mapPlaces } from "../../js/viewer_map.js";
import { close, laidOut } from "./compared.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const vectors = read("zoom_journeys");
const middle = [0.5, 0.5];
/** Two levels side by side in level 0, each with one in its middle. */
const tree = { height: 256, width: 256, factors: [4, 4, 4, 2], foci: [[0.25, 0.5], [0.75, 0.5], middle, middle], parents: [null, 0, 0, 1, 2] };
const ring = { height: 256, width: 256, factors: [2, 3, 4], foci: [[0.3, 0.4], middle, [0.8, 0.2]], parents: [2, 0, 1] };
/** 0 → 1 → 2 → 0 with a branch 3 → 4 from 1. */
const both = {
  height: 256,
  width: 256,
  factors: [2, 4, 4, 2, 3],
  foci: [middle, [0.25, 0.25], [0.75, 0.75], middle, middle],
  parents: [2, 0, 1, 1, 3],
};
const size = { width: 600, height: 400 };
const aspect = 1.5;

const seen = (line, view) => math.seenOf(math.layoutLevels(line, view, size.width, size.height), size.width, size.height);

/** Where the corners and the middle of a view are, in units of a level that both lines share. */
function window(line, view, place = line.first) {
  const [width, height] = math.viewSize(line, view.zoom, aspect);
  return [-0.5, 0, 0.5].flatMap((part) =>
    math.toLevel(line, [view.x + part * width, view.y + part * height], math.levelOf(line, view.zoom), place),
  );
}

test("the levels of trees and rings lie as in the video", () => {
  let [compared, onPath] = [0, 0];
  for (const { journey, frames, ...geometry } of vectors) {
    for (const { zoom, height, width, placements } of frames) {
      const i = Math.floor(zoom);
      const isInward = (place) => journey[place + 1] !== undefined && trees.parentOf(geometry, journey[place + 1]) === journey[place];
      const [{ level, rect, scale }] = placements;
      const deeper = zoom === i ? level : isInward(i) ? journey[i + 1] : journey[i];
      const line = trees.lineThrough(geometry, deeper);
      const base = line.first + trees.pathTo(geometry, level).length - 1;
      const part = zoom === i ? 0 : isInward(i) ? zoom - i : 1 - (zoom - i);
      const [x, y] = [(width / 2 - rect.left) / rect.width, (height / 2 - rect.top) / rect.height];
      const view = { zoom: base + part, x, y };
      const where = `${journey} at ${zoom}`;
      close(math.fullScale(geometry, { width, height }) * math.factorAt(line, base) ** part, scale, where);
      close(laidOut(line, view, width, height), placements, where);
      compared++;
      if (![i, i + 1].every(isInward)) continue;
      const through = trees.lineThrough(geometry, journey[i + 2]);
      close(math.pathView(through, base + part, width / height), view, `path of ${where}`);
      onPath++;
    }
  }
  assert.ok(compared > 60 && onPath > 20, `${compared}, ${onPath}`);
});

test("lines lead through a level to a leaf, and of a ring round and round", () => {
  assert.deepEqual(trees.lineThrough(tree, 2).levels, [0, 2, 4]);
  assert.deepEqual(trees.lineThrough(tree, 0).levels, [0, 1, 3]);
  assert.deepEqual(trees.lineThrough(tree, 2).factors, [4, 2]);
  const line = trees.lineThrough(ring, 1);
  assert.deepEqual(line.levels.slice(line.first - 1, line.first + 4), [2, 0, 1, 2, 0]);
  assert.deepEqual(line.factors.slice(line.first - 1, line.first + 3), [4, 2, 3, 4]);
  assert.equal(trees.lastPlace(line), line.first + 2);
  const branch = trees.lineThrough(both, 3);
  assert.deepEqual(branch.levels.slice(branch.first - 1), [2, 0, 1, 3, 4]);
  assert.equal(branch.endless, false);
});

test("all branches are in the picture, each counted with its own part of it", () => {
  const line = trees.lineThrough(tree, 1);
  const placements = math.layoutLevels(line, turns.wholeView(line, 1), 1600, 1600);
  assert.deepEqual(placements.map(({ level }) => level), [0, 1, 2, 3, 4]);
  assert.equal(math.seenOf(placements, 1600, 1600).level, 0);
  // two children that fill half of the picture each leave nothing of their parent to be seen
  const halves = { ...tree, factors: [2, 2, 2, 2], foci: [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]], parents: [null, 0, 0, 0, 0] };
  const four = trees.lineThrough(halves, 1);
  const shown = math.layoutLevels(four, { zoom: 0.4, x: 0.49, y: 0.49 }, 1000, 1000);
  assert.equal(shown.length, 5);
  assert.equal(math.seenOf(shown, 1000, 1000).level, 1);
});

test("what is beside the view is not laid out", () => {
  const line = trees.lineThrough(tree, 1);
  assert.deepEqual(math.layoutLevels(line, math.pathView(line, 1, 1), 400, 400).map(({ level }) => level), [1, 3]);
});

test("a zoom in follows the branch under the pointer, one out comes back to the parent", () => {
  for (const [atX, atY, leaf] of [[0.25, 0.5, 3], [0.75, 0.5, 4], [0.9, 0.1, 4], [0.1, 0.9, 3]]) {
    let line = trees.lineThrough(tree, leaf === 3 ? 2 : 1); // that of the other branch
    let view = turns.wholeView(line, aspect);
    for (let turn = 0; turn < 40; turn++) {
      ({ line, view } = turns.towards({ line, view }, atX, atY, size));
      view = moves.alongPath(line, view, math.magnified(line, view.zoom, 0.2), size);
      assert.ok([view.zoom, view.x, view.y].every(Number.isFinite));
    }
    assert.equal(seen(line, view).level, leaf, `${atX}`);
    for (let turn = 0; turn < 40; turn++) view = moves.alongPath(line, view, math.magnified(line, view.zoom, -0.2), size);
    assert.equal(seen(line, view).level, 0);
    close(view, turns.wholeView(line, aspect), "whole");
  }
});

test("between two branches that are as near the line stays as it is", () => {
  for (const level of [1, 2]) {
    const line = trees.lineThrough(tree, level);
    assert.equal(turns.towards({ line, view: turns.wholeView(line, aspect) }, 0.5, 0.5, size).line, line);
  }
});

test("on another line a view shows the same", () => {
  for (const zoom of [-0.4, 0, 0.3, 0.9, 1, 1.4]) {
    const [from, to] = [trees.lineThrough(both, 3), trees.lineThrough(both, 2)];
    const view = moves.besidePath(from, from.first + zoom, [0.1, -0.2], size);
    const moved = turns.onLine(from, view, to);
    close(window(to, moved), window(from, view), `${zoom}`);
    close(turns.onLine(to, moved, from), view, `${zoom} and back`);
    close(math.layoutLevels(to, moved, 600, 400), math.layoutLevels(from, view, 600, 400), `${zoom} drawn`, 1e-6);
  }
});

test("a ring goes on for ever, in and out, and its rounds are counted", () => {
  for (const way of [1, -1]) {
    let line = trees.lineThrough(ring, 0);
    let [view, round, shown] = [turns.wholeView(line, aspect), 1, []];
    for (let turn = 0; turn < 4000; turn++) {
      view = moves.alongPath(line, view, math.magnified(line, view.zoom, way * 0.1), size);
      const next = turns.inRound({ line, view });
      close(
        math.layoutLevels(next.line, next.view, 600, 400).map((placement) => ({ ...placement, round: placement.round + next.rounds })),
        math.layoutLevels(line, view, 600, 400),
        `${turn}`,
        1e-6,
      );
      [line, view, round] = [next.line, next.view, round + next.rounds];
      assert.ok(view.zoom >= line.first - 0.5 && view.zoom < line.first + 2.5);
      const { level, round: deeper } = seen(line, view);
      if (shown.at(-1) !== 3 * (round + deeper) + level) shown.push(3 * (round + deeper) + level);
    }
    assert.ok([2, 3].includes(shown[0]));
    assert.ok(Math.abs(round - way * ((4000 * 0.1) / Math.log(24))) < 2, `${round}`);
    assert.deepEqual(shown, shown.map((_, i) => shown[0] + way * i), "a level was left out or came twice");
  }
});

test("out of a branch one comes to the ring around it, and round that too", () => {
  let line = trees.lineThrough(both, 3);
  let [view, round] = [math.pathView(line, line.first + 3, aspect), 1];
  for (let turn = 0; turn < 120; turn++) {
    view = moves.alongPath(line, view, math.magnified(line, view.zoom, -0.1), size);
    const next = turns.inRound({ line, view });
    [line, view, round] = [next.line, next.view, round + next.rounds];
  }
  assert.equal(line.endless, true);
  assert.ok(round < 0, `${round}`);
});

test("a branch of the round around the view is turned into in this round", () => {
  const line = trees.lineThrough(both, 0);
  // level 1 of the round before fills the view, which stays in terms of the round after it
  const view = { ...math.pathView(line, line.first + 1.4, 1), zoom: line.first - 2 + 0.4 };
  const turned = turns.towards({ line, view }, 0.99, 0.99, { width: 400, height: 400 });
  assert.deepEqual([turned.rounds, turned.line.levels.slice(turned.line.first)], [-1, [0, 1, 3, 4]]);
  close(window(turned.line, turned.view, line.first + 1), window(line, view, line.first - 2), "window");
});

test("a flight leads out to what both show and in from there, without a jump", () => {
  for (const [geometry, from, to, turn] of [[tree, 3, 4, 0], [tree, 4, 1, 0], [both, 4, 2, 1], [both, 0, 4, 0], [tree, 3, 0, 0]]) {
    let line = trees.lineThrough(geometry, from);
    let view = moves.besidePath(line, trees.placeOn(line, from) + 0.2, [0.1, 0.05], size);
    const levels = new Set();
    const flight = new turns.Flight({ line, view }, to, size);
    const { end } = flight;
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 1000);
      const next = flight.step(16);
      const [before, after] = [window(line, view), window(next.line, next.view)];
      const extent = Math.abs(after[4] - after[0]) + Math.abs(before[4] - before[0]);
      for (let i = 0; i < 6; i++) assert.ok(Math.abs(before[i] - after[i]) < 0.1 * extent, `${from} to ${to}: a jump`);
      [line, view] = [next.line, next.view];
      levels.add(seen(line, view).level);
      if (next.done) break;
    }
    close(view, end.view, `${from} to ${to}`, 1e-9);
    assert.equal(seen(line, view).level, to);
    assert.ok(levels.has(turn), `${[...levels]}`);
  }
});

/** Play from a place on, as the explorer does; calls `each` with every place. */
function play(tour, line, view, steps, each) {
  for (let i = 0; i < steps; i++) {
    const next = tour.step({ line, view }, 0.05);
    const [right, down] = math.awayFromPath(next.line, next.view, aspect);
    const to = moves.besidePath(next.line, next.zoom, [right * 0.8, down * 0.8], size);
    each(next.line, to, next.view, next.done);
    [line, view, tour.left] = [next.line, to, to];
    if (next.done) break;
  }
  return { line, view };
}

test("playing goes through all branches of a tree in the order of the video, and on for ever", () => {
  const tours = read("zoom_tours");
  assert.ok(tours.length > 2);
  for (const { tour: expected, ...geometry } of tours) {
    const tour = new Tour(geometry);
    const line = trees.lineThrough(geometry, 0);
    const view = turns.wholeView(line, aspect);
    assert.equal(tour.begin({ line, view }), false);
    const levels = [];
    play(tour, line, view, 2000, (at, { zoom }) => {
      const level = at.levels[Math.max(0, Math.round(zoom))];
      if (levels.at(-1) !== level) levels.push(level);
    });
    assert.deepEqual(levels.slice(0, expected.length), expected);
    const once = expected.slice(expected.indexOf(tour.ends[0])); // from the first end to itself
    const again = levels.slice(expected.length - 1, expected.length - 1 + once.length);
    assert.deepEqual(again, once, "the second time");
  }
});

test("playing through a tree does not jump where it turns", () => {
  const tour = new Tour(tree);
  const start = trees.lineThrough(tree, 0);
  const view = turns.wholeView(start, aspect);
  tour.begin({ line: start, view });
  let before = window(start, view);
  play(tour, start, view, 1000, (line, to) => {
    const after = window(line, to);
    const extent = Math.abs(after[4] - after[0]) + Math.abs(before[4] - before[0]);
    for (let i = 0; i < 6; i++) assert.ok(Math.abs(before[i] - after[i]) < 0.2 * extent, "a jump");
    before = after;
  });
});

test("playing goes on where it was left, and from elsewhere into the branch that is shown", () => {
  const tour = new Tour(tree);
  const line = trees.lineThrough(tree, 0);
  const whole = turns.wholeView(line, aspect);
  tour.begin({ line, view: whole });
  const out = play(tour, line, whole, 70, () => {}); // at the end of the first branch, and out a little
  assert.equal(tour.next, 1);
  tour.begin(out);
  assert.equal(tour.next, 1);
  const other = trees.lineThrough(tree, 4);
  for (const [place, next] of [[{ line, view: math.pathView(line, 1.5, aspect) }, 0], [{ line: other, view: math.pathView(other, 0.5, aspect) }, 1]]) {
    tour.begin(place);
    assert.equal(tour.next, next);
  }
});

test("a chain is played to its end, a ring for ever", () => {
  const chain = { height: 64, width: 64, factors: [2, 2], foci: [middle, middle] };
  for (const [geometry, ends] of [[chain, true], [ring, false], [both, false]]) {
    const tour = new Tour(geometry);
    const line = trees.lineThrough(geometry, 0);
    const view = math.pathView(line, line.first, aspect);
    let done = false;
    const last = play(tour, line, view, 60, (_, __, ___, is) => (done = is));
    assert.equal(done, ends);
    assert.equal(tour.begin(last), ends);
  }
});

test("the map has each level right of its parent and none on another", () => {
  for (const geometry of [tree, both, ...vectors]) {
    const places = mapPlaces(geometry);
    assert.equal(new Set(places.map(String)).size, trees.countOf(geometry));
    for (let level = 1; level < places.length; level++) {
      assert.equal(places[level][0], places[trees.parentOf(geometry, level)][0] + 1);
    }
  }
});

test("a ring of the smallest steps has a line of some thousand levels", () => {
  for (const factor of [1.01, 1.0001, 1.00001]) {
    const slow = { height: 64, width: 64, factors: [factor, factor], foci: [middle, middle], parents: [1, 0] };
    const line = trees.lineThrough(slow, 0);
    assert.ok(line.levels.length > 2000 && line.levels.length < 10000, `${line.levels.length}`);
    assert.deepEqual(line.levels.slice(line.first - 1, line.first + 3), [1, 0, 1, 0]);
    let view = turns.wholeView(line, aspect);
    for (let turn = 0; turn < 5; turn++) {
      assert.ok(Object.values(view).every(Number.isFinite));
      assert.ok(math.layoutLevels(line, view, 600, 400).length < 2000);
      view = turns.inRound({ line, view: moves.alongPath(line, view, math.magnified(line, view.zoom, 0.2), size) }).view;
    }
  }
  const wide = { height: 64, width: 64, factors: Array(6000).fill(1.001), foci: Array(6000).fill(middle), parents: [5999, ...Array(5999).keys()] };
  assert.equal(trees.lineThrough(wide, 0).levels.length, 18000); // a round on each side at least
});
