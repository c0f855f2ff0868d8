/**
 * Returns the element with this id.
 *
 * @throws Error if the page has no such element, or one of another type
 */
export function getElement<E extends Element>(id: string, type: new () => E): E {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`index.html must have a ${type.name} with the id "${id}".`)
}

/** Creates an element. Strings become text nodes, so markup in them is shown as text. */
export function createElement<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag)
  if (className !== '') created.className = className
  created.append(...children)
  return created
}

/** Gives `parent` these children in this order. Does not touch a child that is already in place. */
export function syncChildren(parent: Element, children: readonly Element[]): void {
  const kept = new Set(children)
  for (const child of parent.querySelectorAll(':scope > *')) {
    if (!kept.has(child)) child.remove()
  }
  let next = parent.firstElementChild
  for (const child of children) {
    if (child === next) next = next.nextElementSibling
    else parent.insertBefore(child, next)
  }
}
