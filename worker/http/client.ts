/**
 * Whom a request comes from: the address that Cloudflare saw, which nobody can choose freely. Of
 * IPv6 it is the /64, such as `2001:db8:0:1::/64`, since one client has all of the addresses in it;
 * IPv4 within IPv6 is IPv4. Without any, on this machine, it is `local`. At most 64 characters.
 */
export function clientOf(request: Request): string {
  const shown = request.headers.get('cf-connecting-ip')?.trim().toLowerCase() ?? ''
  if (shown === '') return 'local'
  if (!shown.includes(':')) return shown.slice(0, 64)
  const groups = groupsOf(shown)
  // Nothing that Cloudflare sends; it is counted all the same.
  if (groups === undefined) return shown.slice(0, 64)
  const [, , , , , mark, high = 0, low = 0] = groups
  if (mark === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/** The eight groups of an IPv6 address; `undefined` if it is none. */
function groupsOf(address: string): readonly number[] | undefined {
  const url = URL.parse(`http://[${address}]/`)
  if (url === null) return undefined
  // As the URL standard writes it: without leading zeros, and without a dotted end.
  const [before = [], after = []] = url.hostname
    .slice(1, -1)
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')))
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
}
