// @ts-check
// How many pixels a moving picture is drawn with. Without a graphics card a large one takes long: while it moves it then
// has fewer pixels. At rest it always has all of them.

/** Parts of a picture's width and height in pixels. */
const DETAILS = [1, 0.7, 0.5, 0.35];
/** Milliseconds that a frame may take. */
const DRAW_TIME = 14;
/** As many pixels are always drawn: if those take long, it is the page around them that does. */
const FEWEST_PIXELS = 500 ** 2;

export class FrameDetail {
  constructor() {
    /** Milliseconds that a frame takes while the picture moves, about. */ this.cost = 0;
    /** Of DETAILS. */ this.step = 0;
    this.startedAt = 0;
    // A canvas is painted after the script that draws on it has ended: only a message that comes then tells how long.
    this.afterFrame = new MessageChannel();
    this.afterFrame.port1.onmessage = () => this._choose(performance.now() - this.startedAt);
  }

  close() {
    this.afterFrame.port1.close();
  }

  /** Pixels of the canvas per pixel of the page. @param {number} full of them at rest
   * @param {number} width @param {number} height of the picture in pixels of the page */
  ratio(full, width, height) {
    const least = Math.min(full, Math.sqrt(FEWEST_PIXELS / (width * height)));
    return Math.max(full * DETAILS[this.step], least);
  }

  /** Learn from a frame that has just been drawn. @param {number} startedAt when its drawing began, in milliseconds */
  learn(startedAt) {
    this.startedAt = startedAt;
    this.afterFrame.port2.postMessage(0);
  }

  /** Fewer pixels if frames take too long, more if those would not. @param {number} passed milliseconds for a frame */
  _choose(passed) {
    this.cost += 0.2 * (passed - this.cost);
    const cheaper = DETAILS[this.step + 1];
    const finer = DETAILS[this.step - 1];
    const next = this.cost > DRAW_TIME && cheaper ? cheaper : finer;
    if (!next) return;
    const cost = this.cost * (next / DETAILS[this.step]) ** 2;
    if (next === finer && cost > 0.7 * DRAW_TIME) return;
    this.step = DETAILS.indexOf(next);
    this.cost = cost;
  }
}
