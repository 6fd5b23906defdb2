// @ts-check
// How the picture of a zoom turns, how far a turned view reaches, and how the camera sways while it plays. Pure functions;
// zoomstack_core/camera/turn.py and journey.py say the same, and tests/vectors holds both to the same numbers.

/**
 * @typedef {import("./zoom_tree.js").Line} Line
 * @typedef {import("./zoom_tree.js").Rect} Rect
 * @typedef {{roll: number, drift: number, drift_seconds: number}} Motion degrees from level to level, parts of the view's
 * width, and seconds of one sway
 */

/** Near the border of the widest level a view is turned aside little by little: from this part of it on. */
const SOFT = 0.1;
/** From a magnification of e to this on there is room for any turn. */
const ROOMY = 10;

/** ln of the factor of a step on average, of a ring those of its round. @param {Line} line */
function averageStep({ tree, factors, first, round }) {
  const steps = round ? factors.slice(0, round) : tree.factors;
  return steps.reduce((sum, factor) => sum + Math.log(factor), 0) / steps.length;
}

/** Radians by which the picture is turned clockwise. In a ring a round makes whole turns; else it begins at the widest
 * level, softly, and goes no farther than the corners of the view have room.
 * @param {Line} line @param {number} log ln of the magnification from level 0 @param {number} aspect of the view */
export function turnAt(line, log, aspect) {
  const { roll = 0, round } = line;
  if (!roll || !line.factors.length) return 0;
  const levels = log / averageStep(line);
  if (round) {
    const turns = Math.max(1, Math.round((Math.abs(roll) * round) / 360));
    return ((Math.sign(roll) * turns * 2 * Math.PI) / round) * levels;
  }
  const angle = (Math.abs(roll) / 180) * Math.PI * (Math.hypot(Math.max(0, levels), 1) - 1);
  const shape = line.width / line.height;
  const room = Math.exp(Math.min(Math.max(0, log), ROOMY)) * Math.max(aspect, shape);
  return Math.sign(roll) * Math.min(angle, widestTurn(aspect, room, room / shape));
}

/** The largest angle by which a view of height 1 can be turned in a room. @param {number} width of the view
 * @param {number} roomWidth @param {number} roomHeight */
function widestTurn(width, roomWidth, roomHeight) {
  const diagonal = Math.hypot(1, width);
  const most = [
    [roomHeight, Math.atan2(width, 1)],
    [roomWidth, Math.atan2(1, width)],
  ].map(([room, full]) => (room < diagonal ? Math.max(0, full - Math.acos(room / diagonal)) : Infinity));
  return Math.min(...most);
}

/** Width and height of the upright rectangle around a turned one. @param {number} width @param {number} height
 * @param {number} angle @returns {[number, number]} */
export function turnedSize(width, height, angle) {
  const [c, s] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  return [width * c + height * s, height * c + width * s];
}

/** How much of an upright rectangle a view needs to be turned in from 0 up to an angle, in parts of its own width and
 * height: without a kink, and no less again from its diagonal on. @param {number} aspect @param {number} angle
 * @returns {[number, number]} */
export function roomToTurn(aspect, angle) {
  const a = Math.abs(angle);
  const diagonal = Math.hypot(1, aspect);
  return [
    (a >= Math.atan2(1, aspect) ? diagonal : aspect * Math.cos(a) + Math.sin(a)) / aspect,
    a >= Math.atan2(aspect, 1) ? diagonal : Math.cos(a) + aspect * Math.sin(a),
  ];
}

/** A place of a turned view, in parts of it, where it is in the upright one. @param {number} atX @param {number} atY
 * @param {number} angle @param {number} aspect @returns {[number, number]} */
export function upright(atX, atY, angle, aspect) {
  if (!angle) return [atX, atY];
  const [x, y] = along(atX - 0.5, atY - 0.5, angle, aspect);
  return [x + 0.5, y + 0.5];
}

/** A way across a turned view, in parts of it, as a way across the upright one. @param {number} right @param {number} down
 * @param {number} angle @param {number} aspect @returns {[number, number]} */
export function along(right, down, angle, aspect) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c * right + (s * down) / aspect, c * down - s * right * aspect];
}

/** How far the widest level reaches beyond a level: left, top, right and bottom, in parts of its width and height. Without
 * end in a ring, but for sides that always touch. @param {Line} line @param {number} level on it
 * @param {(level: number) => Rect} innerRect where the next level lies */
function marginsOf({ factors, round }, level, innerRect) {
  const insets = (/** @type {number} */ at) => {
    const { left, top, width, height } = innerRect(at);
    return [left, top, 1 - left - width, 1 - top - height].map((side) => (side > 1e-9 ? side : 0));
  };
  if (round) {
    const all = Array.from({ length: Math.min(round, factors.length) }, (_, at) => insets(at));
    return [0, 1, 2, 3].map((side) => (all.some((around) => around[side] > 0) ? Infinity : 0));
  }
  let margins = [0, 0, 0, 0];
  for (let at = 0; at < level; at++) margins = insets(at).map((side, i) => (margins[i] + side) * factors[at]);
  return margins;
}

/** A view moved so that all it may show while it turns lies in the widest level; softly near its border.
 * @param {Line} line @param {number} level on it @param {Rect} view in parts of this level @param {number} angle
 * @param {number} aspect of the view @param {(level: number) => Rect} innerRect @returns {Rect} */
export function keptInside(line, level, view, angle, aspect, innerRect) {
  const [before, above, behind, below] = marginsOf(line, level, innerRect);
  const [wide, tall] = roomToTurn(aspect, angle);
  return {
    ...view,
    left: keptOnAxis(view.left, view.width, view.width * wide, before, behind),
    top: keptOnAxis(view.top, view.height, view.height * tall, above, below),
  };
}

/** @param {number} start @param {number} length @param {number} reach @param {number} before @param {number} behind */
function keptOnAxis(start, length, reach, before, behind) {
  const aside = (reach - length) / 2;
  const [low, high] = [start - aside + before, 1 + behind - start - length - aside];
  const room = (low + high) / 2;
  const soft = room > 0 ? (SOFT * length) / (1 + length / room) : 0;
  return start + push(low, soft) - push(high, soft);
}

/** What must be added to a gap, so that it is at least 0, with a soft bend there. @param {number} gap @param {number} soft */
function push(gap, soft) {
  if (gap >= soft) return 0;
  return gap <= -soft ? -gap : (gap + soft) ** 2 / (4 * soft) - gap;
}

/** How far the camera has swayed after some milliseconds, to the right and down, in widths of the view: a figure eight.
 * @param {Motion} motion @param {number} played @returns {[number, number]} */
export function swayAt({ drift, drift_seconds }, played) {
  const phase = (2 * Math.PI * played) / 1000 / drift_seconds;
  return [drift * Math.sin(phase), (drift / 2) * Math.sin(2 * phase)];
}

/** The sway of a view that plays: it goes on where it was. */
export class Sway {
  constructor() {
    /** Milliseconds that the view has played. */ this.played = 0;
    /** In parts of the view. @type {[number, number]} */ this.now = [0, 0];
  }

  /** By how much the view sways on in some milliseconds, and where it was. @param {Motion | undefined} motion
   * @param {number} passed @param {number} aspect of the view */
  step(motion, passed, aspect) {
    const before = this.now;
    this.played += passed;
    const [right, down] = motion?.drift ? swayAt(motion, this.played) : [0, 0];
    this.now = [right, down * aspect];
    return { before, now: this.now };
  }
}
