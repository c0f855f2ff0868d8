import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

// axe does not check text over gradients, text of one character, and borders of controls.
test.each(['light', 'dark'])('colours have enough contrast in the %s theme', (theme) => {
  const css = readFileSync(new URL('../../../worker/web/style/theme.css', import.meta.url), 'utf8')
  const rules = css.split('@media')[theme === 'light' ? 0 : 1] ?? ''
  const colours = new Map(
    [...rules.matchAll(/--([\w-]+): (#\w{6})/g)].map(([, name, hex]) => [name, hex]),
  )
  const luminanceOf = (name: string): number => luminance(colours.get(name) ?? 'missing')
  const contrast = (a: string, b: string): number =>
    (Math.max(luminanceOf(a), luminanceOf(b)) + 0.05) /
    (Math.min(luminanceOf(a), luminanceOf(b)) + 0.05)
  for (const [text, ...backgrounds] of [
    ['text', 'background', 'surface', 'surface-sunken', 'own-message', 'highlight'],
    ['text-muted', 'background', 'surface', 'surface-sunken', 'own-message'],
    ['accent', 'surface', 'background'],
    ['on-accent', 'accent'],
    ['error', 'error-background', 'surface', 'own-message'],
    ['surface', 'error'],
  ] as const) {
    for (const background of backgrounds) {
      expect(contrast(text, background), `${text} on ${background}`).toBeGreaterThanOrEqual(4.5)
    }
  }
  for (const background of ['surface', 'background']) {
    const name = `control-border on ${background}`
    expect(contrast('control-border', background), name).toBeGreaterThanOrEqual(3)
  }
})

/** Relative luminance as WCAG 2 defines it; NaN for what is not a colour. */
function luminance(hex: string): number {
  const [r = Number.NaN, g = Number.NaN, b = Number.NaN] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
