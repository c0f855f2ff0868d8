/**
 * Returns the client of a request, in at most 64 characters: the address that Cloudflare saw, which a
 * client cannot forge. Of IPv6 it is the /64, such as `2001:db8:0:1::/64`, because one client has all
 * addresses in it; IPv4 within IPv6 is IPv4. Without Cloudflare it is `local`.
 */
export function clientOf(request: Request): string {
  const address = request.headers.get('cf-connecting-ip')?.trim().toLowerCase() ?? ''
  if (address === '') return 'local'
  if (!address.includes(':')) return address.slice(0, 64)
  const groups = parseIPv6(address)
  // Cloudflare sends only addresses; any other text still counts as a client.
  if (groups === undefined) return address.slice(0, 64)
  const [, , , , , mark, high = 0, low = 0] = groups
  if (mark === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/** Parses an IPv6 address into its eight groups; `undefined` for any other text. */
function parseIPv6(address: string): readonly number[] | undefined {
  const url = URL.parse(`http://[${address}]/`)
  if (url === null) return undefined
  // The URL standard writes addresses without leading zeros and without a dotted end.
  const [before = [], after = []] = url.hostname
    .slice(1, -1)
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')))
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
}
