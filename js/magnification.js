// @ts-check
// How people write a magnification.

/** How a magnification is written: ×1, ×6.25, ×512, ×1.2 million. @param {number} log ln of the magnification */
export function magnificationText(log) {
  const value = Math.exp(log);
  if (value < 99.5) return `×${Number(value.toPrecision(3))}`;
  if (value < 999_999.5) return `×${Math.round(value).toLocaleString("en-US")}`;
  let exponent = Math.floor(log / Math.LN10 + 1e-9);
  let digits = Number(Math.exp(log - exponent * Math.LN10).toPrecision(3));
  if (digits >= 10) [digits, exponent] = [digits / 10, exponent + 1]; // rounded up to the next unit
  const name = ["million", "billion", "trillion"][Math.floor(exponent / 3) - 2];
  return name ? `×${Number((digits * 10 ** (exponent % 3)).toPrecision(3))} ${name}` : `×${digits}e${exponent}`;
}
