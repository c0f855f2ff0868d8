/** A line end in what somebody said could pass for a line of the bot's own. */
export function oneLine(text: string): string {
  return text.replace(/[\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
}
